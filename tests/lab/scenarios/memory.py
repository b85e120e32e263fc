# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Memory: full, unbounded, wasted, or held by clients and replicas."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import redis

from tests.lab import servers
from tests.lab.scenarios.scenario import JEMALLOC, Scenario, fill, pair, with_server, write
from tests.lab.servers import Server

MIB = 1024 * 1024


def _fill_up(server: Server) -> None:
    fill(server, 20_000)


def _fill_to_85_percent(server: Server) -> None:
    client = server.client()
    start = 0
    while client.info("memory")["used_memory"] < 0.85 * client.info("memory")["maxmemory"]:
        fill(server, 500, prefix=f"key:{start}:")
        start += 1


def _fill_with_ttl(server: Server) -> None:
    fill(server, 20_000, prefix="session:", seconds=3600)


def _few_with_ttl(server: Server) -> None:
    fill(server, 1000, prefix="page:", seconds=3600)


def _limit_above_ram(server: Server) -> None:
    client = server.client()
    client.config_set("maxmemory", 2 * client.info("memory")["total_system_memory"])


def _write_with_ttl(client: redis.Redis) -> None:
    pipeline = client.pipeline(transaction=False)
    for dummy in range(50):
        pipeline.set(f"session:new:{_write_with_ttl.count}", "x" * 1000, ex=3600)  # type: ignore[attr-defined]
        _write_with_ttl.count += 1  # type: ignore[attr-defined]
    pipeline.execute()


_write_with_ttl.count = 0  # type: ignore[attr-defined]


def _delete_every_second(server: Server) -> None:
    fill(server, 200_000, 200)
    client = server.client()
    for start in range(0, 200_000, 2000):
        client.delete(*[f"key:{number}" for number in range(start, start + 2000, 2)])
    client.slowlog_reset()
    ratio = "allocator_frag_bytes"
    servers.wait_for(lambda: client.info("memory")[ratio] > 11 * MIB, "the server to see its fragmentation")


def _delete_almost_all(server: Server) -> None:
    fill(server, 2000, 50_000)
    fill(server, 600, 10_000, prefix="kept:")
    client = server.client()
    client.delete(*[f"key:{number}" for number in range(2000)])
    client.slowlog_reset()
    servers.wait_for(lambda: client.info("memory")["mem_fragmentation_ratio"] > 2, "the server to see what it does not need")


def _cache_scripts(server: Server) -> None:
    client = server.client()
    pipeline = client.pipeline(transaction=False)
    for number in range(1100):
        pipeline.execute_command("SCRIPT", "LOAD", f"return {number}")
    pipeline.execute()


def _many_soon_expired(server: Server) -> None:
    fill(server, 300_000, 10, prefix="offer:", seconds=4)
    servers.wait_for(lambda: server.client().info("stats")["expired_keys"] > 0, "the first keys to expire")


@contextlib.contextmanager
def _deaf_subscribers(binary: Path) -> Iterator[dict[str, Any]]:
    with servers.running(binary, client_output_buffer_limit="pubsub 0 0 0") as server, contextlib.ExitStack() as stack:
        for dummy in range(2):
            deaf = stack.enter_context(socket.socket())
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.connect((server.host, server.port))
            deaf.sendall(b"SUBSCRIBE news\r\n")
        client = server.client()
        servers.wait_for(lambda: client.pubsub_numsub("news")[0][1] == 2, "both subscriptions")
        # In small messages: Valkey lets clients share large ones and counts them for none.
        for dummy in range(4000):
            client.publish("news", "x" * 5000)
        servers.wait_for(lambda: client.info("memory")["mem_clients_normal"] > 10 * MIB, "the server to see its clients' memory")
        yield {"url": server.url}


@contextlib.contextmanager
def _deaf_replica(binary: Path) -> Iterator[dict[str, Any]]:
    with pair(binary) as (master, replica):
        replica.pause()
        # Large enough for what the sockets in between hold.
        fill(master, 4000, 10_000)
        client = master.client()
        servers.wait_for(lambda: client.info("memory")["mem_clients_slaves"] > 20 * MIB, "the server to see its replica's memory")
        yield {"url": master.url}


FULL: dict[str, Any] = {"maxmemory": "10mb"}
SMALL = "the machine's RAM and swap are not for filling: the threshold is lowered to what a small server has"

SCENARIOS = {
    "memory_limit_reached": Scenario(with_server(_fill_up, write, **FULL)),
    "eviction_impossible": Scenario(with_server(_fill_up, write, maxmemory_policy="volatile-lru", **FULL)),
    "writes_refused_memory": Scenario(with_server(_fill_up, write, **FULL)),
    "memory_host_pressure": Scenario(with_server(_fill_up), overrides={"memory_host_pressure_percent": 0.1}, why=SMALL),
    "memory_high": Scenario(with_server(_fill_to_85_percent, maxmemory="20mb")),
    "memory_exceeds_host": Scenario(with_server(_limit_above_ram)),
    "memory_unlimited": Scenario(with_server()),
    "eviction_active": Scenario(with_server(_fill_with_ttl, _write_with_ttl, maxmemory_policy="volatile-lru", **FULL), role="store"),
    "eviction_policy_unfit": Scenario(with_server(_few_with_ttl, **FULL)),
    "swapping": Scenario(
        with_server(_fill_up), overrides={"swapping_ratio": 5, "fragmentation_used_bytes": MIB}, why=SMALL + "; it has no swap"
    ),
    "client_buffers_large": Scenario(_deaf_subscribers),
    "replica_buffers_large": Scenario(_deaf_replica),
    "fragmentation_allocator": Scenario(with_server(_delete_every_second), JEMALLOC),
    "fragmentation_resident": Scenario(with_server(_delete_almost_all), JEMALLOC),
    "scripts_cached": Scenario(with_server(_cache_scripts)),
    "expiry_behind": Scenario(with_server(_many_soon_expired)),
}
