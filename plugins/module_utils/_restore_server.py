# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Put a backup back: a throw-away server loads it, is counted, and the server copies it from there as a replica does.

So nothing is restarted and no file is moved: until the new data is there whole, the server serves what it had, and afterwards Redis itself
writes its RDB and its append-only file anew.
"""

from __future__ import annotations

import contextlib
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _backup, _backup_ways, _info, _rdb_file, _rdb_versions, _scratch_server
from ansible_collections.aragora.redis.plugins.module_utils._client import Client, Refused, Unavailable, open_any, open_client
from ansible_collections.aragora.redis.plugins.module_utils._interrupts import postponed
from ansible_collections.aragora.redis.plugins.module_utils._keys_server import Keys
from ansible_collections.aragora.redis.plugins.module_utils._manners import check_number, documented, refusal

LONGEST = 86_400
INTERVAL = 0.1
# A server that has not come until then cannot reach the address.
ARRIVAL = 15.0
# Keys that expire meanwhile make counts differ for a moment.
SETTLING = 20.0
SAMPLE = 1_000
# States that pass.
SILENT = ("hung", "timeout", "loading", "max_clients")
LOGIN = ("masterauth", "masteruser", "tls-replication", "maxmemory", "save")


class NotRestored(ValueError):
    """``touched`` tells whether the server may hold other data than before."""

    def __init__(self, sentence: str, touched: bool) -> None:
        super().__init__(sentence)
        self.touched = touched


def restore_argument_spec() -> dict[str, Any]:
    """The options of redis_restore beside those of the connection."""
    return {
        "src": {"type": "path", "required": True},
        "backup": {"type": "dict", "required": True},
        "accept_data_loss": {"type": "bool", "default": False},
        "address": {"type": "str", "default": "127.0.0.1"},
        "pid": {"type": "int"},
        "program": {"type": "path"},
        "wait_timeout": {"type": "float", "default": 3600.0},
    }


def restored(client: Client, options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """The result of redis_restore. ValueError where nothing was touched, NotRestored where perhaps something was."""
    check_number("wait_timeout", options["wait_timeout"], 1, LONGEST)
    with documented(client.endpoint.address):
        info, config = _looked(client, options, check_mode)
        path, program = Path(options["src"]), _program(info, options)
        listen = None if check_mode else _listen(options["address"], config)
        with _scratch_server.loaded(path, program, options["wait_timeout"], listen) as scratch:
            counted = _good(scratch, options["backup"])
            _fits(client, scratch, config)
            held = _backup.keyspace(info)
            result = {"changed": True, "counted": counted, "held": held, "program": program[0]}
            if not listen:
                return result
            with _login(client, listen, config):
                result["restored"] = _copied(client, scratch, listen, options["wait_timeout"])
        return {**result, **_persisted(client, config, options["wait_timeout"])}


def _looked(client: Client, options: Mapping[str, Any], check_mode: bool) -> tuple[dict[str, Any], dict[str, str]]:
    """(INFO, settings) of a server into which a backup may be restored. ValueError for all others."""
    replies = client.pipeline([("INFO",), *(("CONFIG", "GET", name) for name in LOGIN)])
    for command, reply in zip((("INFO",), *[("CONFIG", "GET")] * len(LOGIN)), replies):
        if isinstance(reply, Refused):
            raise ValueError(refusal(client, command, reply))
    config = {name: value for reply in replies[1:] for name, value in zip(reply[::2], reply[1::2])}
    info = _info.parse(replies[0])
    if (info.get("cluster") or {}).get("cluster_enabled"):
        raise ValueError(f"{client.endpoint.address} is a node of a cluster, which cannot copy from a single server")
    if (info.get("replication") or {}).get("role") != "master":
        raise ValueError(f"{client.endpoint.address} is a replica: restore its master")
    if _backup.keyspace(info) and not options["accept_data_loss"] and not check_mode:
        raise ValueError(f"{client.endpoint.address} holds keys, which would be replaced: accept_data_loss accepts that")
    return dict(info), config


def _program(info: Mapping[str, Any], options: Mapping[str, Any]) -> tuple[str, str, str]:
    """The program of the throw-away server: one that reads the file, and whose data the server reads."""
    server, path = info["server"], Path(options["src"])
    product = "valkey" if server.get("valkey_version") else "redis"
    version = str(server.get("valkey_version") or server.get("redis_version"))
    magic, rdb = _rdb_file.head(path)
    problem = _rdb_versions.unreadable(product, version, magic, rdb)
    if problem:
        raise ValueError(f"the backup cannot be restored here: {problem}")
    pid = options["pid"] or (int(server.get("process_id") or 0))
    program = _scratch_server.program_for(product, options["program"] or _backup_ways.program(pid), magic, rdb)
    writes = _rdb_versions.written(program[1], program[2]) or 0
    problem = _rdb_versions.unreadable(product, version, "VALKEY" if writes > _rdb_versions.FOREIGN else "REDIS", writes)
    if problem:
        raise ValueError(f"{program[0]} is {program[1].capitalize()} {program[2]}, and {problem}: give another program")
    _scratch_server.enough_memory(int(options["backup"].get("used_memory") or path.stat().st_size))
    return program


def _listen(address: str, config: Mapping[str, str]) -> _scratch_server.Listen:
    """Where the server finds the throw-away server, and its login: the one with which it would go to any master."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as found:
        try:
            found.bind((address, 0))
        except OSError as error:
            raise ValueError(f"address: {address} is none of this machine ({error.strerror})") from None
        port = int(found.getsockname()[1])
    return _scratch_server.Listen(address, port, config.get("masteruser") or "", config.get("masterauth") or secrets.token_hex(24))


