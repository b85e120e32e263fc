# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Memory by key pattern, as every form of the report tells it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._report.facts import number, part
from ansible_collections.aragora.redis.plugins.module_utils._report.text import clean, human_bytes, human_number

MOST_ROWS = 12
LONGEST_PATTERN = 60
# The pattern of the keys that have none in common, and what people are told in its place.
REST = "*"
OTHERS = "other keys"


def summary(snapshot: Mapping[str, Any]) -> dict[str, Any] | None:
    """``{keys_read, keys, complete, database, bytes, unsure, patterns}`` for report.json; None where no sizes of keys are known.

    ``patterns`` is a list of ``{pattern, percent, low, high, bytes, keys, expiring_percent}``, the one with the most memory first and what
    is left over last, under the name ``other keys``.
    """
    found = part(snapshot, "keyspace")
    size = number(part(found, "bytes").get("value"))
    rows = [row for row in map(_row, found.get("patterns") or []) if row] if isinstance(found.get("patterns"), list) else []
    if not size or not rows:
        return None
    named, rest = [row for row in rows if row["pattern"] != OTHERS][:MOST_ROWS], None
    keys_read = number(found.get("keys_read")) or 0
    keys = max(keys_read, number(found.get("keys_total")) or 0)
    left = round(100 - sum(row["percent"] for row in named), 2)
    if left >= 0.1:
        others = keys - sum(row["keys"] for row in named)
        rest = {"pattern": OTHERS, "percent": left, "low": None, "high": None, "bytes": round(size * left / 100)}
        rest.update({"keys": max(0, others), "expiring_percent": None})
    return {
        "keys_read": keys_read,
        "keys": keys,
        "complete": bool(found.get("complete")),
        "database": number(found.get("db")) or 0,
        "bytes": size,
        "unsure": [clean(words, 300) for words in found.get("unsure") or []],
        "patterns": [*named, *([rest] if rest else [])],
    }


def _row(row: Any) -> dict[str, Any] | None:
    share, size = part(row, "bytes_percent"), number(part(row, "bytes").get("value"))
    percent = number(share.get("value"))
    if percent is None or size is None:
        return None
    pattern = clean(row.get("pattern"), LONGEST_PATTERN)
    return {
        "pattern": OTHERS if pattern == REST else pattern,
        "percent": percent,
        "low": number(share.get("low")),
        "high": number(share.get("high")),
        "bytes": size,
        "keys": number(row.get("key_count")) or 0,
        "expiring_percent": number(part(row, "ttl").get("expiring_percent")),
    }


def reach(found: Mapping[str, Any]) -> str:
    """How much was read, in words."""
    where = f" of database {found['database']}" if found["database"] else ""
    if found["complete"]:
        return f"all {human_number(found['keys'])} keys{where}"
    return f"estimated from {human_number(found['keys_read'])} of {human_number(found['keys'])} keys{where}"


def share(row: Mapping[str, Any]) -> str:
    """``72 %``, with its interval where it is an estimate: ``72 % (68–76)``."""
    exact = row["low"] is None or row["high"] is None or row["high"] - row["low"] < 0.1
    return f"{_percent(row['percent'])} %" + ("" if exact else f" ({_percent(row['low'])}–{_percent(row['high'])})")


def expiring(row: Mapping[str, Any]) -> str:
    """How many of its keys carry a TTL, in words; nothing where that is not known."""
    found = row["expiring_percent"]
    if found is None:
        return ""
    return "none expires" if found <= 0 else "all expire" if found >= 100 else f"{_percent(found)} % expire"


def holding(row: Mapping[str, Any]) -> str:
    """``1.2 GiB in 12.3 k keys``."""
    return f"{human_bytes(row['bytes'])} in {human_number(row['keys'])} {'key' if row['keys'] == 1 else 'keys'}"


def _percent(value: float) -> str:
    """Whole numbers, and a decimal below ten and where rounding would say all."""
    return f"{value:.1f}".removesuffix(".0") if value < 10 or 99.5 <= value < 100 else f"{value:.0f}"
