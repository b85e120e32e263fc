# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What several rules read of the keys: how sure it is, what expires soon, and how redis-cli is told which keys are meant."""

from __future__ import annotations

import math
import re
import shlex
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts, Missing

# The pattern of those keys that have none in common.
REST = "*"
# What a glob may hold as it is; anything else may mean something to Redis, to the shell, or have been escaped when it was folded.
PLAIN = re.compile(r"[^A-Za-z0-9:/.,_|@#=+-]+")
NORMAL_95 = 1.96


def need(facts: Facts, *fields: str) -> None:
    """Raises Missing where this user may not ask the keys for one of these fields: ``memory``, ``ttl``, ``type``."""
    facts.get("keyspace.keys_read")
    denied = facts.get_or("keyspace.denied", {})
    for field in fields:
        if field in denied:
            raise Missing(f"keyspace: {field} of the keys")


def about(facts: Facts) -> str:
    """A word before a share that is an estimate; nothing where every key was read."""
    return "" if facts.get_or("keyspace.complete", None) else "About "


def reach(facts: Facts) -> dict[str, Any]:
    """The evidence of what was read, and why it may be less sure than its intervals say."""
    read = {
        "keys_read": facts.integer("keyspace.keys_read"),
        "keys_total": facts.get_or("keyspace.keys_total", None),
        "is_estimate": not facts.get_or("keyspace.complete", None),
    }
    unsure = facts.get_or("keyspace.unsure", [])
    return {**read, "unsure": list(unsure)} if unsure else read


def interval(share: Any) -> dict[str, float]:
    """A share with its bounds, as fields whose names tell that they are percent."""
    return {"percent": share["value"], "percent_at_least": share["low"], "percent_at_most": share["high"]}


def cli(facts: Facts) -> str:
    """redis-cli in the database that was read."""
    db = facts.get_or("keyspace.db", 0)
    return f"{{cli}} -n {int(db)}" if db else "{cli}"


def glob(pattern: str) -> str:
    """A pattern as an argument of redis-cli, quoted for the shell."""
    return shlex.quote(re.sub(r"\*+", "*", PLAIN.sub("*", pattern)))


def see_names(facts: Facts, pattern: str) -> tuple[str, ...]:
    """The line that shows some names of a pattern, which a report keeps to itself; none for the pattern of everything."""
    return () if pattern == REST else (f"$ {cli(facts)} --scan --pattern {glob(pattern)} | head -n 5",)


def expiring_soon(facts: Facts) -> tuple[int, float]:
    """(keys that expire within a minute, the share of those with a TTL that this is at least, in percent).

    Raises Missing where nothing is known of the keys' TTLs.
    """
    need(facts, "ttl")
    shares = facts.get("keyspace.ttl.percent")
    soon, volatile = float(shares.get("under_1_minute", 0)), 100 - float(shares.get("never", 0))
    if soon <= 0 or volatile <= 0:
        return 0, 0.0
    read = facts.number("keyspace.keys_read")
    share = min(1.0, soon / volatile)
    least = share if facts.get_or("keyspace.complete", None) else _at_least(share, read * volatile / 100)
    return round(max(read, facts.number_or("keyspace.keys_total", 0)) * soon / 100), round(100 * least, 1)


def _at_least(share: float, number: float) -> float:
    """The lower bound of a share that was seen among so many (Wilson's interval of 95 %)."""
    square = NORMAL_95**2
    middle = share + square / (2 * number)
    return (middle - NORMAL_95 * math.sqrt(share * (1 - share) / number + square / (4 * number**2))) / (1 + square / number)
