# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules of the alert RedisHighLatency that name commands: the slow, the dangerous and the watching ones."""

from __future__ import annotations

import shlex
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts, Rule, Verdict

SLOWLOG_DOCS = "https://redis.io/docs/latest/commands/slowlog-get/"
BIG_REPLIES = {
    "HGETALL", "HKEYS", "HVALS", "SMEMBERS", "SUNION", "SINTER", "SDIFF", "LRANGE", "SORT", "SORT_RO", "ZRANGE", "ZREVRANGE",
    "ZRANGEBYSCORE",
}  # fmt: skip
SCRIPTS = {"EVAL", "EVALSHA", "EVAL_RO", "EVALSHA_RO", "FCALL", "FCALL_RO"}
DANGEROUS = {"flushall", "flushdb", "debug", "shutdown", "migrate", "config|resetstat"}
SEE_SLOWLOG = "$ {cli} slowlog get 10"


def _evidence(groups: list[dict[str, Any]]) -> dict[str, Any]:
    """The most expensive groups, short enough to read."""
    names = ("command", "key_pattern", "count", "p95_us", "max_us", "addresses", "client_names", "instead")
    return {"groups": [{name: group[name] for name in names if group[name]} for group in groups[:3]]}


def _group_text(group: dict[str, Any]) -> str:
    return f"{group['command']} {group['key_pattern']}".strip()


def _slow_command_keys(facts: Facts) -> Verdict | None:
    calls = facts.get_or("rates.commands.keys", 0)
    groups = [group for group in facts.get_or("slowlog.groups", []) if group["command"] == "KEYS"]
    if not calls and not groups:
        facts.get("slowlog.groups")
        return None
    slowest = max((group["max_us"] for group in groups), default=0) / 1000
    ages = [entry["age_seconds"] for entry in facts.get_or("slowlog.entries", []) if entry["command"] == "KEYS"]
    current = bool(calls) or min(ages, default=0) <= facts.limit("slow_now_seconds")
    users = _users(facts, groups)
    evidence = {"calls_per_second": calls, "slowest_ms": slowest, **_evidence(groups), **users}
    user = shlex.quote(users["users"][0]) if len(users.get("users", [])) == 1 else "<USER>"
    advice = (
        "KEYS walks every key and holds the server meanwhile. In the application: SCAN with MATCH and COUNT, or an index set.",
        SEE_SLOWLOG,
        "To stop it now, take it from the user that calls it (the application gets NOPERM):",
        f"$ {{cli}} acl setuser {user} -keys",
    )
    severity = "critical" if current and slowest > facts.limit("slow_keys_critical_ms") else "warning"
    return Verdict(severity, _keys_title(slowest, groups, None if current else min(ages)), evidence, advice)


def _keys_title(slowest: float, groups: list[dict[str, Any]], age: int | None) -> str:
    held = f" for up to {slowest:g} ms" if slowest else ""
    which = f": {_group_text(groups[0])}" if groups else ""
    return f"KEYS holds the server{held}{which}" if age is None else f"KEYS held the server{held} {age // 60} min ago{which}"


def _users(facts: Facts, groups: list[dict[str, Any]]) -> dict[str, Any]:
    """The users and libraries at the offenders' addresses, while those are still connected; the slow log itself knows neither."""
    wanted = {address for group in groups for address in group["addresses"]}
    seen = [client for client in facts.get_or("clients.worst", []) if client["address"].rpartition(":")[0].strip("[]") in wanted]
    found = {name: sorted({client[name] for client in seen if client[name]}) for name in ("user", "library")}
    return {f"{name}s" if name == "user" else "libraries": values for name, values in found.items() if values}


def _slow_commands_frequent(facts: Facts) -> Verdict | None:
    slow = facts.limit("slow_command_ms") * 1000
    recent = [entry for entry in facts.get("slowlog.entries") if entry["age_seconds"] < 3600 and entry["duration_us"] >= slow]
    window = [entry for entry in recent if entry["age_seconds"] <= 60]
    rate = round(len(window) / 60, 2)
    groups = facts.recent_groups()
    many = len(recent) >= facts.limit("slow_commands_few")
    p95 = max((group["p95_us"] for group in groups if group["count"] >= facts.limit("slow_commands_few")), default=0) / 1000
    if rate <= facts.limit("slow_commands_per_second") and not (many and p95 > facts.limit("slow_commands_p95_ms")):
        return None
    worst = groups[0]
    instead = f"; instead: {worst['instead']}" if worst["instead"] else ""
    advice = (f"Most of all {worst['command']}, which costs {worst['complexity']}{instead}.", SEE_SLOWLOG)
    evidence = {"entries_last_minute": len(window), "entries_last_hour": len(recent), "p95_ms": p95, **_evidence(groups)}
    return Verdict("warning", f"Slow commands are frequent, most of all {_group_text(worst)}", evidence, advice)


