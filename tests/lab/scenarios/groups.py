# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers that replicate each other, for what none of them can tell alone. Each yields ``targets``."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab import sentinels, servers
from tests.lab.scenarios.healthy import WELL_SET, some_data
from tests.lab.scenarios.scenario import link_is_up, pair

Group = Callable[[Path], AbstractContextManager[dict[str, Any]]]
NEWER = {"redis-7.0": "redis-8.2", "valkey-8.1": "valkey-9.1"}


@dataclass(frozen=True)
class GroupScenario:
    """``expected``: the ids of group rules that must be told of each target, in their order."""

    make: Group
    expected: tuple[tuple[str, ...], ...]
    expected_replicas: int | None = None
    servers: tuple[str, ...] = ()


@contextlib.contextmanager
def _healthy(binary: Path) -> Iterator[dict[str, Any]]:
    with pair(binary, **WELL_SET) as (master, replica):
        some_data(master)
        yield {"targets": [master.url, replica.url]}


@contextlib.contextmanager
def two_masters(binary: Path) -> Iterator[dict[str, Any]]:
    """Somebody has promoted the replica by hand, and both take writes since."""
    with pair(binary, **WELL_SET) as (master, replica):
        some_data(master)
        replica.client().execute_command("REPLICAOF", "NO", "ONE")
        for member in (master, replica):
            member.client().set("order:1", member.port)
        servers.wait_for(lambda: master.client().info("replication")["connected_slaves"] == 0, "the master to lose its replica")
        yield {"targets": [master.url, replica.url]}


@contextlib.contextmanager
def _no_master(binary: Path) -> Iterator[dict[str, Any]]:
    with contextlib.ExitStack() as stack:
        master, first = stack.enter_context(pair(binary, **WELL_SET))
        second = stack.enter_context(servers.running(binary, replicaof=f"127.0.0.1 {master.port}", **WELL_SET))
        servers.wait_for(lambda: link_is_up(second), "the second replica to be in step")
        master.stop()
        servers.wait_for(lambda: not (link_is_up(first) or link_is_up(second)), "the replicas to miss their master")
        yield {"targets": [first.url, second.url]}


@contextlib.contextmanager
def _set_otherwise(binary: Path) -> Iterator[dict[str, Any]]:
    with pair(binary, {"maxmemory": "50mb", "maxmemory_policy": "noeviction"}, **WELL_SET) as (master, replica):
        yield {"targets": [master.url, replica.url]}


@contextlib.contextmanager
def _newer_replica(binary: Path) -> Iterator[dict[str, Any]]:
    matrix = servers.matrix()
    newer = next((matrix[NEWER[name]] for name, place in matrix.items() if place == binary and name in NEWER), None) or binary
    with contextlib.ExitStack() as stack:
        master = stack.enter_context(servers.running(binary, repl_diskless_sync_delay=0, **WELL_SET))
        replica = stack.enter_context(servers.running(newer, replicaof=f"127.0.0.1 {master.port}", **WELL_SET))
        servers.wait_for(lambda: link_is_up(replica), "the replica to be in step")
        yield {"targets": [master.url, replica.url]}


def _watched(**directives: Any) -> Group:
    @contextlib.contextmanager
    def make(binary: Path) -> Iterator[dict[str, Any]]:
        with sentinels.watched(binary, **WELL_SET, **directives) as group:
            yield {"targets": group.urls}

    return make


@contextlib.contextmanager
def _failed_over(binary: Path) -> Iterator[dict[str, Any]]:
    """The master was lost, the others go on without it."""
    with sentinels.watched(binary, **WELL_SET, min_replicas_to_write=1) as group:
        promoted = group.failover()
        others = [replica.url for replica in group.replicas if replica is not promoted]
        yield {"targets": [promoted.url, *others, *(guard.url for guard in group.sentinels)]}


@contextlib.contextmanager
def _quarrel(binary: Path) -> Iterator[dict[str, Any]]:
    """Two Sentinels know each other; somebody has told the second one that the replica is the master."""
    with contextlib.ExitStack() as stack:
        master, replica = stack.enter_context(pair(binary, min_replicas_to_write=1, **WELL_SET))
        guards = [stack.enter_context(sentinels.sentinel(binary, server, 2)) for server in (master, replica)]
        servers.wait_for(
            lambda: all(int(sentinels.master_of(guard)["num-other-sentinels"]) == 1 for guard in guards), "the Sentinels to meet", 30
        )
        yield {"targets": [server.url for server in (master, replica, *guards)]}


GROUPS = {
    "healthy": GroupScenario(_healthy, ((), ()), expected_replicas=1),
    "healthy-sentinels": GroupScenario(_watched(min_replicas_to_write=1), ((),) * 6),
    "replicas_missing-failover": GroupScenario(_failed_over, (("replicas_missing",), (), (), (), ())),
    "sentinel_disagree": GroupScenario(_quarrel, ((), (), ("sentinel_disagree",), ("sentinel_disagree",))),
    "split_brain_window": GroupScenario(_watched(), (("split_brain_window",), (), (), (), (), ())),
    "masters_many": GroupScenario(two_masters, (("masters_many",), ("masters_many",))),
    "master_missing": GroupScenario(_no_master, (("master_missing",), ("master_missing",))),
    "replicas_missing": GroupScenario(_healthy, (("replicas_missing",), ()), expected_replicas=2),
    "settings_differ": GroupScenario(_set_otherwise, ((), ("settings_differ",))),
    "versions_differ": GroupScenario(_newer_replica, ((), ("versions_differ",)), servers=tuple(NEWER)),
}
