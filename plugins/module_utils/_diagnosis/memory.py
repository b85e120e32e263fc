# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules of the alert RedisHighMemory: how full it is, what the limit is, and what happens at it."""

from __future__ import annotations

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts, Missing, Rule, Verdict, above, count, percent
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.host_facts import room

DOCS = "https://redis.io/docs/latest/operate/oss_and_stack/management/optimization/memory-optimization/"
EVICTION_DOCS = "https://redis.io/docs/latest/develop/reference/eviction/"
MEMORY = "info.memory."
MIB = 1024 * 1024
SEE_KEYS = "$ {cli} --memkeys -i 0.01            # what fills it; gently"


def _allowed_percent(facts: Facts) -> tuple[float, bool]:
    """(share of RAM that maxmemory may have, whether that is less because a fork for RDB or AOF copies pages)."""
    forks = bool(facts.get_or("info.persistence.aof_enabled", 0) or facts.get_or("config.save", ""))
    return facts.limit("memory_exceeds_host_fork_percent" if forks else "memory_exceeds_host_percent"), forks


def _raise_limit(facts: Facts) -> tuple[str, ...]:
    """How to give it a quarter more, where the host has room: never a number that would lower the limit and evict."""
    limit, used = facts.number_or(MEMORY + "maxmemory", 0), facts.number_or(MEMORY + "used_memory", 0)
    try:
        ram, what = room(facts)
    except Missing:
        ram, what = 0, ""
    most = ram * _allowed_percent(facts)[0] / 100
    wanted = 1.25 * max(limit, used) if limit else most
    if not wanted or (ram and (wanted > most or wanted <= used)):
        return ("Its host has no room for a higher limit: add memory, or spread the data.",)
    held = f"of {ram / 2**30:.1f} GiB {what}" if ram else "see that the host has it"
    return (f"$ {{cli}} config set maxmemory {int(wanted // MIB)}mb   # {held}; keep it with: config rewrite",)


def _counted(facts: Facts) -> float:
    """Used memory as maxmemory counts it: without replication and AOF buffers."""
    return facts.number(MEMORY + "used_memory") - facts.number_or(MEMORY + "mem_not_counted_for_evict", 0)


def _used_percent(facts: Facts) -> float | None:
    """Share of maxmemory in use, or None without a limit."""
    limit = facts.number(MEMORY + "maxmemory")
    return percent(_counted(facts), limit) if limit else None


def _keys(facts: Facts) -> tuple[int, int]:
    """(keys, keys with a TTL) over all databases."""
    dbs = list(facts.get("info.keyspace").values())
    return sum(count(db, "keys") for db in dbs), sum(count(db, "expires") for db in dbs)


def _evicts(facts: Facts) -> bool:
    """Whether the policy finds keys to evict."""
    policy = str(facts.get(MEMORY + "maxmemory_policy"))
    if policy.startswith("volatile"):
        keys, expires = _keys(facts)
        return percent(expires, keys) >= facts.limit("eviction_possible_percent") or not keys
    return policy != "noeviction"


def _limit_evidence(facts: Facts) -> dict[str, object]:
    keys, expires = _keys(facts)
    return {
        "used_memory": facts.integer(MEMORY + "used_memory"),
        "maxmemory": facts.integer(MEMORY + "maxmemory"),
        "used_percent": _used_percent(facts),
        "maxmemory_policy": facts.get(MEMORY + "maxmemory_policy"),
        "keys": keys,
        "keys_with_ttl": expires,
        "oom_errors_per_second": facts.get_or("rates.errors.OOM", 0),
    }


def _memory_limit_reached(facts: Facts) -> Verdict | None:
    used = _used_percent(facts)
    refused = facts.get_or("rates.errors.OOM", 0)
    full = used is not None and used >= facts.limit("memory_limit_percent") and not _evicts(facts)
    if not full and not (refused and used):
        return None
    advice = (
        "Writes are refused. Make room first: raise the limit where the host has memory, or delete what is known to be garbage.",
        *_raise_limit(facts),
        SEE_KEYS,
    )
    return Verdict("critical", f"Memory is full ({used} % of maxmemory) and nothing can be evicted", _limit_evidence(facts), advice)


def _writes_refused_memory(facts: Facts) -> Verdict | None:
    refused = facts.rate("errors.OOM")
    if not refused:
        return None
    advice = ("Clients get 'OOM command not allowed': make room as for a full memory.", *_raise_limit(facts))
    return Verdict("critical", f"Writes are refused for lack of memory ({refused:g} a second)", _limit_evidence(facts), advice)


def _memory_high(facts: Facts) -> Verdict | None:
    used = _used_percent(facts)
    if used is None or (facts.workload_role == "cache" and _evicts(facts)):
        return None
    severity = above(used, facts.limit("memory_high_warning_percent"), facts.limit("memory_high_critical_percent"))
    if not severity:
        return None
    advice = ("Plan for more before it is full: raise the limit, or find what grows.", *_raise_limit(facts), SEE_KEYS)
    return Verdict(severity, f"Memory use is at {used} % of maxmemory", _limit_evidence(facts), advice)


