# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host is gone behind a router: nothing answers, and SSH hangs."""

from __future__ import annotations

import contextlib

from tests.incidents.lab import ANY, Injecting, Lab, Skipped
from tests.lab import network

first = "host_unreachable"
servers = ANY


@contextlib.contextmanager
def inject(dummy: Lab) -> Injecting:
    if reason := network.why_not():
        raise Skipped(reason)
    with network.host() as gone:
        gone.silence()
        yield {"hosts": {"cache": {"ansible_connection": "ssh", "ansible_host": gone.address, "ansible_timeout": 3}}}
