# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster on loopback: masters that share the slots, each with its replicas."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab import servers
from tests.lab.servers import Server, wait_for

SLOTS = 16384
NODE_TIMEOUT_MS = 1000
PATIENCE = 60.0


@dataclass(frozen=True)
class Cluster:
    """The masters in the order of their slots, and the replicas of each."""

    masters: list[Server]
    replicas: list[list[Server]]

    @property
    def nodes(self) -> list[Server]:
        """All of them."""
        return [*self.masters, *(replica for replicas in self.replicas for replica in replicas)]


@contextlib.contextmanager
def clustered(binary: Path, *, masters: int = 3, replicas: int = 1, **directives: Any) -> Iterator[Cluster]:
    """A cluster that is ok, and of which every node knows every other."""
    options = {"cluster_enabled": "yes", "cluster_node_timeout": NODE_TIMEOUT_MS, "repl_diskless_sync_delay": 0, **directives}
    with contextlib.ExitStack() as stack:
        leaders = [stack.enter_context(servers.running(binary, **options)) for dummy in range(masters)]
        followers = [[stack.enter_context(servers.running(binary, **options)) for dummy in range(replicas)] for dummy in leaders]
        cluster = Cluster(leaders, followers)
        for place, leader in enumerate(leaders):
            first, last = (SLOTS * number // masters for number in (place, place + 1))
            leader.client().execute_command("CLUSTER", "ADDSLOTS", *range(first, last))
        for node in cluster.nodes[1:]:
            node.client().execute_command("CLUSTER", "MEET", leaders[0].host, leaders[0].port, leaders[0].port + 10000)
        wait_for(lambda: all(len(lines(node)) == len(cluster.nodes) for node in cluster.nodes), "the nodes to meet", PATIENCE)
        for leader, group in zip(leaders, followers):
            for follower in group:
                follower.client().execute_command("CLUSTER", "REPLICATE", node_id(leader))
        wait_for(lambda: all(_is_ok(node, masters * replicas) for node in cluster.nodes), "the cluster to be ok", PATIENCE)
        yield cluster


def node_id(node: Server) -> str:
    """The id of a node."""
    return str(_text(node.client().execute_command("CLUSTER", "MYID")))


def lines(node: Server) -> list[str]:
    """CLUSTER NODES as this node tells it, nodes in handshake left out."""
    connection = node.client()
    # redis-py would parse it, and knows nothing of slots on the move.
    connection.response_callbacks.clear()
    return [line for line in _text(connection.execute_command("CLUSTER", "NODES")).splitlines() if "handshake" not in line]


def state(node: Server) -> dict[str, str]:
    """CLUSTER INFO."""
    connection = node.client()
    connection.response_callbacks.clear()
    text = _text(connection.execute_command("CLUSTER", "INFO"))
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)


def _is_ok(node: Server, replicas: int) -> bool:
    """Whether the node takes the cluster for whole, knows all replicas, and hears its master where it is one."""
    section = node.client().info("replication")
    known = sum("slave" in line.split(" ")[2] for line in lines(node))
    told = state(node)
    # Where no full coverage is asked for, a node is ok before it has heard who serves the other slots.
    whole = told["cluster_state"] == "ok" and told["cluster_slots_assigned"] == str(SLOTS)
    return whole and known == replicas and section.get("master_link_status", "up") == "up"


def _text(reply: Any) -> str:
    return reply.decode() if isinstance(reply, bytes) else str(reply)
