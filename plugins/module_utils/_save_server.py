# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Save the data of a server into its RDB file, and wait until that has ended."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _info
from ansible_collections.aragora.redis.plugins.module_utils._client import Client, Refused
from ansible_collections.aragora.redis.plugins.module_utils._manners import check_number, refusal

INTERVAL = 0.1
LONGEST = 86_400
# One child at a time: a save waits for the rewrite of the AOF, and for a save that is running already.
CHILDREN = {"rdb_bgsave_in_progress": "a save", "aof_rewrite_in_progress": "a rewrite of the append-only file"}


def save_argument_spec() -> dict[str, Any]:
    """The options of redis_save beside those of the connection."""
    return {"wait_timeout": {"type": "float", "default": 600.0}}


def check_options(options: Mapping[str, Any]) -> None:
    """ValueError for a time that cannot be meant."""
    check_number("wait_timeout", options["wait_timeout"], 0, LONGEST)


def saved(client: Client, seconds: float, check_mode: bool) -> dict[str, Any]:
    """The result of redis_save. ValueError, with one sentence, where the data is not saved: refused, failed, or not in time."""
    started = time.monotonic()
    before = _persistence(client)
    unsaved = int(before.get("rdb_changes_since_last_save") or 0)
    needed = unsaved > 0 or before.get("rdb_last_bgsave_status") != "ok"
    if needed and not check_mode:
        idle(client, started, seconds)
        reply = client.pipeline([("BGSAVE",)])[0]
        if isinstance(reply, Refused):
            raise ValueError(refusal(client, ("BGSAVE",), reply))
    after = idle(client, started, seconds) if needed and not check_mode else before
    if needed and not check_mode and after.get("rdb_last_bgsave_status") != "ok":
        raise ValueError(f"{client.endpoint.address} could not save its data: its log names the reason (a full disk, no right to write, …)")
    return {
        "changed": needed,
        "changes": unsaved,
        "waited": round(time.monotonic() - started, 2),
        "saved_at": int(after.get("rdb_last_save_time") or 0),
    }


def idle(client: Client, started: float, seconds: float) -> dict[str, Any]:
    """What INFO tells as soon as nothing is written in the background. ValueError when that takes too long."""
    while True:
        told = _persistence(client)
        running = [words for name, words in CHILDREN.items() if told.get(name)]
        if not running:
            return told
        if time.monotonic() - started >= seconds:
            raise ValueError(f"after {seconds:g} s {client.endpoint.address} is still at it: {' and '.join(running)} is running")
        time.sleep(INTERVAL)


def _persistence(client: Client) -> dict[str, Any]:
    text = client.pipeline([("INFO", "persistence")])[0]
    if isinstance(text, Refused):
        raise ValueError(refusal(client, ("INFO",), text))
    return dict(_info.parse(text).get("persistence") or {})
