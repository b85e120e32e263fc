# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A master that Sentinels watch is not restarted: they would fail over meanwhile"""

from __future__ import annotations

import contextlib

from tests.incidents.lab import DEBIAN, Injecting, Lab, by_host, wait_for
from tests.incidents.refusals import YOUNG, beside, store

mends = "restart"
given = YOUNG
refuses = "Sentinels watch this master: fail over first"
servers = DEBIAN


@contextlib.contextmanager
def inject(dummy: Lab) -> Injecting:
    with store() as started:
        beside(started, "--port", "6380", "--replicaof", "127.0.0.1", "6379")
        started.run("tee", "/tmp/sentinel.conf", data="port 26379\nsentinel monitor shop 127.0.0.1 6379 1\n")
        beside(started, "/tmp/sentinel.conf", "--sentinel")
        wait_for(lambda: "state=online" in started.redis("info", "replication"), "the replica to be in step")
        wait_for(lambda: "name=sentinel-" in started.redis("client", "list"), "the Sentinel to watch")
        yield by_host(started)
