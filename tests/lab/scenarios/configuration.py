# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Configuration files that do not hold what the server runs with, or that it cannot write."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.lab import servers
from tests.lab.scenarios.host import of_host
from tests.lab.scenarios.scenario import Scenario
from tests.lab.servers import Server

NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


@contextlib.contextmanager
def _changed_at_run_time(binary: Path) -> Iterator[dict[str, Any]]:
    with servers.running(binary, timeout=0, requirepass="Sesame-7391") as server:
        client = server.client()
        client.config_set("timeout", "300")
        client.config_set("maxmemory", "200mb")
        yield {"url": server.url, "login_password": "Sesame-7391", "host": of_host(server)}


@contextlib.contextmanager
def server_of_nobody(binary: Path) -> Iterator[Server]:
    """A server that may read its file and nothing more."""
    with tempfile.TemporaryDirectory(prefix="aragora-redis-") as folder:
        Path(folder).chmod(0o755)
        with servers.running(binary, folder=Path(folder), launcher=NOBODY, logfile="") as server:
            yield server


@contextlib.contextmanager
def _as_nobody(binary: Path) -> Iterator[dict[str, Any]]:
    with server_of_nobody(binary) as server:
        yield {"url": server.url, "host": of_host(server)}


SCENARIOS = {
    "config_not_persisted": Scenario(_changed_at_run_time),
    # The one that everybody may execute wherever this tree lies.
    "config_not_writable": Scenario(_as_nobody, (servers.SYSTEM[0],)),
}
