# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The replica has the wrong password for its master."""

from __future__ import annotations

import contextlib

from tests.incidents.lab import Injecting, Lab, wait_for

PASSWORD = "Sesame-7391"

first = "replication_auth_mismatch"
explains = ("replication_link_down",)
mends = "heal_replication"
# ops_remediate has a password of its own.
given = {"redis_replication_heal_password": PASSWORD}


@contextlib.contextmanager
def inject(lab: Lab) -> Injecting:
    with lab.server(requirepass=PASSWORD, masterauth=PASSWORD, repl_diskless_sync_delay=0) as master:
        link = {"replicaof": f"127.0.0.1 {master.port}", "masterauth": "Simsim-7391"}
        with lab.server(requirepass=PASSWORD, **link) as replica:
            wait_for(lambda: "Unable to AUTH" in replica.log, "the master to refuse its replica")
            yield {"targets": [replica.url, master.url], "login_password": PASSWORD, "writes_to": master.url}
