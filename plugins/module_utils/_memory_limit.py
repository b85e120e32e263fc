# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lower maxmemory step by step, watch what that does to clients and keys, and stop where it does too much.

The old limit is put back when something fails, the last one that held when something is felt. ValueError with one sentence.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _apply_settings, _setting_readers
from ansible_collections.aragora.redis.plugins.module_utils._client import Client, Refused, Unavailable
from ansible_collections.aragora.redis.plugins.module_utils._interrupts import Interrupted, interruptible
from ansible_collections.aragora.redis.plugins.module_utils._manners import check_number, refusal
from ansible_collections.aragora.redis.plugins.module_utils._memory_server import Memory, longest_ping, look, read, shown

LONGEST = 240
# Windows that a step may need until it is calm. A busy server is always a little over its limit.
PATIENCE = 6
OVER = 1.01
# What was felt makes the next step smaller; calm ones make it grow again.
SMALLEST_SHARE = 8


def limit_argument_spec() -> dict[str, Any]:
    """The options of redis_memory_limit beside those of the connection."""
    return {
        "maxmemory": {"type": "str", "required": True},
        "accept_eviction": {"type": "bool", "default": False},
        "most_evicted": {"type": "int"},
        "step_percent": {"type": "float", "default": 10.0},
        "window": {"type": "float", "default": 0.5},
        "max_added_latency": {"type": "float", "default": 20.0},
        "seconds": {"type": "float", "default": 120.0},
        "persist": {"type": "str", "choices": ["none", "rewrite"], "default": "none"},
    }


def check_options(options: Mapping[str, Any]) -> int:
    """The wanted limit in bytes. ValueError names the first option that cannot be meant."""
    try:
        wanted = _setting_readers.read_size(options["maxmemory"])
    except ValueError as error:
        raise ValueError(f"maxmemory is '{options['maxmemory']}': {error}") from None
    check_number("step_percent", options["step_percent"], 0.1, 100)
    check_number("window", options["window"], 0.05, 60)
    check_number("max_added_latency", options["max_added_latency"], 0, 60_000)
    check_number("seconds", options["seconds"], 1, LONGEST)
    check_number("most_evicted", options["most_evicted"], 0, 2**63)
    return wanted


@dataclass
class Way:
    """Where the lowering is. ``held`` is the last limit that was calm."""

    wanted: int
    before: int
    start: Memory
    options: Mapping[str, Any]
    calm_ms: float = 0.0
    limit: int = 0
    held: int = 0
    share: float = 1.0
    evicted: int = 0
    worst_ms: float = 0.0
    steps: list[dict[str, Any]] = field(default_factory=list)
    stopped: str = ""
    began: float = field(default_factory=time.monotonic)

    @property
    def over(self) -> bool:
        """Whether the time is."""
        return time.monotonic() - self.began >= float(self.options["seconds"])

    def next_limit(self, used: int) -> int:
        """Down to what is in use at once, and from there in steps."""
        step = int(self.start.used * self.options["step_percent"] / 100 * self.share)
        here = min(self.limit, used) if self.limit else used
        return max(self.wanted, here - max(1, step)) if self.wanted < used else self.wanted


