# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kernel may refuse the fork that saving needs."""

from __future__ import annotations

import contextlib

from tests.incidents.lab import DEBIAN, Injecting, Lab, by_host, host

first = "overcommit_off"
mends = "prevent"
servers = DEBIAN


@contextlib.contextmanager
def inject(dummy: Lab) -> Injecting:
    with host() as started:
        # Another file in the place of the kernel's, which is that of this machine.
        started.shell("echo 0 > /run/overcommit && mount --bind /run/overcommit /proc/sys/vm/overcommit_memory")
        started.configure("maxmemory 100mb", "latency-monitor-threshold 100")
        started.start_redis()
        yield by_host(started)
