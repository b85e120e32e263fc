# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CLIENT LIST as data: who is connected, how many from where, and who costs most.

Source: https://redis.io/docs/latest/commands/client-list/
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

NUMBER = re.compile(r"-?[0-9]+")
NUMBERS = ("id", "age", "idle", "sub", "psub", "ssub", "omem", "tot-mem", "qbuf")
MOST_GROUPS = 20
WORST = 10
IDLE_SECONDS = 3600
# What a Sentinel calls its two connections; the middle is the beginning of its id.
SENTINEL = re.compile(r"sentinel-([0-9a-f]{8})-(?:cmd|pubsub)")
# Flags: N normal, S replica, M master, P pub/sub, b blocked, O monitor, x MULTI, …
NOT_NORMAL = set("SMOP")
NO_APPLICATION = set("SMO")


def parse(text: str) -> list[dict[str, Any]]:
    """One mapping a client, with the server's field names; a field of NUMBERS is a number or not there."""
    # Not splitlines(): users may have names that hold what Python takes for the end of a line.
    return [_client(line) for line in text.split("\n") if line]


def aggregate(clients: Iterable[dict[str, Any]], own_id: int | None = None) -> dict[str, Any]:
    """The snapshot's ``clients``; the connection with ``own_id`` (this gathering's) is left out.

    ``{total, normal, idle_over_hour, blocked, pubsub, replicas, normal_memory_bytes, by_address, by_user, by_library, worst, monitors,
    sentinels, applications}``; the ``by_*`` lists hold at most 20 groups, most connections first; ``worst`` holds the ten clients with
    the most memory, ``monitors`` those that run MONITOR; ``sentinels`` counts the Sentinels that watch the server; ``applications`` is
    ``[{name, connections}]`` by user, without replicas, masters, monitors and Sentinels.
    """
    others = without(clients, own_id)
    counted = counts(others)
    return {
        **{name: counted[name] for name in ("total", "normal", "idle_over_hour", "blocked", "pubsub", "replicas", "normal_memory_bytes")},
        **{f"by_{kind}": grouped(others, kind) for kind in ("address", "user", "library")},
        "worst": worst(others, "memory", WORST),
        "monitors": [shown(client) for client in others if "O" in client.get("flags", "")][:WORST],
        "sentinels": len({found.group(1) for client in others if (found := SENTINEL.fullmatch(client.get("name", "")))}),
        "applications": _applications(others),
    }


def without(clients: Iterable[dict[str, Any]], own_id: int | None) -> list[dict[str, Any]]:
    """The clients but the one with this id; all of them where it is not known."""
    return [client for client in clients if own_id is None or client.get("id") != own_id]


def matching(
    clients: Iterable[dict[str, Any]],
    *,
    addresses: Iterable[str] = (),
    users: Iterable[str] = (),
    names: Iterable[str] = (),
    libraries: Iterable[str] = (),
    flags: Iterable[str] = (),
    min_idle: int = 0,
) -> list[dict[str, Any]]:
    """The clients that pass every filter; an empty one passes all. An address is a host or ``host:port``, a library may stand
    without its version, any of the flags will do.
    """
    places, logins, titles, programs, letters = set(addresses), set(users), set(names), set(libraries), set(flags)
    return [
        client
        for client in clients
        if (not places or not places.isdisjoint((client.get("addr", ""), _address(client))))
        and (not logins or client.get("user", "") in logins)
        and (not titles or client.get("name", "") in titles)
        and (not programs or not programs.isdisjoint((client.get("lib-name", ""), _library(client))))
        and (not letters or not letters.isdisjoint(client.get("flags", "")))
        and (not min_idle or client.get("idle", 0) >= min_idle)
    ]


