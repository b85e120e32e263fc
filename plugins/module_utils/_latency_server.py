# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Latency as a server tells it and as it feels: a PING probe, events, histograms, and the latency monitor for a while.

What the server refuses to set or reset is raised as ValueError with one sentence; what it refuses to tell stands in ``denied``.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _info, _latency
from ansible_collections.aragora.redis.plugins.module_utils._client import Client, Refused, Unavailable, open_client
from ansible_collections.aragora.redis.plugins.module_utils._interrupts import postponed
from ansible_collections.aragora.redis.plugins.module_utils._manners import check_number, refusal, transaction

PROBE_INTERVAL = 0.01
LONGEST = 600
THRESHOLD = "latency-monitor-threshold"
HISTOGRAM = ("LATENCY", "HISTOGRAM")


def ping_times(client: Client, seconds: float) -> list[float]:
    """Round-trip times of PING in milliseconds, one every 10 ms until the window is over."""
    times: list[float] = []
    end = time.perf_counter() + seconds
    while (begun := time.perf_counter()) < end:
        client.pipeline([("PING",)])
        answered = time.perf_counter()
        times.append((answered - begun) * 1000)
        time.sleep(max(0.0, min(begun + PROBE_INTERVAL, end) - answered))
    return times


def has_histogram(info: dict[str, Any]) -> bool:
    """Whether a server keeps times by command: Redis 7.0 and newer, and Valkey, which calls itself redis_version 7.2.4."""
    return _info.version_tuple(str(info.get("server", {}).get("redis_version", ""))) >= (7,)


def check_options(options: dict[str, Any]) -> None:
    """ValueError names the first option of redis_latency that cannot be meant."""
    check_number("window", options["window"], 0, LONGEST)
    if options["monitor"]:
        check_number("monitor.threshold", options["monitor"]["threshold"], 1, 2**31)
        check_number("monitor.seconds", options["monitor"]["seconds"], 0.1, LONGEST)


def begun(client: Client, options: dict[str, Any]) -> dict[str, Any] | None:
    """What is known of the latency monitor before it is switched on: ``{threshold, seconds, previous}``; None where nobody asks for it."""
    if not options["monitor"]:
        return None
    return {**options["monitor"], "previous": threshold(client), "switched": False, "restored": None, "reason": None, "events": []}


def threshold(client: Client) -> int:
    """The threshold of the latency monitor in milliseconds, 0 for off. ValueError where the server does not tell."""
    reply = client.pipeline([("CONFIG", "GET", THRESHOLD)])[0]
    if isinstance(reply, Refused) or len(reply) < 2:
        raise ValueError(refusal(client, ("CONFIG", "GET"), reply or "it has no such setting"))
    return int(reply[1])


def watch(client: Client, monitor: dict[str, Any], time_outs: tuple[float, float]) -> list[float]:
    """Ping with the latency monitor on, then put the old threshold back, whatever happens in between.

    What became of it is written into ``monitor`` also when this raises: ``restored``, with ``reason`` and ``now`` where it is not back.
    """
    started = _server_time(client)
    monitor["switched"] = True
    try:
        reply = client.pipeline([("CONFIG", "SET", THRESHOLD, monitor["threshold"])])[0]
        if isinstance(reply, Refused):
            raise ValueError(refusal(client, ("CONFIG", "SET"), reply))
        times = ping_times(client, monitor["seconds"])
        monitor["events"] = sorted(name for name, event in _latest(client).items() if event["at"] >= started)
        return times
    finally:
        with postponed():
            monitor.update(_put_back(client, monitor, time_outs))


def read(client: Client) -> dict[str, Any]:
    """``{events, histogram, denied}``; a part that is refused is None. Events carry their history."""
    latest, rows, text = client.pipeline([("LATENCY", "LATEST"), HISTOGRAM, ("INFO", "everything")])
    info = {} if isinstance(text, Refused) else _info.parse(text)
    denied = {"events": str(latest)} if isinstance(latest, Refused) else {}
    events = None
    if not denied:
        found = _latency.events(latest)
        events = _with_history(found, client.pipeline([("LATENCY", "HISTORY", name) for name in found]))
    histogram: dict[str, Any] | None = _latency.histogram([] if isinstance(rows, Refused) else rows, info)
    if isinstance(rows, Refused) and not histogram:
        histogram, denied["histogram"] = None, str(rows)
    return {"events": events, "histogram": histogram, "denied": denied}


