# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose connections may be closed: idle ones of a client that is named, and of no other. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _clients

FILTERS = ("addresses", "users", "libraries", "names")
# Flags of connections that send a command, get a reply and wait for nothing: N none of the others, U by the Unix socket, r reading from a
# replica of a cluster, u unblocked a moment ago, e not to be evicted, T leaves the age of keys alone.
ORDINARY = frozenset("NUrueT")
# What waits by trade, or is in the middle of something; each is spared unless it is asked for.
SPARED = {"monitor": "O", "subscriber": "P", "blocked": "b", "transaction": "x"}


def check_options(options: Mapping[str, Any]) -> None:
    """ValueError names the first option of redis_client_kill that cannot be meant."""
    if not any(options.get(name) for name in FILTERS):
        raise ValueError(f"nobody is named: give {', '.join(FILTERS[:-1])} or {FILTERS[-1]} of the clients that may be closed")
    for name in FILTERS:
        if not all(str(value).strip() for value in options.get(name) or []):
            raise ValueError(f"{name} holds an empty text: that would be every client that has none")


def chosen(clients: Iterable[dict[str, Any]], options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The clients to close, longest idle first and at most ``options["most"]``."""
    wanted = {name: options[name] for name in FILTERS if options.get(name)}
    found = [client for client in _clients.matching(clients, **wanted) if may_go(client, options["min_idle"], options["also"])]
    return sorted(found, key=lambda client: (-client.get("idle", 0), client["id"]))[: options["most"]]


def may_go(client: Mapping[str, Any], min_idle: int, also: Iterable[str] = ()) -> bool:
    """Whether a client has been idle for so long, and is an ordinary one or one of ``also``. A client that does not tell is spared."""
    flags = set(client.get("flags", ""))
    if not isinstance(client.get("id"), int) or str(client.get("name", "")).startswith("sentinel-"):
        return False
    if client.get("idle", -1) < min_idle and not is_monitor(client):
        return False
    return bool(flags) and flags <= ORDINARY | {SPARED[name] for name in also}


def is_monitor(client: Mapping[str, Any]) -> bool:
    """Whether it runs MONITOR. Such a client is never idle, because every command of the others is a reply to it."""
    return "O" in client.get("flags", "")


def still_chosen(seen: Iterable[dict[str, Any]], before: Iterable[Mapping[str, Any]], options: Mapping[str, Any]) -> list[int]:
    """The ids of those who were chosen ``before`` and, as they are seen now, still may go."""
    ids = {client["id"] for client in before}
    return [client["id"] for client in seen if client.get("id") in ids and may_go(client, options["min_idle"], options["also"])]
