# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which server the keys are read from, and what it says of itself before anything is read.

A replica has the same keys and nobody waits for it, so it is taken where it can be; the reason why not is part of the result.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _info
from ansible_collections.aragora.redis.plugins.module_utils._client import CLIENT_NAME, Client, Refused, Unavailable, open_client
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import Endpoint

# A replica that does not answer at once is not worth waiting for, nor are many: the master has the same keys.
REPLICA_SECONDS = 1.0
POINTER_BYTES = 8


@dataclass
class Source:
    """A server to read from. ``client`` is open, in the right database; ``info`` was read before anything else was."""

    client: Client
    info: dict[str, Any]
    keys: int
    reason: str | None = None
    key_overhead: int | None = None

    @property
    def run_id(self) -> str:
        """Changes with each start of the server; cursors mean nothing to another one."""
        return str(self.info.get("server", {}).get("run_id", ""))

    @property
    def role(self) -> str | None:
        """``master`` or ``slave``, in the server's words."""
        role: str | None = self.info.get("replication", {}).get("role")
        return role

    @property
    def is_cluster(self) -> bool:
        """Whether this is a node of a cluster, with a part of the keys."""
        return bool(self.info.get("cluster", {}).get("cluster_enabled"))

    @property
    def expected_bytes(self) -> int | None:
        """What all keys of this database hold by the server's own account; None where it does not say or other databases hold keys too."""
        dataset = self.info.get("memory", {}).get("used_memory_dataset")
        alone = len(self.info.get("keyspace", {})) <= 1
        if not isinstance(dataset, int) or self.key_overhead is None or not alone:
            return None
        # The slots of the hash table belong to no key: a pointer for each, as many as the next power of two.
        return dataset + self.key_overhead - POINTER_BYTES * (1 << max(0, self.keys - 1).bit_length())


def opened(endpoint: Endpoint, connect_timeout: float, timeout: float, first_reply: float = 0.0) -> Client:
    """A further connection to a server, in the same database. Raises Unavailable, ValueError where the database is refused."""
    client = open_client(endpoint, connect_timeout, timeout, first_reply)
    reply = client.pipeline([("CLIENT", "SETNAME", CLIENT_NAME), ("SELECT", endpoint.db)])[1]
    if endpoint.db and isinstance(reply, Refused):
        client.close()
        raise ValueError(f"{endpoint.address} refuses the database {endpoint.db}: {reply}")
    return client


def described(client: Client) -> Source:
    """What the server says of itself. NO-TOUCH keeps the reading from looking like use (Redis 7.2); older servers refuse it."""
    commands = [("INFO",), ("DBSIZE",), ("MEMORY", "STATS"), ("CLIENT", "NO-TOUCH", "ON")]
    replies = [None if isinstance(reply, Refused) else reply for reply in client.pipeline(commands)]
    info = _info.parse(replies[0] or "")
    source = Source(client, info, replies[1] or 0, key_overhead=_overhead(replies[2], client.endpoint.db))
    if source.is_cluster and source.role == "slave":
        client.pipeline([("READONLY",)])
    return source


def chosen(client: Client, options: dict[str, Any], run_id: str) -> Source:
    """The server to read: the one of ``run_id`` where a scan goes on, else an online replica of this master, else this one.

    Closes the client where another is taken. ValueError when the server of ``run_id`` is not there any more.
    """
    here = described(client)
    if run_id and here.run_id == run_id:
        return here
    trouble = _why_not(here, options)
    if not trouble:
        started = time.monotonic()
        for endpoint in _replicas(here):
            if not run_id and trouble and time.monotonic() - started > REPLICA_SECONDS:
                break
            found, trouble = _replica(endpoint, here, options)
            if found and run_id in ("", found.run_id):
                client.close()
                return found
            if found:
                found.client.close()
    if run_id:
        address = client.endpoint.address
        raise ValueError(
            f"the cursor is of a server that is not there any more ({address} and its replicas have other run ids): leave it away"
        )
    here.reason = trouble
    return here


def _why_not(here: Source, options: dict[str, Any]) -> str | None:
    """Why no replica is looked for; None where one is. The empty text says that there is nothing to explain."""
    if here.role != "master":
        return ""
    if not options["prefer_replica"]:
        return "prefer_replica is false"
    return None if next(_replicas(here), None) else "it has no replica that is online"


def _replicas(here: Source) -> Iterator[Endpoint]:
    """The online replicas that INFO names, the one that is least behind first."""
    rows = [row for name, row in here.info.get("replication", {}).items() if name.startswith("slave") and isinstance(row, dict)]
    online = [row for row in rows if row.get("state") == "online" and row.get("ip") and row.get("port")]
    for row in sorted(online, key=lambda row: -int(row.get("offset", 0))):
        yield replace(here.client.endpoint, socket=None, host=str(row["ip"]), port=int(row["port"]))


def _replica(endpoint: Endpoint, master: Source, options: dict[str, Any]) -> tuple[Source | None, str]:
    """A replica that can be read from, or why it cannot."""
    name = f"the replica {endpoint.address}"
    seconds = min(REPLICA_SECONDS, options["connect_timeout"]), min(REPLICA_SECONDS, options["timeout"])
    try:
        client = opened(endpoint, *seconds)
        found = described(client)
    except (Unavailable, ValueError) as error:
        return None, f"{name} cannot be used: {error}"
    replication = found.info.get("replication", {})
    same = replication.get("master_replid") == master.info.get("replication", {}).get("master_replid")
    if found.role == "slave" and replication.get("master_link_status") == "up" and same:
        return found, ""
    with contextlib.suppress(Unavailable):
        client.close()
    return None, f"{name} does not follow this master"


def _overhead(stats: Any, db: int) -> int | None:
    """What MEMORY STATS counts as overhead and MEMORY USAGE as part of a key: the entries of the main hash table."""
    pairs = dict(zip(stats[::2], stats[1::2])) if isinstance(stats, list) else {}
    own = pairs.get(f"db.{db}")
    return int(dict(zip(own[::2], own[1::2])).get("overhead.hashtable.main", 0)) if isinstance(own, list) else 0 if pairs else None
