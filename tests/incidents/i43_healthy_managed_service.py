# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A healthy managed service: CONFIG, CLIENT and SLOWLOG are not for its users."""

from __future__ import annotations

import contextlib

from tests.incidents.lab import Injecting, Lab, load
from tests.lab.scenarios.healthy import WELL_SET, mixed, some_data

first = "permission_denied"
as_given = True
alone = True
only = True


@contextlib.contextmanager
def inject(lab: Lab) -> Injecting:
    with lab.server(**WELL_SET) as server:
        some_data(server)
        server.client().execute_command("ACL", "SETUSER", "app", "on", ">Sesame-7391", "~*", "+@all", "-config", "-client", "-slowlog")
        with load(server, mixed, pause=0.01):
            yield {"url": server.url, "login_user": "app", "login_password": "Sesame-7391"}
