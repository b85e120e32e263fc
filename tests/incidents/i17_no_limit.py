# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""maxmemory 0 in a container that has a limit."""

from __future__ import annotations

import contextlib

from tests.incidents.lab import DEBIAN, Injecting, Lab, by_host, host

first = "memory_unlimited"
mends = "tune_memory"
servers = DEBIAN


@contextlib.contextmanager
def inject(dummy: Lab) -> Injecting:
    with host("--memory", "256m") as started:
        started.configure('save ""', "latency-monitor-threshold 100")
        started.start_redis()
        yield by_host(started)
