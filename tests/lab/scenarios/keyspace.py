# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys: too big, all of one kind, or there for ever."""

from __future__ import annotations

from tests.lab.scenarios.healthy import WELL_SET, some_data
from tests.lab.scenarios.scenario import Scenario, fill, with_server
from tests.lab.servers import Server

FIELDS = 200_000


def one_big_hash(server: Server) -> None:
    """A hash with all that belongs into many, among ordinary keys."""
    some_data(server)
    with server.client() as client:
        for start in range(0, FIELDS, 1000):
            client.hset("profile:all", mapping={f"user-{number}": "x" * 30 for number in range(start, start + 1000)})
        client.slowlog_reset()


def sessions_without_ttl(server: Server) -> None:
    """Sessions that nobody ends, among a few keys that are there to stay."""
    fill(server, 500, 100, prefix="user:")
    fill(server, 20_000, 1000, prefix="session:")


def _pages(server: Server) -> None:
    fill(server, 500, 100, prefix="user:")
    fill(server, 20_000, 1000, prefix="page:", seconds=3600)


SCENARIOS = {
    "big_keys": Scenario(with_server(one_big_hash, **WELL_SET)),
    "keys_without_ttl": Scenario(with_server(sessions_without_ttl, **WELL_SET)),
    "pattern_dominates": Scenario(with_server(_pages, **WELL_SET)),
}
