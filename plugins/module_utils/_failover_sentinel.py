# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A switchover under Sentinel that loses no acknowledged write.

SENTINEL FAILOVER alone waits for no replica, and leaves the old master a master that takes writes for some seconds. So writes are held
(CLIENT PAUSE) until every replica has them, and the old master is made a replica, by us, before it takes any again: whoever waits is then
answered READONLY. The pause is shorter than down-after-milliseconds, because it holds the PUBLISH of Sentinels and the PING behind it, and
it ends by itself when this process is killed. While it lasts nobody is waited for longer than a share of it, whoever hangs.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _clients, _failover, _info
from ansible_collections.aragora.redis.plugins.module_utils._client import Client, Refused, Unavailable, open_client
from ansible_collections.aragora.redis.plugins.module_utils._failover_ways import INTERVAL, NotSwitched, Stop, opened, sent_away
from ansible_collections.aragora.redis.plugins.module_utils._sentinel_views_server import sentinel_endpoint

# How much of the pause the replicas are given; the rest is for the promotion.
SHARE_FOR_OFFSETS = 0.4
# How much of it anybody is given for a reply.
SHARE_FOR_A_REPLY = 0.2
LEAST_SECONDS = 0.1
# Two switchovers of one master would let go the writes that the other one holds.
MARK = "aragora.redis:switchover"


@dataclass(frozen=True)
class Group:
    """Connections that are open before writes are held: to the old master, to those that could follow it, and to the Sentinel that acts."""

    master: Client
    replicas: list[Client]
    sentinel: Client
    name: str
    seconds: float
    patience: float

    def old_master(self) -> Client:
        """A connection to the old master that works: Sentinel may have closed ours. Raises Unavailable."""
        return open_client(self.master.endpoint, self.seconds, self.seconds, first_reply=0)

    def let_go(self) -> None:
        """Let writes through. Where the old master is a replica already this changes nothing."""
        with contextlib.suppress(Unavailable), contextlib.closing(self.old_master()) as client:
            client.pipeline([("CLIENT", "UNPAUSE")])

    def close(self) -> None:
        """Of those that were opened anew, too."""
        for client in (self.master, *self.replicas, self.sentinel):
            client.close()


def switch(facts: Mapping[str, Any], options: Mapping[str, Any], stop: Stop) -> dict[str, Any]:
    """``{new, held_ms, lost_bytes, late}``. Raises NotSwitched; writes are not held any more then."""
    fit = _failover.ranked(facts["replicas"], facts["master"], options["max_lag_bytes"])
    budget = _failover.pause_ms(facts, options)
    seconds = min(options["timeout"], max(LEAST_SECONDS, SHARE_FOR_A_REPLY * budget / 1000))
    hasty = {**options, "timeout": seconds}
    with contextlib.ExitStack() as stack:
        nodes = [stack.enter_context(contextlib.closing(opened(node, hasty))) for node in (facts["master"], *fit)]
        place = sentinel_endpoint(options, facts["views"][0]["address"])
        sentinel = open_client(place, options["connect_timeout"], seconds, first_reply=0)
        stack.enter_context(contextlib.closing(sentinel))
        group = Group(nodes[0], nodes[1:], sentinel, facts["name"], seconds, options["wait_timeout"])
        stack.callback(group.close)
        if options["coordinated"]:
            return _coordinated(group, stop)
        _mark(group.master)
        try:
            return _held(group, budget, stop)
        finally:
            group.let_go()


def _mark(master: Client) -> None:
    """Refuse where another switchover is at work; of two that begin at once one gives way, or both."""
    named, listed = master.pipeline([("CLIENT", "SETNAME", MARK), ("CLIENT", "LIST")])
    refused = next((reply for reply in (named, listed) if isinstance(reply, Refused)), None)
    if refused:
        raise NotSwitched(f"{master.endpoint.address} does not tell whether another switchover is at work: {refused}", "refused")
    if sum(client["name"] == MARK for client in _clients.parse(listed)) > 1:
        raise NotSwitched(f"another switchover is at work at {master.endpoint.address}: see how it ends, then try again", "refused")


def _held(group: Group, budget: int, stop: Stop) -> dict[str, Any]:
    stop.check()
    begun = time.monotonic()
    paused, info = group.master.pipeline([("CLIENT", "PAUSE", budget, "WRITE"), ("INFO", "replication")])
    if isinstance(paused, Refused):
        raise NotSwitched(f"{group.master.endpoint.address} refuses CLIENT PAUSE: {paused}", "refused")
    section = _info.parse(info)["replication"]
    if section.get("role") != "master":
        raise NotSwitched(f"{group.master.endpoint.address} is no master any more", "refused")
    _wait_for_offsets(group.replicas, int(section["master_repl_offset"]), begun + SHARE_FOR_OFFSETS * budget / 1000, stop)
    _still_reached(group)
    # From here on it cannot be called off, also where the Sentinel does not answer: it may have heard.
    doubt = _ask(group.sentinel, ("SENTINEL", "FAILOVER", group.name))
    new = _promoted(group, begun + budget / 1000)
    late = new is None
    if new is None:
        group.let_go()
        new = _promoted(group, time.monotonic() + group.patience)
    if new is None:
        begins = f"does not answer, and may begin a failover yet ({doubt})" if doubt else "has begun a failover"
        raise NotSwitched(
            f"{group.sentinel.endpoint.address} {begins}, and no replica was promoted within {group.patience:g} s; writes were "
            f"let through after {budget} ms: see its log, and what redis_sentinel_info says",
            "not_promoted",
        )
    # A promotion that comes late is seen to all the same: it cannot be called off.
    old_offset = _demoted(group, new, late)
    held = 0 if late else round((time.monotonic() - begun) * 1000)
    told = _info.parse(new.call("INFO", "replication"))["replication"]
    return {"new": new.endpoint, "held_ms": held, "late": late, "lost_bytes": _failover.lost_bytes(old_offset, told)}


