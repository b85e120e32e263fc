# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A replica comes back a little behind what the small backlog holds, and is copied in full again and again."""

from __future__ import annotations

import contextlib
import socket

import redis

from tests.incidents.lab import Injecting, Lab, load
from tests.lab.scenarios.scenario import write

BEHIND = 100_000

first = "full_sync_repeated"
mends = "heal_replication"


@contextlib.contextmanager
def inject(lab: Lab) -> Injecting:
    with lab.pair(repl_backlog_size="16kb") as (master, dummy):

        def come_back(client: redis.Redis) -> None:
            told = client.info("replication")
            with socket.create_connection((master.host, master.port), 5) as link:
                link.sendall(f"PSYNC {told['master_replid']} {max(1, told['master_repl_offset'] - BEHIND)}\r\n".encode())
                link.recv(100)

        with load(master, write, pause=0.002), load(master, come_back, pause=0.2):
            yield {"url": master.url}
