# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two clients keep the main thread busy with long pipelines, of which no command is slow."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import Any

from tests.incidents.lab import Injecting, Lab, Server, load

first = "cpu_saturated"
alone = True
# Packed once, and dear for the server alone: otherwise the clients would be what is saturated.
COMMANDS = 1000
PIPELINE = b"*2\r\n$8\r\nBITCOUNT\r\n$6\r\nvisits\r\n" * COMMANDS
REPLIES = len(b":0\r\n") * COMMANDS


@contextlib.contextmanager
def inject(lab: Lab) -> Injecting:
    # Ahead of whatever else runs on the machine, where that is allowed.
    launcher = ("nice", "-n", "-10") if os.geteuid() == 0 else ()
    # Where the machine is shared, a command may wait for its processor: that is not the command's fault.
    with lab.server(launcher=launcher, slowlog_log_slower_than=100_000) as server:
        server.client().setrange("visits", 1_000_000, "\0")

        def hammer(dummy: Any) -> None:
            send_pipelines(server)

        with load(server, hammer, hammer, pause=0):
            yield {"url": server.url}


def send_pipelines(server: Server) -> None:
    """Some pipelines over a connection of their own."""
    with socket.create_connection((server.host, server.port), 10) as peer:
        for dummy in range(3):
            peer.sendall(PIPELINE)
            left = REPLIES
            while left > 0:
                left -= len(peer.recv(1 << 16)) or left
