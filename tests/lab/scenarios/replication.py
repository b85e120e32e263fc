# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replication and Cluster: links that are down, replicas that lag, clients at the wrong server, slots that nobody serves."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import redis

from tests.lab import servers
from tests.lab.scenarios.host import of_host
from tests.lab.scenarios.scenario import Make, Scenario, fill, load, pair, seconds_behind, with_server, write


def _orphan(**directives: Any) -> Make:
    """A replica whose master is not there."""

    @contextlib.contextmanager
    def make(binary: Path) -> Iterator[dict[str, Any]]:
        with servers.running(binary, replicaof=f"127.0.0.1 {servers.free_port()}", **directives) as server:
            yield {"url": server.url}

    return make


@contextlib.contextmanager
def _cut_off(binary: Path) -> Iterator[dict[str, Any]]:
    """A replica whose log says why."""
    with servers.running(binary, replicaof=f"127.0.0.1 {servers.free_port()}") as server:
        servers.wait_for(lambda: "Connection refused" in server.log, "the replica to be refused")
        yield {"url": server.url, "host": of_host(server)}


@contextlib.contextmanager
def _wrong_masterauth(binary: Path) -> Iterator[dict[str, Any]]:
    with servers.running(binary, requirepass="Sesame-7391") as master:
        link: dict[str, Any] = {"replicaof": f"127.0.0.1 {master.port}", "masterauth": "Simsim-7391"}
        with servers.running(binary, requirepass="Sesame-7391", **link) as replica:
            servers.wait_for(lambda: "Unable to AUTH" in replica.log, "the master to refuse its replica")
            yield {"url": replica.url, "login_password": "Sesame-7391"}


@contextlib.contextmanager
def _writes_to_a_replica(binary: Path) -> Iterator[dict[str, Any]]:
    with pair(binary) as members, load(members[1], write):
        yield {"url": members[1].url}


@contextlib.contextmanager
def _writable_replica(binary: Path) -> Iterator[dict[str, Any]]:
    with pair(binary, {"replica_read_only": "no"}) as (dummy, replica):
        yield {"url": replica.url}


@contextlib.contextmanager
def _silent_replica(binary: Path) -> Iterator[dict[str, Any]]:
    with pair(binary) as (master, replica):
        replica.pause()
        servers.wait_for(lambda: (seconds_behind(master) or 0) > 2, "the master to miss its replica")
        yield {"url": master.url}


@contextlib.contextmanager
def _ever_new_replicas(binary: Path) -> Iterator[dict[str, Any]]:
    """A replica whose history the master no longer knows comes back again and again."""
    with pair(binary) as (master, dummy):

        def come_back(dummy: redis.Redis) -> None:
            with socket.create_connection((master.host, master.port), 5) as link:
                link.sendall(b"PSYNC %s 1000\r\n" % (b"0123456789" * 4))
                link.recv(100)

        with load(master, come_back, pause=0.05):
            yield {"url": master.url}


SCENARIOS = {
    "replica_serves_nothing": Scenario(_orphan(replica_serve_stale_data="no")),
    "replication_auth_mismatch": Scenario(_wrong_masterauth),
    "replication_link_down": Scenario(_cut_off),
    "cluster_down": Scenario(with_server(cluster_enabled="yes")),
    "writes_refused_replicas": Scenario(with_server(None, write, min_replicas_to_write=1)),
    "writes_refused_readonly": Scenario(_writes_to_a_replica),
    "full_sync_repeated": Scenario(_ever_new_replicas, window=1),
    "replication_lagging": Scenario(
        _silent_replica, overrides={"replication_lag_seconds": 1}, why="half a minute of silence is long for a capture: two seconds show it"
    ),
    "replica_writable": Scenario(_writable_replica),
    "no_high_availability": Scenario(with_server(lambda server: fill(server, 100))),
}
