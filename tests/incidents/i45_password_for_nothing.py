# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A password is given to a server that has none."""

from __future__ import annotations

import contextlib

from tests.incidents.lab import Injecting, Lab

first = "auth_failed"
as_given = True
reason = "no_password_set"


@contextlib.contextmanager
def inject(lab: Lab) -> Injecting:
    with lab.server() as server:
        yield {"url": server.url, "login_password": "Sesame-7391"}