def _slow_command_big_reply(facts: Facts) -> Verdict | None:
    slow = facts.limit("slow_command_ms") * 1000
    groups = [group for group in facts.recent_groups() if group["command"] in BIG_REPLIES and group["max_us"] >= slow]
    if not groups:
        return None
    worst = groups[0]
    advice = (f"The command {worst['command']} reads a whole value. Instead: {worst['instead']}.", SEE_SLOWLOG)
    evidence = {**_evidence(groups), **_its_biggest_key(facts, worst["key_pattern"])}
    return Verdict("warning", f"{_group_text(worst)} reads big values ({worst['max_us'] / 1000:g} ms)", evidence, advice)


def _its_biggest_key(facts: Facts, pattern: str) -> dict[str, Any]:
    """How big the keys of a slow command are, where the biggest of them is known."""
    for big in facts.get_or("keyspace.big_keys", []):
        if pattern in (big["key"], big["pattern"]):
            return {"biggest_key": {name: big[name] for name in ("type", "members", "bytes")}}
    return {}


def _slow_script(facts: Facts) -> Verdict | None:
    limit = facts.limit("slow_script_ms") * 1000
    groups = [group for group in facts.recent_groups() if group["command"] in SCRIPTS and group["max_us"] > limit]
    if not groups:
        return None
    advice = ("A script holds the server while it runs: bound its loops, and move walks over many keys out of it.", SEE_SLOWLOG)
    return Verdict("warning", f"{_group_text(groups[0])} runs for up to {groups[0]['max_us'] / 1000:g} ms", _evidence(groups), advice)


def _dangerous_command_used(facts: Facts) -> Verdict | None:
    used = {name: rate for name, rate in facts.get("rates.commands").items() if name.split("|")[0] in DANGEROUS or name in DANGEROUS}
    if not used:
        return None
    advice = (
        "Find out who does this and whether it is meant:",
        "$ {cli} client list",
        "Take it from that user: acl setuser USER -@dangerous",
    )
    return Verdict("warning", f"Dangerous commands are in use: {', '.join(sorted(used))}", {"calls_per_second": used}, advice)


def _monitor_attached(facts: Facts) -> Verdict | None:
    monitors = facts.get("clients.monitors")
    if not monitors:
        return None
    shown = [{name: client[name] for name in ("id", "address", "name", "user", "age_seconds")} for client in monitors]
    advice = (
        "MONITOR copies every command to its client and can halve the throughput. Somebody forgot it:",
        f"$ {{cli}} client kill id {monitors[0]['id']}",
    )
    return Verdict("warning", f"MONITOR has been running for {monitors[0]['age_seconds']} s", {"monitors": shown}, advice)


RULES = (
    Rule(
        "slow_command_keys",
        "slow_commands",
        "KEYS in the window or in the slow log of the last hour; critical over 10 ms",
        "warning/critical",
        "guarded",
        _slow_command_keys,
        ("slow_commands_frequent", "cpu_saturated", "latency_probe_high"),
        "https://redis.io/docs/latest/commands/keys/",
    ),
    Rule(
        "slow_command_big_reply",
        "slow_commands",
        "HGETALL, SMEMBERS, LRANGE, SORT and their like over 1 ms in the slow log",
        "warning",
        "human",
        _slow_command_big_reply,
        ("slow_commands_frequent", "cpu_saturated", "latency_probe_high"),
        SLOWLOG_DOCS,
    ),
    Rule(
        "slow_script",
        "slow_commands",
        "EVAL, EVALSHA or FCALL over 10 ms",
        "warning",
        "human",
        _slow_script,
        ("slow_commands_frequent", "cpu_saturated", "latency_probe_high"),
        SLOWLOG_DOCS,
    ),
    Rule(
        "slow_commands_frequent",
        "slow_commands",
        "> 1 slow-log entry over 1 ms a second, or p95 > 20 ms",
        "warning",
        "human",
        _slow_commands_frequent,
        (),
        SLOWLOG_DOCS,
    ),
    Rule(
        "dangerous_command_used",
        "slow_commands",
        "FLUSHALL, FLUSHDB, DEBUG, SHUTDOWN, CONFIG RESETSTAT or MIGRATE in the window",
        "warning",
        "human",
        _dangerous_command_used,
        (),
        "https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/",
    ),
    Rule(
        "monitor_attached",
        "slow_commands",
        "a client runs MONITOR",
        "warning",
        "guarded",
        _monitor_attached,
        (),
        "https://redis.io/docs/latest/commands/monitor/",
    ),
)
