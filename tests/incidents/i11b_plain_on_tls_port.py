# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The port speaks TLS, the client does not."""

from __future__ import annotations

import contextlib

from tests.incidents.lab import WITH_TLS, Injecting, Lab
from tests.lab.scenarios.availability import tls_server

first = "tls_failure"
reason = "plain_on_tls_port"
servers = WITH_TLS


@contextlib.contextmanager
def inject(lab: Lab) -> Injecting:
    with tls_server(lab.binary) as (server, dummy):
        yield {"url": f"redis://127.0.0.1:{server.options['tls-port']}"}
