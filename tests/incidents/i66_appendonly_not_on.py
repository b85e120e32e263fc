# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server was configured for the append-only file while it ran: a restart would load one that is empty"""

from __future__ import annotations

import contextlib

from tests.incidents.lab import DEBIAN, Injecting, Lab, by_host
from tests.incidents.refusals import YOUNG, store

mends = "restart"
given = YOUNG
refuses = "it is configured for appendonly yes and runs without: it would load an append-only file that lacks its data"
servers = DEBIAN


@contextlib.contextmanager
def inject(dummy: Lab) -> Injecting:
    with store() as started:
        started.configure("appendonly yes")
        yield by_host(started)
