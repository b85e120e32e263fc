# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The conversation that makes a snapshot: one connection, two rounds of pipelined reading, a latency probe in between.

It only reads, and it never fails because Redis is ill: what goes wrong stands in ``availability`` and ``denied``.
"""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _clients, _cluster, _info, _latency, _probe, _rates, _secrets, _slowlog
from ansible_collections.aragora.redis.plugins.module_utils._client import (
    CLIENT_NAME,
    Client,
    Refused,
    Unavailable,
    find_endpoint,
    missing_library,
    open_any,
)
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import Endpoint, check_timeouts, from_options
from ansible_collections.aragora.redis.plugins.module_utils._failures import Failure
from ansible_collections.aragora.redis.plugins.module_utils._latency_server import HISTOGRAM, has_histogram, ping_times
from ansible_collections.aragora.redis.plugins.module_utils._snapshot import Snapshot, chosen_parts, empty

MOST_THREADS = 512
# With more servers at once the probe would measure how busy this process is.
MOST_PROBED = 8
# Parts that a server can only answer once its data set is loaded.
NOT_WHILE_LOADING = {"rates", "memory", "cluster"}


@dataclass(frozen=True)
class Plan:
    """What to read and how long to watch."""

    parts: frozenset[str]
    window: float
    slowlog_entries: int
    connect_timeout: float
    timeout: float
    clients_limit: int
    mask_arguments: bool
    probe: bool


def info_argument_spec() -> dict[str, Any]:
    """The options of redis_info beside those of the connection."""
    return {
        "targets": {"type": "list", "elements": "str", "no_log": True},
        "gather_subset": {"type": "list", "elements": "str", "default": ["all"]},
        "window": {"type": "float", "default": 1.0},
        "slowlog_entries": {"type": "int", "default": 256},
        "clients_limit": {"type": "int", "default": 20_000},
        "mask_arguments": {"type": "bool", "default": True},
        "fail_on_unavailable": {"type": "bool", "default": False},
    }


def answer(options: dict[str, Any]) -> dict[str, Any]:
    """The result of redis_info, in the module as in the action plugin: ``{changed, snapshot}`` or ``{changed, snapshots}``.

    With ``failed`` and ``msg`` where a server cannot be used and the caller minds. ValueError for options that make no sense.
    """
    snapshots = take_all(options, make_plan(options))
    result: dict[str, Any] = {"snapshot": snapshots[0]} if options["targets"] is None else {"snapshots": snapshots}
    unusable = [sentence(snapshot) for snapshot in snapshots if snapshot["availability"]["state"] != "up"]
    if unusable and options["fail_on_unavailable"]:
        result.update(failed=True, msg="; ".join(unusable))
    return {"changed": False, **result}


def make_plan(options: dict[str, Any]) -> Plan:
    """The plan that redis_info's options mean. ValueError names an option that cannot be meant."""
    check_timeouts(options)
    if not 0 <= options["window"] <= 60:
        raise ValueError(f"window is {options['window']:g}: give seconds from 0 to 60")
    for name, most in (("slowlog_entries", 100_000), ("clients_limit", 1_000_000)):
        if not 0 <= options[name] <= most:
            raise ValueError(f"{name} is {options[name]}: give a number from 0 to {most}")
    return Plan(
        parts=frozenset(chosen_parts(options["gather_subset"])),
        window=options["window"],
        slowlog_entries=options["slowlog_entries"],
        connect_timeout=options["connect_timeout"],
        timeout=options["timeout"],
        clients_limit=options["clients_limit"],
        mask_arguments=options["mask_arguments"],
        probe=len(options["targets"] or [""]) <= MOST_PROBED,
    )


def take_all(options: dict[str, Any], plan: Plan) -> list[Snapshot]:
    """The snapshots of ``targets`` in their order, taken side by side, or of the one server that the options mean.

    ValueError for options that mean no server at all.
    """
    if options["targets"] is None:
        return [_take_one(options, plan)]
    common = {**options, "login_host": None, "login_port": None, "login_unix_socket": None}
    endpoints = [from_options({**common, "url": url}) for url in options["targets"]]
    if not endpoints:
        raise ValueError("targets is empty: give at least one URL")
    missing = missing_library()
    with ThreadPoolExecutor(min(MOST_THREADS, len(endpoints))) as pool:
        return list(pool.map(lambda endpoint: _without_library(endpoint, plan, missing) if missing else take(endpoint, plan), endpoints))


