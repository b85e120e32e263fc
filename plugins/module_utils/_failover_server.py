# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One switchover: look, refuse or plan, switch, and wait until everybody agrees."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import (
    _failover,
    _failover_forced,
    _failover_forced_ways,
    _failover_sentinel,
    _failover_ways,
)
from ansible_collections.aragora.redis.plugins.module_utils._client import Refused, Unavailable, open_client
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import from_url
from ansible_collections.aragora.redis.plugins.module_utils._failover_facts import Facts, cluster_info, gather, look
from ansible_collections.aragora.redis.plugins.module_utils._failover_ways import NotSwitched, Stop
from ansible_collections.aragora.redis.plugins.module_utils._manners import check_number

WAYS = {"sentinel": _failover_sentinel.switch, "plain": _failover_ways.plain, "cluster": _failover_ways.cluster}
BY_FORCE = {"plain": _failover_forced_ways.plain, "cluster": _failover_forced_ways.cluster}
INTERVAL = 0.25


def failover_argument_spec() -> dict[str, Any]:
    """The options of redis_failover beside those of the connection."""
    return {
        "mode": {"type": "str", "choices": ["auto", *_failover.MODES], "default": "auto"},
        "candidate": {"type": "str"},
        "away_from": {"type": "str"},
        "max_lag_bytes": {"type": "int", "default": _failover.MIB},
        "cooldown": {"type": "float", "default": 60.0},
        "patience": {"type": "float", "default": 0.0},
        "pause_ms": {"type": "int"},
        "coordinated": {"type": "bool", "default": False},
        "endpoint_url": {"type": "str", "no_log": True},
        "wait_timeout": {"type": "float", "default": 60.0},
        "force": {"type": "bool", "default": False},
        "accept_data_loss": {"type": "bool", "default": False},
        "replicas": {"type": "list", "elements": "str"},
        "takeover": {"type": "bool", "default": False},
    }


