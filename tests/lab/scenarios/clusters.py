# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clusters with nodes that are gone, masters without replicas, and slots on the move."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.lab.clusters import PATIENCE, clustered, node_id, state
from tests.lab.scenarios.scenario import Scenario
from tests.lab.servers import wait_for


@contextlib.contextmanager
def _lost_master(binary: Path) -> Iterator[dict[str, Any]]:
    with clustered(binary, replicas=0, cluster_require_full_coverage="no") as cluster:
        first, *dummy, last = cluster.masters
        last.stop()
        wait_for(lambda: int(state(first)["cluster_slots_fail"]) > 0, "the cluster to miss its node", PATIENCE)
        yield {"url": first.url}


@contextlib.contextmanager
def _without_replicas(binary: Path) -> Iterator[dict[str, Any]]:
    with clustered(binary, replicas=0) as cluster:
        yield {"url": cluster.masters[0].url}


@contextlib.contextmanager
def _half_moved(binary: Path) -> Iterator[dict[str, Any]]:
    """A reshard was broken off."""
    with clustered(binary, replicas=0) as cluster:
        source, target, *dummy = cluster.masters
        target.client().execute_command("CLUSTER", "SETSLOT", 0, "IMPORTING", node_id(source))
        source.client().execute_command("CLUSTER", "SETSLOT", 0, "MIGRATING", node_id(target))
        yield {"url": source.url}


SCENARIOS = {
    "cluster_slots_failing": Scenario(_lost_master),
    "cluster_replica_missing": Scenario(_without_replicas),
    "cluster_slot_stuck": Scenario(_half_moved),
}