def counts(clients: list[dict[str, Any]]) -> dict[str, int]:
    """How many clients of which sort, and what they hold: see redis_client_info's ``clients``."""
    normal = [client for client in clients if not NOT_NORMAL & set(client.get("flags", ""))]
    return {
        "total": len(clients),
        "normal": len(normal),
        "idle_over_hour": sum(map(_is_idle, normal)),
        "blocked": _flagged(clients, "b"),
        "pubsub": _flagged(clients, "P"),
        "replicas": _flagged(clients, "S"),
        "monitors": _flagged(clients, "O"),
        "normal_memory_bytes": sum(map(_memory, normal)),
        "memory_bytes": sum(map(_memory, clients)),
        "output_bytes": sum(map(_output, clients)),
    }


def grouped(clients: Iterable[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """At most 20 groups of a kind of KINDS, most connections first; clients without such a name are in none."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for client in clients:
        groups[KINDS[kind](client)].append(client)
    rows = [_group(name, members) for name, members in groups.items() if name]
    return sorted(rows, key=lambda row: (-row["connections"], row["name"]))[:MOST_GROUPS]


def worst(clients: Iterable[dict[str, Any]], measure: str, most: int) -> list[dict[str, Any]]:
    """The clients that are ahead by a measure of MEASURES, at most so many; those that have none of it are left out."""
    value = MEASURES[measure]
    return [shown(client) for client in sorted(clients, key=value, reverse=True)[:most] if value(client) > 0]


def address_of(client_address: str) -> str:
    """The host of ``host:port``, of ``[v6]:port`` and of ``/socket:0``."""
    return client_address.rpartition(":")[0].strip("[]") or client_address


def shown(client: dict[str, Any]) -> dict[str, Any]:
    """A client as reports and modules show it."""
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


def _applications(clients: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """At most 20 users that applications are connected as, most connections first."""
    served = [client for client in clients if not NO_APPLICATION & set(client.get("flags", ""))]
    rows = grouped([client for client in served if not client.get("name", "").startswith("sentinel-")], "user")
    return [{"name": row["name"], "connections": row["connections"]} for row in rows]


def _client(line: str) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for item in line.split(" "):
        name, dummy, value = item.partition("=")
        if name not in NUMBERS:
            fields[name] = value
        elif NUMBER.fullmatch(value):
            fields[name] = int(value)
    return fields


def _group(name: str, members: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": name,
        "connections": len(members),
        "idle_over_hour": sum(map(_is_idle, members)),
        "blocked": _flagged(members, "b"),
        "pubsub": _flagged(members, "P"),
        "memory_bytes": sum(map(_memory, members)),
        "output_bytes": sum(map(_output, members)),
        "oldest_seconds": max(map(_age, members)),
        "client_names": sorted({member["name"] for member in members if member.get("name")})[:3],
    }


def _address(client: dict[str, Any]) -> str:
    return address_of(client.get("addr", ""))


def _library(client: dict[str, Any]) -> str:
    """Library and version as the client gave them with CLIENT SETINFO (Redis 7.2 and newer), else empty."""
    return " ".join(filter(None, (client.get("lib-name"), client.get("lib-ver"))))


def _memory(client: dict[str, Any]) -> int:
    return int(client.get("tot-mem") or client.get("omem") or 0)


def _output(client: dict[str, Any]) -> int:
    return int(client.get("omem") or 0)


def _age(client: dict[str, Any]) -> int:
    return int(client.get("age") or 0)


def _is_idle(client: dict[str, Any]) -> bool:
    """Idle for over an hour; subscribers and blocked clients wait by trade."""
    return client.get("idle", 0) > IDLE_SECONDS and not set("Pb") & set(client.get("flags", ""))


def _flagged(clients: list[dict[str, Any]], flag: str) -> int:
    return sum(flag in client.get("flags", "") for client in clients)


KINDS: dict[str, Callable[[dict[str, Any]], str]] = {
    "address": _address,
    "user": lambda client: client.get("user", ""),
    "library": _library,
    "name": lambda client: client.get("name", ""),
}
MEASURES: dict[str, Callable[[dict[str, Any]], int]] = {
    "memory": _memory,
    "output": _output,
    "idle": lambda client: 0 if set("Pb") & set(client.get("flags", "")) else int(client.get("idle") or 0),
    "age": _age,
}
