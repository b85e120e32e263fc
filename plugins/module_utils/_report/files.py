# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of a report: for their owner only, and never where somebody else has put something before."""

from __future__ import annotations

import errno
import json
import os
import stat
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _previous
from ansible_collections.aragora.redis.plugins.module_utils._names import file_name

LARGEST_SNAPSHOT = 64 * 1024 * 1024
# In the folders of scheduled runs: what had changed, written when people knew of it.
COMPARED = "changes.json"


def private_folder(path: Path) -> None:
    """Make the folder, readable by its owner only. One that exists must be ours alone to write: others could plant links in it."""
    for missing in reversed([path, *path.parents]):
        if not missing.exists():
            missing.mkdir(mode=0o700)
    state = path.stat()
    if state.st_uid not in (0, os.geteuid()) or state.st_mode & 0o022:
        raise PermissionError(errno.EPERM, "others may write into it")


def private_file(path: Path, text: str) -> None:
    """A new file for its owner only; what is there already, be it a link, is an error."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)


def replace_private_file(path: Path, text: str) -> None:
    """The same for a file that is written again: whoever reads sees the old one or the new one."""
    new = path.with_name(f".{path.name}-{uuid.uuid4().hex[:8]}")
    private_file(new, text)
    new.replace(path)


def as_json(data: Any) -> str:
    """As a file holds it, for people and for programs."""
    return json.dumps(data, indent=2, ensure_ascii=True, default=str) + "\n"


def save_snapshots(folder: Path, snapshots: Mapping[str, Any]) -> dict[str, str]:
    """Write each snapshot as ``<name>.json``; ``{name: path}``. OSError where that cannot be done."""
    private_folder(folder)
    paths = {}
    for place, (name, snapshot) in enumerate(snapshots.items()):
        path = folder / f"{file_name(name)}.json"
        # Two names may become one file name: nothing is overwritten.
        path = path.with_name(f"{path.stem}-{place}.json") if path.exists() else path
        private_file(path, as_json(snapshot))
        paths[name] = str(path)
    return paths


def read_snapshot(path: str) -> dict[str, Any]:
    """A snapshot that was saved. ValueError with one sentence for a file that holds none."""
    try:
        data = json.loads(_text(Path(path)))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read as a snapshot: {error}") from None
    if not (isinstance(data, dict) and {"schema", "server", "availability", "denied"} <= set(data)):
        raise ValueError(f"{path} holds no snapshot of redis_info")
    return data


def read_previous(folder: Path, previous: str | None) -> list[dict[str, Any]]:
    """Digests of an earlier report's snapshots: of a run's folder, its report.json, or one of them; none while there is no ``latest``, or
    no ``scheduled`` one, the newest of those that were compared.

    ValueError with one sentence for what is no report.
    """
    if not previous or (previous == "latest" and not (folder / "latest").exists()):
        return []
    if previous == "scheduled":
        runs = compared_runs(folder)
        if not runs:
            return []
        previous = str(runs[-1])
    place = folder / "latest" if previous == "latest" else Path(previous).expanduser().absolute()
    place = place.parent if place.name == "report.json" else place
    paths = sorted((place / "snapshots").glob("*.json")) if place.is_dir() else [place]
    if not paths:
        raise ValueError(f"redis_diagnosis_previous: {place} holds no snapshots: give the folder of a report, or 'latest'")
    try:
        return [_previous.digest(_text(path), str(path)) for path in paths]
    except OSError as error:
        raise ValueError(f"redis_diagnosis_previous: {error.filename} cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise ValueError(f"redis_diagnosis_previous: {error}") from None


def compared_runs(folder: Path) -> list[Path]:
    """The folders of scheduled runs, oldest first: their names begin with the time."""
    return sorted(path.parent for path in folder.glob(f"*/{COMPARED}") if not path.parent.is_symlink() and not path.is_symlink())


def _text(path: Path) -> str:
    """A snapshot's text. ValueError for what is no file, or larger than any snapshot."""
    if not stat.S_ISREG(path.stat().st_mode) or path.stat().st_size > LARGEST_SNAPSHOT:
        raise ValueError(f"{path} is no snapshot: it is no file, or larger than {LARGEST_SNAPSHOT >> 20} MiB")
    return path.read_text(encoding="utf-8", errors="replace")
