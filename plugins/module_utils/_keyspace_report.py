# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of redis_keyspace, made of what was counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._keyspace import REST, TTL_NAMES, Big, Row, Table
from ansible_collections.aragora.redis.plugins.module_utils._keyspace_estimate import Sample, share_of_bytes, total_bytes
from ansible_collections.aragora.redis.plugins.module_utils._patterns import fold_key, shape, widened, without_ids
from ansible_collections.aragora.redis.plugins.module_utils._report.text import clean

# From where on a key is called big, in the unit of its type: bytes for strings, members for the others.
LIMITS = {"string": 100_000, "hash": 5_000, "set": 1_000, "list": 1_000, "zset": 1_000}
LONGEST_NAME = 200
# A sample is unsure when this many keys hold this share of what was read, or when its own interval is that wide.
GIANTS = 10
GIANTS_SHARE = 0.2
WIDE = 0.25
UNEXPLAINED_SHARE = 0.2
UNEXPLAINED_BYTES = 10 * 1024 * 1024


@dataclass
class Counted:
    """What a scan has brought home. ``expected_bytes`` is what the server says all keys of this database hold, None where it does not."""

    table: Table
    total: int
    complete: bool
    denied: dict[str, str]
    expected_bytes: int | None = None
    members: Mapping[bytes, int] = field(default_factory=dict)
    sampled_in_order: bool = False

    @property
    def sample(self) -> Sample:
        """The sums over all rows."""
        rows = self.table.rows.values()
        read = sum(row.keys for row in rows)
        total = read if self.complete else max(read, self.total)
        return Sample(read, total, sum(row.bytes for row in rows), sum(row.squares for row in rows))


def report(counted: Counted, most_patterns: int, biggest: int, mask: bool) -> dict[str, Any]:
    """The parts of the result that tell of keys."""
    if mask:
        hide_names(counted.table)
    sample, sized = counted.sample, "memory" not in counted.denied
    rows = sorted((row for row in counted.table.rows.values() if row.keys), key=lambda row: (-row.bytes, -row.keys, row.name))
    shown, others = rows[:most_patterns], rows[most_patterns:]
    whole = total_bytes(sample, sample.read, sample.bytes, sample.squares)
    show = _Names(counted, mask)
    bigs = {kind: sorted(found, reverse=True) for kind, found in sorted(counted.table.biggest.items())} if sized else {}
    every = sorted((big for found in bigs.values() for big in found), reverse=True)
    return {
        "bytes": _rounded(whole) if sized else None,
        "unexplained_bytes": _unexplained(counted, whole.value) if sized else None,
        "unsure": _unsure(counted, sample, every) if sized else [],
        "types": _types(rows, sample),
        "ttl": _ttl(rows, sample, sized),
        "patterns": [_pattern(row, sample, sized, show) for row in shown],
        "others": {"patterns": len(others), "key_count": _scaled(others, sample), "bytes": _bytes_of(others, sample) if sized else None},
        "biggest": [show(big) for big in every[:biggest]],
        "biggest_by_type": {kind: [show(big) for big in found[:biggest]] for kind, found in bigs.items()},
        "big_keys": [shown for shown in map(show, every) if _is_big(shown)],
    }


def hide_names(table: Table) -> None:
    """Merge patterns that are the names of single keys: with masked names nothing that one key is called may be seen."""
    for row in list(table.rows.values()):
        if row.keys and "*" not in row.name and row.name not in table.given:
            table.merge(row.name, widened(row.name))


class _Names:
    """Big keys as people see them: a name without what a terminal would obey, or its pattern in place of it."""

    def __init__(self, counted: Counted, mask: bool) -> None:
        self._counted, self._mask = counted, mask

    def __call__(self, big: Big) -> dict[str, Any]:
        size, name, kind, ttl = big
        pattern = self._counted.table.row_of(name).name
        if self._mask:
            folded = fold_key(without_ids(shape(name)))
            shown = folded if "*" in folded and pattern != REST else pattern
        else:
            shown = clean(name.decode("utf-8", "backslashreplace"), LONGEST_NAME)
        return {
            "key": shown,
            "pattern": pattern,
            "type": kind,
            "bytes": size,
            "members": self._counted.members.get(name),
            "ttl_seconds": round(ttl / 1000) if ttl >= 0 else None,
        }


