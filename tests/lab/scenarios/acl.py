# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Applications that may do more than they need."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.lab import servers
from tests.lab.scenarios.connections import held
from tests.lab.scenarios.scenario import Scenario
from tests.lab.servers import Server

PASSWORD = "Sesame-7391"


@contextlib.contextmanager
def as_user(server: Server, *rules: str, count: int = 3) -> Iterator[list[Any]]:
    """So many connections of an application that logs in as the user shop with these rules."""
    server.client().execute_command("ACL", "SETUSER", "shop", "on", f">{PASSWORD}", "~*", *rules)
    with contextlib.ExitStack() as stack:
        clients = [server.client(username="shop", password=PASSWORD, single_connection_client=True) for dummy in range(count)]
        for client in clients:
            stack.callback(client.close)
            client.get("key")
        yield clients


@contextlib.contextmanager
def _as_default(binary: Path) -> Iterator[dict[str, Any]]:
    with servers.running(binary) as server, held(server, 3):
        yield {"url": server.url}


@contextlib.contextmanager
def _as_shop(binary: Path) -> Iterator[dict[str, Any]]:
    with servers.running(binary) as server, as_user(server, "+@all", "-@admin"):
        yield {"url": server.url}


SCENARIOS = {
    "default_user_all_powerful": Scenario(_as_default),
    "dangerous_commands_allowed": Scenario(_as_shop),
}
