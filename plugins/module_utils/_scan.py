# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The conversation that reads keys: SCAN, then TYPE, MEMORY USAGE and PTTL of each key, in batches that other clients do not feel.

The next SCAN is sent together with a batch, and the batch before is counted while the server works. A second connection sends PINGs:
one right behind a batch, which waits as long as any client would have to, and one while the server has nothing to do for the scan.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ansible_collections.aragora.redis.plugins.module_utils import _wire
from ansible_collections.aragora.redis.plugins.module_utils._client import Client, Refused, Unavailable
from ansible_collections.aragora.redis.plugins.module_utils._keyspace import LONGEST_NAME, Table
from ansible_collections.aragora.redis.plugins.module_utils._pace import Pace

PROBE_SECONDS = 0.01
LONGEST_PAUSE = 0.1
# OBJECT ENCODING is asked for one key in so many, for each where there are few.
ENCODING_STEP = 16
FEW_KEYS = 2_000
PING = _wire.packed("PING")
HEADS = {
    "type": _wire.command_head("TYPE"),
    "memory": _wire.command_head("MEMORY", "USAGE"),
    "ttl": _wire.command_head("PTTL"),
    "encoding": _wire.command_head("OBJECT", "ENCODING"),
}
LENGTHS = {"hash": "HLEN", "list": "LLEN", "set": "SCARD", "zset": "ZCARD", "stream": "XLEN"}
# What stands in for a field that the server refuses to tell.
UNTOLD = {"type": b"+unknown", "memory": b":0", "ttl": b":-1"}
GONE_TYPE, GONE_SIZE = b"+none", -1
NEVER = -1
START = b"0"


class Denied(ValueError):
    """SCAN itself is refused: there is nothing to read. ``str()`` is the server's own text."""


@dataclass
class Budget:
    """What a scan may use: ``keys`` and ``seconds`` in all, and seconds until it pauses (``slice``)."""

    seconds: float
    keys: int
    slice: float = float("inf")


@dataclass
class Scan:
    """A scan as far as it has come. ``stopped`` is why it ended: end, keys, seconds, latency, unavailable; slice when it is to go on."""

    table: Table
    pace: Pace
    total: int
    cursor: bytes = START
    read: int = 0
    refused: int = 0
    seconds: float = 0.0
    stopped: str = ""
    error: str = ""
    denied: dict[str, str] = field(default_factory=dict)


@dataclass
class Batch:
    """Keys and what was answered about them: the lines of all fields, key by key, and the encodings of every so many."""

    keys: list[bytes]
    encoded: list[bytes]
    lines: list[bytes] = field(default_factory=list)
    encodings: list[bytes | None] = field(default_factory=list)


