# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sentinels on loopback, over a master and its replicas: small time-outs, and nobody is asked before all know each other."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import redis

from tests.lab import servers
from tests.lab.servers import Server, wait_for

NAME = "mymaster"
DOWN_AFTER_MS = 500
SILENCE_MS = 2500
# A failover takes some seconds: Sentinels ask each other once a second, and replicas for their state every ten.
PATIENCE = 60.0


@dataclass(frozen=True)
class Watched:
    """A master with its replicas, and the Sentinels that watch it as :data:`NAME`."""

    master: Server
    replicas: list[Server]
    sentinels: list[Server]

    @property
    def urls(self) -> list[str]:
        """Of all of them: the master, the replicas, the Sentinels."""
        return [server.url for server in (self.master, *self.replicas, *self.sentinels)]

    def failover(self) -> Server:
        """Kill the master and wait until the Sentinels have promoted a replica and all name it. Returns that replica."""
        self.master.stop()
        ports = {replica.port: replica for replica in self.replicas}
        # While it fails over, a Sentinel names the new master to clients before it is its own.
        wait_for(lambda: {int(master_of(guard)["port"]) for guard in self.sentinels} <= set(ports), "a replica to be promoted", PATIENCE)
        promoted = ports[int(master_of(self.sentinels[0])["port"])]
        wait_for(lambda: promoted.client().info("replication")["role"] == "master", "the replica to be a master")
        wait_for(lambda: all(master_of(guard)["role-reported"] == "master" for guard in self.sentinels), "all to see it", PATIENCE)
        others = [replica for replica in self.replicas if replica is not promoted]
        wait_for(lambda: all(_follows(replica, promoted) for replica in others), "the other replicas to follow it", PATIENCE)
        return promoted


@contextlib.contextmanager
def watched(
    binary: Path,
    *,
    replicas: int = 2,
    sentinels: int = 3,
    quorum: int | None = None,
    sentinel_lines: str = "",
    sentinel_options: Mapping[str, Any] = MappingProxyType({}),
    **directives: Any,
) -> Iterator[Watched]:
    """A master, its replicas in step, and Sentinels that know them and each other. ``directives`` are those of master and replicas.

    ``quorum`` is the majority where it is not given; ``sentinel_lines`` are more directives, without the word ``sentinel``,
    and ``sentinel_options`` those that are not of that family.
    """
    common: dict[str, Any] = {"repl_diskless_sync_delay": 0, **directives}
    with contextlib.ExitStack() as stack:
        master = stack.enter_context(servers.running(binary, **common))
        follow = {**common, "replicaof": f"127.0.0.1 {master.port}"}
        followers = [stack.enter_context(servers.running(binary, **follow)) for dummy in range(replicas)]
        wait_for(lambda: online(master) == replicas, "the replicas to be in step")
        needed = quorum or sentinels // 2 + 1
        guards = [stack.enter_context(sentinel(binary, master, needed, sentinel_lines, **sentinel_options)) for dummy in range(sentinels)]
        wait_for(lambda: all(_knows(guard, replicas, sentinels - 1) for guard in guards), "the Sentinels to know each other", PATIENCE)
        yield Watched(master, followers, guards)


@contextlib.contextmanager
def sentinel(binary: Path, master: Server, quorum: int, lines: str = "", **options: Any) -> Iterator[Server]:
    """One Sentinel that watches this server as :data:`NAME`."""
    directives = [
        f"monitor {NAME} {master.host} {master.port} {quorum}",
        f"down-after-milliseconds {NAME} {DOWN_AFTER_MS}",
        f"failover-timeout {NAME} 5000",
        *lines.splitlines(),
    ]
    if master.options.get("requirepass"):
        directives.append(f"auth-pass {NAME} {master.options['requirepass']}")
    with servers.running(binary, sentinel_mode=True, save=None, sentinel="\n".join(directives), **options) as started:
        yield started


def master_of(guard: Server) -> dict[str, str]:
    """What a Sentinel says of its master; numbers are text. RedisError where it does not answer."""
    return flat(guard.client().execute_command("SENTINEL", "MASTER", NAME))


def listeners(guard: Server) -> int:
    """How many clients of a Sentinel listen to what it publishes. It has no PUBSUB."""
    return sum(client["psub"] != "0" for client in guard.client().client_list())


def says_replica_for(guard: Server) -> int:
    """For how many milliseconds the master of a Sentinel has said that it is a replica; 0 where it says that it is none."""
    master = master_of(guard)
    return int(master["role-reported-time"]) if master["role-reported"] == "slave" else 0


def flat(reply: Any) -> dict[str, str]:
    """One reply about an instance as a mapping, whatever redis-py made of it."""
    pairs = reply.items() if isinstance(reply, dict) else zip(reply[::2], reply[1::2])
    return {_text(name): ",".join(sorted(map(_text, value))) if isinstance(value, set) else _text(value) for name, value in pairs}


def is_alone(guard: Server) -> bool:
    """Whether CKQUORUM is refused, and the others have been silent for so long that a first attempt to reconnect changes nothing."""
    try:
        guard.client().execute_command("SENTINEL", "CKQUORUM", NAME)
    except redis.ResponseError:
        others = map(flat, guard.client().execute_command("SENTINEL", "SENTINELS", NAME))
        return all(int(other["last-ok-ping-reply"]) > SILENCE_MS for other in others if "s_down" in other["flags"])
    return False


def online(master: Server) -> int:
    """How many replicas are in step with a master, by its own word."""
    section = master.client().info("replication")
    return sum(1 for name, value in section.items() if name.startswith("slave") and isinstance(value, dict) and value["state"] == "online")


def _knows(guard: Server, replicas: int, others: int) -> bool:
    """Whether it has heard of all of them, and from the replicas themselves."""
    master = master_of(guard)
    known = (int(master["num-slaves"]), int(master["num-other-sentinels"])) == (replicas, others)
    return known and all(
        "disconnected" not in member["flags"] and member.get("master-link-status", "ok") == "ok"
        for kind in ("REPLICAS", "SENTINELS")
        for member in map(flat, guard.client().execute_command("SENTINEL", kind, NAME))
    )


def _follows(replica: Server, master: Server) -> bool:
    section = replica.client().info("replication")
    return section.get("master_port") == master.port and section.get("master_link_status") == "up"


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