def _is_big(shown: dict[str, Any]) -> bool:
    measure = shown["bytes"] if shown["type"] == "string" else shown["members"]
    return measure is not None and measure > LIMITS.get(shown["type"], float("inf"))


def _pattern(row: Row, sample: Sample, sized: bool, show: _Names) -> dict[str, Any]:
    share = share_of_bytes(sample, row.keys, row.bytes, row.squares)
    found: dict[str, Any] = {
        "pattern": row.name,
        "merged": row.merged,
        "keys_read": row.keys,
        "key_count": round(row.keys * sample.factor),
        "keys_percent": _percent(row.keys / sample.read),
        "bytes": None,
        "bytes_percent": None,
        "bytes_per_key": None,
        "types": {kind: round(count * sample.factor) for kind, count in sorted(row.types.items())},
        "encodings_percent": _shares(row.encodings),
        "ttl": _ttl([row], sample, sized),
        "biggest": [show(big) for big in sorted(row.biggest, reverse=True)] if sized else [],
    }
    if sized:
        found["bytes"] = _rounded(total_bytes(sample, row.keys, row.bytes, row.squares))
        found["bytes_percent"] = _percents(share)
        found["bytes_per_key"] = round(row.bytes / row.keys)
    return found


def _types(rows: list[Row], sample: Sample) -> dict[str, int]:
    kinds = sorted({kind for row in rows for kind in row.types})
    return {kind: round(sum(row.types.get(kind, 0) for row in rows) * sample.factor) for kind in kinds}


def _ttl(rows: list[Row], sample: Sample, sized: bool) -> dict[str, Any]:
    """The share of keys that expire, the shares by remaining time, and the share of all memory that never goes by itself."""
    counts = [sum(row.ttl[place] for row in rows) for place in range(len(TTL_NAMES))]
    keys = sum(counts)
    expiring = _percent(1 - counts[0] / keys) if keys else None
    lasting = share_of_bytes(sample, counts[0], sum(row.lasting for row in rows), sum(row.lasting_squares for row in rows))
    return {
        "expiring_percent": expiring,
        "percent": _shares(dict(zip(TTL_NAMES, counts))),
        "never_bytes_percent": _percents(lasting) if sized else None,
    }


def _unexplained(counted: Counted, estimate: float) -> int | None:
    return None if counted.expected_bytes is None else round(counted.expected_bytes - estimate)


def _unsure(counted: Counted, sample: Sample, every: list[Big]) -> list[str]:
    """One sentence for each reason to trust the numbers less than their intervals say."""
    if counted.complete or not sample.bytes:
        return []
    found = []
    giants = sum(size for size, *dummy in every[:GIANTS])
    whole = total_bytes(sample, sample.read, sample.bytes, sample.squares)
    if sample.read > GIANTS * 10 and giants > GIANTS_SHARE * sample.bytes:
        found.append(
            f"the {GIANTS} biggest of {sample.read} keys hold {giants / sample.bytes:.0%} of what was read: "
            "how much such giants hold in all is a guess, mode full counts them"
        )
    elif whole.high - whole.value > WIDE * whole.value:
        found.append("the sizes differ too much for so few keys: read more of them, or all with mode full")
    missing = _unexplained(counted, whole.value)
    if missing is not None and missing > max(UNEXPLAINED_BYTES, UNEXPLAINED_SHARE * (counted.expected_bytes or 0)):
        found.append(f"{missing} bytes of the data set are not explained by the sample: it has missed giants, mode full finds them")
    if counted.sampled_in_order:
        found.append("a cluster node is read slot by slot: keys that share a hash tag are all in the sample, or none of them is")
    return found


def _shares(counts: Mapping[str, int]) -> dict[str, float]:
    whole = sum(counts.values())
    return {name: _percent(count / whole) for name, count in counts.items() if count}


def _scaled(rows: list[Row], sample: Sample) -> int:
    return round(sum(row.keys for row in rows) * sample.factor)


def _bytes_of(rows: list[Row], sample: Sample) -> int:
    return round(sum(row.bytes for row in rows) * sample.factor)


def _rounded(estimate: Any) -> dict[str, int]:
    return {name: round(getattr(estimate, name)) for name in ("value", "low", "high")}


def _percents(share: Any) -> dict[str, float]:
    return {name: _percent(getattr(share, name)) for name in ("value", "low", "high")}


def _percent(share: float) -> float:
    return round(share * 100, 2)