def reset(client: Client, events: dict[str, Any]) -> dict[str, Any]:
    """Forget these events; returns them with what came since they were read, so that nothing is lost that was not told."""
    if not events:
        return {}
    names = list(events)
    replies = transaction(client, [*(("LATENCY", "HISTORY", name) for name in names), ("LATENCY", "RESET", *names)])
    return _with_history(events, replies[:-1])


def measure(client: Client, options: dict[str, Any], check_mode: bool, monitor: dict[str, Any] | None) -> dict[str, Any]:
    """What redis_latency returns about the server: ``{probe, events, histogram, reset, denied}``."""
    if monitor and not check_mode:
        times = watch(client, monitor, (options["connect_timeout"], options["timeout"]))
    else:
        times = ping_times(client, options["window"])
    told = {"probe": _latency.summary(times), **read(client), "reset": []}
    if options["reset_events"]:
        if told["events"] is None:
            raise ValueError(refusal(client, ("LATENCY", "LATEST"), told["denied"]["events"]))
        if not check_mode:
            told["events"] = reset(client, told["events"])
        told["reset"] = sorted(told["events"])
    return told


def report(told: dict[str, Any], monitor: dict[str, Any] | None) -> tuple[dict[str, Any], str | None]:
    """(the return values of redis_latency, what to warn of or None)."""
    events = sorted(told["events"] or {})
    before, after = {"events": events}, {"events": [name for name in events if name not in told["reset"]]}
    warning = None
    if monitor and left_changed(monitor):
        before[THRESHOLD], after[THRESHOLD] = monitor["previous"], monitor["threshold"]
        warning = still_on(monitor)
    return {"changed": before != after, "diff": {"before": before, "after": after}, **told, "monitor": monitor}, warning


def unfinished(error: BaseException, monitor: dict[str, Any] | None) -> dict[str, Any]:
    """The result of a redis_latency that broke off; its message tells how the monitor was left."""
    left = left_changed(monitor)
    ending = (
        f"; {still_on(monitor)}" if monitor and left else "; the latency monitor is as it was" if monitor and monitor["restored"] else ""
    )
    return {"msg": f"{error}{ending}", "changed": left, "monitor": monitor}


def still_on(monitor: dict[str, Any]) -> str:
    """What to do about a threshold that is not back."""
    return f"the latency monitor may still be on, set {THRESHOLD} to {monitor['previous']} yourself ({monitor['reason']})"


def left_changed(monitor: dict[str, Any] | None) -> bool:
    """Whether the monitor's threshold is, or may be, the one that was set for a while."""
    return bool(monitor and monitor["restored"] is False and monitor["now"] in (None, monitor["threshold"]))


def _with_history(events: dict[str, Any], replies: list[Any]) -> dict[str, Any]:
    histories = ([] if isinstance(reply, Refused) else _latency.history(reply) for reply in replies)
    return {name: {**events[name], "history": history} for name, history in zip(events, histories)}


def _latest(client: Client) -> dict[str, dict[str, int]]:
    reply = client.pipeline([("LATENCY", "LATEST")])[0]
    return {} if isinstance(reply, Refused) else _latency.events(reply)


def _server_time(client: Client) -> int:
    reply = client.pipeline([("TIME",)])[0]
    return int(time.time()) if isinstance(reply, Refused) else int(reply[0])


def _put_back(client: Client, monitor: dict[str, Any], time_outs: tuple[float, float]) -> dict[str, Any]:
    """Set the old threshold again, on a new connection where this one is broken."""
    try:
        return _set_again(client, monitor)
    except Unavailable:
        pass
    try:
        with contextlib.closing(open_client(client.endpoint, *time_outs)) as again:
            return _set_again(again, monitor)
    except Unavailable as error:
        return {"restored": False, "now": None, "reason": str(error)}


def _set_again(client: Client, monitor: dict[str, Any]) -> dict[str, Any]:
    try:
        now = threshold(client)
        if now == monitor["previous"]:
            return {"restored": True}
        if now != monitor["threshold"]:
            return {"restored": False, "now": now, "reason": f"somebody has set {THRESHOLD} to {now} meanwhile, and it was left so"}
        reply = client.pipeline([("CONFIG", "SET", THRESHOLD, monitor["previous"])])[0]
        if isinstance(reply, Refused):
            return {"restored": False, "now": now, "reason": refusal(client, ("CONFIG", "SET"), reply)}
    except ValueError as error:
        return {"restored": False, "now": None, "reason": str(error)}
    return {"restored": True}
