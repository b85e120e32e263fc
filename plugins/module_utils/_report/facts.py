# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The numbers of a snapshot that people ask for first, each with its label."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Optional

from ansible_collections.aragora.redis.plugins.module_utils._report.text import (
    clean,
    exact_number,
    human_bytes,
    human_duration,
    human_number,
)

Fact = Optional[tuple[str, str]]


def number(value: Any) -> float | None:
    """The value where it is a number that counts or measures something, else None: servers say what they like."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if 0 <= value < 1e24 else None


def part(snapshot: Mapping[str, Any], path: str) -> dict[str, Any]:
    """The mapping at ``info.memory``; empty where there is none."""
    value: Any = snapshot
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return dict(value) if isinstance(value, Mapping) else {}


def facts(snapshot: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """``[(label, value, note)]`` of what the snapshot knows; nothing that it does not."""
    return [(label, *found) for label, find in FACTS for found in [find(snapshot)] if found]


def _memory(snapshot: Mapping[str, Any]) -> Fact:
    memory = part(snapshot, "info.memory")
    used, limit = number(memory.get("used_memory")), number(memory.get("maxmemory"))
    if used is None:
        return None
    note = f"of {human_bytes(limit)}, {100 * used / limit:.0f} %" if limit else "no limit"
    return human_bytes(used), note


def _policy(snapshot: Mapping[str, Any]) -> Fact:
    policy = part(snapshot, "info.memory").get("maxmemory_policy")
    return (clean(policy, 40), "maxmemory-policy") if policy else None


def _keys(snapshot: Mapping[str, Any]) -> Fact:
    dbs = [db for db in part(snapshot, "info.keyspace").values() if isinstance(db, Mapping)]
    keys = sum(number(db.get("keys")) or 0 for db in dbs)
    expires = sum(number(db.get("expires")) or 0 for db in dbs)
    if not part(snapshot, "info.memory"):
        return None
    return human_number(keys), f"{100 * expires / keys:.0f} % with a TTL" if keys else "empty"


def _clients(snapshot: Mapping[str, Any]) -> Fact:
    clients = part(snapshot, "info.clients")
    connected = number(clients.get("connected_clients"))
    most = number(clients.get("maxclients"))
    if connected is None:
        return None
    return exact_number(connected), f"of {exact_number(most)}" if most else ""


def _load(snapshot: Mapping[str, Any]) -> Fact:
    rate = number(part(snapshot, "rates.stats").get("total_commands_processed"))
    window = number(part(snapshot, "rates").get("window_seconds"))
    return (f"{human_number(rate)}/s", f"over {human_duration(window)}" if window else "") if rate is not None else None


def _latency(snapshot: Mapping[str, Any]) -> Fact:
    probe = part(snapshot, "latency.probe")
    p99, worst = number(probe.get("p99")), number(probe.get("max"))
    if p99 is None:
        return None
    return human_duration(p99 / 1000), f"p99, at most {human_duration(worst / 1000)}" if worst is not None else "p99"


def _hits(snapshot: Mapping[str, Any]) -> Fact:
    stats = part(snapshot, "info.stats")
    hits, misses = number(stats.get("keyspace_hits")), number(stats.get("keyspace_misses"))
    if hits is None or misses is None or not hits + misses:
        return None
    return f"{100 * hits / (hits + misses):.1f} %", f"of {human_number(hits + misses)} reads"


def _uptime(snapshot: Mapping[str, Any]) -> Fact:
    seconds = number(part(snapshot, "info.server").get("uptime_in_seconds"))
    return (human_duration(seconds), "") if seconds is not None else None


def _replicas(snapshot: Mapping[str, Any]) -> Fact:
    replication = part(snapshot, "info.replication")
    if replication.get("role") == "slave":
        return clean(replication.get("master_link_status"), 20), f"link to {clean(replication.get('master_host'), 60)}"
    replicas = number(replication.get("connected_slaves"))
    return (exact_number(replicas), "connected") if replicas else None


FACTS: tuple[tuple[str, Callable[[Mapping[str, Any]], Fact]], ...] = (
    ("Memory", _memory),
    ("Eviction", _policy),
    ("Keys", _keys),
    ("Clients", _clients),
    ("Commands", _load),
    ("PING", _latency),
    ("Hits", _hits),
    ("Replication", _replicas),
    ("Uptime", _uptime),
)
