# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two clients keep the main thread busy with pipelines of costly commands."""

from __future__ import annotations

import contextlib
import os

from tests.incidents.lab import Injecting, Lab, load
from tests.lab.scenarios.latency import spin

first = "cpu_saturated"
alone = True


@contextlib.contextmanager
def inject(lab: Lab) -> Injecting:
    # Ahead of whatever else runs on the machine, where that is allowed.
    launcher = ("nice", "-n", "-15") if os.geteuid() == 0 else ()
    with lab.server(launcher=launcher) as server, load(server, spin, spin, pause=0):
        yield {"url": server.url}