def _coordinated(group: Group, stop: Stop) -> dict[str, Any]:
    """Valkey 9: the Sentinel lets the master hand over by itself (FAILOVER)."""
    stop.check()
    _ask(group.sentinel, ("SENTINEL", "FAILOVER", group.name, "COORDINATED"))
    new = _promoted(group, time.monotonic() + group.patience)
    if new is None:
        raise NotSwitched(f"{group.sentinel.endpoint.address} has begun a failover, and no replica was promoted", "not_promoted")
    sent_away(group.master)
    return {"new": new.endpoint, "held_ms": 0, "late": False, "lost_bytes": None}


def _still_reached(group: Group) -> None:
    """Who could not make the old master a replica afterwards must not begin. Raises NotSwitched."""
    for client in (group.master, group.sentinel):
        try:
            client.call("PING")
        except (Unavailable, Refused) as error:
            raise NotSwitched(
                f"{client.endpoint.address} was lost while writes were held; nothing has changed: {error}", "unavailable"
            ) from error


def _ask(sentinel: Client, command: tuple[str, ...]) -> str:
    """Have a Sentinel begin; what speaks against its having heard, or nothing. Raises NotSwitched where it refuses."""
    try:
        reply = sentinel.pipeline([command])[0]
    except Unavailable as error:
        return str(error)
    # Where somebody else has begun one the writes are held all the same, and nothing is lost.
    if isinstance(reply, Refused) and not str(reply).startswith("INPROG"):
        raise NotSwitched(f"{sentinel.endpoint.address} refuses {' '.join(command[:2])}: {reply}", "refused")
    return ""


def _wait_for_offsets(replicas: Sequence[Client], wanted: int, end: float, stop: Stop) -> None:
    """Until every replica that could be chosen has processed what the master had written when writes were held."""
    left = list(replicas)
    while left:
        stop.check()
        left = [client for client in left if _offset(client) < wanted]
        if left and time.monotonic() > end:
            names = ", ".join(client.endpoint.address for client in left)
            raise NotSwitched(f"{names} did not catch up while writes were held; they are let through again, nothing has changed", "lag")
        if left:
            time.sleep(INTERVAL)


def _offset(client: Client) -> int:
    section = _info.parse(client.call("INFO", "replication"))["replication"]
    if section.get("role") != "slave" or section.get("master_link_status") != "up":
        raise NotSwitched(f"{client.endpoint.address} has lost its master while writes were held", "lag")
    return int(section["slave_repl_offset"])


def _promoted(group: Group, end: float) -> Client | None:
    """The replica that has become a master; None when that has not happened in time.

    Sentinel closes the connections of the one that it promotes, ours too: that is looked at again.
    """
    while time.monotonic() < end:
        for place, client in enumerate(group.replicas):
            try:
                if client.call("ROLE")[0] == "master":
                    return client
            except (Unavailable, Refused):
                with contextlib.suppress(Unavailable):
                    group.replicas[place] = open_client(client.endpoint, group.seconds, group.seconds, first_reply=0)
        time.sleep(INTERVAL)
    return None


def _demoted(group: Group, new: Client, late: bool) -> int:
    """Make the old master a replica of the new one, and only then let go who waits. Returns how far it had written."""
    # Sentinel may have closed our connection, or the network.
    for open_one in ([] if late else [lambda: group.master]) + [group.old_master] * 2:
        with contextlib.suppress(Unavailable), contextlib.closing(open_one()) as master:
            return _replica_of(master, new, late)
    raise NotSwitched(
        f"{new.endpoint.address} is the master now, and {group.master.endpoint.address} cannot be asked any more: if it is not dead, only "
        "cut off from here, it takes writes that will be lost until the Sentinels make it a replica",
        "not_demoted",
    )


def _replica_of(master: Client, new: Client, late: bool) -> int:
    host, port = str(new.endpoint.host), str(new.endpoint.port)
    before, replied, after = master.pipeline([("INFO", "replication"), ("REPLICAOF", host, port), ("INFO", "replication")])
    if isinstance(replied, Refused):
        raise NotSwitched(
            f"{new.endpoint.address} is the master now, and {master.endpoint.address} refuses REPLICAOF ({replied}): until the Sentinels "
            "make it a replica it takes writes that will be lost",
            "not_demoted",
        )
    with contextlib.suppress(Unavailable):
        sent_away(master)
    return int(_info.parse(after if late else before)["replication"]["master_repl_offset"])
