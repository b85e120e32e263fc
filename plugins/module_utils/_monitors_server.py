# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The clients that run MONITOR: end them by their ids, those that are still there and still run it.

What the server refuses is raised as ValueError with one sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _clients, _clients_server
from ansible_collections.aragora.redis.plugins.module_utils._client import Client, Refused
from ansible_collections.aragora.redis.plugins.module_utils._manners import refusal

MONITOR = "O"


def answer(client: Client, ids: Sequence[int] | None, limit: int, check_mode: bool) -> dict[str, Any]:
    """The result of redis_monitor_kill; without ids all that run MONITOR are meant."""
    found = [row for row in _clients_server.read(client, limit) if MONITOR in row.get("flags", "")]
    meant = [row for row in found if ids is None or row.get("id") in ids]
    if not check_mode:
        replies = client.pipeline([("CLIENT", "KILL", "ID", str(row["id"])) for row in meant]) if meant else []
        refused = [reply for reply in replies if isinstance(reply, Refused)]
        if refused:
            raise ValueError(refusal(client, ("CLIENT", "KILL"), refused[0]))
        # 0 was killed: it went by itself.
        meant = [row for row, reply in zip(meant, replies) if reply]
    killed = _clients.aggregate(meant)["monitors"]
    named = [str(row["id"]) for row in found]
    left = [str(row["id"]) for row in found if row not in meant]
    return {"changed": bool(meant), "killed": killed, "diff": {"before": {"monitors": named}, "after": {"monitors": left}}}
