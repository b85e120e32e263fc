# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What only two snapshots show."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _gather, _gather_plan, _previous
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import connection_argument_spec

from tests.lab import servers
from tests.lab.scenarios.scenario import Scenario, fill
from tests.lab.servers import Server

HOUR = 3_600_000_000


def snapshot_of(server: Server) -> dict[str, Any]:
    """A snapshot, taken here and now."""
    specs = {**connection_argument_spec(), **_gather_plan.info_argument_spec()}
    options = {**{name: option.get("default") for name, option in specs.items()}, "url": server.url, "window": 0.3}
    return dict(_gather.take_all(options, _gather_plan.make_plan(options))[0])


def an_hour_ago(snapshot: dict[str, Any]) -> dict[str, Any]:
    """The digest of a snapshot as if it had been taken an hour earlier."""
    told = _previous.digest(json.dumps(snapshot), "snapshot.json")
    return {**told, "taken_usec": told["taken_usec"] - HOUR}


@contextlib.contextmanager
def _growing(binary: Path) -> Iterator[dict[str, Any]]:
    with servers.running(binary, maxmemory="100mb") as server:
        fill(server, 10_000)
        before = an_hour_ago(snapshot_of(server))
        fill(server, 10_000, prefix="more:")
        yield {"snapshot": _previous.compared(snapshot_of(server), [before])}


SCENARIOS = {
    "memory_forecast": Scenario(_growing, why="nobody waits an hour for a capture: the clock of the first snapshot is set back by one"),
}
