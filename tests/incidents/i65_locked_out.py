# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""KEYS is called by the user that the run itself is logged in as: taking commands from it would lock the run out"""

from __future__ import annotations

import contextlib

from tests.incidents.lab import ANY, Injecting, Lab, fill
from tests.lab.scenarios.acl import PASSWORD, as_user

mends = "slow_commands"
given = {"redis_latency_seconds": 1}
refuses = "KEYS is called by the user shop, which is the one that this run is logged in as"
as_given = True
servers = ANY


@contextlib.contextmanager
def inject(lab: Lab) -> Injecting:
    with lab.server() as server:
        fill(server, 20_000, 10)
        with as_user(server, "+@all", count=1) as (client,):
            # What else is called would push it out of the slow log.
            server.client().config_set("slowlog-log-slower-than", 0)
            for dummy in range(5):
                client.keys("session:*")
            server.client().config_set("slowlog-log-slower-than", 10_000)
            yield {"url": server.url, "login_user": "shop", "login_password": PASSWORD}
