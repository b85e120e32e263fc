# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A replica takes the place of a master that is dead: what has not reached it is lost, and who asked for it has accepted that."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _failover_forced
from ansible_collections.aragora.redis.plugins.module_utils._client import Refused
from ansible_collections.aragora.redis.plugins.module_utils._failover_facts import look
from ansible_collections.aragora.redis.plugins.module_utils._failover_ways import NotSwitched, Stop, elected, follow, opened

DONE: dict[str, Any] = {"held_ms": 0, "late": False, "lost_bytes": None}


def plain(facts: Mapping[str, Any], options: Mapping[str, Any], stop: Stop) -> dict[str, Any]:
    """REPLICAOF NO ONE at the winner; the others are told of it. Raises NotSwitched."""
    new = _failover_forced.winner(facts, options)
    with contextlib.closing(opened(new, options)) as client:
        _still_dead(facts, options)
        stop.check()
        reply = client.pipeline([("REPLICAOF", "NO", "ONE")])[0]
        if isinstance(reply, Refused):
            raise NotSwitched(f"{client.endpoint.address} refuses REPLICAOF NO ONE: {reply}", "refused")
    follow(facts, options, new)
    return {"new": new["endpoint"], **DONE}


def cluster(facts: Mapping[str, Any], options: Mapping[str, Any], stop: Stop) -> dict[str, Any]:
    """CLUSTER FAILOVER FORCE at the winner, or TAKEOVER where no vote can be had. Raises NotSwitched."""
    new = _failover_forced.winner(facts, options)
    _still_dead(facts, options)
    elected(new, options, stop, (_failover_forced.way(facts),))
    return {"new": new["endpoint"], **DONE}


def _still_dead(facts: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    """It may have come back while others were looked at."""
    again = look(facts["master"]["endpoint"], options)
    if again["state"] not in _failover_forced.DEAD:
        raise NotSwitched(f"{again['address']} is there again ({again['state']}): nothing has changed", "refused")
