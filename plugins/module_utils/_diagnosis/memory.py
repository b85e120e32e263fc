# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules of the alert RedisHighMemory: how full it is, what the limit is, and what happens at it."""

from __future__ import annotations

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts, Rule, Verdict, above, percent
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.host_facts import room
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.memory_facts import (
    MEMORY,
    allowed_percent,
    evicts,
    limit_evidence,
    raise_limit,
    used_percent,
)

DOCS = "https://redis.io/docs/latest/operate/oss_and_stack/management/optimization/memory-optimization/"
EVICTION_DOCS = "https://redis.io/docs/latest/develop/reference/eviction/"
SEE_KEYS = "$ {cli} --memkeys -i 0.01            # what fills it; gently"


def _memory_limit_reached(facts: Facts) -> Verdict | None:
    used = used_percent(facts)
    refused = facts.get_or("rates.errors.OOM", 0)
    full = used is not None and used >= facts.limit("memory_limit_percent") and not evicts(facts)
    if not full and not (refused and used):
        return None
    advice = (
        "Writes are refused. Make room first: raise the limit where the host has memory, or delete what is known to be garbage.",
        *raise_limit(facts),
        SEE_KEYS,
    )
    return Verdict("critical", f"Memory is full ({used} % of maxmemory) and nothing can be evicted", limit_evidence(facts), advice)


def _writes_refused_memory(facts: Facts) -> Verdict | None:
    refused = facts.rising("errors.OOM")
    if not refused:
        return None
    advice = ("Clients get 'OOM command not allowed': make room as for a full memory.", *raise_limit(facts))
    return Verdict("critical", f"Writes are refused for lack of memory ({refused:g} a second)", limit_evidence(facts), advice)


def _memory_high(facts: Facts) -> Verdict | None:
    used = used_percent(facts)
    if used is None or (facts.workload_role == "cache" and evicts(facts)):
        return None
    severity = above(used, facts.limit("memory_high_warning_percent"), facts.limit("memory_high_critical_percent"))
    if not severity:
        return None
    advice = ("Plan for more before it is full: raise the limit, or find what grows.", *raise_limit(facts), SEE_KEYS)
    return Verdict(severity, f"Memory use is at {used} % of maxmemory", limit_evidence(facts), advice)


def _memory_unlimited(facts: Facts) -> Verdict | None:
    if facts.number(MEMORY + "maxmemory"):
        return None
    most, what = room(facts)
    peak = facts.number(MEMORY + "used_memory_peak")
    share = percent(peak, most)
    bounded = what != "RAM"
    severity = "warning" if bounded or share >= facts.limit("memory_unlimited_peak_percent") else "notice"
    evidence = {"maxmemory": 0, "used_memory_peak": int(peak), "memory_bytes": int(most), "memory_is": what, "peak_percent": share}
    advice = ("Without a limit Redis grows until the kernel kills it. Set one, and a policy that fits the data.", *raise_limit(facts))
    within = f", but {what} of {int(most) >> 20} MiB: the kernel will kill it there" if bounded else ""
    return Verdict(severity, f"Memory has no limit (maxmemory 0){within}", evidence, advice)


def _memory_exceeds_host(facts: Facts) -> Verdict | None:
    most, what = room(facts)
    limit = facts.number(MEMORY + "maxmemory")
    allowed, forks = allowed_percent(facts)
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
)
