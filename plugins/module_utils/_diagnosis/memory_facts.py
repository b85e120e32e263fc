# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What several rules about memory read from a snapshot: how full it is, whether anything can go, and how to give it more."""

from __future__ import annotations

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts, Missing, count, percent
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.host_facts import room

MEMORY = "info.memory."
MIB = 1024 * 1024


def allowed_percent(facts: Facts) -> tuple[float, bool]:
    """(share of RAM that maxmemory may have, whether that is less because a fork for RDB or AOF copies pages)."""
    forks = bool(facts.get_or("info.persistence.aof_enabled", 0) or facts.get_or("config.save", ""))
    return facts.limit("memory_exceeds_host_fork_percent" if forks else "memory_exceeds_host_percent"), forks


def raise_limit(facts: Facts) -> tuple[str, ...]:
    """How to give it a quarter more, where the host has room: never a number that would lower the limit and evict."""
    limit, used = facts.number_or(MEMORY + "maxmemory", 0), facts.number_or(MEMORY + "used_memory", 0)
    try:
        ram, what = room(facts)
    except Missing:
        ram, what = 0, ""
    most = ram * allowed_percent(facts)[0] / 100
    wanted = 1.25 * max(limit, used) if limit else most
    if not wanted or (ram and (wanted > most or wanted <= used)):
        return ("Its host has no room for a higher limit: add memory, or spread the data.",)
    held = f"of {ram / 2**30:.1f} GiB {what}" if ram else "see that the host has it"
    return (f"$ {{cli}} config set maxmemory {int(wanted // MIB)}mb   # {held}; keep it with: config rewrite",)


def counted(facts: Facts) -> float:
    """Used memory as maxmemory counts it: without replication and AOF buffers."""
    return facts.number(MEMORY + "used_memory") - facts.number_or(MEMORY + "mem_not_counted_for_evict", 0)


def used_percent(facts: Facts) -> float | None:
    """Share of maxmemory in use, or None without a limit."""
    limit = facts.number(MEMORY + "maxmemory")
    return percent(counted(facts), limit) if limit else None


def counted_keys(facts: Facts) -> tuple[int, int]:
    """(keys, keys with a TTL) over all databases."""
    dbs = list(facts.get("info.keyspace").values())
    return sum(count(db, "keys") for db in dbs), sum(count(db, "expires") for db in dbs)


def evicts(facts: Facts) -> bool:
    """Whether the policy finds keys to evict."""
    policy = str(facts.get(MEMORY + "maxmemory_policy"))
    if policy.startswith("volatile"):
        keys, expires = counted_keys(facts)
        return percent(expires, keys) >= facts.limit("eviction_possible_percent") or not keys
    return policy != "noeviction"


def limit_evidence(facts: Facts) -> dict[str, object]:
    """The numbers that show how full it is and what the policy could take."""
    keys, expires = counted_keys(facts)
    return {
        "used_memory": facts.integer(MEMORY + "used_memory"),
        "maxmemory": facts.integer(MEMORY + "maxmemory"),
        "used_percent": used_percent(facts),
        "maxmemory_policy": facts.get(MEMORY + "maxmemory_policy"),
        "keys": keys,
        "keys_with_ttl": expires,
        "oom_errors_per_second": facts.get_or("rates.errors.OOM", 0),
    }
