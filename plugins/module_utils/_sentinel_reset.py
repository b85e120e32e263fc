# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Let a Sentinel forget who is gone: SENTINEL RESET, where nothing speaks against it, and wait until it knows the others again."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _sentinel
from ansible_collections.aragora.redis.plugins.module_utils._client import Client, Refused
from ansible_collections.aragora.redis.plugins.module_utils._manners import check_number, documented, refusal

INTERVAL = 0.25
LONGEST = 3_600
GONE = {"s_down", "o_down", "disconnected"}
KINDS = {"sentinels": "other Sentinels", "replicas": "replicas"}
# The argument of RESET is a pattern.
SPECIAL = re.compile(r"([\\*?\[\]])")


def reset_argument_spec() -> dict[str, Any]:
    """The options of redis_sentinel_reset beside those of the connection."""
    return {
        "master_name": {"type": "str", "required": True},
        "keep_sentinels": {"type": "int", "default": 0},
        "keep_replicas": {"type": "int", "default": 0},
        "wait_timeout": {"type": "float", "default": 60.0},
    }


def check_options(options: Mapping[str, Any]) -> None:
    """ValueError for what cannot be meant."""
    check_number("wait_timeout", options["wait_timeout"], 0, LONGEST)


def reset(client: Client, options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """The result of redis_sentinel_reset. ValueError, with one sentence, where it may not be done, or the others do not come back."""
    with documented(client.endpoint.address):
        return _reset(client, options, check_mode)


def _reset(client: Client, options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    name, started = str(options["master_name"]), time.monotonic()
    before = _look(client, name)
    forgotten = sorted(f"{row.get('ip')}:{row.get('port')}" for kind in KINDS for row in before[kind] if _is_gone(row))
    if not forgotten:
        return {"changed": False, "forgotten": [], "waited": 0.0}
    _check(client, name, before, options)
    if not check_mode:
        _call(client, "SENTINEL", "RESET", SPECIAL.sub(r"\\\1", name))
        _wait(client, name, options, started)
    return {"changed": True, "forgotten": forgotten, "waited": round(time.monotonic() - started, 2)}


def _check(client: Client, name: str, seen: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    """A reset forgets all that the Sentinel has learnt: never while that is needed, nor where it would not learn it again."""
    flags, place = set(seen["master"]["flags"]), client.endpoint.address
    if "failover_in_progress" in flags:
        raise ValueError(f"{place} is failing over {name}, and a reset would break that off: try again when it is over")
    if flags & GONE:
        raise ValueError(f"{place} does not reach the master {name}, and would not find the replicas again: mend the master first")
    for kind, words in KINDS.items():
        alive, wanted = sum(map(_is_there, seen[kind])), options[f"keep_{kind}"]
        if alive < wanted:
            raise ValueError(f"{place} reaches {alive} {words} of {name}, not {wanted}: somebody else is gone by now")


def _wait(client: Client, name: str, options: Mapping[str, Any], started: float) -> None:
    while True:
        seen = _look(client, name)
        lacks = [
            f"{known} of {options[f'keep_{kind}']} {words}"
            for kind, words in KINDS.items()
            if (known := sum(map(_is_there, seen[kind]))) < options[f"keep_{kind}"]
        ]
        if not lacks:
            return
        if time.monotonic() - started >= options["wait_timeout"]:
            seconds = f"{options['wait_timeout']:g} s after the reset"
            raise ValueError(f"{seconds} {client.endpoint.address} knows {' and '.join(lacks)} of {name}")
        time.sleep(INTERVAL)


def _look(client: Client, name: str) -> dict[str, Any]:
    master = _sentinel.instance(_call(client, "SENTINEL", "MASTER", name))
    found = {kind: [_sentinel.instance(row) for row in _call(client, "SENTINEL", kind.upper(), name)] for kind in KINDS}
    return {"master": master, **found}


def _call(client: Client, *command: str) -> Any:
    reply = client.pipeline([command])[0]
    if isinstance(reply, Refused):
        raise ValueError(refusal(client, command[:2], reply))
    return reply


def _is_gone(row: Mapping[str, Any]) -> bool:
    return bool(GONE & set(row["flags"]))


def _is_there(row: Mapping[str, Any]) -> bool:
    """Whether it is reached: who was just heard of, as the old master after a failover, may never have answered yet."""
    return bool(row.get("runid")) and not _is_gone(row)
