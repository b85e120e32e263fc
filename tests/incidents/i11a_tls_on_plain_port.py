# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client speaks TLS, the port does not."""

from __future__ import annotations

import contextlib

from tests.incidents.lab import Injecting, Lab

first = "tls_failure"
reason = "tls_on_plain_port"


@contextlib.contextmanager
def inject(lab: Lab) -> Injecting:
    with lab.server() as server:
        yield {"url": server.url.replace("redis://", "rediss://"), "validate_certs": False}