class Reader:
    """One slice of a scan; ``probe`` is the second connection, None when nobody minds the latency."""

    def __init__(self, scan: Scan, client: Client, probe: Client | None, budget: Budget) -> None:
        self._scan, self._client, self._probe, self._budget = scan, client, probe, budget
        self._replies = _wire.Replies(client.receive)
        self._step = 1 if min(scan.total, budget.keys) <= FEW_KEYS else ENCODING_STEP
        self._uncounted: Batch | None = None
        self._started = self._working_since = time.perf_counter()
        self._before, self._probe_at = scan.seconds, 0.0

    def run(self) -> None:
        """Read until a budget is used up, the keys are, or the server is gone; what was read so far stays. Denied when SCAN is refused."""
        try:
            self._read()
        except Unavailable as error:
            self._scan.stopped, self._scan.error = "unavailable", str(error)
        self._count()
        self._scan.seconds = self._seconds()

    def _read(self) -> None:
        scan = self._scan
        cursor, keys = self._first()
        while True:
            batch = Batch(keys, [] if "encoding" in scan.denied else keys[:: self._step])
            scan.stopped = self._why_stop(cursor, scan.read + len(keys))
            self._ask(batch, b"" if scan.stopped else self._next(cursor, scan.read + len(keys)))
            busy = self._probed()
            self._count()
            self._answered(batch)
            scan.cursor = cursor
            if scan.stopped:
                return
            cursor, keys = self._scanned()
            self._slow_down(busy)

    def _first(self) -> tuple[bytes, list[bytes]]:
        """The first keys, and which fields the server tells of them."""
        self._client.send(self._next(self._scan.cursor, self._scan.read), 1)
        cursor, keys = self._scanned()
        if keys:
            for name, head in HEADS.items():
                self._client.send(head + _wire.argument(keys[0]), 1)
                said = self._replies.text() or b""
                if said[:1] == b"-" and (b"permissions to run" in said or b"unknown" in said):
                    self._scan.denied[name] = said[1:].decode("utf-8", "backslashreplace")
        return cursor, keys

    def _scanned(self) -> tuple[bytes, list[bytes]]:
        try:
            return self._replies.scan()
        except ValueError as error:
            raise Denied(str(error)) from None

    def _next(self, cursor: bytes, read: int) -> bytes:
        return _wire.packed("SCAN", cursor, "COUNT", max(1, min(self._scan.pace.batch, self._budget.keys - read)))

    def _ask(self, batch: Batch, following: bytes) -> None:
        heads = [head for name, head in HEADS.items() if name != "encoding" and name not in self._scan.denied]
        packed = _wire.batch(batch.keys, heads) + _wire.batch(batch.encoded, [HEADS["encoding"]]) + following
        if packed:
            self._client.send(packed, len(batch.keys) * len(heads) + len(batch.encoded) + bool(following))

    def _answered(self, batch: Batch) -> None:
        told = [name for name in UNTOLD if name not in self._scan.denied]
        batch.lines = self._replies.lines(len(batch.keys) * len(told))
        batch.encodings = [self._replies.text() for dummy in batch.encoded]
        self._uncounted = batch
        self._scan.read += len(batch.keys)

    def _count(self) -> None:
        """Take what was answered into the table; meanwhile the server works on the next batch."""
        batch, self._uncounted = self._uncounted, None
        if not batch:
            return
        told = [name for name in UNTOLD if name not in self._scan.denied]
        columns = {name: batch.lines[place :: len(told)] for place, name in enumerate(told)}
        rows = [columns.get(name) or [untold] * len(batch.keys) for name, untold in UNTOLD.items()]
        kept = _understood(batch.keys, *rows)
        self._scan.refused += sum(line[:1] == b"-" for line in batch.lines[:: len(told) or 1]) if len(kept[0]) < len(batch.keys) else 0
        self._scan.table.add(*kept)
        pairs = [(key, said.decode()) for key, said in zip(batch.encoded, batch.encodings) if said and said[:1] != b"-"]
        self._scan.table.add_encodings(pairs)

    def _why_stop(self, cursor: bytes, read: int) -> str:
        if cursor == START:
            return "end"
        if read >= self._budget.keys:
            return "keys"
        if self._scan.pace.exhausted:
            return "latency"
        if self._seconds() >= self._budget.seconds:
            return "seconds"
        return "slice" if time.perf_counter() - self._started >= self._budget.slice else ""

    def _probed(self) -> float | None:
        """The milliseconds that a PING has to wait behind a batch, every now and then."""
        if not self._probe or time.perf_counter() < self._probe_at:
            return None
        self._probe_at = time.perf_counter() + PROBE_SECONDS
        return ping(self._probe)

    def _slow_down(self, busy: float | None) -> None:
        """Compare with a PING that waits for nothing of ours, and leave the server to others for a while."""
        if busy is not None and self._probe:
            self._scan.pace.note(ping(self._probe), busy)
        now = time.perf_counter()
        if self._scan.pace.rest:
            time.sleep(min(LONGEST_PAUSE, (now - self._working_since) * self._scan.pace.rest))
            self._working_since = time.perf_counter()
            self._scan.pace.paused += self._working_since - now

    def _seconds(self) -> float:
        return self._before + time.perf_counter() - self._started


def ping(probe: Client) -> float:
    """The milliseconds of one PING."""
    begun = time.perf_counter()
    probe.send(PING, 1)
    probe.receive()
    return (time.perf_counter() - begun) * 1000


def lengths(client: Client, bigs: Iterable[tuple[bytes, str]]) -> dict[bytes, int]:
    """The number of members of each of these keys (name, type), where the server tells it. Names that were cut are left out."""
    asked = [(name, LENGTHS[kind]) for name, kind in bigs if kind in LENGTHS and len(name) < LONGEST_NAME]
    if not asked:
        return {}
    replies = client.pipeline([(command, name) for name, command in asked])
    return {name: reply for (name, dummy), reply in zip(asked, replies) if isinstance(reply, int) and not isinstance(reply, Refused)}


def _understood(
    keys: Sequence[bytes], types: Sequence[bytes], sizes: Sequence[bytes], ttls: Sequence[bytes]
) -> tuple[Sequence[bytes], list[str], list[int], list[int]]:
    """The columns as text and numbers, without the keys that were gone by then or may not be looked at."""
    try:
        found = keys, [line[1:].decode() for line in types], [int(line[1:]) for line in sizes], [int(line[1:]) for line in ttls]
        if GONE_TYPE not in types and GONE_SIZE not in found[2]:
            return found
    except ValueError:
        pass
    whole = [row for row in zip(keys, types, sizes, ttls) if not any(cell[:1] == b"-" for cell in row[1:])]
    kept = [row for row in whole if row[1] != GONE_TYPE and row[2] != b"$-1"]
    return (
        [row[0] for row in kept],
        [row[1][1:].decode() for row in kept],
        [int(row[2][1:]) for row in kept],
        [int(row[3][1:]) for row in kept],
    )
