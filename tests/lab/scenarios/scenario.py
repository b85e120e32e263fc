# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a scenario is, and what most of them are made of: a server, something done to it, a load while it is looked at."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis

from tests.lab import servers
from tests.lab.servers import Server

# From a server program to the connection options (those of redis_info) that lead to the state.
Make = Callable[[Path], AbstractContextManager[dict[str, Any]]]
Prepare = Callable[[Server], object]
Work = Callable[[redis.Redis], object]

# Builds that use jemalloc, and those of them that can defragment.
JEMALLOC = ("redis-6.2", "redis-7.0", "redis-8.0", "redis-8.2")
DEFRAGMENTING = ("redis-6.2", "redis-8.2")
# For states that have nothing to do with the release.
ANY = ("valkey-9.1",)
# As much as a script writes without showing up in the slow log.
BATCH = 200
FILL = "for i=ARGV[2],ARGV[2]+ARGV[3]-1 do redis.call('SET', ARGV[1]..i, string.rep('x', ARGV[4]), unpack(ARGV, 5)) end"


@dataclass(frozen=True)
class Scenario:
    """One state in which one rule must speak. ``why`` says why thresholds or numbers are not the ordinary ones."""

    make: Make
    servers: tuple[str, ...] = ()  # those of the matrix that can show it; empty: all
    window: float = 0.5
    role: str | None = None  # given by the operator, not inferred
    overrides: Mapping[str, float] = field(default_factory=dict)  # of thresholds
    adjusted: Mapping[str, Any] = field(default_factory=dict)  # path in the snapshot: what is written there after the capture
    why: str = ""


def with_server(prepare: Prepare | None = None, during: Work | None = None, pause: float = 0.001, **directives: Any) -> Make:
    """A fresh server with these directives, prepared; ``during`` is repeated, with a pause, while it is looked at."""

    @contextlib.contextmanager
    def make(binary: Path) -> Iterator[dict[str, Any]]:
        with servers.running(binary, **directives) as server:
            if prepare:
                prepare(server)
            with load(server, *[during] if during else [], pause=pause):
                yield {"url": server.url}

    return make


@contextlib.contextmanager
def load(server: Server, *works: Work, pause: float = 0.001) -> Iterator[None]:
    """Repeat each work on a connection of its own. It has been done once when this yields; errors of the server are meant."""
    stop = threading.Event()

    def repeat(work: Work, begun: threading.Event) -> None:
        with contextlib.closing(server.client(client_name="shop", retry=None)) as client:
            while not stop.is_set():
                with contextlib.suppress(redis.RedisError, OSError):
                    work(client)
                begun.set()
                stop.wait(pause)

    starts = [threading.Event() for dummy in works]
    threads = [threading.Thread(target=repeat, args=pair, daemon=True) for pair in zip(works, starts)]
    for thread in threads:
        thread.start()
    try:
        for start in starts:
            start.wait(servers.PATIENCE)
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(servers.PATIENCE)


@contextlib.contextmanager
def pair(binary: Path, replica_options: Mapping[str, Any] | None = None, **options: Any) -> Iterator[tuple[Server, Server]]:
    """A master and its replica, in step. ``replica_options`` are the replica's in place of the master's."""
    common: dict[str, Any] = {"repl_diskless_sync_delay": 0, **options}
    with contextlib.ExitStack() as stack:
        master = stack.enter_context(servers.running(binary, **common))
        follows = {**common, "replicaof": f"127.0.0.1 {master.port}", **(replica_options or {})}
        replica = stack.enter_context(servers.running(binary, **follows))
        servers.wait_for(lambda: link_is_up(replica) and seconds_behind(master) == 0, "the replica to be in step")
        yield master, replica


def link_is_up(replica: Server) -> bool:
    """Whether the replica hears its master."""
    return bool(replica.client().info("replication").get("master_link_status") == "up")


def seconds_behind(master: Server) -> int | None:
    """How long ago the first replica acknowledged anything, by its master; None while there is none."""
    first = master.client().info("replication").get("slave0") or {}
    return int(first["lag"]) if first.get("state") == "online" else None


def fill(server: Server, count: int, size: int = 1000, prefix: str = "key:", seconds: int = 0) -> None:
    """Write so many values of so many bytes (with a TTL), or as many as the server takes; leave no trace in the slow log."""
    client = server.client()
    ttl = ("EX", seconds) if seconds else ()
    with contextlib.suppress(redis.ResponseError):
        for start in range(0, count, BATCH):
            client.eval(FILL, 0, prefix, start, min(BATCH, count - start), size, *ttl)
    client.slowlog_reset()


def write(client: redis.Redis) -> None:
    """One small write."""
    client.set("order:1", "x" * 1000)
