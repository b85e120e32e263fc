# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SLOWLOG GET as entries and groups, with arguments hidden unless they are asked for.

Source: https://redis.io/docs/latest/commands/slowlog-get/ (Redis itself cuts entries to 32 arguments of 128 bytes.)
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._clients import address_of
from ansible_collections.aragora.redis.plugins.module_utils._commands import CONTAINERS, lookup
from ansible_collections.aragora.redis.plugins.module_utils._latency import percentile
from ansible_collections.aragora.redis.plugins.module_utils._patterns import fold
from ansible_collections.aragora.redis.plugins.module_utils._secrets import MASK, SECRET_COMMANDS

LONGEST_ARGUMENT = 128
MOST_CLIENTS = 5
# What a connection of this collection sends before its work, and redis_slowlog as its work: with a threshold of 0 all of it is logged.
HOUSEKEEPING = ("ping", "client setname", "select ", "time", "multi", "slowlog ", "config get slowlog-", "config set slowlog-")


def entries(reply: list[Any], now: int, mask_arguments: bool = True) -> list[dict[str, Any]]:
    """The server's reply as mappings, newest first.

    ``{id, at, age_seconds, duration_us, command, key_pattern, arguments, address, client_name}``; ``at`` is a Unix time, ``now``
    the server's. Arguments beyond the command and the pattern of its first key are ``***``; those of AUTH and its like always are.
    """
    return [_entry(row, now, mask_arguments) for row in reply if len(row) >= 4 and row[3]]


def groups(found: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Entries of one command on one key pattern taken together, the most expensive group first.

    ``{command, key_pattern, count, total_us, p50_us, p95_us, max_us, addresses, client_names, kind, complexity, instead}``
    """
    shapes: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for entry in found:
        shapes[entry["command"], entry["key_pattern"]].append(entry)
    rows = [_group(command, pattern, members) for (command, pattern), members in shapes.items()]
    return sorted(rows, key=lambda row: (-row["total_us"], row["command"], row["key_pattern"]))


def without_own(reply: list[Any], name: str) -> list[Any]:
    """The server's reply without the housekeeping of connections that call themselves ``name``; their other commands stay.

    A connection greets with PING before it has its name, so its address counts as well. All clients of a Unix socket share one.
    """
    rows = [row for row in reply if len(row) > 5]
    addresses = {row[4] for row in rows if row[5] == name and not row[4].startswith("/")}
    own = {
        row[0] for row in rows if (row[5] == name or row[4] in addresses) and " ".join(map(str, row[3])).lower().startswith(HOUSEKEEPING)
    }
    return [row for row in reply if not row or row[0] not in own]


def matching(
    found: Iterable[dict[str, Any]],
    *,
    commands: Iterable[str] = (),
    min_duration_ms: float = 0,
    since_seconds: int | None = None,
    client_names: Iterable[str] = (),
    addresses: Iterable[str] = (),
) -> list[dict[str, Any]]:
    """The entries that pass every filter; an empty one passes all.

    A command stands for its subcommands too (``CONFIG``, ``config get``), an address is a host or ``host:port``.
    """
    wanted = tuple(" ".join(command.split()).upper() + " " for command in commands)
    names, places = set(client_names), set(addresses)
    return [
        entry
        for entry in found
        if (not wanted or f"{entry['command']} ".startswith(wanted))
        and entry["duration_us"] >= min_duration_ms * 1000
        and (since_seconds is None or entry["age_seconds"] <= since_seconds)
        and (not names or entry["client_name"] in names)
        and (not places or not places.isdisjoint((entry["address"], address_of(entry["address"]))))
    ]


def _entry(row: list[Any], now: int, mask_arguments: bool) -> dict[str, Any]:
    words = [str(word) for word in row[3]]
    command, own_words = _command(words)
    pattern, position = _key_pattern(command, words)
    if mask_arguments or command in SECRET_COMMANDS:
        shown = words[:own_words] + [pattern if index == position else MASK for index in range(own_words, len(words))]
    else:
        shown = words
    return {
        "id": row[0],
        "at": row[1],
        "age_seconds": max(0, now - row[1]),
        "duration_us": row[2],
        "command": command,
        "key_pattern": pattern,
        "arguments": [word[:LONGEST_ARGUMENT] for word in shown],
        "address": row[4] if len(row) > 4 else "",
        "client_name": row[5] if len(row) > 5 else "",
    }


def _command(words: list[str]) -> tuple[str, int]:
    """(name in upper case, how many words it takes): ``CONFIG GET`` takes two."""
    name = words[0].upper()[:64]
    if name in CONTAINERS and len(words) > 1:
        return f"{name} {words[1].upper()[:64]}", 2
    return name, 1


def _key_pattern(command: str, words: list[str]) -> tuple[str, int]:
    """(pattern of the first key, its position); ("", 0) where there is none or it is not known which argument it is."""
    position = lookup(command).first_key
    if not 0 < position < len(words) or (lookup(command).kind == "script" and words[2] == "0"):
        return "", 0
    return fold(words[position]), position


def _group(command: str, pattern: str, members: list[dict[str, Any]]) -> dict[str, Any]:
    durations = [member["duration_us"] for member in members]
    known = lookup(command)
    return {
        "command": command,
        "key_pattern": pattern,
        "count": len(members),
        "total_us": sum(durations),
        "p50_us": percentile(durations, 50),
        "p95_us": percentile(durations, 95),
        "max_us": max(durations),
        "addresses": _most(address_of(member["address"]) for member in members),
        "client_names": _most(member["client_name"] for member in members),
        "kind": known.kind,
        "complexity": known.complexity,
        "instead": known.instead,
    }


def _most(names: Iterable[str]) -> list[str]:
    return [name for name, dummy in Counter(filter(None, names)).most_common(MOST_CLIENTS)]
