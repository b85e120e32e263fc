# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starts programs where a module runs; everything else of ours that needs one asks here.

``run_command`` of a module knows no time-out, and cannot say as whom a program runs; the watch of a fallback has no module at all.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from typing import Any


def finished(words: Sequence[str], seconds: float, **options: Any) -> subprocess.CompletedProcess[Any]:
    """What came of a program, whatever its exit status; it reads nothing where ``options`` have no ``input``.

    OSError where it cannot be started; subprocess.TimeoutExpired, after it was killed, where it did not end within so many seconds.
    """
    given = options if "input" in options else {"stdin": subprocess.DEVNULL, **options}
    return subprocess.run(words, timeout=seconds, check=False, **given)  # pylint: disable=ansible-bad-function


def started(words: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
    """A program that runs; who starts it ends it. OSError where it cannot be started."""
    return subprocess.Popen(words, **options)  # pylint: disable=ansible-bad-function
