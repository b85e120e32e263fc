# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""RDB files: what they begin with, their checksum, and copies of them for their owner only."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import BinaryIO

CHUNK = 1024 * 1024
# REDIS0011, VALKEY080.
HEAD = re.compile(rb"(REDIS|VALKEY)(\d{3,4})")
HEAD_BYTES = 9


def head(path: Path) -> tuple[str, int]:
    """(REDIS or VALKEY, RDB version). ValueError for what is no RDB file."""
    with path.open("rb") as file:
        found = HEAD.fullmatch(file.read(HEAD_BYTES))
    if not found:
        raise ValueError(f"{path} is no RDB file")
    return found.group(1).decode(), int(found.group(2))


def checksum(path: Path) -> str:
    """SHA-256."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def copied(source: BinaryIO, target: Path) -> tuple[str, int]:
    """(SHA-256, bytes) of what was copied into a new file, which belongs to the owner of its folder, and to nobody else."""
    digest, size, owner = hashlib.sha256(), 0, target.parent.stat()
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as file:
        while chunk := source.read(CHUNK):
            digest.update(chunk)
            size += file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    if os.geteuid() == 0:
        os.chown(target, owner.st_uid, owner.st_gid)
    return digest.hexdigest(), size


def room(folder: Path | str) -> int:
    """Free bytes where the folder lies."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize
