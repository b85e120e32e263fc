# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about the keys themselves: which are too big, which pattern holds the memory, and what never goes."""

from __future__ import annotations

from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts, Rule, Verdict, count, percent
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.keyspace_facts import (
    REST,
    about,
    cli,
    interval,
    need,
    reach,
    see_names,
)
from ansible_collections.aragora.redis.plugins.module_utils._report.text import exact_number, human_bytes

DOCS = "https://redis.io/docs/latest/operate/oss_and_stack/management/optimization/memory-optimization/"
TTL_DOCS = "https://redis.io/docs/latest/commands/expire/"
# type: (what is measured, the threshold). Other types are judged by their memory only.
LIMITS = {
    "string": ("bytes", "big_key_string_bytes"),
    "hash": ("members", "big_key_hash_members"),
    "set": ("members", "big_key_members"),
    "list": ("members", "big_key_members"),
    "zset": ("members", "big_key_members"),
}
# What people call the types and their members.
KINDS = {"zset": "sorted set"}
MEMBERS = {"hash": "fields", "list": "items", "stream": "entries"}
STORES = {"cache": "a cache", "session": "a session store"}
MOST_NAMED = 5


def _big_keys(facts: Facts) -> Verdict | None:
    need(facts, "memory", "type")
    used = facts.number("info.memory.used_memory")
    judged = [(_severity(facts, big, used), big) for big in _candidates(facts)]
    found = sorted(((severity, big) for severity, big in judged if severity), key=lambda item: (item[0] != "warning", -item[1]["bytes"]))
    if not found:
        return None
    severity, worst = found[0]
    named = [{name: big[name] for name in ("pattern", "type", "members", "bytes", "ttl_seconds")} for dummy, big in found[:MOST_NAMED]]
    which = "" if worst["pattern"] == REST else f", {worst['pattern']}"
    many = f"{len(found)} keys are too big, the biggest is" if len(found) > 1 else "One key is too big,"
    advice = (
        "Whoever reads or deletes one as a whole holds the server. Split it in the application; delete it with UNLINK, never with DEL.",
        "The report shows no names of keys. To see them, gently:",
        f"$ {cli(facts)} --bigkeys -i 0.01",
        *see_names(facts, worst["pattern"]),
    )
    return Verdict(severity, f"{many} {_described(worst)}{which}", {"keys_too_big": len(found), "biggest": named, **reach(facts)}, advice)


def _candidates(facts: Facts) -> list[dict[str, Any]]:
    """Those that were found to be big, and the biggest of the types of which none was."""
    bigs = list(facts.get("keyspace.big_keys"))
    seen = {big["type"] for big in bigs}
    return bigs + [big for kind, found in facts.get("keyspace.biggest_by_type").items() if kind not in seen for big in found]


def _severity(facts: Facts, big: dict[str, Any], used: float) -> str | None:
    field, limit = LIMITS.get(big["type"], ("", ""))
    times = (big.get(field) or 0) / max(1.0, facts.limit(limit)) if limit else 0.0
    heavy = big["bytes"] > facts.limit("big_key_bytes") and big["bytes"] > used * facts.limit("big_key_percent") / 100
    if heavy or times > facts.limit("big_key_factor"):
        return "warning"
    return "notice" if times > 1 else None


def _described(big: dict[str, Any]) -> str:
    size, kind, members = human_bytes(big["bytes"]), KINDS.get(big["type"], big["type"]), count(big, "members")
    return f"a {kind} of {exact_number(members)} {MEMBERS.get(big['type'], 'members')} ({size})" if members else f"a {kind} of {size}"


