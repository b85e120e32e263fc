# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rule about memory that will be full soon, by its growth since an earlier report."""

from __future__ import annotations

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts, Rule, Verdict, percent
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.host_facts import room
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.memory_facts import MEMORY, counted, evicts, raise_limit


def _memory_forecast(facts: Facts) -> Verdict | None:
    seconds = facts.number("previous.seconds")
    before = facts.number("previous.memory.used_memory") - facts.number_or("previous.memory.mem_not_counted_for_evict", 0)
    used, maxmemory = counted(facts), facts.number(MEMORY + "maxmemory")
    if maxmemory and facts.workload_role == "cache" and evicts(facts):
        return None
    limit, what = (maxmemory, "maxmemory") if maxmemory else room(facts)
    growth, wanted = used - before, limit * facts.limit("memory_forecast_percent") / 100
    # What is there already is told by other rules, and a little more or less is no trend.
    if used >= wanted or percent(growth, limit) < facts.limit("memory_forecast_growth_percent"):
        return None
    hours = round((wanted - used) / growth * seconds / 3600, 1)
    if hours > facts.limit("memory_forecast_warning_hours"):
        return None
    evidence = {
        "used_memory": int(used),
        "used_memory_before": int(before),
        "since_report_of": facts.get_or("previous.taken_at", None),
        "growth_bytes_per_hour": int(growth / seconds * 3600),
        "limit_bytes": int(limit),
        "limit_is": what,
        "hours_left": hours,
    }
    advice = (
        "If it goes on like this. See what grows, and whether it should: keys without a TTL, queues that nobody reads, ever more users.",
        "$ {cli} --memkeys -i 0.01",
        *raise_limit(facts),
    )
    severity = "critical" if hours <= facts.limit("memory_forecast_critical_hours") else "warning"
    share = facts.limit("memory_forecast_percent")
    return Verdict(severity, f"In {hours:g} hours memory will be at {share:g} % of {what}", evidence, advice)


RULES = (
    Rule(
        "memory_forecast",
        "memory_limit",
        "growth since redis_diagnosis_previous reaches 90 % of maxmemory, or without one of the host's limit, in 24 h (critical 4)",
        "warning/critical",
        "human",
        _memory_forecast,
        (),
        "https://redis.io/docs/latest/operate/oss_and_stack/management/optimization/memory-optimization/",
    ),
)
