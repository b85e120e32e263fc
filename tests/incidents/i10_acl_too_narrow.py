# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The user may PING, but neither read INFO nor anything else that a diagnosis needs."""

from __future__ import annotations

import contextlib

from tests.incidents.lab import Injecting, Lab

first = "permission_denied"
as_given = True


@contextlib.contextmanager
def inject(lab: Lab) -> Injecting:
    with lab.server() as server:
        server.client().execute_command("ACL", "SETUSER", "narrow", "on", ">Sesame-7391", "~app:*", "+@read", "+@write", "+ping")
        yield {"url": server.url, "login_user": "narrow", "login_password": "Sesame-7391"}
