# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The unit may open 500 files, so that Redis takes fewer connections than it was configured for."""

from __future__ import annotations

import contextlib

from tests.incidents.lab import DEBIAN, Injecting, Lab, by_host, host

first = "file_limit_low"
mends = "prevent"
given = {"redis_hardening_restart": True}
servers = DEBIAN


@contextlib.contextmanager
def inject(dummy: Lab) -> Injecting:
    with host() as started:
        started.drop_in("[Service]\nLimitNOFILE=500\n")
        started.shell("echo 1 > /run/overcommit && mount --bind /run/overcommit /proc/sys/vm/overcommit_memory")
        started.configure("maxmemory 100mb", "latency-monitor-threshold 100")
        started.systemctl("enable", "redis-server")
        started.start_redis()
        yield by_host(started)
