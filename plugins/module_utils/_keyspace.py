# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is counted while keys are read: one row a pattern, bounded in number, and the biggest keys.

Pure: names and numbers in, rows out. A table can be written as JSON and read again, so that a scan may go on in another process.
"""

from __future__ import annotations

import heapq
from bisect import bisect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._patterns import fold_key, shape, widened, without_ids

MOST_PATTERNS = 1_000
MOST_SHAPES = 20_000
LONGEST_SHAPE = 200
BIGGEST_OF_PATTERN = 3
BIGGEST_OF_TYPE = 50
# Names are kept for the lists of the biggest only, and cut: a name may be as long as a value.
LONGEST_NAME = 512
REST = "*"
# The classes of the TTL histogram: (name, milliseconds below which a TTL belongs to it). -1 is what PTTL says of a key that never expires.
TTL_CLASSES = (
    ("never", 0),
    ("under_1_minute", 60_000),
    ("under_1_hour", 3_600_000),
    ("under_1_day", 86_400_000),
    ("under_7_days", 604_800_000),
    ("under_30_days", 2_592_000_000),
)
TTL_NAMES = (*(name for name, dummy in TTL_CLASSES), "over_30_days")
TTL_EDGES = [limit for dummy, limit in TTL_CLASSES]
# (bytes, name, type, TTL in milliseconds), the smallest first.
Big = tuple[int, bytes, str, int]


class Row:
    """What is known of one pattern. ``squares`` is the sum of the squared sizes; ``merged`` tells that other patterns went into it.

    ``lasting`` and ``lasting_squares`` are the sums over the keys that never expire.
    """

    __slots__ = (
        "biggest",
        "bytes",
        "encodings",
        "floor",
        "keys",
        "lasting",
        "lasting_squares",
        "merged",
        "name",
        "squares",
        "ttl",
        "types",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.keys = self.bytes = self.squares = self.lasting = self.lasting_squares = 0
        self.floor = -1
        self.merged = False
        self.ttl = [0] * len(TTL_NAMES)
        self.types: dict[str, int] = {}
        self.encodings: dict[str, int] = {}
        self.biggest: list[Big] = []

    def note(self, big: Big) -> None:
        """Take a key into the list of the biggest, where it belongs there."""
        self.floor = _keep(self.biggest, big, BIGGEST_OF_PATTERN)

    def take(self, other: Row) -> None:
        """Add what another row holds."""
        self.keys += other.keys
        self.bytes += other.bytes
        self.squares += other.squares
        self.lasting += other.lasting
        self.lasting_squares += other.lasting_squares
        self.ttl = [own + more for own, more in zip(self.ttl, other.ttl)]
        for mine, theirs in ((self.types, other.types), (self.encodings, other.encodings)):
            for name, count in theirs.items():
                mine[name] = mine.get(name, 0) + count
        for big in other.biggest:
            self.note(big)


class Table:
    """The rows by pattern. ``place`` chooses among given patterns (see ``_globs``); without it patterns are learned from the names."""

    def __init__(self, given: Sequence[str] = (), place: Callable[[bytes], int] | None = None) -> None:
        self.rows: dict[str, Row] = {name: Row(name) for name in given}
        self.biggest: dict[str, list[Big]] = {}
        self._floors: dict[str, int] = {}
        self._known: dict[bytes, Row] = {}
        self._widened: set[str] = set()
        self.given, self._place = list(given), place

    def add(self, keys: Sequence[bytes], types: Iterable[str], sizes: Iterable[int], ttls: Iterable[int]) -> None:
        """Count keys. The loop that decides how fast a scan can be: it looks at each key once and makes nothing new where it can."""
        row_of, floor_of = self.row_of, self._floors.get
        for key, kind, size, ttl in zip(keys, types, sizes, ttls):
            row = row_of(key)
            row.keys += 1
            row.bytes += size
            row.squares += size * size
            row.ttl[bisect(TTL_EDGES, ttl)] += 1
            if ttl < 0:
                row.lasting += size
                row.lasting_squares += size * size
            if kind in row.types:
                row.types[kind] += 1
            else:
                row.types[kind] = 1
            if size > row.floor:
                row.note((size, key[:LONGEST_NAME], kind, ttl))
            if size > floor_of(kind, -1):
                self._floors[kind] = _keep(self.biggest.setdefault(kind, []), (size, key[:LONGEST_NAME], kind, ttl), BIGGEST_OF_TYPE)

    def add_encodings(self, pairs: Iterable[tuple[bytes, str]]) -> None:
        """Count the encodings of some of the keys, given as (key, encoding)."""
        for key, encoding in pairs:
            found = self.row_of(key).encodings
            found[encoding] = found.get(encoding, 0) + 1

    def row_of(self, key: bytes) -> Row:
        """The row that a key belongs to."""
        if self._place:
            number = self._place(key)
            return self.row_named(self.given[number] if number >= 0 else REST)
        shaped = shape(key)
        return self._known.get(shaped) or self._learned(shaped)

    def row_named(self, name: str) -> Row:
        """The row of this pattern, a new one where there is none."""
        row = self.rows.get(name)
        if row is None:
            row = self.rows[name] = Row(name)
        return row

    def _learned(self, shaped: bytes) -> Row:
        short = without_ids(shaped)
        row = self._known.get(short)
        if row is None:
            if len(self._known) >= MOST_SHAPES:
                self._known.clear()
            row = self._row_for(fold_key(short))
            if len(short) <= LONGEST_SHAPE:
                self._known[short] = row
        return row

    def _row_for(self, pattern: str) -> Row:
        if pattern not in self.rows:
            if widened(pattern) in self._widened:
                return self.row_named(widened(pattern))
            if len(self.rows) >= MOST_PATTERNS:
                self.widen()
                return self._row_for(pattern) if len(self.rows) < MOST_PATTERNS else self.row_named(REST)
        return self.row_named(pattern)

    def widen(self) -> None:
        """Merge the half of the patterns that matters least into wider ones, and once more into one where that frees too little."""
        for rename in (widened, lambda dummy: REST):
            least = sorted(self.rows.values(), key=lambda row: (row.bytes, row.keys))[: MOST_PATTERNS // 2]
            for row in least:
                self.merge(row.name, rename(row.name))
            if len(self.rows) <= MOST_PATTERNS * 3 // 4:
                return

    def merge(self, name: str, into: str) -> None:
        """Let one pattern go into another, now and for what is still to come."""
        self._known.clear()
        self._widened.add(into)
        if name != into:
            row = self.row_named(into)
            row.take(self.rows.pop(name))
            row.merged = True

    def to_json(self) -> dict[str, Any]:
        """Everything that is counted, as JSON data."""
        rows = [{field: getattr(row, field) for field in Row.__slots__ if field != "biggest"} for row in self.rows.values()]
        for plain, row in zip(rows, self.rows.values()):
            plain["biggest"] = _plain(row.biggest)
        biggest = {kind: _plain(bigs) for kind, bigs in self.biggest.items()}
        return {"rows": rows, "biggest": biggest, "widened": sorted(self._widened)}

    def from_json(self, data: dict[str, Any]) -> None:
        """Go on from what :meth:`to_json` wrote."""
        for plain in data["rows"]:
            row = self.row_named(plain["name"])
            for field, value in plain.items():
                setattr(row, field, _bigs(value) if field == "biggest" else value)
        self.biggest = {kind: _bigs(bigs) for kind, bigs in data["biggest"].items()}
        self._floors = {kind: bigs[0][0] for kind, bigs in self.biggest.items() if len(bigs) >= BIGGEST_OF_TYPE}
        self._widened = set(data["widened"])


def _keep(bigs: list[Big], big: Big, most: int) -> int:
    """Keep the ``most`` biggest; returns the size that the next one must exceed. A key that SCAN gives twice stays one."""
    if any(known[1] == big[1] for known in bigs):
        return bigs[0][0] if len(bigs) >= most else -1
    if len(bigs) < most:
        heapq.heappush(bigs, big)
    else:
        heapq.heappushpop(bigs, big)
    return bigs[0][0] if len(bigs) >= most else -1


def _plain(bigs: Iterable[Big]) -> list[list[Any]]:
    return [[size, name.decode("latin-1"), kind, ttl] for size, name, kind, ttl in bigs]


def _bigs(plain: Iterable[Sequence[Any]]) -> list[Big]:
    return [(size, name.encode("latin-1"), kind, ttl) for size, name, kind, ttl in plain]
