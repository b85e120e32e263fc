# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about what leaves a full memory by itself: eviction by policy, expiry by TTL."""

from __future__ import annotations

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts, Rule, Verdict, percent
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.memory_facts import (
    MEMORY,
    counted_keys,
    evicts,
    limit_evidence,
    raise_limit,
    used_percent,
)

EVICTION_DOCS = "https://redis.io/docs/latest/develop/reference/eviction/"


def _eviction_active(facts: Facts) -> Verdict | None:
    rate = facts.rising("stats.evicted_keys")
    if not rate or facts.workload_role == "cache":
        return None
    evidence = {**limit_evidence(facts), "evicted_keys_per_second": rate, "workload_role": facts.workload_role}
    advice = (f"A {facts.workload_role} loses data by eviction: raise the limit.", *raise_limit(facts))
    return Verdict("warning", f"Keys of a {facts.workload_role} are being evicted ({rate:g} a second)", evidence, advice)


def _eviction_impossible(facts: Facts) -> Verdict | None:
    policy = str(facts.get(MEMORY + "maxmemory_policy"))
    keys, expires = counted_keys(facts)
    if not facts.number(MEMORY + "maxmemory") or not policy.startswith("volatile") or not keys or evicts(facts):
        return None
    advice = (
        "Only keys with a TTL can be evicted, and hardly any has one: give the keys a TTL in the application (EXPIRE, SET … EX).",
        "Meanwhile raise the limit; allkeys-lru only where every key may be lost.",
        *raise_limit(facts),
    )
    title = f"{policy} cannot evict: {expires} of {keys} keys carry a TTL"
    # Far from the limit nothing needs to be evicted yet.
    near = (used_percent(facts) or 0) >= facts.limit("eviction_needed_percent")
    return Verdict("warning" if near else "notice", title, limit_evidence(facts), advice)


def _eviction_policy_unfit(facts: Facts) -> Verdict | None:
    policy, role = str(facts.get(MEMORY + "maxmemory_policy")), facts.workload_role
    if not facts.number(MEMORY + "maxmemory"):
        return None
    loses = policy.startswith("allkeys") and role in ("store", "queue")
    blocks = policy == "noeviction" and role == "cache"
    if not loses and not blocks:
        return None
    keys, expires = counted_keys(facts)
    # Where most keys carry a TTL, those without one are probably there to stay.
    evicting = "volatile-lru" if percent(expires, keys) >= 50 else "allkeys-lru"
    better, loss = (evicting, "keys will be evicted") if blocks else ("noeviction", "writes will be refused")
    advice = (
        f"Ask who owns the data before you change it: when memory is full, {loss} from then on.",
        f"$ {{cli}} config set maxmemory-policy {better}",
    )
    return Verdict(
        "warning",
        f"The policy {policy} does not fit a {role}",
        {"maxmemory_policy": policy, "workload_role": role, "maxmemory": facts.integer(MEMORY + "maxmemory")},
        advice,
    )


def _expiry_behind(facts: Facts) -> Verdict | None:
    stale = facts.number("info.stats.expired_stale_perc")
    capped = facts.rising("stats.expired_time_cap_reached_count")
    if stale <= facts.limit("expiry_stale_percent") and not capped:
        return None
    advice = (
        "Keys end faster than Redis removes them; let it work harder at it (1 to 10, costs CPU):",
        f"$ {{cli}} config set active-expire-effort {min(10, int(facts.number_or('config.active-expire-effort', 1)) + 2)}",
    )
    return Verdict(
        "warning",
        f"Expired keys are removed too slowly ({stale:g} % stale)",
        {"expired_stale_perc": stale, "time_cap_reached_per_second": capped},
        advice,
    )


RULES = (
    Rule(
        "eviction_impossible",
        "memory_limit",
        "a volatile policy and < 5 % of keys with a TTL; a notice below 50 % of maxmemory",
        "warning/notice",
        "guarded",
        _eviction_impossible,
        ("memory_limit_reached", "memory_high"),
        EVICTION_DOCS,
    ),
    Rule(
        "eviction_active", "memory_limit", "evicted_keys rising, not on a cache", "warning", "guarded", _eviction_active, (), EVICTION_DOCS
    ),
    Rule(
        "eviction_policy_unfit",
        "configuration",
        "noeviction on a cache; allkeys-* on a store or queue",
        "warning",
        "guarded",
        _eviction_policy_unfit,
        (),
        EVICTION_DOCS,
    ),
    Rule(
        "expiry_behind",
        "memory_limit",
        "expired_stale_perc > 25, or expired_time_cap_reached_count rising",
        "warning",
        "safe",
        _expiry_behind,
        (),
        "https://redis.io/docs/latest/commands/expire/",
    ),
)
