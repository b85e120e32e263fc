# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file in which an unfinished scan waits for its next slice: for its owner only, and no other file is ever taken for it."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from pathlib import Path
from typing import Any

PREFIX = "aragora-redis-keyspace-"


def save(data: dict[str, Any], path: str | None, folder: str) -> str:
    """Write the state, mode 0600, to the file where it was before or to a new one in this folder. Returns its path."""
    target = path or _new(folder)
    partial = Path(target + ".new")
    partial.unlink(missing_ok=True)
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(data, file)
    partial.replace(target)
    return target


def load(path: str) -> dict[str, Any]:
    """Read the state. ValueError for a file that is none, or that somebody else could have written."""
    problem = f"the state {path} cannot be used"
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        with os.fdopen(handle, encoding="utf-8") as file:
            found = os.fstat(handle)
            if not Path(path).name.startswith(PREFIX) or found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) != 0o600:
                raise ValueError(f"{problem}: it is not a file that this user's scan has written")
            data: dict[str, Any] = json.load(file)
    except (OSError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{problem}: {error}") from None
    return data


def discard(path: str | None) -> None:
    """Delete the state, where there is one."""
    if path and Path(path).name.startswith(PREFIX):
        for name in (path, path + ".new"):
            Path(name).unlink(missing_ok=True)


def _new(folder: str) -> str:
    place = folder if os.access(folder, os.W_OK | os.X_OK) else tempfile.gettempdir()
    handle, path = tempfile.mkstemp(prefix=PREFIX, suffix=".json", dir=place)
    os.close(handle)
    return path
