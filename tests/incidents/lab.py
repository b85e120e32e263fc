# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What incidents are made with: servers of one program of the matrix, and the states that the scenarios of the lab make."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.incidents import users
from tests.lab import hosts, network, servers
from tests.lab.hosts import Host
from tests.lab.scenarios import SCENARIOS
from tests.lab.scenarios.scenario import ANY, JEMALLOC, fill, load, pair
from tests.lab.servers import Server, wait_for

__all__ = [
    "ANY",
    "DEBIAN",
    "JEMALLOC",
    "WITH_TLS",
    "Host",
    "Injecting",
    "Lab",
    "Place",
    "Server",
    "Skipped",
    "by_host",
    "fill",
    "host",
    "in_namespace",
    "load",
    "on_this_machine",
    "scenario",
    "wait_for",
]

# What inject() yields: the options of redis_info that lead to the server (``url``, ``login_password``, ``connect_timeout`` …),
# or ``targets``, a list of URLs, in place of ``url``, or ``hosts``, the inventory: {name: variables}. The first one is the one that is ill;
# ``writes_to`` is the URL of another one that takes writes.
Place = dict[str, Any]
Inject = Callable[["Lab"], AbstractContextManager[Place]]
Injecting = Iterator[Place]
# What runs on the hosts with systemd.
DEBIAN = (servers.SYSTEM[0],)
# The programs of the matrix that are built with TLS.
WITH_TLS = servers.WITH_TLS


class Skipped(Exception):
    """The incident cannot be made on this machine. ``str()`` says why."""


@dataclass(frozen=True)
class Lab:
    """One program of the matrix, by its name."""

    name: str
    binary: Path

    def server(self, **directives: Any) -> AbstractContextManager[Server]:
        """A server with these directives (``_`` for ``-``); it accepts connections."""
        return servers.running(self.binary, **directives)

    def pair(self, replica: Mapping[str, Any] | None = None, **directives: Any) -> AbstractContextManager[tuple[Server, Server]]:
        """A master and its replica, in step; ``replica`` are directives of the replica's own."""
        return pair(self.binary, replica, **directives)


def scenario(name: str) -> Inject:
    """The state that tests/lab/scenarios makes for this rule."""
    return lambda lab: SCENARIOS[name].make(lab.binary)


@contextlib.contextmanager
def host(*options: str, command: tuple[str, ...] = ()) -> Iterator[Host]:
    """A host with systemd and Debian's Redis, which is not started yet; see tests/lab/hosts.py."""
    if reason := hosts.why_not():
        raise Skipped(reason)
    known = users.lines(*users.OF_HOSTS)
    words = [word for line in known for word in ("--user", *line.split())] if command else []
    with hosts.host(*options, command=(*command, *words)) as started:
        if not command:
            started.configure(*(f"user {line}" for line in known))
        yield started


def by_host(started: Host) -> Place:
    """The way to a host by inventory."""
    return {"hosts": {"cache": hosts.member(started)}}


def on_this_machine(**connection: Any) -> Place:
    """The way to a server whose host is this machine, by inventory."""
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    return {"hosts": {"cache": {**here, "redis_connection": connection}}}


def in_namespace(started: network.Host, server: Server, **connection: Any) -> Place:
    """The way to a server in a network namespace, by inventory: what runs on its host runs there."""
    place = on_this_machine(login_host=server.host, login_port=server.port, **connection)
    place["hosts"]["cache"].update(ansible_host=started.address, ansible_python_interpreter=str(network.python(started, server.folder)))
    return place
