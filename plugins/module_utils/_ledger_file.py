# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ledger on its host: one writer at a time, never half a file, for its owner only."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _guard

LEDGER = "ledger.json"
AUDIT = "audit.jsonl"
FREEZE = "freeze"
LOCK = ".lock"
# How long to wait for another writer, who needs milliseconds.
LOCK_SECONDS = 10.0
# 2,000 entries are less than 1 MiB.
LARGEST = 16 * 1024 * 1024


class Unusable(Exception):
    """The ledger cannot be read or written. ``str()`` says which file, why, and what to do."""


def read(folder: Path) -> dict[str, Any]:
    """The ledger; an empty one where there is none yet. Raises Unusable."""
    path = folder / LEDGER
    try:
        return _guard.checked(json.loads(_text(path)))
    except FileNotFoundError:
        return _guard.empty()
    except OSError as error:
        raise Unusable(
            f"the ledger {path} cannot be read ({error.strerror}): run as its owner, with become, or set redis_guard_dir"
        ) from None
    except ValueError as error:
        raise Unusable(f"the ledger {path} is damaged ({error}): look at it, then move it away") from None


def frozen(folder: Path) -> str | None:
    """What the freeze file says, None where there is none; one that cannot be read freezes, too."""
    try:
        return _text(folder / FREEZE, 500)
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"{folder / FREEZE} cannot be read ({error.strerror})"


def change(folder: Path, how: Callable[[dict[str, Any]], Mapping[str, Any] | None]) -> None:
    """Read, change and write while nobody else does; ``how`` returns the new ledger, or None to leave it. Raises Unusable."""
    try:
        with locked(folder):
            new = how(read(folder))
            if new is not None:
                _replace(folder / LEDGER, json.dumps(new, indent=1) + "\n")
    except OSError as error:
        raise Unusable(f"the ledger in {folder} cannot be written ({error.strerror}): run with become, or set redis_guard_dir") from None


def audit(folder: Path, line: Mapping[str, Any]) -> None:
    """Append one line about what was done. Raises Unusable."""
    try:
        descriptor = os.open(folder / AUDIT, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8") as file:
            file.write(json.dumps(line, sort_keys=True) + "\n")
    except OSError as error:
        raise Unusable(f"{folder / AUDIT} cannot be written ({error.strerror})") from None


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _check_owner(folder, os.geteuid())
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        end = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    raise BlockingIOError(errno.EAGAIN, f"another run has held {folder / LOCK} for {LOCK_SECONDS:g} s") from None
                time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)


def _text(path: Path, longest: int = -1) -> str:
    """What a file of the folder says. Others could make this run set what they like: what they may write is not read."""
    _check_owner(path.parent, 0, os.geteuid())
    # A pipe in its place would be waited for.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(descriptor, encoding="utf-8", errors="replace") as file:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode) or state.st_size > LARGEST:
            raise OSError(errno.EINVAL, f"it is no file, or larger than {LARGEST >> 20} MiB")
        return file.read(longest)


def _check_owner(folder: Path, *owners: int) -> None:
    state = folder.stat()
    if state.st_uid not in owners or state.st_mode & 0o022:
        raise PermissionError(errno.EPERM, "the folder is not this user's alone to write")


def _replace(path: Path, text: str) -> None:
    """Write beside it and rename: whoever reads sees the old file or the new one."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
