# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers that want nothing: whatever speaks here is wrong."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import redis
from ansible_collections.aragora.redis.plugins.module_utils import _previous

from tests.lab import hosts, servers
from tests.lab.clusters import clustered
from tests.lab.scenarios.acl import as_user
from tests.lab.scenarios.application import served
from tests.lab.scenarios.availability import tls_server
from tests.lab.scenarios.host import snapshot_of
from tests.lab.scenarios.previous import an_hour_ago
from tests.lab.scenarios.previous import snapshot_of as snapshot_of_server
from tests.lab.scenarios.scenario import Make, fill, load, pair, with_server
from tests.lab.sentinels import watched
from tests.lab.servers import Server

# What the documentation of this collection asks for.
WELL_SET: dict[str, Any] = {"maxmemory": "100mb", "maxmemory_policy": "volatile-lru", "latency_monitor_threshold": 100, "save": "3600 1"}
NUMBERS = itertools.count()


def mixed(client: redis.Redis) -> None:
    """What an application does: reads, writes, sessions, counters and a small list, some hundred commands a second."""
    number = next(NUMBERS) % 1000
    client.get(f"user:{number}")
    client.set(f"user:{number}", "x" * 100)
    client.set(f"session:{number}", "x" * 200, ex=1800)
    client.hset(f"cart:{number}", mapping={"item": number, "count": 1})
    client.incr("visits")
    client.lpush("recent", number)
    client.ltrim("recent", 0, 99)
    client.lrange("recent", 0, 9)


def some_data(server: Server) -> None:
    """Some users, and many sessions that end."""
    fill(server, 1000, 100, prefix="user:")
    fill(server, 5000, 1000, prefix="session:", seconds=1800)


def _some_traffic(server: Server) -> None:
    some_data(server)
    for dummy in range(20):
        mixed(server.client())


def _pair_member(which: int) -> Make:
    @contextlib.contextmanager
    def make(binary: Path) -> Iterator[dict[str, Any]]:
        # Room for a long absence of the replica: Redis before 7.0 reserves it at once.
        options = {**WELL_SET, "maxmemory": "1gb", "repl_backlog_size": "300mb"}
        with pair(binary, requirepass="Sesame-7391", masterauth="Sesame-7391", **options) as members:
            some_data(members[0])
            with load(members[0], mixed, pause=0.01):
                yield {"url": members[which].url, "login_password": "Sesame-7391"}

    return make


@contextlib.contextmanager
def _cluster_node(binary: Path) -> Iterator[dict[str, Any]]:
    with clustered(binary, masters=1, **WELL_SET) as cluster:
        server = cluster.masters[0]
        client = server.client()
        # Not by a script: it would have to name its keys, which lie in many slots.
        for number in range(1000):
            client.set(f"user:{number}", "x" * 100)
            client.set(f"session:{number}", "x" * 200, ex=1800)
        client.slowlog_reset()
        with load(server, mixed, pause=0.01):
            yield {"url": server.url}


@contextlib.contextmanager
def _sentinel(binary: Path) -> Iterator[dict[str, Any]]:
    with watched(binary, **WELL_SET) as group:
        yield {"url": group.sentinels[0].url}


@contextlib.contextmanager
def _with_users(binary: Path) -> Iterator[dict[str, Any]]:
    with servers.running(binary, **WELL_SET) as server:
        some_data(server)
        for dummy in range(20):
            mixed(server.client())
        with as_user(server, "+@all", "-@admin", "-@dangerous"):
            yield {"url": server.url}


@contextlib.contextmanager
def _looked_at_again(binary: Path) -> Iterator[dict[str, Any]]:
    with servers.running(binary, **WELL_SET) as server:
        some_data(server)
        with load(server, mixed, pause=0.01):
            before = an_hour_ago(snapshot_of_server(server))
            yield {"snapshot": _previous.compared(snapshot_of_server(server), [before])}


@contextlib.contextmanager
def _encrypted(binary: Path) -> Iterator[dict[str, Any]]:
    with tls_server(binary, tls_auth_clients="no", **WELL_SET) as (server, authority):
        some_data(server)
        with load(server, mixed, pause=0.01):
            yield {"url": f"rediss://127.0.0.1:{server.options['tls-port']}", "ca_certs": str(authority)}


@contextlib.contextmanager
def _unit(dummy: Path) -> Iterator[dict[str, Any]]:
    with hosts.host() as started:
        # Nothing is saved, so that the kernel's ways with forks do not matter.
        started.configure(*[f"{name.replace('_', '-')} {value}" for name, value in {**WELL_SET, "save": '""'}.items()])
        started.start_redis()
        started.redis("eval", "for i=1,1000 do redis.call('SET', 'session:'..i, 'x', 'EX', 1800) end", "0")
        started.redis("slowlog", "reset")
        yield {"snapshot": snapshot_of(started)}


# Those that not every server of the matrix can be.
ONLY_ON = {"unit": ("redis-7.0",), "tls": servers.WITH_TLS, "again": ("redis-8.2",), "application": ("redis-8.2",)}
ALONE = ("no_high_availability",)
# True where applications log in as the only user there is.
NO_USERS = ("default_user_all_powerful",)
# name: (how it is made, the findings that are true of it and no complaint)
HEALTHY: dict[str, tuple[Make, tuple[str, ...]]] = {
    "stock": (with_server(some_data, mixed, pause=0.01), ("memory_unlimited", "latency_monitor_off", *ALONE, *NO_USERS)),
    # Somebody investigates and logs every command: none of them is slow for that.
    "logged": (
        with_server(_some_traffic, mixed, pause=0.01, slowlog_log_slower_than=0, slowlog_max_len=100, **WELL_SET),
        (*ALONE, *NO_USERS),
    ),
    "standalone": (with_server(some_data, mixed, pause=0.01, **WELL_SET), (*ALONE, *NO_USERS)),
    "master": (_pair_member(0), NO_USERS),
    "replica": (_pair_member(1), NO_USERS),
    "cluster": (_cluster_node, NO_USERS),
    "sentinel": (_sentinel, ()),
    "users": (_with_users, ALONE),
    "again": (_looked_at_again, (*ALONE, *NO_USERS)),
    "tls": (_encrypted, (*ALONE, *NO_USERS)),
    "unit": (_unit, ALONE),
    "application": (served(some_data, **WELL_SET), (*ALONE, *NO_USERS)),
}
