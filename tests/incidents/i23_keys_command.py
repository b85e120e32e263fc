# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client calls KEYS on a million keys, again and again."""

from __future__ import annotations

import contextlib

from tests.incidents.lab import Injecting, Lab, fill, load

first = "slow_command_keys"
mends = "slow_commands"
# The loop logs in as everybody; the slow log remembers its KEYS for an hour.
given = {"redis_latency_accept_noperm": True, "redis_latency_seconds": 1}
lessened = True


@contextlib.contextmanager
def inject(lab: Lab) -> Injecting:
    with lab.server(maxmemory="2gb") as server:
        fill(server, 1_000_000, 10)
        with load(server, lambda client: client.keys("session:*"), pause=0.2):
            yield {"url": server.url}