def answer(client: Client, options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """The result of redis_memory_limit."""
    wanted = check_options(options)
    try:
        config, info = _apply_settings.read(client, ["maxmemory"])
    except _apply_settings.NotApplied as error:
        raise ValueError(str(error)) from None
    way = Way(wanted, int(config.get("maxmemory", 0)), read(info), options)
    way.limit = way.held = way.before
    _check_loss(way, str(config.get("maxmemory-policy")))
    if way.before == wanted or check_mode:
        return _told(way, wanted, "nothing was changed" if way.before == wanted else "check mode")
    why_not = _go(client, way, info)
    return _told(way, way.limit, why_not)


def _go(client: Client, way: Way, info: dict[str, dict[str, Any]]) -> str | None:
    """Set it. Returns why the configuration file was not written, or None."""
    try:
        with interruptible():
            _lower(client, way) if way.wanted and (not way.before or way.wanted < way.before) else _set(client, way, way.wanted)
            if way.limit == way.before or way.options["persist"] == "none":
                return "nothing was changed" if way.limit == way.before else "persist is none"
            why_not = _apply_settings.write_file(client, info)
            if why_not and why_not != _apply_settings.NO_FILE:
                raise ValueError(why_not)
            return why_not
    except (ValueError, Interrupted) as error:
        raise ValueError(f"{error}; {_put_back(client, way)}") from None
    except Unavailable as error:
        raise ValueError(f"{error}; maxmemory may be {way.limit} now, it was {way.before}: read it before you go on") from None


def _lower(client: Client, way: Way) -> None:
    way.calm_ms = longest_ping(client, way.options["window"])
    while way.limit != way.wanted and not way.stopped:
        if way.over:
            way.stopped = f"after {way.options['seconds']:g} s"
            return
        used = look(client).used
        if way.wanted < used and not way.options["accept_eviction"]:
            way.stopped = f"because {shown(used)} are in use by now and no eviction was accepted"
            return
        _set(client, way, way.next_limit(used))
        trouble = _watch(client, way)
        if trouble:
            way.stopped = trouble
            _set(client, way, way.held)
        way.held = way.limit


def _watch(client: Client, way: Way) -> str:
    """Wait until a step is calm; why it should go no further, or nothing."""
    bound = way.options["max_added_latency"]
    felt = False
    for look_number in range(PATIENCE):
        ping = longest_ping(client, way.options["window"])
        seen = look(client)
        way.evicted, way.worst_ms = max(0, seen.evicted - way.start.evicted), max(way.worst_ms, ping)
        hot, behind = ping - way.calm_ms > bound, seen.used > way.limit * OVER
        felt = felt or hot
        row = {"maxmemory": way.limit, "used": seen.used, "evicted": way.evicted, "ping_ms": ping}
        way.steps[len(way.steps) - bool(look_number) :] = [row]
        most = way.options["most_evicted"]
        if most is not None and way.evicted > most:
            return f"because {way.evicted:,} keys were evicted, more than the {most:,} that were announced"
        if not hot and not behind:
            way.share = max(1 / SMALLEST_SHARE, way.share / 2) if felt else min(1.0, way.share * 2)
            return ""
        if way.over:
            break
    if hot:
        return f"because PING took {ping:g} ms, {ping - way.calm_ms:.1f} ms more than before (at most {bound:g})"
    return f"because {shown(seen.used)} stay in use: nothing more can be evicted, or clients write as fast"


def _set(client: Client, way: Way, limit: int) -> None:
    reply = client.pipeline([("CONFIG", "SET", "maxmemory", limit)])[0]
    if isinstance(reply, Refused):
        raise ValueError(refusal(client, ("CONFIG", "SET"), reply))
    way.limit = limit


def _put_back(client: Client, way: Way) -> str:
    try:
        _set(client, way, way.before)
    except (ValueError, Unavailable) as error:
        return f"the old limit {way.before} could not be put back ({error})"
    return "the old limit is back"


def _check_loss(way: Way, policy: str) -> None:
    """ValueError where the wanted limit refuses writes, or costs keys that nobody has given up."""
    if not way.wanted or way.wanted >= way.start.used or (way.before and way.wanted >= way.before):
        return
    in_use = f"{shown(way.wanted)} is below the {shown(way.start.used)} that are in use"
    if policy == "noeviction":
        raise ValueError(f"{in_use}, and under noeviction writes would be refused: give more, or delete what is not needed")
    if not way.options["accept_eviction"]:
        raise ValueError(f"{in_use}, so keys would be evicted: give more, make room first, or set accept_eviction: true")


def _told(way: Way, after: int, why_not: str | None) -> dict[str, Any]:
    lost = f", {way.evicted:,} keys were evicted" if way.evicted else ""
    sentence = f"maxmemory is {shown(after)}{lost}"
    if way.stopped:
        sentence = f"maxmemory stopped at {shown(after)} on its way to {shown(way.wanted)}{lost}, {way.stopped}"
    return {
        "changed": after != way.before,
        "maxmemory": after,
        "reached": after == way.wanted,
        "sentence": sentence,
        "steps": way.steps,
        "evicted": way.evicted,
        "calm_ms": way.calm_ms,
        "worst_ms": way.worst_ms,
        "previous": {"maxmemory": str(way.before)} if after != way.before else {},
        "persisted": why_not is None,
        "persist_reason": why_not,
        "diff": {"before": {"maxmemory": way.before}, "after": {"maxmemory": after}},
    }
