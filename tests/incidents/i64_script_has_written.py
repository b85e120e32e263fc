# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A script that never ends has written already: only a loss of data would end it"""

from __future__ import annotations

import contextlib

from tests.incidents.lab import Injecting, Lab
from tests.lab.scenarios.availability import ENDLESS, busy

mends = "kill_script"
refuses = "it has written already"


@contextlib.contextmanager
def inject(lab: Lab) -> Injecting:
    with lab.server(lua_time_limit=100) as server, busy(server, "EVAL", f"redis.call('SET', 'half', 'done') {ENDLESS}", 1, "half"):
        yield {"url": server.url}
