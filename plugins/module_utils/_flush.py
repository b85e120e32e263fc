# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What may be flushed, how much that is, and how much more than that is too much. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._keyspace_estimate import Sample, total_bytes

# As much more than planned may be deleted, because clients write meanwhile.
MORE = 1.5
# None of so many keys: fewer than this share of all of them, in 95 of 100 samples.
RULE_OF_THREE = 3.0
SPECIAL = re.compile(r"[*?\[\\]")


def check_pattern(pattern: str) -> None:
    """ValueError for one that stands for everything, or for nothing that can be meant."""
    if not pattern or not pattern.isprintable():
        raise ValueError("the pattern is empty or not printable: give one as in SCAN's MATCH, such as session:*")
    if not pattern.strip("*?"):
        raise ValueError(f"the pattern '{pattern}' stands for every key: to flush a whole database, give its number and no pattern")


def planned(found: Mapping[str, Any], pattern: str) -> dict[str, Any]:
    """``{keys: {value, low, high}, bytes: the same or None, exact}`` by a result of redis_keyspace. Without a pattern, all keys."""
    exact = bool(found["complete"])
    if not pattern:
        total = int(found["keys_total"])
        return {"keys": {"value": total, "low": total, "high": total}, "bytes": found["bytes"], "exact": exact}
    row = next((row for row in found["patterns"] if row["pattern"] == pattern), None)
    read, total = int(found["keys_read"]), max(int(found["keys_total"]), int(found["keys_read"]))
    number = int(row["keys_read"]) if row else 0
    # A count is a sum of ones.
    guess = total_bytes(Sample(read, read if exact else total, number, number), number, number, number)
    keys = {"value": round(guess.value), "low": math.floor(guess.low), "high": min(total, math.ceil(guess.high))}
    if not number and not exact:
        keys["high"] = min(total, math.ceil(total * RULE_OF_THREE / max(1, read)))
    nothing = {"value": 0, "low": 0, "high": 0}
    return {"keys": keys, "bytes": row["bytes"] if row else nothing, "exact": exact}


def most(keys: Mapping[str, int]) -> int:
    """How many may be deleted until somebody should look again."""
    return math.ceil(MORE * max(keys["value"], keys["high"]))


def overlaps(pattern: str, glob: str) -> bool:
    """Whether two patterns may mean the same key, by what they begin with."""
    one, other = (SPECIAL.split(text, maxsplit=1)[0] for text in (pattern, glob))
    return one.startswith(other) or other.startswith(one)


def shown(amount: Mapping[str, Any], what: str) -> str:
    """``about 1,200 keys (1,100 to 1,300)``."""
    value, low, high = (int(amount[name]) for name in ("value", "low", "high"))
    return f"{value:,} {what}" if low == high else f"about {value:,} {what} ({low:,} to {high:,})"