def _pattern_dominates(facts: Facts) -> Verdict | None:
    need(facts, "memory")
    first = next(iter(facts.get("keyspace.patterns")), None)
    if _is_little(facts) or not first or first["pattern"] == REST:
        return None
    share = first["bytes_percent"]
    if share["low"] <= facts.limit("pattern_dominates_percent"):
        return None
    evidence = {
        "pattern": first["pattern"],
        **interval(share),
        "bytes": first["bytes"]["value"],
        "key_count": first["key_count"],
        "bytes_per_key": first["bytes_per_key"],
        "keys_with_ttl_percent": first["ttl"]["expiring_percent"],
        **reach(facts),
    }
    advice = (
        "If this is not what the server is for, ask who writes them: smaller values, a TTL, or a server of their own.",
        *see_names(facts, first["pattern"]),
    )
    return Verdict("notice", _sentence(facts, share, f"of the memory is held by keys like {first['pattern']}"), evidence, advice)


def _keys_without_ttl(facts: Facts) -> Verdict | None:
    need(facts, "memory", "ttl")
    share = facts.get("keyspace.ttl.never_bytes_percent")
    store = STORES.get(facts.workload_role)
    policy, limit = str(facts.get("info.memory.maxmemory_policy")), facts.number("info.memory.maxmemory")
    # A full cache drops keys without a TTL as well, where its policy is for all keys.
    dropped = policy.startswith("allkeys") and limit and facts.workload_role == "cache"
    if not store or dropped or _is_little(facts) or share["low"] - _giants(facts) <= facts.limit("keys_without_ttl_percent"):
        return None
    worst = sorted(facts.get("keyspace.patterns"), key=lambda row: -row["ttl"]["never_bytes_percent"]["value"])[:MOST_NAMED]
    named = [{"pattern": row["pattern"], **interval(row["ttl"]["never_bytes_percent"]), "key_count": row["key_count"]} for row in worst]
    mostly = worst[0]["pattern"] if named and named[0]["percent"] > share["value"] / 2 else REST
    which = "" if mostly == REST else f", most of it keys like {mostly}"
    advice = (
        f"Keys of {store} should end by themselves. Give them a TTL where they are written (SET with EX), and those that are there, too.",
        *(see_names(facts, worst[0]["pattern"]) if worst else ()),
        f"$ {cli(facts)} ttl <NAME>   # -1: it never expires",
    )
    evidence = {"workload_role": facts.workload_role, **interval(share), "patterns": named, "maxmemory_policy": policy, **reach(facts)}
    return Verdict("warning", _sentence(facts, share, f"of the memory of {store} never expires{which}"), evidence, advice)


def _giants(facts: Facts) -> float:
    """The percentage of the memory that single big keys hold which never expire: of those another rule tells."""
    held = sum(big["bytes"] for big in facts.get("keyspace.big_keys") if big["ttl_seconds"] is None)
    factor = max(1.0, facts.number_or("keyspace.keys_total", 0) / max(1.0, facts.number("keyspace.keys_read")))
    return percent(held * factor, facts.number("keyspace.bytes.value"))


def _is_little(facts: Facts) -> bool:
    """Whether the keys hold so little that shares of it mean nothing."""
    return facts.number("keyspace.bytes.value") < facts.limit("keyspace_few_bytes")


def _sentence(facts: Facts, share: dict[str, float], what: str) -> str:
    return f"{about(facts)}{share['value']:.3g} % {what}"


RULES = (
    Rule(
        "big_keys",
        "memory_limit",
        "a string > 100 kB, a hash > 5,000 fields, a set, list or sorted set > 1,000 members; a warning at ten times that, or > 1 % of the "
        "used memory and > 10 MiB",
        "warning/notice",
        "human",
        _big_keys,
        (),
        DOCS,
    ),
    Rule(
        "keys_without_ttl",
        "memory_limit",
        "> 50 % of the memory of a cache or session store never expires, from 10 MiB on; not a cache that evicts all keys",
        "warning",
        "human",
        _keys_without_ttl,
        ("pattern_dominates",),
        TTL_DOCS,
    ),
    Rule(
        "pattern_dominates",
        "memory_limit",
        "one pattern of keys holds > 50 % of the memory, from 10 MiB on",
        "notice",
        "human",
        _pattern_dominates,
        (),
        DOCS,
    ),
)
