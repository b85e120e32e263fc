# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections: too many, from one place, idle, blocked, or ever new."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import redis

from tests.lab import servers
from tests.lab.scenarios.scenario import Scenario, load, with_server
from tests.lab.servers import Server


@contextlib.contextmanager
def held(server: Server, count: int, name: str = "shop") -> Iterator[list[redis.Redis]]:
    """So many connections that do nothing."""
    with contextlib.ExitStack() as stack:
        clients = [server.client(single_connection_client=True, client_name=name) for dummy in range(count)]
        for client in clients:
            stack.callback(client.close)
            client.ping()
        yield clients


def _with_connections(count: int, **directives: Any) -> Any:
    @contextlib.contextmanager
    def make(binary: Path) -> Iterator[dict[str, Any]]:
        with servers.running(binary, **directives) as server, held(server, count):
            yield {"url": server.url}

    return make


@contextlib.contextmanager
def _rejecting(binary: Path) -> Iterator[dict[str, Any]]:
    """The last free connection is left to whoever looks; only while it is taken others knock in vain."""
    with servers.running(binary, maxclients=10) as server, held(server, 9) as (first, *dummy):

        def knock(dummy: redis.Redis) -> None:
            if first.info("clients")["connected_clients"] >= 10:
                with contextlib.suppress(redis.RedisError), contextlib.closing(server.client(retry=None)) as late:
                    late.ping()

        with load(server, knock, pause=0.02):
            yield {"url": server.url}


@contextlib.contextmanager
def blocked(server: Server, count: int, name: str = "shop") -> Iterator[None]:
    """So many connections that wait in a blocking command."""
    with held(server, count, name) as clients:
        for client in clients:
            client.connection.send_command("XREAD", "BLOCK", 0, "STREAMS", "jobs", "$")  # type: ignore[union-attr]
        with contextlib.closing(server.client()) as watcher:
            servers.wait_for(lambda: watcher.info("clients")["blocked_clients"] == count, "the clients to block")
        yield


@contextlib.contextmanager
def _blocked(binary: Path) -> Iterator[dict[str, Any]]:
    with servers.running(binary) as server, blocked(server, 12):
        yield {"url": server.url}


@contextlib.contextmanager
def _churning(binary: Path) -> Iterator[dict[str, Any]]:
    with servers.running(binary) as server:

        def come_and_go(dummy: redis.Redis) -> None:
            with contextlib.closing(server.client()) as client:
                client.ping()

        with load(server, come_and_go):
            yield {"url": server.url}


SCENARIOS = {
    "clients_rejected": Scenario(_rejecting),
    "clients_leaking": Scenario(_with_connections(120, maxclients=130)),
    "clients_high": Scenario(_with_connections(90, maxclients=110)),
    "connection_churn": Scenario(_churning),
    "clients_idle": Scenario(
        _with_connections(12), adjusted={"clients.idle_over_hour": 12}, why="nobody waits an hour for a capture: only the ages are changed"
    ),
    "clients_blocked": Scenario(_blocked),
    "keepalive_off": Scenario(with_server(tcp_keepalive=0)),
}