def _good(scratch: _scratch_server.Scratch, backup: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What stands in the file. ValueError where its manifest says otherwise."""
    counted = _scratch_server.counted(scratch.client)
    wrong = _backup.differences(_backup.exactly(backup["counted"]) if backup.get("counted") else backup["said"], counted)
    if wrong:
        raise ValueError(f"the backup is not what its manifest says: {'; '.join(wrong[: _backup.SHOWN])}")
    return counted


def _fits(client: Client, scratch: _scratch_server.Scratch, config: Mapping[str, str]) -> None:
    """ValueError where the server would evict some of it at once, or take no writes."""
    limit = int(config.get("maxmemory") or 0)
    used = int(_info.parse(scratch.client.call("INFO", "memory"))["memory"]["used_memory"])
    if limit and used > limit:
        raise ValueError(f"its data needs {used:,} bytes, and maxmemory of {client.endpoint.address} is {limit:,}: raise that first")


@contextlib.contextmanager
def _login(client: Client, listen: _scratch_server.Listen, config: Mapping[str, str]) -> Iterator[None]:
    """Let the server log in there, for as long as this lasts."""
    wanted = {} if config.get("masterauth") else {"masterauth": (listen.password, "")}
    wanted.update({"tls-replication": ("no", "yes")} if config.get("tls-replication") == "yes" else {})
    try:
        for name, (value, dummy) in wanted.items():
            client.call("CONFIG", "SET", name, value)
        yield
    except Refused as error:
        raise ValueError(refusal(client, ("CONFIG", "SET"), error)) from None
    finally:
        back = [("CONFIG", "SET", name, before) for name, (dummy, before) in wanted.items()]
        if back:
            with postponed():
                _insist(client, lambda other: other.pipeline(back), SETTLING)


def _copied(client: Client, scratch: _scratch_server.Scratch, listen: _scratch_server.Listen, seconds: float) -> dict[str, dict[str, int]]:
    """The counts of the server when it has copied everything; it is a master again at the end, whatever happens."""
    scratch.client.call("REPLICAOF", "NO", "ONE")
    follows = True
    try:
        # Who is interrupted before the answer is here has a server that follows all the same.
        [said] = client.pipeline([("REPLICAOF", listen.address, listen.port)])
        if isinstance(said, Refused):
            follows = False
            raise ValueError(refusal(client, ("REPLICAOF",), said))
        _wait(client, scratch, listen, seconds)
        found: dict[str, dict[str, int]] = _insist(client, lambda other: _same(other, scratch), SETTLING)
    except (ValueError, Unavailable, Refused) as error:
        if not follows:
            raise
        raise NotRestored(str(error), _arrived(scratch)) from None
    finally:
        if follows:
            with postponed():
                _insist(client, lambda other: other.call("REPLICAOF", "NO", "ONE"), seconds)
    return found


def _insist(client: Client, what: Callable[[Client], Any], seconds: float) -> Any:
    """What this brings, by a connection of its own; again for as long as it may take where the server answers nobody meanwhile.

    It does so while it frees what it held, and while it loads a single large key.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            other, dummy = open_any(client.endpoint, 5.0, 30.0)
            with contextlib.closing(other):
                return what(other)
        except (Unavailable, Refused) as error:
            if error.failure.state not in SILENT or time.monotonic() > end:
                raise
        time.sleep(INTERVAL)


def _wait(client: Client, scratch: _scratch_server.Scratch, listen: _scratch_server.Listen, seconds: float) -> None:
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        info = _insist(client, lambda other: _info.parse(other.call("INFO")), seconds)
        replication = info.get("replication") or {}
        if replication.get("master_link_status") == "up" and not info.get("persistence", {}).get("loading"):
            return
        if time.monotonic() - started > ARRIVAL and not _arrived(scratch) and not info.get("persistence", {}).get("loading"):
            place = f"{listen.address}:{listen.port}"
            raise ValueError(f"{client.endpoint.address} has not come to {place} in {ARRIVAL:g} s: give the address at which it finds us")
        time.sleep(INTERVAL)
    raise ValueError(f"after {seconds:g} s {client.endpoint.address} was still copying")


def _arrived(scratch: _scratch_server.Scratch) -> bool:
    """Whether the server has begun to copy."""
    with contextlib.suppress(Unavailable, Refused):
        return int(_info.parse(scratch.client.call("INFO", "stats"))["stats"].get("sync_full") or 0) > 0
    return True


def _same(client: Client, scratch: _scratch_server.Scratch) -> dict[str, dict[str, int]]:
    """The counts, which are the same on both. ValueError where they do not become so."""
    end, wrong = time.monotonic() + SETTLING, ["nothing was counted"]
    while wrong and time.monotonic() < end:
        there, here = (_backup.keyspace(_info.parse(each.call("INFO", "keyspace"))) for each in (scratch.client, client))
        wrong = _backup.differences(_backup.exactly(there), here)
        time.sleep(INTERVAL if wrong else 0)
    if not wrong and here:
        db = int(max(here, key=lambda name: here[name]["keys"])[2:])
        keys = Keys(scratch.client, db)
        first = keys.seen(keys.some(SAMPLE))
        now = time.time() * 1000 + _backup.SAME_MOMENT
        lasting = {name: row for name, row in first.items() if row[1] < 0 or row[1] > now}
        strangers = _backup.strangers(lasting, Keys(client, db).seen(list(lasting)))
        wrong = [f"{len(strangers)} of {len(lasting)} keys have another type or expiry"] if strangers else []
    if wrong:
        raise ValueError(f"what {client.endpoint.address} holds now is not the backup: {'; '.join(wrong[: _backup.SHOWN])}")
    return here


def _persisted(client: Client, config: Mapping[str, str], seconds: float) -> dict[str, Any]:
    """Have it on the disk as well: ``{persisted, persist_reason}``."""
    try:
        with contextlib.closing(_again(client)) as other:
            started = time.monotonic()
            while True:
                told = _info.parse(other.call("INFO", "persistence"))["persistence"]
                if not told.get("aof_enabled") or not (told.get("aof_rewrite_in_progress") or told.get("aof_rewrite_scheduled")):
                    break
                if time.monotonic() - started > seconds:
                    raise ValueError("its append-only file is still being written anew")
                time.sleep(INTERVAL)
            if told.get("aof_enabled") and told.get("aof_last_bgrewrite_status") != "ok":
                raise ValueError("its append-only file could not be written anew: see its log")
            if config.get("save"):
                _backup_ways.save(other, seconds)
            kept = bool(told.get("aof_enabled") or config.get("save"))
    except (ValueError, Unavailable, Refused) as error:
        return {"persisted": False, "persist_reason": str(error)}
    return {"persisted": kept, "persist_reason": None if kept else "it saves nothing by itself"}


def _again(client: Client) -> Client:
    """Another connection: the first one may be gone, or in the middle of something."""
    return open_client(client.endpoint, 5.0, 30.0)
