# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Half of the keys are deleted, one by one: the memory stays with the process."""

from __future__ import annotations

import contextlib
from typing import Any

from tests.incidents.lab import JEMALLOC, Injecting, Lab, fill, wait_for

MIB = 1024 * 1024
KEYS = 500_000
SIZE = 500
DELETE = "for i=ARGV[1],ARGV[1]+498,2 do redis.call('DEL', 'key:'..i) end"

first = "fragmentation_allocator"
servers = JEMALLOC
mends = "tidy_memory"
# The builds of distributions cannot defragment, and the others need not finish here.
lessened = True
given = {"redis_memory_defrag_seconds": 20}


@contextlib.contextmanager
def inject(lab: Lab) -> Injecting:
    with lab.server(maxmemory="2gb") as server:
        client = server.client()
        fill(server, KEYS, SIZE)
        for start in range(0, KEYS, 500):
            client.eval(DELETE, 0, start)
        client.slowlog_reset()
        wait_for(lambda: wasted(client.info("memory")) > 100 * MIB, "the server to see what it wastes")
        yield {"url": server.url}


def wasted(memory: dict[str, Any]) -> int:
    """Bytes that the process holds beyond its data."""
    return int(memory["used_memory_rss"]) - int(memory["used_memory"])
