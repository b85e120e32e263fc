# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How fast a scan may go: it slows down while other clients wait longer because of it, and gives up where that does not help.

Pure: pairs of probe times go in, one taken while the server works for the scan and one while it does not; size and pause of
batches come out.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._latency import percentile, summary

FIRST_BATCH = 100
SMALLEST_BATCH = 16
# About what the server reads of a connection at once (16 kB): larger batches make others wait longer and are hardly faster.
LARGEST_BATCH = 150
# Seconds of pause for each second of work.
FIRST_REST = 1.0
LEAST_REST = 0.5
MOST_REST = 64.0
# A decision needs that many probes; one that is this many times over the limit decides alone.
WINDOW = 20
ALARM = 10
MOST_STRIKES = 5
REMEMBERED = 2_000


class Pace:
    """``batch`` keys at a time, then a pause ``rest`` times as long. ``limit`` is the latency in ms that others may feel, 0 for any."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.batch = FIRST_BATCH if limit else LARGEST_BATCH
        self.rest = FIRST_REST if limit else 0.0
        self.paused = 0.0
        self.slowed = 0
        self.strikes = 0
        self._since = 0
        self._quiet: deque[float] = deque(maxlen=REMEMBERED)
        self._busy: deque[float] = deque(maxlen=REMEMBERED)

    @property
    def exhausted(self) -> bool:
        """Whether even the slowest pace adds too much."""
        return self.strikes >= MOST_STRIKES

    def note(self, quiet: float, busy: float) -> None:
        """Take a pair of probe times in milliseconds, and decide where it is time to."""
        self._quiet.append(quiet)
        self._busy.append(busy)
        self._since += 1
        if not self.limit:
            return
        alarm = busy - quiet > self.limit * ALARM
        if self._since >= WINDOW or alarm:
            recent = min(self._since, WINDOW)
            self._decide(_added(list(self._quiet)[-recent:], list(self._busy)[-recent:], 95))
            self._since = 0

    def _decide(self, added: float) -> None:
        if added > self.limit:
            self.slowed += 1
            if self.batch > SMALLEST_BATCH:
                self.batch = max(SMALLEST_BATCH, self.batch // 2)
            elif self.rest < MOST_REST:
                self.rest *= 2
            else:
                self.strikes += 1
            return
        self.strikes = 0
        if added < self.limit / 2:
            if self.rest > LEAST_REST:
                self.rest /= 2
            else:
                self.batch = min(LARGEST_BATCH, self.batch * 5 // 4)

    def report(self) -> dict[str, Any]:
        """What was measured and done."""
        quiet, busy = list(self._quiet), list(self._busy)
        return {
            "limit_ms": self.limit,
            "quiet": summary(quiet),
            "busy": summary(busy),
            "added_p50_ms": round(_added(quiet, busy, 50), 3) if busy else None,
            "added_p99_ms": round(_added(quiet, busy, 99), 3) if busy else None,
            "batch_keys": self.batch,
            "paused_seconds": round(self.paused, 3),
            "slowed": self.slowed,
        }

    def to_json(self) -> dict[str, Any]:
        """Everything that is known, as JSON data."""
        plain = {name: getattr(self, name) for name in ("batch", "rest", "paused", "slowed", "strikes")}
        return {**plain, "quiet": list(self._quiet), "busy": list(self._busy)}

    def from_json(self, data: dict[str, Any]) -> None:
        """Go on from what :meth:`to_json` wrote."""
        for name in ("batch", "rest", "paused", "slowed", "strikes"):
            setattr(self, name, data[name])
        self._quiet.extend(data["quiet"])
        self._busy.extend(data["busy"])


def _added(quiet: list[float], busy: list[float], percent: float) -> float:
    return max(0.0, percentile(busy, percent) - percentile(quiet, percent))