def _memory_unlimited(facts: Facts) -> Verdict | None:
    if facts.number(MEMORY + "maxmemory"):
        return None
    most, what = room(facts)
    peak = facts.number(MEMORY + "used_memory_peak")
    share = percent(peak, most)
    bounded = what != "RAM"
    severity = "warning" if bounded or share >= facts.limit("memory_unlimited_peak_percent") else "notice"
    evidence = {"maxmemory": 0, "used_memory_peak": int(peak), "memory_bytes": int(most), "memory_is": what, "peak_percent": share}
    advice = ("Without a limit Redis grows until the kernel kills it. Set one, and a policy that fits the data.", *_raise_limit(facts))
    within = f", but {what} of {int(most) >> 20} MiB: the kernel will kill it there" if bounded else ""
    return Verdict(severity, f"Memory has no limit (maxmemory 0){within}", evidence, advice)


def _memory_exceeds_host(facts: Facts) -> Verdict | None:
    most, what = room(facts)
    limit = facts.number(MEMORY + "maxmemory")
    allowed, forks = _allowed_percent(facts)
    share = percent(limit, most)
    if share <= allowed:
        return None
    evidence = {"maxmemory": int(limit), "memory_bytes": int(most), "memory_is": what, "percent": share, "persistence": forks}
    because = " (a fork for RDB or AOF copies pages)" if forks else ""
    advice = (
        f"Give it more memory, or lower maxmemory to {allowed:g} % of {what}{because}; a limit below what is used evicts or refuses.",
    )
    return Verdict("warning", f"maxmemory is {share} % of {_of(what)}", evidence, advice)


def _memory_host_pressure(facts: Facts) -> Verdict | None:
    most, what = room(facts)
    share = percent(facts.number(MEMORY + "used_memory_rss"), most)
    if share < facts.limit("memory_host_pressure_percent"):
        return None
    evidence = {"used_memory_rss": facts.integer(MEMORY + "used_memory_rss"), "memory_bytes": int(most), "memory_is": what}
    advice = (
        "The kernel will soon kill a process, most likely Redis. Move other work away; lowering maxmemory evicts keys or refuses writes.",
        "$ {cli} memory purge",
    )
    return Verdict("critical", f"Redis occupies {share} % of {_of(what)}", evidence, advice)


def _of(what: str) -> str:
    return "the host's RAM" if what == "RAM" else what


def _eviction_active(facts: Facts) -> Verdict | None:
    rate = facts.rate("stats.evicted_keys")
    if not rate or facts.workload_role == "cache":
        return None
    evidence = {**_limit_evidence(facts), "evicted_keys_per_second": rate, "workload_role": facts.workload_role}
    advice = (f"A {facts.workload_role} loses data by eviction: raise the limit.", *_raise_limit(facts))
    return Verdict("warning", f"Keys of a {facts.workload_role} are being evicted ({rate:g} a second)", evidence, advice)


def _eviction_impossible(facts: Facts) -> Verdict | None:
    policy = str(facts.get(MEMORY + "maxmemory_policy"))
    keys, expires = _keys(facts)
    if not facts.number(MEMORY + "maxmemory") or not policy.startswith("volatile") or not keys or _evicts(facts):
        return None
    advice = (
        "Only keys with a TTL can be evicted, and hardly any has one: give the keys a TTL in the application (EXPIRE, SET … EX).",
        "Meanwhile raise the limit; allkeys-lru only where every key may be lost.",
        *_raise_limit(facts),
    )
    title = f"{policy} cannot evict: {expires} of {keys} keys carry a TTL"
    # Far from the limit nothing needs to be evicted yet.
    near = (_used_percent(facts) or 0) >= facts.limit("eviction_needed_percent")
    return Verdict("warning" if near else "notice", title, _limit_evidence(facts), advice)


def _eviction_policy_unfit(facts: Facts) -> Verdict | None:
    policy, role = str(facts.get(MEMORY + "maxmemory_policy")), facts.workload_role
    if not facts.number(MEMORY + "maxmemory"):
        return None
    loses = policy.startswith("allkeys") and role in ("store", "queue")
    blocks = policy == "noeviction" and role == "cache"
    if not loses and not blocks:
        return None
    keys, expires = _keys(facts)
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
    capped = facts.rate("stats.expired_time_cap_reached_count")
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
        "memory_limit_reached",
        "memory_limit",
        "≥ 98 % of maxmemory and nothing evictable, or OOM errors rising",
        "critical",
        "guarded",
        _memory_limit_reached,
        ("writes_refused_memory", "memory_high"),
        EVICTION_DOCS,
    ),
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
    Rule("writes_refused_memory", "memory_limit", "OOM errors rising", "critical", "guarded", _writes_refused_memory, (), EVICTION_DOCS),
    Rule(
        "memory_host_pressure",
        "host",
        "resident memory ≥ 90 % of RAM or of the cgroup's limit",
        "critical",
        "guarded",
        _memory_host_pressure,
        (),
        DOCS,
    ),
    Rule(
        "memory_high",
        "memory_limit",
        "≥ 80 % of maxmemory (critical 90), unless a cache can evict",
        "warning/critical",
        "guarded",
        _memory_high,
        (),
        DOCS,
    ),
    Rule(
        "memory_exceeds_host",
        "configuration",
        "maxmemory > 80 % of RAM or of the cgroup's limit, > 65 % with RDB or AOF",
        "warning",
        "guarded",
        _memory_exceeds_host,
        (),
        DOCS,
    ),
    Rule(
        "memory_unlimited",
        "configuration",
        "maxmemory 0; a warning with a cgroup's limit, or when the peak was ≥ 40 % of RAM",
        "warning/notice",
        "guarded",
        _memory_unlimited,
        (),
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
