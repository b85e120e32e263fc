# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A master that synchronises a replica in full is not restarted: it would begin again"""

from __future__ import annotations

import contextlib

from tests.incidents.lab import DEBIAN, Injecting, Lab, by_host, wait_for
from tests.incidents.refusals import YOUNG, beside, store

mends = "restart"
given = YOUNG
refuses = "a full sync of its replica 127.0.0.1:6380 is going on, and would begin again"
servers = DEBIAN


@contextlib.contextmanager
def inject(dummy: Lab) -> Injecting:
    with store("repl-diskless-sync yes", "repl-diskless-sync-delay 120") as started:
        beside(started, "--port", "6380", "--replicaof", "127.0.0.1", "6379")
        wait_for(lambda: "state=wait_bgsave" in started.redis("info", "replication"), "the full sync to begin")
        yield by_host(started)
