# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What several refusals are made of: a full server for a guard to say no to, its ledger, and hosts whose Redis may be restarted."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from tests.incidents.lab import Host, Injecting, Lab, fill, host

# restart.yml restarts what runs, however young it is.
YOUNG = {"redis_service_young": 0}


@contextlib.contextmanager
def full(lab: Lab) -> Injecting:
    """A server whose memory is full, for tune_memory."""
    with lab.server(maxmemory="10mb", maxmemory_policy="noeviction") as server:
        fill(server, 20_000)
        yield {"url": server.url}


def done(server: str, action: str, ago: int, *findings: str) -> dict[str, Any]:
    """The ledger's entry of an action that ended well so many seconds ago."""
    began = time.time() - ago
    ended = {"state": "resolved", "ended_at": began + 1}
    return {"at": began, "server": server, "action": action, "findings": list(findings), "run_id": f"run-{ago}", "who": "alice", **ended}


def book(*entries: Mapping[str, Any], leases: Mapping[str, Any] | None = None) -> dict[str, str]:
    """The ledger as a file."""
    return {"ledger.json": json.dumps({"schema": 1, "entries": list(entries), "leases": leases or {}, "pending": []})}


@contextlib.contextmanager
def store(*directives: str) -> Iterator[Host]:
    """A host whose enabled unit runs Redis, with a key in it."""
    with host() as started:
        started.configure(*directives)
        started.systemctl("enable", "redis-server")
        started.start_redis()
        started.redis("set", "order:1", "paid")
        yield started


def beside(started: Host, *words: str) -> None:
    """One more Redis on the host, with these arguments, as its replica or Sentinel."""
    started.run("redis-server", *words, "--daemonize", "yes", "--dir", "/tmp", "--logfile", "/tmp/log")
