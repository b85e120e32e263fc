# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tidy_memory would do to a server: nothing that any client can lose something by. Pure.

``{refused, steps, settings, defrag: {…}, purge, idle}``: settings to keep, how to defragment for a while, whether to give pages back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis import eviction, fragmentation, latency, memory, thresholds, workload
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts, Missing
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.memory_facts import MEMORY

RULES = {rule.id: rule for rule in (*fragmentation.RULES, *memory.RULES, *eviction.RULES, *latency.RULES)}
WAYS = ("temporary", "lasting", "never")
CYCLE = "active-defrag-cycle-max"
# What a server frees by itself; what DEL frees is the client's own decision (UNLINK, lazyfree-lazy-user-del).
LAZY = ("lazyfree-lazy-eviction", "lazyfree-lazy-expire", "lazyfree-lazy-server-del")
# Together with what lowers the limit it must end well within the lease of the run, which is 300 s.
LONGEST = 100
NOTHING: dict[str, Any] = {"refused": [], "steps": [], "settings": {}, "defrag": {}, "purge": False, "idle": "nothing to do"}


def plan(snapshot: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The plan for a snapshot. ``options``: ``{activedefrag, defrag_seconds, defrag_cpu, max_added_latency, workload_role}``."""
    role = workload.judged_as(snapshot, options.get("workload_role") or None)["role"]
    facts = Facts(snapshot, thresholds.merged(None), role)
    if facts.get_or("info.memory", None) is None:
        return {**NOTHING, "refused": ["the server does not tell info.memory, and without it nothing can be reckoned"]}
    return tidied(facts, options)


def tidied(facts: Facts, options: Mapping[str, Any]) -> dict[str, Any]:
    """The same for facts that are there already. ValueError for options that cannot be meant, naming the variable."""
    way, seconds, cpu = _options(options)
    settings, steps, defrag = dict[str, Any](), list[str](), dict[str, Any]()
    if way != "never" and speaks("fragmentation_allocator", facts) and facts.get_or("config.activedefrag", "yes") == "no":
        ratio, wasted = facts.number(MEMORY + "allocator_frag_ratio"), facts.integer(MEMORY + "allocator_frag_bytes")
        now = f"of the allocator's memory {wasted >> 20} MiB are wasted (ratio {ratio:g})"
        if way == "lasting":
            settings.update({"activedefrag": "yes", CYCLE: min(cpu, int(facts.number_or(f"config.{CYCLE}", cpu)))})
            steps.append(f"activedefrag → yes, for good, with at most {settings[CYCLE]} % of a core: {now}")
        else:
            defrag = {"seconds": seconds, "cpu_percent": cpu, "before": _before(facts)}
            steps.append(
                f"defragments for up to {seconds} s with at most {cpu} % of a core, where its build can, and stops it again: {now}"
            )
    purge = _can_purge(facts) and (speaks("fragmentation_resident", facts) or speaks("memory_host_pressure", facts))
    if purge:
        resident, used = facts.integer(MEMORY + "used_memory_rss"), facts.integer(MEMORY + "used_memory")
        steps.append(f"MEMORY PURGE: {resident >> 20} MiB are resident for {used >> 20} MiB in use")
    for found, why in (_lazy(facts), _effort(facts), _cycle(facts)):
        settings.update(found)
        steps += [f"{name} → {value}: {why}" for name, value in found.items()]
    return {**NOTHING, "steps": steps, "settings": settings, "defrag": defrag, "purge": purge, "idle": _idle(facts)}


def speaks(rule_id: str, facts: Facts) -> bool:
    """Whether the diagnosis says so; the plan must never see it otherwise."""
    try:
        return RULES[rule_id].judge(facts) is not None
    except Missing:
        return False


def _can_purge(facts: Facts) -> bool:
    return "jemalloc" in str(facts.get_or(MEMORY + "mem_allocator", ""))


def _lazy(facts: Facts) -> tuple[dict[str, str], str]:
    if not speaks("eviction_latency", facts):
        return {}, ""
    off = {name: "yes" for name in LAZY if facts.get_or(f"config.{name}", "yes") == "no"}
    return off, "large values that the server drops are freed in the background"


def _effort(facts: Facts) -> tuple[dict[str, int], str]:
    """How hard the server should work at removing expired keys, where it falls behind."""
    now = int(facts.number_or("config.active-expire-effort", 0))
    stale = facts.number_or("info.stats.expired_stale_perc", 0) > facts.limit("expiry_stale_percent")
    behind = stale or facts.number_or("rates.stats.expired_time_cap_reached_count", 0) > 0
    why = "of 10: expired keys are removed too slowly; it costs CPU"
    return ({"active-expire-effort": min(10, now + 2)} if 0 < now < 10 and behind else {}), why


def _cycle(facts: Facts) -> tuple[dict[str, int], str]:
    now, least = facts.number_or(f"config.{CYCLE}", 0), int(facts.number_or("config.active-defrag-cycle-min", 1))
    wanted = max(10, least)
    held = speaks("defrag_latency", facts) and now > wanted
    return ({CYCLE: wanted} if held else {}), "percent of a core; clients wait while it defragments"


def _before(facts: Facts) -> dict[str, str]:
    """What a run that is killed would leave, and has to be put back."""
    names = ("activedefrag", CYCLE, "active-defrag-cycle-min", "active-defrag-ignore-bytes", "active-defrag-threshold-lower")
    return {name: str(facts.get(f"config.{name}")) for name in names if facts.get_or(f"config.{name}", None) is not None}


def _idle(facts: Facts) -> str:
    """Why nothing is done although something is amiss."""
    if speaks("fragmentation_resident", facts) and not _can_purge(facts):
        allocator = facts.get_or(MEMORY + "mem_allocator", "unknown")
        return f"nothing to do: the allocator is {allocator}, which gives memory back at a restart only"
    return "nothing to do"


def _options(options: Mapping[str, Any]) -> tuple[str, int, int]:
    way = str(options.get("activedefrag") or WAYS[0])
    if way not in WAYS:
        raise ValueError(f"redis_memory_activedefrag is '{way}': give one of {', '.join(WAYS)}")
    seconds = whole("redis_memory_defrag_seconds", options.get("defrag_seconds", 60), 1, LONGEST)
    return way, seconds, whole("redis_memory_defrag_cpu", options.get("defrag_cpu", 10), 1, 99)


def whole(name: str, given: Any, smallest: int, largest: int) -> int:
    """A whole number in its bounds. ValueError names the variable."""
    try:
        number = int(given)
    except (TypeError, ValueError):
        number = smallest - 1
    if not smallest <= number <= largest:
        raise ValueError(f"{name} is {given!r}: give a number from {smallest} to {largest}")
    return number
