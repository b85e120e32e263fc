# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a limit is lowered, and what that costs: which keys would go, how many at most, and whether that is enough. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.memory_facts import MEMORY, counted, counted_keys
from ansible_collections.aragora.redis.plugins.module_utils._plans.memory_tidy import whole

MIB = 1024 * 1024
SECONDS = 120
# Clients write on meanwhile, and keys differ in size: it stops where twice as many keys have gone as reckoned.
MARGIN = 2
# Tables and buffers stay when keys go: who needs more of the data than this would end with an empty server that is still full.
MOST_OF_DATA = 0.9
ACCEPT = "redis_memory_accept_eviction=true"


def lowering(facts: Facts, limit: int, policy: str, options: Mapping[str, Any], refused: list[str]) -> tuple[dict[str, Any], list[str]]:
    """(the options of redis_memory_limit, steps for people). What speaks against it is added to ``refused``."""
    latency = whole("redis_memory_max_added_latency", options.get("max_added_latency", 20), 1, 60_000)
    way: dict[str, Any] = {"maxmemory": str(limit), "accept_eviction": False, "max_added_latency": latency, "seconds": SECONDS}
    used = counted(facts)
    if limit >= used:
        return way, []
    below = f"{shown(limit)} is below the {shown(int(used))} that are in use"
    if policy == "noeviction":
        refused.append(f"{below}: under noeviction writes would be refused at once")
        return way, []
    keys, going, evictable = _cost(facts, limit, policy)
    if going > MOST_OF_DATA * evictable:
        which = "keys with a TTL hold" if policy.startswith("volatile") else "all keys hold"
        refused.append(f"{below}, and {which} about {shown(int(evictable))} only: it would be full even without them")
        return way, []
    loss = f"about {shown(int(going))} in up to {keys:,} keys are evicted ({policy})"
    if not options.get("accept_eviction"):
        refused.append(f"{below}: {loss}; say that they may be lost with {ACCEPT}")
        return way, []
    told = f"{loss}, in steps of 10 %; it stops where PING takes {latency} ms more than before, or more keys go"
    return {**way, "accept_eviction": True, "most_evicted": keys}, [told]


def _cost(facts: Facts, limit: int, policy: str) -> tuple[int, float, float]:
    """(how many keys go at most, bytes that go, bytes in keys that can go)."""
    going = counted(facts) - limit
    keys, expires = counted_keys(facts)
    data = max(0.0, facts.number(MEMORY + "used_memory") - facts.number_or(MEMORY + "used_memory_startup", 0))
    can_go = expires if policy.startswith("volatile") else keys
    each = data / keys if keys else 0
    number = math.ceil(MARGIN * going / each) if each else 0
    return min(number, can_go) if can_go else 0, going, each * can_go


def shown(number: int) -> str:
    """Bytes for people."""
    return f"{number / MIB:,.0f} MiB" if number else "no limit"
