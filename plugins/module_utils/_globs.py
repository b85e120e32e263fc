# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Redis's glob patterns, compiled for names of any bytes: ``*``, ``?``, ``[abc]``, ``[^a]`` and ``\\x``."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Sequence

MOST_PATTERNS = 200
# Longer names are matched by their beginning.
LONGEST_NAME = 4096
_SPECIAL = re.compile(r"\\(.)|\[\^|(\[)!", re.DOTALL)


def matcher(globs: Sequence[str]) -> Callable[[bytes], int]:
    """A function that tells the place of the first pattern that a name matches, -1 for none. ValueError names what cannot be meant."""
    if len(globs) > MOST_PATTERNS or not all(globs):
        raise ValueError(f"patterns holds {len(globs)} patterns: give up to {MOST_PATTERNS}, none of them empty")
    found = [re.compile(fnmatch.translate(_translated(glob))).match for glob in globs]

    def place(name: bytes) -> int:
        text = name[:LONGEST_NAME].decode("latin-1")
        return next((number for number, match in enumerate(found) if match(text)), -1)

    return place


def _translated(glob: str) -> str:
    """The pattern in the words of fnmatch, on bytes as Latin-1."""
    text = glob.encode("utf-8", "surrogateescape").decode("latin-1")
    return _SPECIAL.sub(lambda found: _literal(found.group(1)) if found.group(1) else "[\\!" if found.group(2) else "[!", text)


def _literal(char: str) -> str:
    return f"[{char}]" if char in "*?[" else char
