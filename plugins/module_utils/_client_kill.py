# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Close idle connections of one client, by their ids and one after the other, and none that came alive meanwhile.

What the server refuses is raised as ValueError with one sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _client_choice, _clients, _clients_server
from ansible_collections.aragora.redis.plugins.module_utils._client import Client, Refused
from ansible_collections.aragora.redis.plugins.module_utils._manners import check_number, refusal

MOST = 1000


def kill_argument_spec() -> dict[str, Any]:
    """The options of redis_client_kill beside those of the connection."""
    return {
        **{name: {"type": "list", "elements": "str"} for name in _client_choice.FILTERS},
        "min_idle": {"type": "int", "required": True},
        "most": {"type": "int", "default": 100},
        "also": {"type": "list", "elements": "str", "choices": list(_client_choice.SPARED), "default": []},
        "limit": {"type": "int", "default": 20_000},
    }


def answer(client: Client, options: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """The result of redis_client_kill. ValueError for options that cannot be meant, and for what the server refuses."""
    chosen = _client_choice.chosen(_clients_server.read(client, options["limit"]), options)
    gone = {row["id"] for row in chosen} if check_mode else _kill(client, chosen, options)
    killed = [_clients.shown(row) for row in chosen if row["id"] in gone]
    return {
        "changed": bool(killed),
        "killed": killed,
        "spared": [_clients.shown(row) for row in chosen if row["id"] not in gone],
        "diff": {
            "before": "".join(f"{row['address']} {row['name']} idle for {row['idle_seconds']} s\n" for row in killed),
            "after": "",
            "before_header": f"connections at {client.endpoint.address}",
            "after_header": f"connections at {client.endpoint.address}",
        },
    }


def check_options(options: dict[str, Any]) -> None:
    """ValueError names the first option that cannot be meant."""
    _client_choice.check_options(options)
    check_number("min_idle", options["min_idle"], 1, 2**31)
    check_number("most", options["most"], 1, MOST)
    check_number("limit", options["limit"], 0, _clients_server.MOST_CLIENTS)


def _kill(client: Client, chosen: Sequence[dict[str, Any]], options: dict[str, Any]) -> set[int]:
    """The ids of those that were closed. Each is looked at once more right before."""
    gone: set[int] = set()
    # Valkey 9.0 and newer look at the idle time and close in one step.
    at_once = True
    for row in chosen:
        reply = _kill_if_idle(client, row, options["min_idle"]) if at_once and not _client_choice.is_monitor(row) else None
        at_once = at_once and not (isinstance(reply, Refused) and "syntax" in str(reply).lower())
        if reply is None or not at_once:
            reply = _look_and_kill(client, row, options)
        if isinstance(reply, Refused):
            raise ValueError(f"{refusal(client, ('CLIENT', 'KILL'), reply)}; {len(gone)} connections were closed")
        if reply:
            gone.add(row["id"])
    return gone


def _kill_if_idle(client: Client, row: dict[str, Any], min_idle: int) -> Any:
    return client.pipeline([("CLIENT", "KILL", "ID", row["id"], "IDLE", min_idle)])[0]


def _look_and_kill(client: Client, row: dict[str, Any], options: dict[str, Any]) -> Any:
    """What CLIENT KILL said, 0 for a client that came alive or went by itself."""
    listed = client.pipeline([("CLIENT", "LIST", "ID", row["id"])])[0]
    if isinstance(listed, Refused):
        raise ValueError(refusal(client, ("CLIENT", "LIST"), listed))
    if not _client_choice.still_chosen(_clients.parse(listed), [row], options):
        return 0
    return client.pipeline([("CLIENT", "KILL", "ID", row["id"])])[0]
