# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What playbooks of the tests leave to those after them, so that nothing is done twice that always comes out the same."""

from __future__ import annotations

import functools
import hashlib
import os
import sys
from pathlib import Path

import ansible

ROOT = Path(__file__).resolve().parents[2]


@functools.cache
def folder() -> Path:
    """Where it is: a place for each state of the collection, of Ansible and of Python."""
    sources = sorted((ROOT / "plugins").rglob("*.py"))
    state = [ansible.__file__, ansible.__version__, sys.version, *((str(path), path.stat().st_mtime_ns) for path in sources)]
    place = ROOT / ".cache" / "kept" / hashlib.sha256(repr(state).encode()).hexdigest()[:16]
    place.mkdir(0o700, parents=True, exist_ok=True)
    return place


def known(name: str) -> bytes | None:
    """What is kept under a name there, None where nothing is."""
    try:
        return (folder() / name).read_bytes()
    except FileNotFoundError:
        return None


def keep(name: str, data: bytes) -> None:
    """Keep it, while others may do the same."""
    part = folder() / f"{name}.{os.getpid()}"
    part.write_bytes(data)
    part.rename(folder() / name)