def sentence(snapshot: Snapshot) -> str:
    """Why the server of a snapshot cannot be used, in one sentence for people."""
    found, server = snapshot["availability"], snapshot["server"]
    address = server["socket"] or f"{server['host']}:{server['port']}"
    return Failure(found["state"], found["reason"], found["error"]).sentence(address)


def _take_one(options: dict[str, Any], plan: Plan) -> Snapshot:
    missing = missing_library()
    if missing:
        return _without_library(from_options(options), plan, missing)
    try:
        return take(find_endpoint(options), plan)
    except Unavailable as error:
        # No Sentinel would say where the master is.
        snapshot = unread(error.endpoint)
        describe(snapshot, error.failure)
        return snapshot


def _without_library(endpoint: Endpoint, plan: Plan, missing: str) -> Snapshot:
    """What a bare PING tells, where redis-py is not installed: a diagnosis must not end there."""
    snapshot = unread(endpoint)
    describe(snapshot, _probe.availability(endpoint, plan.connect_timeout, plan.timeout))
    snapshot["denied"] = {"library": missing}
    return snapshot


def take(endpoint: Endpoint, plan: Plan) -> Snapshot:
    """The snapshot of one server in whatever state it is."""
    snapshot = unread(endpoint)
    try:
        client, failure = open_any(endpoint, plan.connect_timeout, plan.timeout)
    except Unavailable as error:
        describe(snapshot, error.failure)
        snapshot["availability"]["connect_ms"] = error.connect_ms
        return snapshot
    with contextlib.closing(client):
        describe(snapshot, failure)
        snapshot["availability"].update({"connect_ms": client.connect_ms, "ping_ms": client.login_ms})
        try:
            _read(client, snapshot, plan)
        except Unavailable as error:
            # It answered PING and then no more: what was read so far stays.
            describe(snapshot, error.failure)
    return snapshot


def unread(endpoint: Endpoint) -> Snapshot:
    """A snapshot that knows the address only."""
    return empty(endpoint.host, endpoint.port, endpoint.socket, endpoint.masked_url, endpoint.local)


def describe(snapshot: Snapshot, failure: Failure) -> None:
    """Write a failure (or ``up``) into ``availability``."""
    snapshot["availability"].update({"state": failure.state, "reason": failure.reason, "error": failure.error})


def _read(client: Client, snapshot: Snapshot, plan: Plan) -> None:
    state = snapshot["availability"]["state"]
    if state == "busy":
        _read_busy(client, snapshot)
    if state not in ("up", "loading"):
        return
    parts = plan.parts - NOT_WHILE_LOADING if state == "loading" else plan.parts
    before = _first_round(client, snapshot, plan, parts)
    started, sent = time.perf_counter(), client.commands_sent
    if plan.window > 0 and parts & {"rates", "latency"} and state == "up":
        if plan.probe:
            snapshot["latency"] = {**(snapshot["latency"] or {}), "probe": _latency.summary(ping_times(client, plan.window))}
        else:
            time.sleep(plan.window)
    probes = client.commands_sent - sent
    after = _second_round(client, snapshot, plan, parts)
    if before and after and "rates" in parts and plan.window > 0:
        own = {"ping": probes, "info": 1}
        snapshot["rates"] = _rates.between(before, after, time.perf_counter() - started, own)


def _read_busy(client: Client, snapshot: Snapshot) -> None:
    """A busy server answers FUNCTION STATS only, and only when it is a function that keeps it busy."""
    if snapshot["availability"]["reason"] == "function":
        with contextlib.suppress(Refused):
            stats = _pairs(client.call("FUNCTION", "STATS"))
            running = _pairs(stats.get("running_script") or [])
            snapshot["availability"]["error"] += f" (running: {running.get('name')} for {running.get('duration_ms')} ms)"


