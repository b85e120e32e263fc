# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The replica has lost its master."""

from __future__ import annotations

import contextlib

from tests.incidents.lab import Injecting, Lab, wait_for

first = "replication_link_down"


@contextlib.contextmanager
def inject(lab: Lab) -> Injecting:
    with lab.pair() as (master, replica):
        master.stop()
        wait_for(lambda: replica.client().info("replication")["master_link_status"] == "down", "the replica to miss its master")
        yield {"url": replica.url}
