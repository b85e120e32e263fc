# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The container in which it ran has ended."""

from __future__ import annotations

import contextlib

from tests.incidents.kept import KNOWN, know
from tests.incidents.lab import DEBIAN, Injecting, Lab, host, on_this_machine, wait_for
from tests.lab.servers import free_port

first = "process_down"
mends = "restart"
holds = KNOWN
servers = DEBIAN


@contextlib.contextmanager
def inject(dummy: Lab) -> Injecting:
    port = free_port()
    with host("--publish", f"127.0.0.1:{port}:6379", command=("redis-server", "--protected-mode", "no")) as container:
        wait_for(lambda: "PONG" in container.redis("ping"), "Redis in the container")
        # The host of the container is this machine.
        place = on_this_machine(login_port=port)
        know(place)
        container.stop()
        yield place
