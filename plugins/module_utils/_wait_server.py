# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask a server again and again until it is as wanted, through restarts and refusals, for no longer than allowed."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _canary, _cluster, _info, _waiting
from ansible_collections.aragora.redis.plugins.module_utils._client import Client, Refused, Unavailable, find_endpoint, open_any
from ansible_collections.aragora.redis.plugins.module_utils._manners import documented

INTERVAL = 0.25
# For the replicas to acknowledge the canary.
WAIT_MS = 1_000


def wait_argument_spec() -> dict[str, Any]:
    """The options of redis_wait beside those of the connection."""
    return {
        "role": {"type": "str", "choices": sorted(_waiting.ROLES)},
        "replicas": {"type": "int"},
        "max_lag_bytes": {"type": "int"},
        "no_save": {"type": "bool", "default": False},
        "cluster_ok": {"type": "bool", "default": False},
        "canary": {"type": "bool", "default": False},
        "settled": {"type": "float", "default": 0.0},
        "wait_timeout": {"type": "float", "default": 60.0},
    }


@dataclass
class Watch:
    """What was seen so far."""

    started: float = field(default_factory=time.monotonic)
    true_since: float | None = None
    missing: list[str] = field(default_factory=list)
    info: dict[str, Any] = field(default_factory=dict)
    looks: int = 0

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self.started


def answer(options: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """The result of redis_wait, with ``failed`` and ``msg`` when the time was over. ValueError for options that make no sense.

    In check mode it looks once, and writes no canary.
    """
    _waiting.check_wishes(options)
    watch = Watch()
    while True:
        _look(watch, options, check_mode)
        now = time.monotonic()
        watch.true_since = None if watch.missing else (watch.true_since or now)
        held = 0.0 if watch.true_since is None else now - watch.true_since
        if watch.true_since is not None and (held >= options["settled"] or check_mode):
            return _result(watch)
        if check_mode or watch.seconds >= options["wait_timeout"]:
            watch.missing = watch.missing or [f"it has been so for {held:.0f} s, not for {options['settled']:g} s"]
            return _result(watch)
        time.sleep(min(INTERVAL, max(0.0, options["wait_timeout"] - watch.seconds)))


def _look(watch: Watch, options: dict[str, Any], check_mode: bool) -> None:
    """One look at the server: writes what is missing."""
    watch.looks += 1
    # A reply may take as long as WAIT does, also when the time is nearly over.
    left = max(2 * WAIT_MS / 1000, options["wait_timeout"] - watch.seconds)
    try:
        endpoint = find_endpoint(options)
        client, failure = open_any(endpoint, min(options["connect_timeout"], left), min(options["timeout"], left), first_reply=0)
    except Unavailable as error:
        watch.missing = [str(error)]
        return
    with contextlib.closing(client):
        if failure.state not in ("up", "loading"):
            watch.missing = [failure.sentence(endpoint.address)]
            return
        try:
            with documented(endpoint.address):
                watch.missing = _missing(client, watch, options, check_mode)
        except (Unavailable, ValueError) as error:
            watch.missing = [str(error)]


def _missing(client: Client, watch: Watch, options: Mapping[str, Any], check_mode: bool) -> list[str]:
    text = client.pipeline([("INFO",)])[0]
    if isinstance(text, Refused):
        return [f"it refuses INFO: {text}"]
    watch.info = _info.parse(text)
    in_cluster = bool((watch.info.get("cluster") or {}).get("cluster_enabled"))
    state, nodes = _cluster_of(client) if in_cluster else (None, [])
    found = _waiting.missing(watch.info, state, options)
    if found or not options["canary"] or check_mode:
        return found
    if (watch.info.get("replication") or {}).get("role") != "master":
        return ["it is a replica, and a canary is written to a master"]
    return _canary.sing(client, options["replicas"] or 0, WAIT_MS, _canary.own_slots(nodes) if in_cluster else None)


def _cluster_of(client: Client) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    state, nodes = client.pipeline([("CLUSTER", "INFO"), ("CLUSTER", "NODES")])
    parsed = {} if isinstance(state, Refused) else _info.parse(f"# cluster\n{state}")["cluster"]
    return parsed, [] if isinstance(nodes, Refused) else _cluster.nodes(nodes)


def _result(watch: Watch) -> dict[str, Any]:
    result = {
        "changed": False,
        "waited": round(watch.seconds, 2),
        "looks": watch.looks,
        "missing": watch.missing,
        "role": (watch.info.get("replication") or {}).get("role"),
        "run_id": (watch.info.get("server") or {}).get("run_id"),
    }
    if not watch.missing:
        return result
    return {**result, "failed": True, "msg": f"after {watch.seconds:.0f} s it is not as wanted: {'; '.join(watch.missing)}"}
