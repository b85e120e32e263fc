# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a server says of its memory, and how long it lets others wait meanwhile.

What it refuses is raised as ValueError with one sentence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _info
from ansible_collections.aragora.redis.plugins.module_utils._client import Client, Refused
from ansible_collections.aragora.redis.plugins.module_utils._latency_server import ping_times
from ansible_collections.aragora.redis.plugins.module_utils._manners import refusal

MIB = 1024 * 1024


@dataclass(frozen=True)
class Memory:
    """One look. ``used`` is what Redis itself compares with maxmemory: buffers of replicas and of the AOF do not count."""

    used: int
    evicted: int
    resident: int
    jemalloc: bool
    wasted: int  # by fragmentation, inside the allocator
    ratio: float  # of that
    kept: int  # pages that the allocator has and does not use


def look(client: Client) -> Memory:
    """The memory as the server tells it now."""
    text = client.pipeline([("INFO",)])[0]
    if isinstance(text, Refused):
        raise ValueError(refusal(client, ("INFO",), text))
    return read(_info.parse(text))


def read(info: dict[str, dict[str, Any]]) -> Memory:
    """The same from an INFO that is there already."""
    memory, stats = info.get("memory") or {}, info.get("stats") or {}

    def number(name: str) -> int:
        return int(memory.get(name) or 0)

    return Memory(
        used=number("used_memory") - number("mem_not_counted_for_evict"),
        evicted=int(stats.get("evicted_keys") or 0),
        resident=number("used_memory_rss"),
        jemalloc="jemalloc" in str(memory.get("mem_allocator")),
        wasted=number("allocator_frag_bytes"),
        ratio=float(memory.get("allocator_frag_ratio") or 1),
        kept=number("allocator_rss_bytes"),
    )


def longest_ping(client: Client, seconds: float) -> float:
    """The longest of many PINGs, in milliseconds: one value that is freed at once may hold all clients, for once."""
    return round(max(ping_times(client, seconds), default=0.0), 1)


def shown(size: int) -> str:
    """Bytes for people."""
    return f"{size / MIB:,.1f} MiB" if size else "no limit"
