# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Somebody masked the unit on purpose: it stays down."""

from __future__ import annotations

import contextlib

from tests.incidents.lab import DEBIAN, Injecting, Lab, by_host
from tests.incidents.refusals import store

first = "process_down"
mends = "restart"
given = {"redis_service_accept_data_loss": True}
refuses = "on purpose: ask before you undo it (systemctl unmask redis-server.service)"
servers = DEBIAN


@contextlib.contextmanager
def inject(dummy: Lab) -> Injecting:
    with store() as started:
        started.systemctl("stop", "redis-server")
        started.systemctl("mask", "redis-server")
        yield by_host(started)
