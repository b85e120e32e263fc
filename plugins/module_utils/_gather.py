# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The conversation that makes a snapshot: one connection, two rounds of pipelined reading, a latency probe in between.

A Sentinel is asked a third time, about the masters that it named in the second round.

It only reads, and it never fails because Redis is ill: what goes wrong stands in ``availability`` and ``denied``.
"""

from __future__ import annotations

import contextlib
import datetime
import functools
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _certificates, _info, _latency, _probe, _rates, _sentinel
from ansible_collections.aragora.redis.plugins.module_utils._client import (
    CLIENT_NAME,
    Client,
    Refused,
    Unavailable,
    find_endpoint,
    missing_library,
    open_any,
)
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import Endpoint, from_options
from ansible_collections.aragora.redis.plugins.module_utils._failures import Failure
from ansible_collections.aragora.redis.plugins.module_utils._gather_keyspace import sample
from ansible_collections.aragora.redis.plugins.module_utils._gather_plan import Plan, make_plan
from ansible_collections.aragora.redis.plugins.module_utils._latency_server import HISTOGRAM, has_histogram, ping_times
from ansible_collections.aragora.redis.plugins.module_utils._replies import FIRST, SECOND, pairs, take_in, understand, user
from ansible_collections.aragora.redis.plugins.module_utils._snapshot import Snapshot, empty

MOST_THREADS = 512
# Parts that a server can only answer once its data set is loaded.
NOT_WHILE_LOADING = {"rates", "memory", "cluster", "keyspace"}


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
        snapshot["availability"]["certificate"] = _certificate(client, snapshot)
        try:
            # Numbers that are none end it where they stand, and cost the other servers of the call nothing.
            understand(snapshot, "replies", functools.partial(_read, client, snapshot, plan))
        except Unavailable as error:
            # It answered PING and then no more: what was read so far stays.
            describe(snapshot, error.failure)
    return snapshot


def _certificate(client: Client, snapshot: Snapshot) -> dict[str, Any] | None:
    """What the server's certificate says; None without TLS, and with a word in ``denied`` for one that cannot be read."""
    shown = client.certificate()
    try:
        return _certificates.told(shown, datetime.datetime.now(datetime.timezone.utc)) if shown else None
    except ValueError as error:
        snapshot["denied"]["certificate"] = str(error)
        return None


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
    if (snapshot["sentinel"] or {}).get("masters"):
        _third_round(client, snapshot)
    _read_users(client, snapshot)
    if before and after and "rates" in parts and plan.window > 0:
        own = {"ping": probes, "info": 1}
        snapshot["rates"] = _rates.between(before, after, time.perf_counter() - started, own)
    if "keyspace" in parts:
        sample(client.endpoint, snapshot, plan)


def _read_users(client: Client, snapshot: Snapshot) -> None:
    """What the users may do that applications are connected as; costs no round trip where that is the user default only."""
    acl, clients = snapshot["acl"], snapshot["clients"]
    if not acl or not clients:
        return
    others = [row["name"] for row in clients["applications"] if row["name"] != "default"]
    replies = client.pipeline([("ACL", "GETUSER", name) for name in others]) if others else []
    refused = [str(reply) for reply in replies if isinstance(reply, Refused)]
    if refused:
        snapshot["denied"]["acl"] = refused[0]
        return
    known = understand(snapshot, "acl", lambda: {name: user(reply) for name, reply in zip(others, replies) if reply})
    if known is not None and (acl["default"] or len(others) == len(clients["applications"])):
        known["default"] = acl["default"]
        acl["users"] = [{**row, **known[row["name"]]} for row in clients["applications"] if row["name"] in known]


def _read_busy(client: Client, snapshot: Snapshot) -> None:
    """A busy server answers FUNCTION STATS only, and only when it is a function that keeps it busy."""
    if snapshot["availability"]["reason"] == "function":
        with contextlib.suppress(Refused):
            stats = pairs(client.call("FUNCTION", "STATS"))
            running = pairs(stats.get("running_script") or [])
            snapshot["availability"]["error"] += f" (running: {running.get('name')} for {running.get('duration_ms')} ms)"


def _first_round(client: Client, snapshot: Snapshot, plan: Plan, parts: frozenset[str] | set[str]) -> dict[str, Any]:
    """Read all that holds still. Returns INFO, the base of the rates."""
    commands: dict[str, tuple[str | int, ...]] = {
        "name": ("CLIENT", "SETNAME", CLIENT_NAME),
        "client_id": ("CLIENT", "ID"),
    }
    if client.endpoint.db:
        # Nothing of the snapshot depends on it; but who gave it means one that is there.
        commands["database"] = ("SELECT", client.endpoint.db)
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
    if "database" in refused:
        snapshot["denied"]["database"] = f"the database {client.endpoint.db} cannot be chosen: {refused['database']}"
    answered = {name: reply for name, reply in replies.items() if name not in refused}
    take_in(snapshot, FIRST, answered, plan)
    if snapshot["server"]["mode"] == "sentinel":
        # It has no such commands: nothing is kept from anybody.
        snapshot["denied"] = {part: text for part, text in snapshot["denied"].items() if "unknown command" not in text.lower()}
    return snapshot["info"] or {}


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
        commands["sentinel_id"] = ("SENTINEL", "MYID")
    replies = dict(zip(commands, client.pipeline(list(commands.values()))))
    refused = {name: str(reply) for name, reply in replies.items() if isinstance(reply, Refused)}
    snapshot["denied"].update(
        {name.split("_")[0]: text for name, text in refused.items() if name not in ("client_id", "histogram", "info")}
    )
    answered = {name: reply for name, reply in replies.items() if name not in refused}
    if "histogram" in commands:
        # Refused or not: INFO may hold the percentiles.
        answered.setdefault("histogram", [])
    take_in(snapshot, SECOND, answered, plan)
    return (understand(snapshot, "rates", lambda: _info.parse(answered["info"])) or {}) if "info" in answered else {}


def _third_round(client: Client, snapshot: Snapshot) -> None:
    """Ask a Sentinel about each of its masters. What is refused for one of them is said once."""
    masters = (snapshot["sentinel"] or {})["masters"]
    commands = _sentinel.commands(masters)
    for (place, part), reply in zip(commands, client.pipeline(list(commands.values()))):
        name = f"sentinel {_sentinel.DETAILS[part]}"
        if isinstance(reply, Refused) and not (part == "quorum_check" and _sentinel.quorum_check(str(reply))):
            snapshot["denied"].setdefault(name, str(reply))
        else:
            masters[place][part] = understand(snapshot, name, functools.partial(_sentinel.detail, part, reply))
    too_many = _sentinel.left_out(masters)
    if too_many:
        snapshot["denied"]["sentinel"] = too_many