def _first_round(client: Client, snapshot: Snapshot, plan: Plan, parts: frozenset[str] | set[str]) -> dict[str, Any]:
    """Read all that holds still. Returns INFO, the base of the rates."""
    commands: dict[str, tuple[str | int, ...]] = {
        "name": ("CLIENT", "SETNAME", CLIENT_NAME),
        "client_id": ("CLIENT", "ID"),
    }
    optional: dict[str, dict[str, tuple[str | int, ...]]] = {
        "config": {"config": ("CONFIG", "GET", "*")},
        "slowlog": {"slowlog_length": ("SLOWLOG", "LEN"), "slowlog": ("SLOWLOG", "GET", plan.slowlog_entries)},
        "latency": {"latency": ("LATENCY", "LATEST")},
        "memory": {"memory_stats": ("MEMORY", "STATS"), "memory_doctor": ("MEMORY", "DOCTOR")},
        "acl": {"acl_whoami": ("ACL", "WHOAMI"), "acl": ("ACL", "GETUSER", "default")},
        "modules": {"modules": ("MODULE", "LIST")},
    }
    for part, readings in optional.items():
        if part in parts:
            commands.update(readings)
    # Last here and first in the second round, so that the rates hold as little as possible of our own.
    commands["info"] = ("INFO", "everything")
    replies = dict(zip(commands, client.pipeline(list(commands.values()))))
    if replies["info"] == "":
        # A Sentinel of Redis 6.2 knows no section "everything".
        replies["info"] = client.pipeline([("INFO",)])[0]
    refused = {name: str(reply) for name, reply in replies.items() if isinstance(reply, Refused)}
    # The connection's own name and id are a courtesy: their refusal is nobody's concern.
    snapshot["denied"].update({name.split("_")[0]: text for name, text in refused.items() if name not in ("name", "client_id")})
    answered = {name: reply for name, reply in replies.items() if name not in refused}
    _take_in(snapshot, answered, plan)
    return snapshot["info"] or {}


def _take_in(snapshot: Snapshot, answered: dict[str, Any], plan: Plan) -> None:
    """The replies of the first round, put where they belong; a reply of an unknown shape is as good as none."""
    for part, take_in in READERS.items():
        if part in answered:
            _understand(snapshot, part, functools.partial(take_in, snapshot, answered, plan))


def _understand(snapshot: Snapshot, part: str, read: Callable[[], Any]) -> Any:
    """What ``read`` makes of a reply; None, and a word in ``denied``, when the reply is not what Redis documents."""
    try:
        return read()
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        snapshot["denied"][part] = f"the reply is not what Redis documents ({type(error).__name__}: {str(error)[:100]})"
        return None


def _read_info(snapshot: Snapshot, answered: dict[str, Any], dummy: Plan) -> None:
    info = snapshot["info"] = _info.parse(answered["info"])
    _identify(snapshot, info)


def _read_config(snapshot: Snapshot, answered: dict[str, Any], dummy: Plan) -> None:
    config = {name: str(value) for name, value in _pairs(answered["config"]).items()}
    snapshot["config"], snapshot["auth"] = _secrets.masked_config(config), _secrets.auth_facts(config)


def _read_slowlog(snapshot: Snapshot, answered: dict[str, Any], plan: Plan) -> None:
    entries = _slowlog.entries(answered["slowlog"], _server_time(snapshot), plan.mask_arguments)
    recent = [entry for entry in entries if entry["age_seconds"] < 3600]
    length = answered.get("slowlog_length", len(entries))
    snapshot["slowlog"] = {"length": length, "entries": entries, "groups": _slowlog.groups(recent)}


def _read_latency(snapshot: Snapshot, answered: dict[str, Any], dummy: Plan) -> None:
    snapshot["latency"] = {"events": _latency.events(answered["latency"])}


def _read_memory(snapshot: Snapshot, answered: dict[str, Any], dummy: Plan) -> None:
    snapshot["memory"] = {"stats": _pairs(answered["memory_stats"]), "doctor": str(answered.get("memory_doctor", ""))}


def _read_acl(snapshot: Snapshot, answered: dict[str, Any], dummy: Plan) -> None:
    default = _secrets.without_hashes(_pairs(answered["acl"])) if "acl" in answered else None
    snapshot["acl"] = {"whoami": str(answered["acl_whoami"]), "default": default}


def _read_modules(snapshot: Snapshot, answered: dict[str, Any], dummy: Plan) -> None:
    snapshot["modules"] = [{key: module.get(key) for key in ("name", "ver")} for module in map(_pairs, answered["modules"])]


# Replies of the first round and what is made of them; INFO first, because the others ask for its clock.
READERS: dict[str, Callable[[Snapshot, dict[str, Any], Plan], None]] = {
    "info": _read_info,
    "config": _read_config,
    "slowlog": _read_slowlog,
    "latency": _read_latency,
    "memory_stats": _read_memory,
    "acl_whoami": _read_acl,
    "modules": _read_modules,
}


