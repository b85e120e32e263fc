# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Have the allocator give pages back that it keeps, and see how many."""

from __future__ import annotations

import time
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._client import Client, Refused
from ansible_collections.aragora.redis.plugins.module_utils._manners import refusal
from ansible_collections.aragora.redis.plugins.module_utils._memory_server import MIB, Memory, look, shown

# Servers look at what they occupy ten times a second: what they tell first may be of before, or of the middle.
INTERVAL = 0.1
PATIENCE = 0.5
# Less comes and goes by itself.
WORTH_TELLING = MIB


def purged(client: Client, check_mode: bool) -> dict[str, Any]:
    """The result of redis_memory_purge. ValueError, with one sentence, for what the server refuses."""
    before = look(client)
    if not before.jemalloc:
        return _told(before, before, "its allocator is not jemalloc: MEMORY PURGE gives nothing back, a restart does")
    if check_mode:
        return _told(before, before, f"up to {shown(before.kept)} may be given back", changed=before.kept >= WORTH_TELLING)
    reply = client.pipeline([("MEMORY", "PURGE")])[0]
    if isinstance(reply, Refused):
        raise ValueError(refusal(client, ("MEMORY", "PURGE"), reply))
    last, after, end = before, look(client), time.monotonic() + PATIENCE
    while _is_going_on(before, last, after) and time.monotonic() < end:
        time.sleep(INTERVAL)
        last, after = after, look(client)
    given = max(0, before.resident - after.resident)
    return _told(before, after, f"{given / MIB:,.1f} MiB were given back", changed=given >= WORTH_TELLING)


def _is_going_on(before: Memory, last: Memory, after: Memory) -> bool:
    """Whether nothing has been given back yet, or it was more at this look than at the last one."""
    return before.resident - after.resident < WORTH_TELLING or last.resident - after.resident >= WORTH_TELLING


def _told(before: Memory, after: Memory, sentence: str, *, changed: bool = False) -> dict[str, Any]:
    return {
        "changed": changed,
        "supported": before.jemalloc,
        "sentence": sentence,
        "before_bytes": before.resident,
        "after_bytes": after.resident,
        "given_back_bytes": max(0, before.resident - after.resident),
        "diff": {"before": {"used_memory_rss": before.resident}, "after": {"used_memory_rss": after.resident}} if changed else {},
    }
