# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An application that writes all the time, and remembers what the server has acknowledged."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

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


def lost(server: Server, acknowledged: list[str]) -> list[str]:
    """Those of the keys that are gone."""
    kept = server.client().mget(acknowledged) if acknowledged else []
    return [key for key, value in zip(acknowledged, kept) if value is None]
