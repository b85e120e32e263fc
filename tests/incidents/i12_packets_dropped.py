# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A firewall drops what is sent to the port; the host itself answers."""

from __future__ import annotations

import contextlib
import shutil
import subprocess

from tests.incidents.lab import ANY, Injecting, Lab, Skipped, in_namespace
from tests.lab import network

first = "port_filtered"
reason = "host_answers"
servers = ANY
mends = "check_network"
given = {"redis_network_open_port": True}


@contextlib.contextmanager
def inject(lab: Lab) -> Injecting:
    if network.why_not() or not shutil.which("nft"):
        raise Skipped(network.why_not() or "a firewall of its own needs nftables")
    with network.host() as host, lab.server(host=host.address, launcher=host.launcher, protected_mode="no") as server:
        chain = f"type filter hook input priority 0\ntcp dport {server.port} drop"
        table = f"table inet drops {{\nchain in {{\n{chain}\n}}\n}}\n"
        subprocess.run([*host.launcher, "nft", "-f", "-"], input=table, text=True, check=True, timeout=20)
        yield in_namespace(host, server, connect_timeout=1.0)