def answer(options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """The result of redis_failover. Raises NotSwitched, or ValueError for options that make no sense."""
    _check(options)
    started = time.monotonic()
    while True:
        facts = gather(options)
        idle = _idle(facts, options)
        # While this waits, somebody else may have done it.
        if idle:
            return {"changed": False, "plan": [], "refused": [], **_names(facts, None), "idle": idle}
        refused = _refusals(facts, options)
        if not refused or check_mode or time.monotonic() - started >= options["patience"]:
            break
        time.sleep(INTERVAL)
    if refused:
        if check_mode:
            return {"changed": False, "plan": [], "refused": refused, **_names(facts, None)}
        raise NotSwitched("; ".join(refused), "refused")
    forced = options["force"] and _failover_forced.is_meant(facts)
    judge = _failover_forced if forced else _failover
    new = judge.winner(facts, options)
    result = {"changed": True, "plan": judge.plan(facts, options), "refused": [], **_names(facts, new), "forced": forced}
    if forced:
        result.update(behind_bytes=_failover_forced.behind_bytes(facts, new), may_lose_bytes=_failover_forced.may_lose_bytes(new))
    if check_mode:
        return result
    done = (BY_FORCE if forced else WAYS)[facts["mode"]](facts, options, Stop())
    result.update(master=done["new"].address, held_ms=done["held_ms"], lost_bytes=done["lost_bytes"], late=done["late"])
    _settle(facts, done, options)
    if done["lost_bytes"]:
        raise NotSwitched(
            f"{done['new'].address} is the master, and has not what {facts['master']['address']} wrote last: {done['lost_bytes']} bytes of "
            "its replication stream" + (", because the promotion came after writes were let through" if done["late"] else ""),
            "lost",
        )
    return {**result, "persisted": _persisted(facts, options), "seconds": round(time.monotonic() - started, 2)}


def _refusals(facts: Facts, options: Mapping[str, Any]) -> list[str]:
    """What speaks against it now. Of a master that is dead it is told what force would do."""
    if not _failover_forced.is_meant(facts):
        return _failover.refusals(facts, options)
    found = _failover_forced.refusals(facts, options)
    if options["force"]:
        return found
    planned = _failover.refusals(facts, options)
    if facts["mode"] == "sentinel":
        return planned
    would = f"it is refused: {'; '.join(found)}" if found else "; ".join(_failover_forced.plan(facts, options))
    return [*planned, f"by force (accept_data_loss) {would}"]


def _check(options: Mapping[str, Any]) -> None:
    for name, most in (("cooldown", 86_400), ("patience", 600), ("wait_timeout", 3_600), ("max_lag_bytes", 2**40)):
        check_number(name, options[name], 0, most)
    if options["force"] and not options["accept_data_loss"]:
        raise ValueError("force promotes a replica of a master that is dead, and loses what has not reached it: it needs accept_data_loss")
    check_number("pause_ms", options["pause_ms"], 100, 60_000)
    if options["endpoint_url"]:
        from_url(options["endpoint_url"])


def _idle(facts: Facts, options: Mapping[str, Any]) -> str | None:
    """Why there is nothing to do, None where there is."""
    master = facts["master"]
    if not master or master["state"] != "up":
        return None
    if options["candidate"] and options["candidate"] == master["address"]:
        return f"{master['address']} is the master already"
    if options["away_from"] and options["away_from"] not in (master["address"], _failover.run_id(master)):
        return f"it is not the master that others are to take the place of; the master is {master['address']}"
    return None


def _names(facts: Facts, new: Mapping[str, Any] | None) -> dict[str, Any]:
    old, present = facts["master"], new or facts["master"] or {}
    return {
        "mode": facts["mode"], "was": old and old["address"], "master": present.get("address"),
        "master_run_id": _failover.run_id(present), "master_state": old and old["state"],
        "replicas": [node["address"] for node in facts["replicas"]], "sentinels": [view["address"] for view in facts["views"]],
    }  # fmt: skip


def _settle(facts: Facts, done: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    """Wait until everybody agrees on the new master. Raises NotSwitched with what is still missing."""
    end = time.monotonic() + options["wait_timeout"]
    while True:
        missing = _missing(facts, done, options)
        if not missing:
            return
        if time.monotonic() > end:
            words = (
                f"{done['new'].address} is the master, but after {options['wait_timeout']:g} s not everybody agrees: {'; '.join(missing)}"
            )
            raise NotSwitched(words, "unsettled")
        time.sleep(INTERVAL)


def _missing(facts: Facts, done: Mapping[str, Any], options: Mapping[str, Any]) -> list[str]:
    new = look(done["new"], options)
    if _failover.replication(new).get("role") != "master":
        return [f"{new['address']} says that its role is {_failover.replication(new).get('role')}"]
    found = []
    for node in (facts["master"], *facts["replicas"]):
        if node["address"] != new["address"] and node["state"] == "up":
            found += _not_following(look(node["endpoint"], options), new)
    if facts["mode"] == "sentinel":
        found += _sentinels(facts, new["address"], options)
    if facts["mode"] == "cluster":
        found += _cluster(facts, new, options)
    return found + _endpoint(options, _failover.run_id(new))


def _not_following(node: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    section = _failover.replication(node)
    if section.get("role") != "slave":
        return [f"{node['address']} is no replica yet ({section.get('role') or node['error']})"]
    if int(section.get("master_port") or 0) != new["port"] or section.get("master_link_status") != "up":
        return [f"{node['address']} does not follow {new['address']} yet"]
    return []


def _sentinels(facts: Facts, address: str, options: Mapping[str, Any]) -> list[str]:
    again = gather(options)
    told = again["agreement"]
    if told["address"] != address:
        return [f"the Sentinels name {told['address']}"]
    found = list(told["differences"])
    for view in again["views"]:
        rows = [row for master in view["masters"] for row in master["replicas"] or [] if row["address"] == facts["master"]["address"]]
        if not rows or {"s_down", "disconnected"} & set(rows[0]["flags"]) or rows[0]["role_reported"] != "slave":
            found.append(f"the Sentinel {view['address']} does not see {facts['master']['address']} as a replica yet")
    return found


def _cluster(facts: Facts, new: Mapping[str, Any], options: Mapping[str, Any]) -> list[str]:
    """Every node of the shard, and the cluster as the new master sees it."""
    found = []
    # After force other slots may still be uncovered.
    wanted = ("ok",) if facts["master"]["state"] == "up" else ("ok", "fail")
    for node in (new, facts["master"]):
        if node["state"] != "up":
            continue
        told = cluster_info(node["endpoint"], options)
        rows = [row for row in told.get("nodes", []) if row["address"] == new["address"]]
        if told.get("cluster_state") not in wanted or not rows or "master" not in rows[0]["flags"] or not rows[0]["slots"]:
            found.append(f"{node['address']} does not see {new['address']} as the master of its slots yet")
    return found


def _endpoint(options: Mapping[str, Any], run_id: str) -> list[str]:
    """Whether the application's own way leads to the new master."""
    if not options["endpoint_url"]:
        return []
    node = look(from_url(options["endpoint_url"]), options)
    if node["state"] != "up":
        return [f"the endpoint cannot be used: {node['error']}"]
    role = _failover.replication(node).get("role")
    return [] if _failover.run_id(node) == run_id else [f"the endpoint {node['address']} leads to another server, whose role is {role}"]


def _persisted(facts: Facts, options: Mapping[str, Any]) -> dict[str, str]:
    """Write the roles into the configuration files, so that they hold after a restart: ``{address: why not}``."""
    failed = {}
    for node in (facts["master"], *facts["replicas"]):
        if facts["mode"] == "cluster" or node["state"] != "up":
            continue
        with contextlib.suppress(Unavailable):
            client = open_client(node["endpoint"], options["connect_timeout"], options["timeout"], first_reply=0)
            with contextlib.closing(client):
                reply = client.pipeline([("CONFIG", "REWRITE")])[0]
            if isinstance(reply, Refused):
                failed[node["address"]] = str(reply)
    return failed
