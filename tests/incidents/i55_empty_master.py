# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A master without persistence is down, and its data is on its replica: an empty start would wipe it"""

from __future__ import annotations

import contextlib

from tests.incidents.lab import DEBIAN, Injecting, Lab, by_host, host, wait_for
from tests.incidents.refusals import store
from tests.lab import hosts

mends = "restart"
refuses = "the data is on its replicas replica, which it would overwrite: let a replica take over first"
servers = DEBIAN


@contextlib.contextmanager
def inject(dummy: Lab) -> Injecting:
    with store("bind 0.0.0.0", "protected-mode no", 'save ""') as master, host() as replica:
        replica.configure(f"replicaof {master.shell('hostname -i').split()[0]} 6379")
        replica.start_redis()
        wait_for(lambda: replica.redis("get", "order:1").strip() == "paid", "the replica to be in step")
        master.systemctl("stop", "redis-server")
        master.shell("rm -f /var/lib/redis/dump.rdb")
        place = by_host(master)
        place["hosts"] = {"cache": hosts.member(master, redis_group="shop"), "replica": hosts.member(replica, redis_group="shop")}
        yield place
