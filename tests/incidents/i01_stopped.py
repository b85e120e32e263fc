# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Somebody stopped the unit."""

from __future__ import annotations

import contextlib

from tests.incidents.kept import KNOWN, know
from tests.incidents.lab import DEBIAN, Injecting, Lab, by_host, host

first = "process_down"
mends = "restart"
holds = KNOWN
servers = DEBIAN


@contextlib.contextmanager
def inject(dummy: Lab) -> Injecting:
    with host() as started:
        started.systemctl("enable", "redis-server")
        started.start_redis()
        know(by_host(started))
        started.systemctl("stop", "redis-server")
        yield by_host(started)
