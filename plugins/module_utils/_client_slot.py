# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Get a connection to a server that has none left, and raise maxclients over it before anything else. Redis keeps no spare one."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _apply_settings, _client_limits, _settings_plan
from ansible_collections.aragora.redis.plugins.module_utils._client import Client, Unavailable, find_endpoint, open_client
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import percent
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.thresholds import THRESHOLDS
from ansible_collections.aragora.redis.plugins.module_utils._manners import check_number, documented

# Between two attempts: each of them counts as a rejected connection.
INTERVAL = 0.1
MOST_CLIENTS = 1_000_000
MOST_SECONDS = 3600


@dataclass
class Knocking:
    """What came of it so far."""

    started: float = field(default_factory=time.monotonic)
    attempts: int = 0

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self.started


def slot_argument_spec() -> dict[str, Any]:
    """The options of redis_client_slot beside those of the connection."""
    return {
        "maxclients": {"type": "int"},
        "most": {"type": "int"},
        "wait_timeout": {"type": "float", "default": 30.0},
        "persist": {"type": "str", "choices": ["none", "rewrite"], "default": "none"},
    }


def answer(options: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """The result of redis_client_slot. Raises ValueError, NotApplied and Unavailable with one sentence each.

    In check mode it knocks once, and a server that has no connection left is no failure.
    """
    check_number("maxclients", options["maxclients"], 1, MOST_CLIENTS)
    check_number("most", options["most"], 1, MOST_CLIENTS)
    check_number("wait_timeout", options["wait_timeout"], 0, MOST_SECONDS)
    knocking = Knocking()
    client = _knock(knocking, options, 0.0 if check_mode else options["wait_timeout"])
    if isinstance(client, Client):
        with contextlib.closing(client), documented(client.endpoint.address):
            result = _raise(client, options, check_mode)
    elif check_mode:
        result = {"changed": True, "maxclients": options["maxclients"], "connected": None, "previous": {}, "persisted": False}
    else:
        raise ValueError(
            f"{client}; no connection became free in {knocking.seconds:.0f} s ({knocking.attempts} attempts): "
            "end one of its clients (ss -tn sport = :PORT on its host shows whose they are), or wait longer"
        )
    return {**result, "attempts": knocking.attempts, "waited": round(knocking.seconds, 2)}


def _knock(knocking: Knocking, options: dict[str, Any], seconds: float) -> Client | Unavailable:
    """The connection, or why there was none when the time was over."""
    while True:
        knocking.attempts += 1
        try:
            return open_client(find_endpoint(options), options["connect_timeout"], options["timeout"])
        except Unavailable as error:
            if error.failure.state != "max_clients":
                raise
            if knocking.seconds >= seconds:
                return error
        time.sleep(INTERVAL)


def _raise(client: Client, options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    config, info = _apply_settings.read(client, ["maxclients"])
    now, connected = int(config["maxclients"]), int(info.get("clients", {}).get("connected_clients", 0))
    wanted = options["maxclients"] or _needed(connected, now)
    wanted = min(wanted, options["most"] or wanted)
    changes: list[_settings_plan.Setting] = []
    persisted = False
    if wanted > now:
        changes = _changes(client, wanted, config, info)
        if not check_mode:
            changes, why_not = _apply(client, changes, info, options["persist"] == "rewrite")
            persisted = options["persist"] == "rewrite" and why_not is None
    return {
        "changed": bool(changes),
        "maxclients": int(changes[0].after) if changes else now,
        "connected": connected,
        "previous": _settings_plan.previous(changes),
        "persisted": persisted,
        "diff": _settings_plan.diff(changes, client.endpoint.address),
    }


def _needed(connected: int, now: int) -> int:
    """What a server with so many clients should allow: what it does, unless that is nearly used up."""
    high = THRESHOLDS["clients_high_warning_percent"][0]
    return max(now, _client_limits.enough(connected)) if percent(connected, now) >= high else now


def _apply(
    client: Client, changes: list[_settings_plan.Setting], info: dict[str, dict[str, Any]], rewrite: bool
) -> tuple[list[_settings_plan.Setting], str | None]:
    """(what was set, why the file was not written). Where the open-file limit forbids it, as many as the server itself offers."""
    try:
        return changes, _apply_settings.apply(client, changes, info, rewrite)[1]
    except _apply_settings.NotApplied as error:
        offered = _client_limits.offered(str(error))
        if offered is None or offered <= int(changes[0].before):
            raise
    changes = [_settings_plan.Setting(changes[0].name, changes[0].server_name, changes[0].before, str(offered))]
    return changes, _apply_settings.apply(client, changes, info, rewrite)[1]


def _changes(client: Client, wanted: int, config: dict[str, str], info: dict[str, dict[str, Any]]) -> list[_settings_plan.Setting]:
    return _settings_plan.make_plan({"maxclients": str(wanted)}, config, info, client.endpoint.local).changes
