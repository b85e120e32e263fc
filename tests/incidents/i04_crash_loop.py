# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An unknown directive in the configuration: it ends soon after each start."""

from __future__ import annotations

import contextlib

from tests.incidents.lab import DEBIAN, Injecting, Lab, by_host, host, wait_for

first = "startup_failed"
explains = ("crash_loop", "process_down")
servers = DEBIAN


@contextlib.contextmanager
def inject(dummy: Lab) -> Injecting:
    with host() as started:
        started.configure("maxmemroy 100mb")
        started.systemctl("start", "redis-server", check=False)
        wait_for(started.is_failed, "systemd to give up")
        yield by_host(started)
