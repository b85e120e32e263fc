# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tune_memory would do to a server: the limit with its arithmetic, the policy, and all that tidy_memory does. Pure.

``{refused: [sentence], steps: [sentence], settings: {name: value}, lower: {…}, arithmetic: {…}}`` and the keys of tidy_memory. A limit that
is raised stands in ``settings``, one that is lowered in ``lower``, which are options of redis_memory_limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _setting_readers
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis import thresholds, workload
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts, Missing
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.host_facts import room
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.memory_facts import MEMORY, allowed_percent, counted_keys
from ansible_collections.aragora.redis.plugins.module_utils._plans import memory_tidy
from ansible_collections.aragora.redis.plugins.module_utils._plans.memory_lowering import lowering, shown

MIB = 1024 * 1024
# As much more than what is used: 70 % full is below every threshold.
HEADROOM = 1.45
# Buffers of clients and replicas come and go; in a small server they alone would fill less than this.
LEAST_ROOM = 16 * MIB
# The policy by what a server is used for. A session store loses the oldest sessions rather than new logins, and never what has no TTL.
POLICIES = {"cache": "allkeys-lru", "session": "volatile-lru", "store": "noeviction", "queue": "noeviction"}


def plan(snapshot: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The plan for a snapshot. ``options``: ``{maxmemory, policy, workload_role, accept_eviction}`` and those of tidy_memory, each may be
    empty. ValueError for odd ones.
    """
    role = workload.judged_as(snapshot, options.get("workload_role") or None)["role"]
    facts = Facts(snapshot, thresholds.merged(None), role)
    refused: list[str] = []
    try:
        limit, arithmetic = _limit(facts, options, refused)
        policy = _policy(facts, str(options.get("policy") or ""), limit)
        settings, lower, steps = _changes(facts, (limit, arithmetic["sentence"]), policy, options, refused)
    except Missing as missing:
        refused = [f"the server does not tell {missing}, and without it nothing can be reckoned"]
        return {**memory_tidy.NOTHING, "lower": {}, "refused": refused}
    tidy = memory_tidy.tidied(facts, options)
    told = {**tidy, "arithmetic": arithmetic, "workload_role": role}
    if refused and tidy["purge"] and not options.get("maxmemory") and not memory_tidy.speaks("memory_limit_reached", facts):
        # Nobody has asked for this limit and writes work: what can be given back without it is, for the host is short of memory.
        return {**told, "lower": {}, "steps": [*tidy["steps"], *(f"leaves the limit as it is: {text}" for text in refused)]}
    return {**told, "refused": refused, "steps": [*steps, *tidy["steps"]], "settings": {**settings, **tidy["settings"]}, "lower": lower}


def _changes(
    facts: Facts, wanted: tuple[int | None, str], use: tuple[str, str], options: Mapping[str, Any], refused: list[str]
) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """(settings at once, the lowering or nothing, steps). ``wanted`` is the limit and ``use`` the policy, each with its reason."""
    (limit, sentence), (policy, why) = wanted, use
    now, policy_now = facts.integer(MEMORY + "maxmemory"), str(facts.get(MEMORY + "maxmemory_policy"))
    settings: dict[str, Any] = {}
    lower: dict[str, Any] = {}
    steps = []
    if limit is not None and limit != now:
        steps.append(f"maxmemory {shown(now)} → {shown(limit)}: {sentence}")
        if not limit or (now and limit > now):
            settings["maxmemory"] = limit
        elif not refused:
            lower, costs = lowering(facts, limit, policy, options, refused)
            steps += costs
    if policy != policy_now:
        settings["maxmemory-policy"] = policy
        steps.append(f"maxmemory-policy {policy_now} → {policy}: {why}")
    return settings, lower, steps


def _limit(facts: Facts, options: Mapping[str, Any], refused: list[str]) -> tuple[int | None, dict[str, Any]]:
    """(the limit in bytes or None to leave it, how it was found)."""
    used = facts.number(MEMORY + "used_memory") - facts.number_or(MEMORY + "mem_not_counted_for_evict", 0)
    now, wanted = facts.integer(MEMORY + "maxmemory"), str(options.get("maxmemory") or "")
    try:
        most, what = room(facts)
    except Missing:
        most, what = 0.0, ""
    share, forks = allowed_percent(facts)
    ceiling = int(most * share / 100) // MIB * MIB
    told = {"used_bytes": int(used), "memory_bytes": int(most) or None, "memory_is": what or None, "share_percent": share, "forks": forks}
    if wanted:
        limit = _size(wanted)
        if ceiling and limit > ceiling:
            refused.append(f"{wanted} is more than {share:g} % of {_of(what)} ({shown(ceiling)}): the kernel might kill the server")
        return limit, {**told, "sentence": "as asked for"}
    aim = int(max(HEADROOM * max(now, used), used + LEAST_ROOM)) // MIB * MIB
    because = " less what a fork for RDB or AOF copies" if forks else ""
    sentence = f"{share:g} % of {_of(what)} is {shown(ceiling)}{because}; {shown(int(used))} are in use"
    if not ceiling:
        refused.append("nobody tells how much memory the host has: give a number, redis_memory_maxmemory=2gb")
        return None, {**told, "sentence": "unknown"}
    if not now or now > ceiling:
        # Who has accepted that keys go is told what that costs.
        limit = ceiling if options.get("accept_eviction") else _bounded(ceiling, used, ceiling, refused, what)
        return limit, {**told, "sentence": sentence}
    full = used >= now * facts.limit("memory_high_warning_percent") / 100
    limit = _bounded(min(aim, ceiling), used, ceiling, refused, what) if full else now
    return limit, {**told, "sentence": f"so that it is not full again at once; {sentence}"}


def _bounded(limit: int, used: float, ceiling: int, refused: list[str], what: str) -> int:
    """The limit, unless the data already fills what the host can give."""
    if limit <= used:
        refused.append(f"{shown(int(used))} are in use, and {_of(what)} allows {shown(ceiling)}: add memory, or spread the data")
    return limit


def _policy(facts: Facts, wanted: str, limit: int | None) -> tuple[str, str]:
    """(policy, why). Without a limit no policy matters, and that of the operator is left alone where it fits the use."""
    now, role = str(facts.get(MEMORY + "maxmemory_policy")), facts.workload_role
    if wanted:
        return wanted, "as asked for"
    if not limit:
        return now, ""
    if role == "cache" and now == "noeviction":
        keys, expires = counted_keys(facts)
        better = "volatile-lru" if keys and expires >= keys / 2 else POLICIES[role]
        return better, "a cache that is full should forget, not refuse"
    if role in ("store", "queue") and now.startswith("allkeys"):
        return POLICIES[role], f"a {role} that is full must not forget"
    return now, ""


def _size(wanted: str) -> int:
    """ValueError that names the option."""
    try:
        return _setting_readers.read_size(wanted)
    except ValueError as error:
        raise ValueError(f"redis_memory_maxmemory is '{wanted}': {error}") from None


def _of(what: str) -> str:
    return "the host's RAM" if what == "RAM" else what or "the host's memory"
