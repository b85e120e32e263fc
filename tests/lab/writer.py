# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An application that writes all the time, and remembers what the server has acknowledged."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import redis

from tests.lab.servers import Server

EVERY = 0.001


@contextlib.contextmanager
def writer(server: Server, refusals: list[str] | None = None) -> Iterator[list[str]]:
    """Write a thousand keys a second; yields the names of those that the server has acknowledged. ``refusals`` gets what it refuses."""
    acknowledged: list[str] = []
    stopping = threading.Event()

    def write() -> None:
        client = server.client()
        due = time.monotonic()
        while not stopping.is_set():
            key = f"written:{len(acknowledged)}"
            try:
                if client.set(key, "x" * 20):
                    acknowledged.append(key)
            except redis.ResponseError as error:
                if refusals is None:
                    raise
                refusals.append(str(error))
            # What was late is caught up with, so that it stays a thousand a second.
            due += EVERY
            time.sleep(max(0.0, due - time.monotonic()))

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    try:
        yield acknowledged
    finally:
        stopping.set()
        thread.join(10)


@dataclass
class Following:
    """What came of a writer that looks for the master anew when it has lost it."""

    acknowledged: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    # The longest time between two acknowledged writes, in seconds.
    longest_gap: float = 0.0


@contextlib.contextmanager
def following(find: Callable[[], redis.Redis | None], every: float = EVERY, wait: int = 0) -> Iterator[Following]:
    """Write a thousand keys a second to whoever ``find`` says is the master, and go on when it is another one.

    As clients do, it keeps its connection for as long as its writes are acknowledged. With ``wait`` a write counts only when so many
    replicas have it as well (WAIT).
    """
    seen = Following()
    stopping = threading.Event()
    thread = threading.Thread(target=_follow, args=(find, seen, stopping, every, wait), daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        stopping.set()
        thread.join(20)


def _follow(find: Callable[[], redis.Redis | None], seen: Following, stopping: threading.Event, every: float, wait: int) -> None:
    client: redis.Redis | None = None
    last = due = time.monotonic()
    while not stopping.is_set():
        key = f"written:{len(seen.acknowledged)}"
        try:
            client = client or find()
            if client is None:
                time.sleep(0.01)
                continue
            if client.set(key, "x" * 20) and (not wait or client.wait(wait, 1000) >= wait):
                now = time.monotonic()
                seen.longest_gap = max(seen.longest_gap, now - last) if seen.acknowledged else 0.0
                seen.acknowledged.append(key)
                last = now
        except (redis.RedisError, OSError) as error:
            seen.errors.append(str(error))
            client = None
            time.sleep(0.005)
        due = max(due + every, time.monotonic() - 0.1)
        time.sleep(max(0.0, due - time.monotonic()))


def by_sentinels(guards: Sequence[Server], name: str, password: str | None = None) -> Callable[[], redis.Redis | None]:
    """Who the first of the Sentinels that answers takes for the master, if that one says so, too: what clients of Sentinel do."""

    def find() -> redis.Redis | None:
        for guard in guards:
            with contextlib.suppress(redis.RedisError, OSError):
                host, port = guard.client(socket_timeout=1).execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name)
                client = redis.Redis(host=host, port=int(port), password=password, socket_timeout=20, socket_connect_timeout=1, protocol=2)
                if client.execute_command("ROLE")[0] in (b"master", "master"):
                    return client
        return None

    return find


def by_role(members: Sequence[Server]) -> Callable[[], redis.Redis | None]:
    """Whoever of these says that it is the master."""

    def find() -> redis.Redis | None:
        for member in members:
            with contextlib.suppress(redis.RedisError, OSError):
                client = member.client(socket_connect_timeout=1)
                if client.execute_command("ROLE")[0] in (b"master", "master"):
                    return client
        return None

    return find


def lost(server: Server | redis.Redis, acknowledged: list[str]) -> list[str]:
    """Those of the keys that are gone."""
    client = server if isinstance(server, redis.Redis) else server.client()
    kept = client.mget(acknowledged) if acknowledged else []
    return [key for key, value in zip(acknowledged, kept) if value is None]
