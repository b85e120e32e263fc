# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a server is used for, as far as its own numbers tell: it decides whether a full memory is healthy.

A cache may lose any key, a store none; a queue's keys are its work; a session store's keys end by themselves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._commands import lookup
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import MALFORMED, count

ROLES = ("cache", "store", "queue", "session")
QUEUE_COMMANDS = {"blpop", "brpop", "blmove", "brpoplpush", "bzpopmin", "bzpopmax", "xreadgroup", "xack", "xautoclaim", "xclaim"}
QUEUE_SHARE = 0.2
TTL_SHARE = 0.8
# Words in the names of keys that tell what those are for, and the share of the memory from which they tell it of the server.
NAMES = {"session": {"session", "sessions", "sess"}, "cache": {"cache", "caches", "cached"}}
NAMED_SHARE = 80


def judged_as(snapshot: Mapping[str, Any], given: str | None = None) -> dict[str, str]:
    """``{role, why}``; ``given`` wins. ValueError for a role that does not exist."""
    check(given)
    if given:
        return {"role": given, "why": "given"}
    try:
        role, why = _inferred(snapshot.get("info") or {}, snapshot.get("config") or {}, snapshot.get("keyspace"))
    except MALFORMED:
        role, why = "store", "the numbers are not understood, so no key may be lost"
    return {"role": role, "why": why}


def check(given: str | None) -> None:
    """ValueError for a role that does not exist."""
    if given and given not in ROLES:
        raise ValueError(f"the workload role '{given}' is unknown: choose from {', '.join(ROLES)}")


def _inferred(info: Mapping[str, Any], config: Mapping[str, str], keys: Any) -> tuple[str, str]:
    """The first of the signs that speaks decides: commands, policy, TTLs, names. What is done tells more than what was configured."""
    if not info.get("memory"):
        return "store", "nothing is known, so no key may be lost"
    share = _queue_share(info.get("commandstats") or {})
    if share >= QUEUE_SHARE:
        return "queue", f"{share:.0%} of the data commands are those of queues"
    policy = str(info["memory"].get("maxmemory_policy", "noeviction"))
    if policy.startswith("allkeys"):
        return "cache", f"maxmemory-policy is {policy}"
    ttl_share, number = _ttl_share(info.get("keyspace") or {})
    if number and ttl_share >= TTL_SHARE:
        persisted = _persists(info, config)
        saved = "persisted" if persisted else "not persisted"
        return "session" if persisted else "cache", f"{ttl_share:.0%} of the keys carry a TTL and the data set is {saved}"
    named = _named(keys)
    if named:
        return named
    role = "cache" if policy.startswith("volatile") else "store"
    return role, f"maxmemory-policy is {policy} and {ttl_share:.0%} of the keys carry a TTL"


def _queue_share(commandstats: Mapping[str, Any]) -> float:
    """Calls of queue commands among the calls of commands that touch data."""
    calls = {name[len("cmdstat_") :]: count(stat, "calls") for name, stat in commandstats.items()}
    # Before Redis 7 containers stand there without their subcommand.
    data = {name: number for name, number in calls.items() if name not in ("ping", "select") and lookup(name.split("|")[0]).kind != "admin"}
    total = sum(data.values())
    return sum(number for name, number in data.items() if name in QUEUE_COMMANDS) / total if total else 0.0


def _named(keyspace: Any) -> tuple[str, str] | None:
    """The role that the names of the keys with almost all of the memory speak of, by what their patterns hold at least."""
    try:
        rows = [(set(re.split("[^a-z]+", row["pattern"].lower())), row["bytes_percent"]["low"]) for row in keyspace["patterns"]]
        for role, words in NAMES.items():
            share = sum(low for found, low in rows if found & words)
            if share >= NAMED_SHARE:
                return role, f"keys that are called {role} hold {share:.0f} % of the memory"
    except MALFORMED:
        pass
    return None


def _ttl_share(keyspace: Mapping[str, Any]) -> tuple[float, int]:
    keys = sum(count(db, "keys") for db in keyspace.values())
    expires = sum(count(db, "expires") for db in keyspace.values())
    return (expires / keys if keys else 0.0), keys


def _persists(info: Mapping[str, Any], config: Mapping[str, str]) -> bool:
    # Where CONFIG is denied nobody knows about "save": then nothing may be lost.
    return bool((info.get("persistence") or {}).get("aof_enabled") or not config or config.get("save"))
