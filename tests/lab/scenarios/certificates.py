# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates that will end soon."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.lab import servers
from tests.lab.scenarios.availability import tls_server
from tests.lab.scenarios.scenario import Scenario


@contextlib.contextmanager
def _ends_soon(binary: Path) -> Iterator[dict[str, Any]]:
    with tls_server(binary, days=(-20, 5), tls_auth_clients="no") as (server, authority):
        yield {"url": f"rediss://127.0.0.1:{server.options['tls-port']}", "ca_certs": str(authority)}


SCENARIOS = {"tls_certificate_expiring": Scenario(_ends_soon, (servers.SYSTEM[0],))}
