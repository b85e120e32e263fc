# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Latency: slow commands, a busy processor, latency events, and instruments that are switched off."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import redis

from tests.lab import servers
from tests.lab.scenarios.connections import held
from tests.lab.scenarios.scenario import DEFRAGMENTING, Scenario, fill, with_server
from tests.lab.servers import Server

MIB = 1024 * 1024
SPIN = "local n = 0; for i=1,tonumber(ARGV[1]) do n = n + i end; return n"


def _keys_storm(server: Server) -> None:
    fill(server, 100_000, 10)
    for dummy in range(80):
        server.client().keys("session:*")


def _keys(client: redis.Redis) -> None:
    client.keys("session:*")


def spin(client: redis.Redis) -> None:
    """Fifty costly commands at once."""
    pipeline = client.pipeline(transaction=False)
    for dummy in range(50):
        pipeline.eval(SPIN, 0, 50_000)
    pipeline.execute()


def _spin_long(client: redis.Redis) -> None:
    client.eval(SPIN, 0, 5_000_000)


def _big_set(server: Server) -> None:
    client = server.client()
    for start in range(0, 50_000, 1000):
        client.sadd("followers:42", *range(start, start + 1000))
    client.slowlog_reset()
    client.smembers("followers:42")


def _slow_scripts(server: Server) -> None:
    for dummy in range(3):
        _spin_long(server.client())


def _search_a_list(server: Server) -> None:
    client = server.client()
    for start in range(0, 100_000, 1000):
        client.rpush("log:2024", *["x" * 100] * 1000 + [str(start)])
    client.slowlog_reset()
    for dummy in range(80):
        client.lpos("log:2024", "nowhere")


def _flush(client: redis.Redis) -> None:
    client.flushdb(asynchronous=True)


@contextlib.contextmanager
def _watched(binary: Path) -> Iterator[dict[str, Any]]:
    with servers.running(binary) as server, held(server, 1, "forgotten") as (client,):
        client.connection.send_command("MONITOR")  # type: ignore[union-attr]
        client.connection.read_response()  # type: ignore[union-attr]
        yield {"url": server.url}


def _wait_for_event(server: Server, prefix: str, provoke: Any = None) -> None:
    def seen() -> bool:
        if provoke:
            provoke()
        return any(row[0].startswith(prefix.encode()) for row in server.client().execute_command("LATENCY", "LATEST"))

    servers.wait_for(seen, f"a latency event {prefix}*")


def _append_much(server: Server, event: str = "aof-") -> None:
    client = server.client()
    _wait_for_event(server, event, lambda: client.set("report", "x" * 20 * MIB))


def _expire_many(server: Server) -> None:
    fill(server, 100_000, 10, prefix="offer:", seconds=3)
    _wait_for_event(server, "expire-cycle")


def _evict_big_values(server: Server) -> None:
    client = server.client()
    for name in range(4):
        for start in range(0, 100_000, 1000):
            client.sadd(f"followers:{name}", *[f"member-{number}" for number in range(start, start + 1000)])
    client.slowlog_reset()
    client.config_set("maxmemory", 8 * MIB)
    _wait_for_event(server, "eviction-", lambda: client.set("key", "value"))


def _defragment(server: Server) -> None:
    fill(server, 200_000, 200)
    client = server.client()
    for start in range(0, 200_000, 2000):
        client.delete(*[f"key:{number}" for number in range(start, start + 2000, 2)])
    client.slowlog_reset()
    client.config_set("active-defrag-ignore-bytes", MIB)
    client.config_set("activedefrag", "yes")
    _wait_for_event(server, "active-defrag-cycle")


def _fork(server: Server) -> None:
    client = server.client()
    client.bgsave()
    servers.wait_for(lambda: not client.info("persistence")["rdb_bgsave_in_progress"], "the save to end")


def _cache(server: Server) -> None:
    fill(server, 1000, prefix="page:", seconds=3600)


def _miss(client: redis.Redis) -> None:
    client.get(f"page:{time.monotonic_ns()}")


WATCHED: dict[str, Any] = {"latency_monitor_threshold": 1}

SCENARIOS = {
    "slow_command_keys": Scenario(with_server(_keys_storm, _keys, slowlog_log_slower_than=1000), window=1),
    "cpu_saturated": Scenario(with_server(None, spin, pause=0), window=1.5),
    "slow_command_big_reply": Scenario(with_server(_big_set, slowlog_log_slower_than=500)),
    "slow_script": Scenario(with_server(_slow_scripts)),
    "slow_commands_frequent": Scenario(with_server(_search_a_list, slowlog_log_slower_than=100)),
    "dangerous_command_used": Scenario(with_server(None, _flush)),
    "monitor_attached": Scenario(_watched),
    "latency_probe_high": Scenario(with_server(None, _spin_long), window=1.5),
    "fsync_slow": Scenario(with_server(_append_much, appendonly="yes", appendfsync="always", **WATCHED)),
    "fsync_always": Scenario(
        with_server(lambda server: _append_much(server, "aof-fsync-always"), appendonly="yes", appendfsync="always", **WATCHED)
    ),
    "fork_slow": Scenario(
        with_server(_fork), overrides={"fork_ms": 0.01}, why="a fork takes half a second with tens of gigabytes: the threshold is lowered"
    ),
    "expire_storm": Scenario(with_server(_expire_many, **WATCHED)),
    "eviction_latency": Scenario(
        with_server(_evict_big_values, maxmemory_policy="allkeys-lru", lazyfree_lazy_eviction="no", **WATCHED), role="cache"
    ),
    "defrag_latency": Scenario(with_server(_defragment, **WATCHED), DEFRAGMENTING),
    "keyspace_misses": Scenario(with_server(_cache, _miss, maxmemory="50mb", maxmemory_policy="allkeys-lru")),
    "slowlog_off": Scenario(with_server(slowlog_log_slower_than=-1)),
    "slowlog_coarse": Scenario(with_server(slowlog_log_slower_than=500_000)),
    "latency_monitor_off": Scenario(with_server(latency_monitor_threshold=0)),
}