def _second_round(client: Client, snapshot: Snapshot, plan: Plan, parts: frozenset[str] | set[str]) -> dict[str, Any]:
    """Read what depends on the first round or on the end of the window. Returns INFO, the end of the rates."""
    info = snapshot["info"] or {}
    commands: dict[str, tuple[str | int, ...]] = {"info": ("INFO", "everything")} if "rates" in parts and info else {}
    commands["client_id"] = ("CLIENT", "ID")
    if "clients" in parts:
        connected = info.get("clients", {}).get("connected_clients", 0)
        if connected > plan.clients_limit:
            snapshot["denied"]["clients"] = f"{connected} clients: CLIENT LIST is not asked for above clients_limit ({plan.clients_limit})"
        else:
            commands["clients"] = ("CLIENT", "LIST")
    if "cluster" in parts and info.get("cluster", {}).get("cluster_enabled"):
        commands["cluster"] = ("CLUSTER", "INFO")
        commands["cluster_nodes"] = ("CLUSTER", "NODES")
    if "latency" in parts and has_histogram(info):
        commands["histogram"] = HISTOGRAM
    if "sentinel" in parts and snapshot["server"]["mode"] == "sentinel":
        commands["sentinel"] = ("SENTINEL", "MASTERS")
    replies = dict(zip(commands, client.pipeline(list(commands.values()))))
    refused = {name: str(reply) for name, reply in replies.items() if isinstance(reply, Refused)}
    snapshot["denied"].update(
        {name.split("_")[0]: text for name, text in refused.items() if name not in ("client_id", "histogram", "info")}
    )
    answered = {name: reply for name, reply in replies.items() if name not in refused}
    if "latency" in parts and has_histogram(info):
        histogram = _understand(snapshot, "histogram", lambda: _latency.histogram(answered.get("histogram", []), info))
        snapshot["latency"] = {**(snapshot["latency"] or {}), "histogram": histogram}
    if "clients" in answered:
        snapshot["clients"] = _understand(snapshot, "clients", lambda: _aggregated(answered))
    if "cluster" in answered:
        snapshot["cluster"] = _understand(snapshot, "cluster", lambda: _cluster_state(answered))
    if "sentinel" in answered:
        snapshot["sentinel"] = _understand(snapshot, "sentinel", lambda: {"masters": [_shown(master) for master in answered["sentinel"]]})
    return (_understand(snapshot, "rates", lambda: _info.parse(answered["info"])) or {}) if "info" in answered else {}


def _cluster_state(answered: dict[str, Any]) -> dict[str, Any]:
    members = _cluster.nodes(answered["cluster_nodes"]) if "cluster_nodes" in answered else None
    info = _info.parse(f"# cluster\n{answered['cluster']}")["cluster"]
    return {"info": info, "nodes": members, "uncovered_slots": None if members is None else _cluster.uncovered(members)}


def _aggregated(answered: dict[str, Any]) -> dict[str, Any]:
    return _clients.aggregate(_clients.parse(answered["clients"]), answered.get("client_id"))


def _shown(master: Any) -> dict[str, Any]:
    """A master as its Sentinel knows it, without passwords."""
    return {name: value for name, value in _pairs(master).items() if not _secrets.is_secret(name)}


def _identify(snapshot: Snapshot, info: dict[str, Any]) -> None:
    server = info.get("server", {})
    product, version = _info.product(server)
    snapshot["server"].update(
        {
            "product": product,
            "version": version,
            "run_id": server.get("run_id"),
            "mode": server.get("redis_mode") or server.get("server_mode"),
            "role": info.get("replication", {}).get("role"),
        }
    )
    snapshot["availability"]["eta_seconds"] = info.get("persistence", {}).get("loading_eta_seconds")


def _server_time(snapshot: Snapshot) -> int:
    """Unix time by the server's clock, which the slow log uses; ours where it does not say."""
    micros = (snapshot["info"] or {}).get("server", {}).get("server_time_usec")
    return int(micros // 1_000_000) if isinstance(micros, int) else int(time.time())


def _pairs(flat: list[Any] | dict[str, Any]) -> dict[str, Any]:
    """A RESP2 map (a flat list) as a mapping, nested ones included where they are even lists below a text key."""
    if isinstance(flat, dict):
        return flat
    return {str(key): value for key, value in zip(flat[::2], flat[1::2])}
