# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Saving that fails or does not happen, and doors that stand open."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.lab import network, servers
from tests.lab.scenarios.scenario import Scenario, with_server, write
from tests.lab.servers import Server


def _fail_to_save(server: Server) -> None:
    client = server.client()
    client.set("key", "value")
    # Root may write anywhere: a folder in the place of the file fails for everybody.
    (server.folder / "dump.rdb").mkdir(mode=0o700)
    (server.folder / "dump.rdb" / "in-the-way").touch()
    client.bgsave()
    servers.wait_for(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err", "the save to fail")


def _do_not_save(server: Server) -> None:
    client = server.client()
    client.set("key", "value")
    begun = client.info("persistence")["rdb_last_save_time"]
    servers.wait_for(lambda: time.time() - begun > 4, "the last save to be some seconds old")


@contextlib.contextmanager
def _open_to_all(binary: Path) -> Iterator[dict[str, Any]]:
    with network.host() as host, servers.running(binary, host=host.address, launcher=host.launcher, protected_mode="no") as server:
        yield {"url": server.url}


SCENARIOS = {
    "save_failing": Scenario(with_server(_fail_to_save, write, save="3600 1")),
    "writes_refused_persistence": Scenario(with_server(_fail_to_save, write, save="3600 1")),
    "save_old": Scenario(
        with_server(_do_not_save, save="1 1000000"),
        overrides={"save_old_seconds": 2, "save_old_intervals": 1},
        why="nobody waits an hour for a capture: the thresholds are lowered to seconds",
    ),
    "exposed_without_password": Scenario(_open_to_all),
}
