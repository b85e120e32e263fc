# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A way to the server that is narrow and full."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import redis

from tests.lab import network, servers
from tests.lab.scenarios.host import of_host
from tests.lab.scenarios.scenario import Make, Scenario, load

REPORT = 2_000_000
OLD_LINK = {"eth0": {"addresses": ["10.231.0.2"], "speed_mbit": 10}}


def _read_much(client: redis.Redis) -> None:
    client.get("report")


def _narrow(rate: str | None, readers: int, with_host: bool = False) -> Make:
    @contextlib.contextmanager
    def make(binary: Path) -> Iterator[dict[str, Any]]:
        with network.host() as host, servers.running(binary, host=host.address, launcher=host.launcher, protected_mode="no") as server:
            server.client().set("report", "x" * REPORT)
            server.client().slowlog_reset()
            with network.narrowed(host, rate) if rate else contextlib.nullcontext(), load(server, *[_read_much] * readers, pause=0.01):
                yield {"url": server.url, **({"host": of_host(server)} if with_host else {})}

    return make


SCENARIOS = {
    "latency_network": Scenario(_narrow("8mbit", 2), window=1),
    "bandwidth_high": Scenario(
        _narrow(None, 1, with_host=True),
        adjusted={"host.network": OLD_LINK},
        why="links of a lab are as fast as its memory, and say no speed: that of an old network card is written",
    ),
}
