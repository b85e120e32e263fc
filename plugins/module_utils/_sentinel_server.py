# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring one Sentinel to what is declared, by its own commands; it writes its file itself."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _info, _sentinel, _sentinel_plan
from ansible_collections.aragora.redis.plugins.module_utils._client import Client, Refused, Unavailable, open_client
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import Endpoint
from ansible_collections.aragora.redis.plugins.module_utils._manners import check_number, documented, refusal
from ansible_collections.aragora.redis.plugins.module_utils._replies import pairs
from ansible_collections.aragora.redis.plugins.module_utils._report.text import clean
from ansible_collections.aragora.redis.plugins.module_utils._sentinel_plan import Step

INTERVAL = 0.25
# The server's words for a setting that holds, and a file that could not be written.
NOT_SAVED = "Failed to save config file"
Masters = dict[str, dict[str, Any]]


def sentinel_argument_spec() -> dict[str, Any]:
    """The options of redis_sentinel beside those of the connection."""
    monitor = {
        "name": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "host": {"type": "str"},
        "port": {"type": "int", "default": 6379},
        "quorum": {"type": "int"},
        "down_after_milliseconds": {"type": "int"},
        "failover_timeout": {"type": "int"},
        "parallel_syncs": {"type": "int"},
        "auth_user": {"type": "str"},
        "auth_pass": {"type": "str", "no_log": True},
        "forget": {"type": "list", "elements": "str", "default": []},
    }
    return {
        "monitors": {"type": "list", "elements": "dict", "default": [], "options": monitor},
        "resolve_hostnames": {"type": "bool"},
        "announce_hostnames": {"type": "bool"},
        "announce_ip": {"type": "str"},
        "announce_port": {"type": "int"},
        "flush": {"type": "bool", "default": False},
        "peer_user": {"type": "str"},
        "peer_password": {"type": "str", "no_log": True},
        "wait_sentinels": {"type": "int"},
        "wait_replicas": {"type": "int"},
        "wait_timeout": {"type": "float", "default": 60.0},
    }


