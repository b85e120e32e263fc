# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a process that was forked from a server becomes a program of its own, and ends as one.

Of Ansible it imports nothing: one of the servers (tests/lab/module_server.py) has only what targets get.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Mapping
from typing import NoReturn


def take_on(environment: Mapping[str, str], folder: str, streams: Iterable[int]) -> None:
    """Have this environment, this working folder, and these three files as standard input, output and errors."""
    # The server's own are not this process's to tidy up.
    atexit._clear()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for number, file in enumerate(streams):
        os.dup2(file, number)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", encoding="utf-8", closefd=False, buffering=1) for number in (1, 2))


def finish(run: Callable[[], object]) -> NoReturn:
    """Run it and end, as a Python does: with its exit status or a traceback, after its threads and what it has left for its end."""
    status = 1
    try:
        run()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        threading._shutdown()  # type: ignore[attr-defined]  # waits for threads
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
