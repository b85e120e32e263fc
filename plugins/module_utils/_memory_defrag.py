# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Have a server defragment for a while, watch it, and switch that off again, whatever happens in between.

What the server refuses is raised as ValueError with one sentence; that its build cannot defragment is an answer.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _apply_settings, _settings_plan
from ansible_collections.aragora.redis.plugins.module_utils._apply_settings import NotApplied
from ansible_collections.aragora.redis.plugins.module_utils._client import Client, Refused, Unavailable, open_client
from ansible_collections.aragora.redis.plugins.module_utils._interrupts import Interrupted, interruptible, postponed
from ansible_collections.aragora.redis.plugins.module_utils._manners import check_number, refusal
from ansible_collections.aragora.redis.plugins.module_utils._memory_server import MIB, Memory, longest_ping, look, shown
from ansible_collections.aragora.redis.plugins.module_utils._settings_plan import Setting

LONGEST = 240
CYCLE = "active-defrag-cycle-max"
CANNOT = "cannot be enabled"
# Below this much the diagnosis is silent, so there is nothing to win.
NOT_WORTH_IT = 10 * MIB
WORTH_TELLING = MIB
PATIENCE = 3


def defrag_argument_spec() -> dict[str, Any]:
    """The options of redis_memory_defrag beside those of the connection."""
    return {
        "ratio": {"type": "float", "default": 1.1},
        "seconds": {"type": "float", "default": 60.0},
        "cpu_percent": {"type": "int", "default": 10},
        "max_added_latency": {"type": "float", "default": 20.0},
        "window": {"type": "float", "default": 0.5},
    }


def check_options(options: Mapping[str, Any]) -> None:
    """ValueError names the first option that cannot be meant."""
    check_number("ratio", options["ratio"], 1, 100)
    check_number("seconds", options["seconds"], 1, LONGEST)
    check_number("cpu_percent", options["cpu_percent"], 1, 99)
    check_number("max_added_latency", options["max_added_latency"], 0, 60_000)
    check_number("window", options["window"], 0.05, 60)


@dataclass
class Work:
    """What is done and seen. ``cpu`` is what the server may spend now, in percent of a core."""

    options: Mapping[str, Any]
    before: Memory
    after: Memory
    cpu: int
    calm_ms: float = 0.0
    worst_ms: float = 0.0
    seconds: float = 0.0
    ended: str = ""
    set: list[Setting] = field(default_factory=list)


def answer(client: Client, options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """The result of redis_memory_defrag."""
    check_options(options)
    seen = look(client)
    work = Work(options, seen, seen, options["cpu_percent"])
    if not seen.jemalloc:
        return _told(work, "its allocator is not jemalloc: it cannot defragment", supported=False)
    if _good(seen, options):
        return _told(work, f"it is not fragmented: {_numbers(seen)}")
    if check_mode:
        return {**_told(work, f"it would defragment, where its build can: {_numbers(seen)}"), "changed": True}
    try:
        with interruptible():
            return _defragmented(client, work)
    except Interrupted as error:
        raise ValueError(f"{error}; its settings are as they were") from None


def _defragmented(client: Client, work: Work) -> dict[str, Any]:
    try:
        config, info = _apply_settings.read(client, ["activedefrag"])
        work.cpu = min(work.cpu, int(config.get(CYCLE, 25)))
        work.set = _settings_plan.make_plan(_wanted(config, work.cpu), config, info, client.endpoint.local).changes
        work.calm_ms = longest_ping(client, work.options["window"])
        try:
            _apply_settings.apply(client, work.set, info, rewrite=False)
            _watch(client, work)
        finally:
            with postponed():
                _put_back(client, work)
    except NotApplied as error:
        if CANNOT not in str(error):
            raise ValueError(str(error)) from None
        return _told(work, "this build of the server cannot defragment: it lacks the jemalloc that comes with Redis", supported=False)
    return _told(work, f"{_numbers(work.before)} before, {_numbers(work.after)} now: {work.ended}")


def _wanted(config: Mapping[str, str], cpu: int) -> dict[str, str]:
    """What to set for a while. By itself a server begins at 100 MiB only, and may take a quarter of a core, 25 ms at a time."""
    most = {CYCLE: cpu, "active-defrag-cycle-min": cpu, "active-defrag-ignore-bytes": MIB, "active-defrag-threshold-lower": 5}
    lower = {name: str(min(int(config[name]), value)) for name, value in most.items() if name in config}
    return {**lower, "activedefrag": "yes"}


def _watch(client: Client, work: Work) -> None:
    """Until it is good, or the time is over, or clients wait for it although it does as little as it can."""
    began, felt = time.monotonic(), 0
    while not work.ended:
        ping = longest_ping(client, work.options["window"])
        work.after, work.worst_ms = look(client), max(work.worst_ms, ping)
        work.seconds = round(time.monotonic() - began, 1)
        felt = felt + 1 if ping - work.calm_ms > work.options["max_added_latency"] else 0
        if _good(work.after, work.options):
            work.ended = "done"
        elif felt >= PATIENCE and work.cpu == 1:
            work.ended = f"stopped because PING took {ping:g} ms"
        elif work.seconds >= work.options["seconds"]:
            work.ended = f"stopped after {work.seconds:g} s"
        elif felt >= PATIENCE:
            work.cpu, felt = max(1, work.cpu // 2), 0
            _slow_down(client, work.cpu)


def _slow_down(client: Client, cpu: int) -> None:
    for name in ("active-defrag-cycle-min", CYCLE):
        now = client.pipeline([("CONFIG", "GET", name)])[0]
        if isinstance(now, Refused):
            raise ValueError(refusal(client, ("CONFIG", "GET"), now))
        if int(now[1]) > cpu:
            client.call("CONFIG", "SET", name, cpu)


def _put_back(client: Client, work: Work) -> None:
    """Set the old values again, on a new connection where this one is broken. activedefrag goes first."""
    back = [("CONFIG", "SET", change.server_name, change.before) for change in reversed(work.set)]
    try:
        replies = client.pipeline(back)
    except Unavailable:
        try:
            with contextlib.closing(open_client(client.endpoint, 5, 5)) as again:
                replies = again.pipeline(back)
        except Unavailable as error:
            raise ValueError(f"{error}; activedefrag may still be on: set it to no yourself") from None
    stuck = [str(reply) for reply in replies if isinstance(reply, Refused)]
    if stuck:
        raise ValueError(f"{client.endpoint.address} does not take its old settings back ({stuck[0]}): set activedefrag to no yourself")


def _good(memory: Memory, options: Mapping[str, Any]) -> bool:
    return memory.ratio <= options["ratio"] or memory.wasted <= NOT_WORTH_IT


def _numbers(memory: Memory) -> str:
    return f"ratio {memory.ratio:g}, {shown(memory.wasted)} wasted"


def _told(work: Work, sentence: str, *, supported: bool = True) -> dict[str, Any]:
    before, after = ({"allocator_frag_ratio": seen.ratio, "allocator_frag_bytes": seen.wasted} for seen in (work.before, work.after))
    changed = work.before.wasted - work.after.wasted >= WORTH_TELLING
    return {
        "changed": changed,
        "supported": supported,
        "good": _good(work.after, work.options),
        "sentence": sentence,
        "before": before,
        "after": after,
        "seconds": work.seconds,
        "calm_ms": work.calm_ms,
        "worst_ms": work.worst_ms,
        "diff": {"before": before, "after": after} if changed else {},
    }
