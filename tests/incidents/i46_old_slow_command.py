# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One KEYS six weeks ago still stands in the slow log."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

from tests.incidents.lab import Injecting, Lab, Skipped, wait_for
from tests.lab.scenarios.healthy import WELL_SET

DAY = 86_400

first = None
alone = True
# Debian's jemalloc and libfaketime do not get along.
servers = ("redis-6.2", "redis-8.2", "valkey-8.1", "valkey-9.1")


@contextlib.contextmanager
def inject(lab: Lab) -> Injecting:
    library = next(iter(Path("/usr/lib").glob("*/faketime/libfaketime.so.1")), None)
    if library is None:
        raise Skipped("a server's clock cannot be set without libfaketime")
    with tempfile.TemporaryDirectory(prefix="aragora-redis-") as folder:
        clock = Path(folder) / "clock"
        clock.write_text("-42d")
        settings = {"LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": clock, "FAKETIME_NO_CACHE": 1, "FAKETIME_DONT_FAKE_MONOTONIC": 1}
        launcher = ["env", *(f"{name}={value}" for name, value in settings.items())]
        with lab.server(launcher=launcher, slowlog_log_slower_than=0, **WELL_SET) as server:
            server.client().keys("session:*")
            server.client().config_set("slowlog-log-slower-than", 10_000)
            then = server.client().time()[0]
            clock.write_text("+0d")
            wait_for(lambda: server.client().time()[0] > then + 40 * DAY, "six weeks to pass")
            yield {"url": server.url}
