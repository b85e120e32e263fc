# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The process was killed and nothing starts it again."""

from __future__ import annotations

import contextlib

from tests.incidents.kept import KNOWN, know
from tests.incidents.lab import DEBIAN, Injecting, Lab, by_host, host, wait_for

first = "process_down"
mends = "restart"
holds = KNOWN
servers = DEBIAN


@contextlib.contextmanager
def inject(dummy: Lab) -> Injecting:
    with host() as started:
        started.drop_in("[Service]\nRestart=no\n")
        started.start_redis()
        know(by_host(started))
        started.run("kill", "-9", str(started.pid()))
        wait_for(started.is_failed, "systemd to notice")
        yield by_host(started)
