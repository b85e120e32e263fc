# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Take a backup: the file that BGSAVE has written, or where that cannot be reached what ``redis-cli --rdb`` gets as a replica would."""

from __future__ import annotations

import datetime
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _backup, _backup_ways, _info, _rdb_file, _rdb_versions, _scratch_server
from ansible_collections.aragora.redis.plugins.module_utils._client import Client, Refused
from ansible_collections.aragora.redis.plugins.module_utils._keys_server import Keys
from ansible_collections.aragora.redis.plugins.module_utils._manners import check_number, documented, refusal

FILE = "dump.rdb"
LONGEST = 86_400
MOST_SAMPLE = 10_000


def backup_argument_spec() -> dict[str, Any]:
    """The options of redis_backup beside those of the connection."""
    return {
        "dest": {"type": "path", "required": True},
        "way": {"type": "str", "choices": ["auto", "file", "replication"], "default": "auto"},
        "pid": {"type": "int"},
        "test": {"type": "bool", "default": True},
        "program": {"type": "path"},
        "sample": {"type": "int", "default": 500},
        "wait_timeout": {"type": "float", "default": 3600.0},
    }


def check_options(options: Mapping[str, Any]) -> None:
    """ValueError for numbers that cannot be meant."""
    check_number("wait_timeout", options["wait_timeout"], 1, LONGEST)
    check_number("sample", options["sample"], 0, MOST_SAMPLE)


def backed_up(client: Client, options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """The result of redis_backup. ValueError, with one sentence, where there is no backup, or one that is not what the server held."""
    with documented(client.endpoint.address):
        info = _told(client)
        source = _backup_ways.source(client, info, options)
        if check_mode:
            why = _untestable(_about(info, client), source, options) if options["test"] else ""
            return {"changed": True, "would": _would(info, source, options, why), "untested_because": why}
        target = Path(options["dest"]) / FILE
        if not target.parent.is_dir():
            raise ValueError(f"dest: {target.parent} is no folder here")
        if target.exists() or target.is_symlink():
            raise ValueError(f"dest: {target} is there already: give an empty folder, so that nothing is overwritten")
        names = _sampled(client, info, options["sample"])
        started = time.time()
        try:
            taken = _backup_ways.taken(client, source, target, names, options["wait_timeout"])
            manifest = {**_about(info, client), **taken, "taken_at": _stamp(started)}
            manifest.update(
                _tested(target, manifest, names, {**options, "program": options["program"] or source.server})
                if options["test"]
                else _untested("nobody asked for it")
            )
        except BaseException:
            target.unlink(missing_ok=True)
            raise
    del manifest["seen"]
    return {"changed": True, "path": str(target), "backup": manifest, "seconds": round(time.time() - started, 2)}


def _told(client: Client) -> dict[str, Any]:
    text = client.pipeline([("INFO",)])[0]
    if isinstance(text, Refused):
        raise ValueError(refusal(client, ("INFO",), text))
    info = dict(_info.parse(text))
    server = info.get("server") or {}
    if "sentinel" in (server.get("redis_mode"), server.get("server_mode")):
        raise ValueError(f"{client.endpoint.address} is a Sentinel, which holds no data: take a backup of the servers that it watches")
    return info


def _about(info: Mapping[str, Any], client: Client) -> dict[str, Any]:
    """Who it is, without a login."""
    server, memory = info.get("server") or {}, info.get("memory") or {}
    return {
        "address": client.endpoint.address,
        "product": "valkey" if server.get("valkey_version") else "redis",
        "version": str(server.get("valkey_version") or server.get("redis_version") or ""),
        "run_id": server.get("run_id"),
        "role": (info.get("replication") or {}).get("role"),
        "used_memory": int(memory.get("used_memory_dataset") or memory.get("used_memory") or 0),
        "functions": int(memory.get("number_of_functions") or 0),
    }


def _sampled(client: Client, info: Mapping[str, Any], most: int) -> tuple[int, list[bytes]]:
    """(database with the most keys, names of some of them)."""
    rows = _backup.keyspace(info)
    if not rows or not most:
        return 0, []
    db = int(max(rows, key=lambda name: rows[name]["keys"])[2:])
    try:
        return db, Keys(client, db).some(most)
    except ValueError:
        # Who may not scan can have a backup all the same.
        return db, []


def _tested(target: Path, manifest: Mapping[str, Any], sampled: tuple[int, list[bytes]], options: Mapping[str, Any]) -> dict[str, Any]:
    """Load it into a throw-away server and compare. ValueError where it does not hold what the server held."""
    magic, rdb = _rdb_file.head(target)
    try:
        program = _scratch_server.program_for(manifest["product"], options["program"], magic, rdb)
        _scratch_server.enough_memory(manifest["used_memory"])
        with _scratch_server.loaded(target, program, options["wait_timeout"]) as scratch:
            counted = _scratch_server.counted(scratch.client)
            db, dummy = sampled
            same = Keys(scratch.client, db).seen(list(manifest["seen"])) if manifest["seen"] else {}
    except _scratch_server.NoProgram as error:
        return _untested(str(error))
    except ValueError as error:
        if manifest["modules"]:
            return _untested(f"the server has modules ({', '.join(manifest['modules'])}): {error}")
        raise ValueError(f"the backup is no good: {error}") from None
    now = time.time() * 1000
    # What has expired since is gone for everybody who looks.
    lasting = {name: row for name, row in manifest["seen"].items() if row[1] < 0 or row[1] > now + _backup.SAME_MOMENT}
    wrong = _backup.differences(manifest["said"], counted)
    wrong += _backup.sample_differs(len(lasting), len(_backup.strangers(lasting, same)))
    if wrong:
        raise ValueError(f"the backup is no good: {'; '.join(wrong[: _backup.SHOWN])}")
    return {"tested": True, "untested_because": "", "counted": counted, "compared_keys": len(lasting)}


def _untested(why: str) -> dict[str, Any]:
    return {"tested": False, "untested_because": why, "counted": None, "compared_keys": 0}


def _untestable(about: Mapping[str, Any], source: _backup_ways.Source, options: Mapping[str, Any]) -> str:
    """Why nothing here will be able to load it, empty where something will; what cannot be known before the file is there is hoped for."""
    writes = _rdb_versions.written(about["product"], about["version"])
    if writes is None:
        return ""
    try:
        program = options["program"] or source.server
        _scratch_server.program_for(about["product"], program, "VALKEY" if writes > _rdb_versions.FOREIGN else "REDIS", writes)
        _scratch_server.enough_memory(about["used_memory"])
    except _scratch_server.NoProgram as error:
        return str(error)
    return ""


def _would(info: Mapping[str, Any], source: _backup_ways.Source, options: Mapping[str, Any], why: str) -> str:
    rows = _backup.keyspace(info)
    keys = sum(row["keys"] for row in rows.values())
    tested = "and load it into a throw-away server to count it" if options["test"] else "and not test it"
    tested = f"and cannot test it: {why}" if why else tested
    return f"would {source.words} ({keys} keys now), {tested}"


def _stamp(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
