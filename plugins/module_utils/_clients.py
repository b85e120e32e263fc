# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CLIENT LIST as data: who is connected, how many from where, and who costs most.

Source: https://redis.io/docs/latest/commands/client-list/
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

NUMBER = re.compile(r"-?[0-9]+")
NUMBERS = ("id", "age", "idle", "sub", "psub", "ssub", "omem", "tot-mem", "qbuf")
MOST_GROUPS = 20
WORST = 10
IDLE_SECONDS = 3600
# Flags: N normal, S replica, M master, P pub/sub, b blocked, O monitor, x MULTI, …
NOT_NORMAL = set("SMOP")


def parse(text: str) -> list[dict[str, Any]]:
    """One mapping a client, with the server's field names; a field of NUMBERS is a number or not there."""
    # Not splitlines(): users may have names that hold what Python takes for the end of a line.
    return [_client(line) for line in text.split("\n") if line]


def aggregate(clients: Iterable[dict[str, Any]], own_id: int | None = None) -> dict[str, Any]:
    """The snapshot's ``clients``; the connection with ``own_id`` (this gathering's) is left out.

    ``{total, normal, idle_over_hour, blocked, pubsub, replicas, normal_memory_bytes, by_address, by_user, by_library, worst, monitors}``;
    the ``by_*`` lists hold at most 20 groups ``{name, connections, idle_over_hour, memory_bytes, client_names}``, most connections first;
    ``worst`` holds the ten clients with the most memory, ``monitors`` those that run MONITOR.
    """
    others = [client for client in clients if own_id is None or client.get("id") != own_id]
    normal = [client for client in others if not NOT_NORMAL & set(client.get("flags", ""))]
    return {
        "total": len(others),
        "normal": len(normal),
        "idle_over_hour": sum(map(_is_idle, normal)),
        "blocked": _flagged(others, "b"),
        "pubsub": _flagged(others, "P"),
        "replicas": _flagged(others, "S"),
        "normal_memory_bytes": sum(map(_memory, normal)),
        "by_address": _grouped(others, _address),
        "by_user": _grouped(others, lambda client: client.get("user", "")),
        "by_library": _grouped(others, _library),
        "worst": [_shown(client) for client in sorted(others, key=_memory, reverse=True)[:WORST]],
        "monitors": [_shown(client) for client in others if "O" in client.get("flags", "")][:WORST],
    }


def address_of(client_address: str) -> str:
    """The host of ``host:port``, of ``[v6]:port`` and of ``/socket:0``."""
    return client_address.rpartition(":")[0].strip("[]") or client_address


def _client(line: str) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for item in line.split(" "):
        name, dummy, value = item.partition("=")
        if name not in NUMBERS:
            fields[name] = value
        elif NUMBER.fullmatch(value):
            fields[name] = int(value)
    return fields


def _grouped(clients: list[dict[str, Any]], name_of: Any) -> list[dict[str, Any]]:
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for client in clients:
        groups[name_of(client)].append(client)
    rows: list[dict[str, Any]] = [
        {
            "name": name,
            "connections": len(members),
            "idle_over_hour": sum(map(_is_idle, members)),
            "memory_bytes": sum(map(_memory, members)),
            "client_names": sorted({member["name"] for member in members if member.get("name")})[:3],
        }
        for name, members in groups.items()
        if name
    ]
    return sorted(rows, key=lambda row: (-row["connections"], row["name"]))[:MOST_GROUPS]


def _shown(client: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": client.get("id"),
        "address": client.get("addr", ""),
        "name": client.get("name", ""),
        "user": client.get("user", ""),
        "library": _library(client),
        "flags": client.get("flags", ""),
        "age_seconds": client.get("age"),
        "idle_seconds": client.get("idle"),
        "last_command": client.get("cmd", ""),
        "memory_bytes": _memory(client),
        "output_bytes": client.get("omem", 0),
    }


def _address(client: dict[str, Any]) -> str:
    return address_of(client.get("addr", ""))


def _library(client: dict[str, Any]) -> str:
    """Library and version as the client gave them with CLIENT SETINFO (Redis 7.2 and newer), else empty."""
    return " ".join(filter(None, (client.get("lib-name"), client.get("lib-ver"))))


def _memory(client: dict[str, Any]) -> int:
    return int(client.get("tot-mem") or client.get("omem") or 0)


def _is_idle(client: dict[str, Any]) -> bool:
    """Idle for over an hour; subscribers and blocked clients wait by trade."""
    return client.get("idle", 0) > IDLE_SECONDS and not set("Pb") & set(client.get("flags", ""))


def _flagged(clients: list[dict[str, Any]], flag: str) -> int:
    return sum(flag in client.get("flags", "") for client in clients)
