# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a replica could take over: what Sentinel promotes and what it does not, or how far behind a master's replicas are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts, Rule, Verdict, count
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.sentinel import (
    DOCS,
    GONE,
    LOOK,
    SHOWN,
    Master,
    address,
    asked,
    is_sentinel,
    names,
)


def _no_failover_candidate(facts: Facts) -> Verdict | None:
    found = _without_candidate(facts) if is_sentinel(facts) else _replicas_behind(facts)
    if not found:
        return None
    advice = (
        "Were the master lost, nothing could take its place. Bring a replica back, or in step; one with priority 0 is never promoted:",
        "$ redis-cli -h REPLICA config set replica-priority 100",
        LOOK if is_sentinel(facts) else "$ {cli} info replication",
    )
    whom = f" of {names([{'name': name} for name in found])}" if is_sentinel(facts) else ""
    return Verdict("warning", f"No replica{whom} could take over", dict(list(found.items())[:SHOWN]), advice)


def _without_candidate(facts: Facts) -> dict[str, Any]:
    """{master: {replica: why not}} of the masters that no replica could follow, as Sentinel sees it."""
    found = {}
    for master in asked(facts, "replicas"):
        patience = facts.limit("failover_link_down_afters") * master["down-after-milliseconds"] + count(master, "s-down-time")
        reasons = {address(replica): _unfit(replica, patience) for replica in master["replicas"]}
        if all(reasons.values()):
            found[master["name"]] = {"replicas": len(reasons), **reasons}
    return found


def _unfit(replica: Master, patience: float) -> str | None:
    """Why Sentinel would not promote a replica."""
    if GONE & set(replica["flags"]):
        return "down"
    if replica.get("slave-priority") == 0:
        return "priority 0"
    cut_off = count(replica, "master-link-down-time")
    return f"cut off for {cut_off / 1000:.0f} s" if cut_off > patience else None


def _replicas_behind(facts: Facts) -> dict[str, Any]:
    """{replica: why not} of a master none of whose replicas is in step; empty where it has none."""
    if facts.get("info.replication.role") != "master":
        return {}
    info = facts.get("info.replication")
    reasons: dict[str, Any] = {}
    for name, replica in info.items():
        if name.startswith("slave") and isinstance(replica, Mapping):
            behind, lag = count(info, "master_repl_offset") - count(replica, "offset"), count(replica, "lag")
            late = behind > facts.limit("replication_lag_bytes") or lag > facts.limit("replication_lag_seconds")
            told = {"state": replica.get("state"), "bytes": behind, "seconds": lag}
            reasons[address(replica)] = told if late or replica.get("state") != "online" else None
    return reasons if all(reasons.values()) else {}


RULES = (
    Rule(
        "no_failover_candidate",
        "replication",
        "every replica has priority 0, is down or cut off, or is > 30 s or > 64 MiB behind; to a Sentinel also: there is none",
        "warning",
        "human",
        _no_failover_candidate,
        (),
        DOCS,
    ),
)
