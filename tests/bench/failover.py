# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a change of the master costs those who write: planned, by redis_failover and by a plain SENTINEL FAILOVER, and unplanned.

Everything is on loopback, where replicas are never far behind: what is lost there is the least that can be lost.
"""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab import modules, sentinels, servers, writer
from tests.lab.servers import wait_for

ROUNDS = 3
BINARY = "redis-7.0"
DOWN_AFTERS = (5000, 1000, 500)
# For so long the replicas hear nothing before the master is killed.
LAG_SECONDS = 3.0
SECONDS_AFTER = 12.0
PROTECTIONS: dict[str, tuple[dict[str, Any], int]] = {
    "nothing": ({}, 0),
    "min-replicas": ({"min_replicas_to_write": 1, "min_replicas_max_lag": 1}, 0),
    "WAIT 1": ({}, 1),
}


@dataclass
class Seen:
    """One run: the longest time between two acknowledged writes, how many there were, and how many of them are gone."""

    gap: float
    acknowledged: int
    lost: int


def run(*dummy: object) -> None:
    """Measure and print."""
    binary = servers.matrix()[BINARY] or servers.embedded()
    _planned(binary)
    _unplanned(binary)


def _planned(binary: Path) -> None:
    seen: dict[str, list[Seen]] = {"redis_failover": [], "SENTINEL FAILOVER": []}
    for dummy in range(ROUNDS):
        for name, rows in seen.items():
            rows.append(_switched(binary, name))
    print(f"\n{'planned, median of ' + str(ROUNDS):<40}{'no write for s':>15}{'acknowledged':>14}{'lost':>8}")
    for name, rows in seen.items():
        print(f"{name:<40}{_median(rows, 'gap'):>15.2f}{_median(rows, 'acknowledged'):>14.0f}{_median(rows, 'lost'):>8.0f}")
    ours, theirs = seen.values()
    print(f"\n{'ratio':<60}{'median':>9}{'aim':>9}")
    ratio = _median(ours, "gap") / max(_median(theirs, "gap"), 0.001)
    print(f"{'no write accepted: redis_failover ÷ SENTINEL FAILOVER':<60}{ratio:>9.2f}")
    print(f"{'acknowledged writes that redis_failover lost, in all':<60}{sum(row.lost for row in ours):>9}{'0':>9}")


def _switched(binary: Path, way: str) -> Seen:
    with sentinels.watched(binary, sentinel_lines=f"down-after-milliseconds {sentinels.NAME} 5000") as group, _writing(group) as seen:
        guard = group.sentinels[0]
        if way == "redis_failover":
            options = {"sentinels": [f"127.0.0.1:{guard.port}"], "service_name": sentinels.NAME, "cooldown": 0, "patience": 10}
            done = modules.run("redis_failover", options)
            if not done.get("changed"):
                raise RuntimeError(f"redis_failover: {done['msg']}")
        else:
            guard.client().execute_command("SENTINEL", "FAILOVER", sentinels.NAME)
        # The old master of a plain failover is made a replica after some seconds only.
        time.sleep(SECONDS_AFTER)
    return seen[0]


def _unplanned(binary: Path) -> None:
    print(f"\n{'unplanned':<14}{'protection':<14}{'down-after ms':>14}{'no write for s':>16}{'acknowledged':>14}{'lost':>8}")
    for loss in ("kill -9", "lagging"):
        for name, (directives, wait) in PROTECTIONS.items():
            for down_after in DOWN_AFTERS if loss == "kill -9" else DOWN_AFTERS[1:2]:
                row = _killed(binary, loss, directives, wait, down_after)
                print(f"{loss:<14}{name:<14}{down_after:>14}{row.gap:>16.2f}{row.acknowledged:>14}{row.lost:>8}", flush=True)


def _killed(binary: Path, loss: str, directives: dict[str, Any], wait: int, down_after: int) -> Seen:
    lines = f"down-after-milliseconds {sentinels.NAME} {down_after}"
    # A replica that heard nothing for a while has to be allowed to become the master all the same.
    common = {"repl_timeout": 60, **directives}
    with sentinels.watched(binary, sentinel_lines=lines, **common) as group, _writing(group, wait) as seen:
        if loss == "lagging":
            for replica in group.replicas:
                replica.client().execute_command("REPLICAOF", "127.0.0.1", _nobody())
            time.sleep(LAG_SECONDS)
            group.master.stop()
            for replica in group.replicas:
                replica.client().execute_command("REPLICAOF", "127.0.0.1", group.master.port)
        else:
            group.master.stop()
        find = writer.by_sentinels(group.sentinels, sentinels.NAME)
        wait_for(find, "another master", sentinels.PATIENCE)
        time.sleep(2)
    return seen[0]


@contextlib.contextmanager
def _writing(group: sentinels.Watched, wait: int = 0) -> Iterator[list[Seen]]:
    """Write from before until after; the list holds what came of it at the end."""
    found: list[Seen] = []
    find = writer.by_sentinels(group.sentinels, sentinels.NAME)
    with writer.following(find, wait=wait) as written:
        time.sleep(1)
        yield found
    master = wait_for(find, "a master", sentinels.PATIENCE)
    found.append(Seen(written.longest_gap, len(written.acknowledged), len(writer.lost(master, written.acknowledged))))


def _nobody() -> int:
    return servers.free_port()


def _median(rows: list[Seen], field: str) -> float:
    return float(statistics.median(getattr(row, field) for row in rows))