def declare(client: Client, options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """The result of redis_sentinel. ValueError where the Sentinel is not as declared in the end."""
    check_number("wait_timeout", options["wait_timeout"], 0, 86_400)
    _sentinel_plan.check(options)
    with documented(client.endpoint.address):
        return _declare(client, options, check_mode)


def _declare(client: Client, options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    info = _info.parse(_asked(client, "INFO", "server"))
    server = info.get("server") or {}
    if "sentinel" not in (server.get("redis_mode"), server.get("server_mode")):
        raise ValueError(f"{client.endpoint.address} is no Sentinel: give the port of one (26379)")
    masters = _masters(client)
    logins = _logins(client, info, masters, options)
    config = pairs(_asked(client, "SENTINEL", "CONFIG", "GET", "*"))
    declared = [monitor for monitor in options["monitors"] if monitor["state"] == "present"]
    not_compared = sorted(monitor["name"] for monitor in declared if monitor["auth_pass"] and monitor["name"] in set(masters) - set(logins))
    steps = _sentinel_plan.plan(options, masters, config, logins)
    steps += [step for monitor in declared if monitor["forget"] for step in _forgotten(client, monitor, masters.get(monitor["name"]))]
    why_not: str | None = "check mode" if check_mode else "nothing was changed"
    if (steps or options["flush"]) and not check_mode:
        stamp = _stamp(info) if own_file(client, info) else None
        why_not = _apply(client, steps)
        # Redis 6.2 says OK whatever came of it.
        if why_not is None and stamp and stamp == _stamp(info):
            why_not = "the file is as it was before"
        masters = _masters(client)
    if options["flush"] and why_not and not check_mode:
        raise ValueError(f"{client.endpoint.address} has not written its file: {why_not}")
    waited = 0.0 if check_mode else _wait(client, [monitor["name"] for monitor in declared], options)
    return {
        "changed": bool(steps),
        "masters": {name: {"host": str(master["ip"]), "port": int(master["port"])} for name, master in masters.items()},
        "moved": sorted(monitor["name"] for monitor in declared if _has_moved(monitor, masters.get(monitor["name"]))),
        "not_compared": not_compared,
        "persisted": why_not is None,
        "persist_reason": why_not,
        "waited": waited,
        "diff": _sentinel_plan.diff(steps, client.endpoint.address),
    }


def _masters(client: Client) -> Masters:
    rows = map(_sentinel.instance, _asked(client, "SENTINEL", "MASTERS"))
    return {str(row["name"]): row for row in rows}


def _forgotten(client: Client, monitor: Mapping[str, Any], master: dict[str, Any] | None) -> list[Step]:
    if master is None:
        return []
    replies = [_asked(client, "SENTINEL", kind, monitor["name"]) for kind in ("REPLICAS", "SENTINELS")]
    quorum = clean(client.pipeline([("SENTINEL", "CKQUORUM", monitor["name"])])[0])
    return _sentinel_plan.forget(monitor, master, [_sentinel.instance(row) for rows in replies for row in rows], quorum)


def _logins(client: Client, info: dict[str, Any], masters: Masters, options: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """The logins that a Sentinel has, by group: from its own file where that is on this machine, else as far as its doings tell.

    A Sentinel that calls a master down, to which the declared login opens the door from here, has another login than that.
    """
    text = own_file(client, info)
    if text:
        return {name: login for name, login in _sentinel_plan.logins_of(text).items() if name in masters}
    found = {}
    for monitor in options["monitors"]:
        master = masters.get(monitor["name"])
        if master and monitor["auth_pass"] and "s_down" in master["flags"] and _opens(client.endpoint, master, monitor, options):
            found[monitor["name"]] = dict[str, str]()
    return found


def _stamp(info: Mapping[str, Any]) -> tuple[int, int] | None:
    """What changes whenever its file is written, where that can be seen from here."""
    try:
        found = Path(str((info.get("server") or {}).get("config_file"))).stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def own_file(client: Client, info: Mapping[str, Any]) -> str | None:
    """The text of the file of this Sentinel, where it is on this machine and may be read."""
    path = (info.get("server") or {}).get("config_file")
    try:
        text = Path(path).read_text(encoding="utf-8", errors="surrogateescape") if path else ""
    except OSError:
        return None
    return text if text and _sentinel_plan.id_in(text) == str(_asked(client, "SENTINEL", "MYID")) else None


def _opens(own: Endpoint, master: Mapping[str, Any], monitor: Mapping[str, Any], options: Mapping[str, Any]) -> bool:
    """Whether the master lets the declared login in."""
    login = {"user": monitor["auth_user"] or None, "password": monitor["auth_pass"]}
    try:
        at(own, str(master["ip"]), int(master["port"]), login, options).close()
    except Unavailable:
        return False
    return True


def at(own: Endpoint, host: str, port: int, login: Mapping[str, str | None], options: Mapping[str, Any]) -> Client:
    """A server as the Sentinel reaches it, by this login. Raises Unavailable."""
    files = {name: options[name] for name in ("ca_certs", "client_cert_file", "client_key_file")}
    user, password = login["user"], login["password"]
    endpoint = Endpoint(host=host, port=port, user=user, password=password, tls=own.tls, validate_certs=own.validate_certs, **files)
    return open_client(endpoint, options["connect_timeout"], options["timeout"], first_reply=0)


def _apply(client: Client, steps: Sequence[Step]) -> str | None:
    """Do the steps, or take all of them back: why the Sentinel has not written its file, or None. ValueError for a refusal."""
    done: list[Step] = []
    for step in steps:
        reply = client.pipeline([step.command])[0]
        # FLUSHCONFIG tells the same once more.
        if isinstance(reply, Refused) and NOT_SAVED not in str(reply):
            raise ValueError(f"{_said(client, step, reply)}; {_taken_back(client, done)}")
        done.append(step)
    flushed = client.pipeline([("SENTINEL", "FLUSHCONFIG")])[0]
    return str(flushed) if isinstance(flushed, Refused) else None


def _said(client: Client, step: Step, reply: Refused) -> str:
    """Who refuses what; never the secret itself, which old servers repeat."""
    text = str(reply).replace(step.after, "***") if step.secret and step.after else str(reply)
    return refusal(client, (*step.command[:2], step.subject), text)


def _taken_back(client: Client, done: Sequence[Step]) -> str:
    backs = [(step, step.back) for step in reversed(done)]
    replies = client.pipeline([back for dummy, back in backs if back])
    stuck = [step.subject for step, back in backs if not back] + [str(reply) for reply in replies if isinstance(reply, Refused)]
    return f"not everything could be taken back: {', '.join(stuck)}" if stuck else "nothing was changed"


def _wait(client: Client, names: Sequence[str], options: Mapping[str, Any]) -> float:
    """Until every group is complete: the seconds. ValueError with what is missing when the time is over."""
    started = time.monotonic()
    if options["wait_sentinels"] is None and options["wait_replicas"] is None:
        return 0.0
    while True:
        masters = _masters(client)
        found = [sentence for name in names for sentence in _missing(client, masters.get(name), options)]
        waited = time.monotonic() - started
        if not found:
            return round(waited, 2)
        if waited >= options["wait_timeout"]:
            raise ValueError(f"{client.endpoint.address}: after {waited:.0f} s the group is not complete: {'; '.join(found)}")
        time.sleep(INTERVAL)


def _missing(client: Client, master: dict[str, Any] | None, options: Mapping[str, Any]) -> list[str]:
    if master is None:
        return ["it is not watched any more"]
    quorum = clean(client.pipeline([("SENTINEL", "CKQUORUM", str(master["name"]))])[0])
    return _sentinel_plan.missing(master, quorum, options["wait_sentinels"], options["wait_replicas"])


def _has_moved(monitor: Mapping[str, Any], master: Mapping[str, Any] | None) -> bool:
    return bool(master and monitor["host"] and (str(master["ip"]), int(master["port"])) != (monitor["host"], monitor["port"]))


def _asked(client: Client, *command: str) -> Any:
    reply = client.pipeline([command])[0]
    if isinstance(reply, Refused):
        raise ValueError(refusal(client, command, reply))
    return reply
