# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The folder of the backups on the controller: ``<dir>/<server>/<time>.rdb`` and its manifest ``<time>.json``, for their owner only."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _backup, _rdb_file
from ansible_collections.aragora.redis.plugins.module_utils._names import file_name
from ansible_collections.aragora.redis.plugins.module_utils._report.files import as_json, private_file, private_folder

LATEST = "latest"
LARGEST_MANIFEST = 1024 * 1024
# What is fetched, until its checksum was found to be right.
PARTIAL = ".rdb.partial"


def prepared(folder: Path, server: str, size: int) -> Path:
    """Where the file is to be fetched to. ValueError where there is no room for so many bytes."""
    place = folder / file_name(server)
    private_folder(place)
    room = _rdb_file.room(place)
    if room < size:
        raise ValueError(f"{place} has room for {room:,} bytes, and the backup needs {size:,}: give another redis_backup_dir")
    stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    names = [stamp, *(f"{stamp}-{number}" for number in range(1, 100))]
    taken = {path.name.split(".")[0] for path in place.iterdir()}
    return place / (next(name for name in names if name not in taken) + PARTIAL)


def kept(partial: Path, manifest: Mapping[str, Any], keep: int) -> tuple[dict[str, Any], list[str]]:
    """(the manifest as it was written, paths of what was deleted). ValueError where the file is not what was sent."""
    if not partial.name.endswith(PARTIAL):
        raise ValueError(f"{partial} is not where a backup was fetched to: give the path that state=prepared returned")
    found = _rdb_file.checksum(partial)
    if found != manifest["sha256"]:
        partial.unlink()
        raise ValueError(f"the file that was fetched has the checksum {found}, and the server's {manifest['sha256']}: try again")
    partial.chmod(0o600)
    target = partial.with_name(partial.name.removesuffix(PARTIAL) + ".rdb")
    whole = _backup.check({**manifest, "schema": _backup.SCHEMA, "file": target.name}, str(target))
    partial.rename(target)
    private_file(target.with_suffix(".json"), as_json(whole))
    return whole, _pruned(target.parent, keep)


def found(folder: Path, server: str, name: str) -> tuple[dict[str, Any], Path]:
    """(manifest, RDB file) of a backup, after its checksum was found to be right. ``name``: latest (of those that hold not
    what a restore has replaced), a time, or the path of a manifest.

    ValueError says what is wrong.
    """
    path = _manifest_path(folder / file_name(server), name)
    manifest = _read(path)
    file = path.with_name(manifest["file"])
    if not file.is_file():
        raise ValueError(f"{file} is not there, although {path} tells of it")
    digest = _rdb_file.checksum(file)
    if digest != manifest["sha256"]:
        raise ValueError(f"{file} is damaged: its checksum is {digest}, and was {manifest['sha256']} when it was taken")
    return manifest, file


def _manifest_path(place: Path, name: str) -> Path:
    if "/" in name:
        path = Path(name).expanduser().absolute()
        return path.with_suffix(".json")
    if name != LATEST:
        return place / f"{name.removesuffix('.rdb').removesuffix('.json')}.json"
    paths = sorted((path for path in place.glob("*.json") if _backup.NAME.fullmatch(path.stem)), key=lambda path: path.stem)
    known = {path: _read(path) for path in paths}
    meant = [path for path in paths if not _backup.is_before_restore(known[path])]
    good = [path for path in meant if known[path]["tested"]]
    if not meant:
        others = f" but what {len(paths)} restores have replaced, which have to be named" if paths else ""
        raise ValueError(f"there is no backup in {place}{others}: give redis_backup_dir, or the path of a manifest as redis_restore_from")
    return (good or meant)[-1]


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST_MANIFEST:
            raise ValueError("it is too large")
        return _backup.check(json.loads(path.read_text(encoding="utf-8")), str(path))
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise ValueError(f"{path} cannot be read as the manifest of a backup: {error}") from None


def _pruned(place: Path, keep: int) -> list[str]:
    """Delete what is dispensable: files that a manifest of ours names, and nothing else."""
    manifests = {}
    for path in place.glob("*.json"):
        try:
            manifests[path.stem] = _read(path)
        except ValueError:
            continue
    # A manifest that names another file than its own is not believed.
    own = [row for stem, row in manifests.items() if row["file"] == f"{stem}.rdb"]
    gone = []
    for name in _backup.dispensable(own, keep):
        file = place / name
        file.unlink(missing_ok=True)
        file.with_suffix(".json").unlink(missing_ok=True)
        gone.append(str(file))
    return gone
