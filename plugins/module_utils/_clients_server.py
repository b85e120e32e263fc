# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connected clients of a server: ask for them only where their number allows it.

What the server refuses is raised as ValueError with one sentence.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _clients, _info
from ansible_collections.aragora.redis.plugins.module_utils._client import Client, Refused
from ansible_collections.aragora.redis.plugins.module_utils._manners import check_number, refusal

FILTERS = ("addresses", "users", "names", "flags", "min_idle")
MOST_CLIENTS = 1_000_000
MOST_WORST = 1000


def check_options(options: dict[str, Any]) -> None:
    """ValueError names the first option of redis_client_info that cannot be meant."""
    check_number("limit", options["limit"], 0, MOST_CLIENTS)
    check_number("worst", options["worst"], 0, MOST_WORST)
    check_number("min_idle", options["min_idle"], 0, 2**31)
    for flag in options["flags"] or []:
        if not (len(flag) == 1 and flag.isascii() and flag.isalpha()):
            raise ValueError(f"flags names '{flag}': give single letters as CLIENT LIST has them, for example b for blocked clients")


def read(client: Client, limit: int) -> list[dict[str, Any]]:
    """The connected clients but this connection. ValueError where there are more than the limit, because the list would hold the server."""
    number, info = client.pipeline([("CLIENT", "ID"), ("INFO", "clients")])
    if isinstance(info, Refused):
        raise ValueError(f"{refusal(client, ('INFO',), info)}; without it nobody knows how long CLIENT LIST would hold the server")
    connected = _info.parse(info).get("clients", {}).get("connected_clients", 0)
    if connected > limit:
        raise ValueError(
            f"{client.endpoint.address} has {connected} clients and CLIENT LIST holds it while they are written: "
            f"raise limit ({limit}) where that is no matter"
        )
    listed = client.pipeline([("CLIENT", "LIST")])[0]
    if isinstance(listed, Refused):
        raise ValueError(refusal(client, ("CLIENT", "LIST"), listed))
    return _clients.without(_clients.parse(listed), None if isinstance(number, Refused) else number)


def report(clients: list[dict[str, Any]], options: dict[str, Any]) -> dict[str, Any]:
    """The return values of redis_client_info."""
    found = _clients.matching(clients, **{name: options[name] for name in FILTERS if options[name]})
    return {
        "connected": len(clients),
        "clients": _clients.counts(found),
        **{f"by_{kind}": _clients.grouped(found, kind) for kind in _clients.KINDS},
        "worst": {measure: _clients.worst(found, measure, options["worst"]) for measure in _clients.MEASURES},
    }
