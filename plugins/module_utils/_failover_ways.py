# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A switchover where no Sentinel watches: by FAILOVER at the master, or in a cluster by CLUSTER FAILOVER at the replica.

Both hold writes by themselves until the replica has them all, and give up by themselves when that takes too long.
"""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Mapping
from types import FrameType
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _failover, _info
from ansible_collections.aragora.redis.plugins.module_utils._client import Client, Refused, Unavailable, open_client

INTERVAL = 0.005
# CLUSTER FAILOVER gives up after 5 s; what was granted before that may take another moment.
CLUSTER_SECONDS = 8.0


class NotSwitched(Exception):
    """There was no switchover, or nobody knows how it ended. ``reason`` is a word, ``str()`` one sentence."""

    def __init__(self, sentence: str, reason: str) -> None:
        super().__init__(sentence)
        self.reason = reason


class Stop:
    """Whether somebody wants this process to end: that is heard where it can be, so that writes are never left held."""

    SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

    def __init__(self) -> None:
        self.asked = False
        for number in self.SIGNALS:
            signal.signal(number, self._hear)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.asked = True

    def check(self) -> None:
        """Raises NotSwitched when somebody does."""
        if self.asked:
            raise NotSwitched("interrupted before anything was switched; writes are let through", "interrupted")


def opened(node: Mapping[str, Any], options: Mapping[str, Any]) -> Client:
    """A connection to a node of the facts."""
    return open_client(node["endpoint"], options["connect_timeout"], options["timeout"], first_reply=0)


def sent_away(master: Client) -> None:
    """Let go who waits at what is a replica by now, and close the clients' connections as Sentinel does: they look for the master anew."""
    master.pipeline(
        [
            ("CLIENT", "UNPAUSE"),
            ("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"),
            ("CLIENT", "KILL", "TYPE", "pubsub", "SKIPME", "yes"),
        ]
    )


def plain(facts: Mapping[str, Any], options: Mapping[str, Any], stop: Stop) -> dict[str, Any]:
    """FAILOVER TO the winner; the other replicas are told of it. ``{new, held_ms, late, lost_bytes}``. Raises NotSwitched."""
    new = _failover.winner(facts, options)
    stop.check()
    with contextlib.closing(opened(facts["master"], options)) as master:
        milliseconds = int(options["pause_ms"] or _failover.LONGEST_PAUSE_MS)
        begun = time.monotonic()
        reply = master.pipeline([("FAILOVER", "TO", str(new["host"]), str(new["port"]), "TIMEOUT", milliseconds)])[0]
        if isinstance(reply, Refused):
            raise NotSwitched(f"{master.endpoint.address} refuses FAILOVER: {reply}", "refused")
        try:
            _handed_over(master, begun + milliseconds / 1000 + 1, stop)
        finally:
            # Of one that has ended by itself there is nothing to call off.
            with contextlib.suppress(Unavailable):
                master.pipeline([("FAILOVER", "ABORT")])
        held = round((time.monotonic() - begun) * 1000)
        sent_away(master)
    follow(facts, options, new)
    return {"new": new["endpoint"], "held_ms": held, "late": False, "lost_bytes": 0}


def cluster(facts: Mapping[str, Any], options: Mapping[str, Any], stop: Stop) -> dict[str, Any]:
    """CLUSTER FAILOVER at the winner. ``{new, held_ms, late, lost_bytes}``. Raises NotSwitched."""
    new = _failover.winner(facts, options)
    return {"new": new["endpoint"], "held_ms": elected(new, options, stop), "late": False, "lost_bytes": 0}


def elected(new: Mapping[str, Any], options: Mapping[str, Any], stop: Stop, words: tuple[str, ...] = ()) -> int:
    """CLUSTER FAILOVER at a replica; how many milliseconds it took. Raises NotSwitched."""
    stop.check()
    with contextlib.closing(opened(new, options)) as client:
        begun = time.monotonic()
        reply = client.pipeline([("CLUSTER", "FAILOVER", *words)])[0]
        if isinstance(reply, Refused):
            raise NotSwitched(f"{client.endpoint.address} refuses {' '.join(('CLUSTER FAILOVER', *words))}: {reply}", "refused")
        while client.call("ROLE")[0] != "master":
            if time.monotonic() - begun > CLUSTER_SECONDS:
                raise NotSwitched(
                    f"{client.endpoint.address} was not made the master within {CLUSTER_SECONDS:g} s: do most masters of the cluster work? "
                    "Nothing has changed",
                    "not_promoted",
                )
            time.sleep(INTERVAL)
        return round((time.monotonic() - begun) * 1000)


def _handed_over(master: Client, end: float, stop: Stop) -> None:
    while True:
        section = _info.parse(master.call("INFO", "replication"))["replication"]
        state = section.get("master_failover_state")
        if section.get("role") == "slave" and state == "no-failover":
            return
        if state == "no-failover" or time.monotonic() > end:
            raise NotSwitched(f"{master.endpoint.address} has called the failover off: the replica did not catch up in time", "lag")
        stop.check()
        time.sleep(INTERVAL)


def follow(facts: Mapping[str, Any], options: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Where nobody watches, nobody else tells the other replicas. Raises NotSwitched."""
    for node in facts["replicas"]:
        if node["address"] == new["address"] or node["state"] != "up":
            continue
        with contextlib.closing(opened(node, options)) as client:
            reply = client.pipeline([("REPLICAOF", str(new["host"]), str(new["port"]))])[0]
            if isinstance(reply, Refused):
                raise NotSwitched(f"{client.endpoint.address} refuses to follow {new['address']}: {reply}", "unsettled")
