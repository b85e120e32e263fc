# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The replica follows an address at which its master is no longer."""

from __future__ import annotations

import contextlib

from tests.incidents.lab import ANY, Injecting, Lab, wait_for
from tests.lab.servers import free_port

first = "replication_link_down"
mends = "heal_replication"
servers = ANY


@contextlib.contextmanager
def inject(lab: Lab) -> Injecting:
    with lab.pair() as (master, replica):
        replica.client().execute_command("REPLICAOF", "127.0.0.1", free_port())
        wait_for(lambda: replica.client().info("replication")["master_link_status"] == "down", "the replica to miss its master")
        yield {"targets": [replica.url, master.url], "writes_to": master.url}
