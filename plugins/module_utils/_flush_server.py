# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Delete the keys of a pattern, in batches that other clients do not feel, or those of one database at once."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _flush, _info, _wire
from ansible_collections.aragora.redis.plugins.module_utils._client import Client, Refused
from ansible_collections.aragora.redis.plugins.module_utils._keys_server import Keys
from ansible_collections.aragora.redis.plugins.module_utils._keyspace_server import opened
from ansible_collections.aragora.redis.plugins.module_utils._manners import check_number, documented, refusal
from ansible_collections.aragora.redis.plugins.module_utils._pace import Pace
from ansible_collections.aragora.redis.plugins.module_utils._scan import LONGEST_PAUSE, PROBE_SECONDS, START, ping

UNLINK = _wire.command_head("UNLINK")
# In check mode it looks so long for a key that would be deleted.
LOOK_SECONDS = 2.0


def flush_argument_spec() -> dict[str, Any]:
    """The options of redis_flush beside those of the connection."""
    return {
        "by": {"type": "str", "choices": ["pattern", "db"], "required": True},
        "pattern": {"type": "str", "no_log": False},
        "db": {"type": "int", "required": True},
        "most_keys": {"type": "int", "required": True, "no_log": False},
        "max_added_latency": {"type": "float", "default": 1.0},
        "seconds": {"type": "float", "default": 3600.0},
    }


def check_options(options: Mapping[str, Any]) -> None:
    """ValueError for what cannot be meant."""
    if options["by"] == "pattern":
        _flush.check_pattern(options["pattern"] or "")
    elif options["pattern"]:
        raise ValueError("by is db, and there is a pattern: leave one of them out")
    check_number("db", options["db"], 0, 2**31)
    check_number("most_keys", options["most_keys"], 0, 10**12)
    check_number("max_added_latency", options["max_added_latency"], 0, 10_000)
    check_number("seconds", options["seconds"], 1, 86_400 * 7)


def flushed(client: Client, options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """The result of redis_flush. ValueError, with one sentence, where nothing was deleted because nothing may be."""
    with documented(client.endpoint.address):
        _may(client)
        keys = Keys(client, options["db"])
        if options["by"] == "db":
            return _database(client, options, check_mode)
        if check_mode:
            return {"changed": _any(keys, options["pattern"].encode()), "deleted": 0, "stopped_because": "check mode"}
        with contextlib.ExitStack() as stack:
            probe = None
            if options["max_added_latency"]:
                probe = opened(client.endpoint, options["connect_timeout"], options["timeout"])
                stack.callback(probe.close)
            return _Walk(keys, probe, options).run()


def _may(client: Client) -> None:
    """ValueError unless it is a master. Replicas get what their master deletes."""
    text = client.pipeline([("INFO", "replication")])[0]
    if isinstance(text, Refused):
        raise ValueError(refusal(client, ("INFO",), text))
    role = (_info.parse(text).get("replication") or {}).get("role")
    if role != "master":
        raise ValueError(f"{client.endpoint.address} is a replica: flush its master")


def _database(client: Client, options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    number = int(client.call("DBSIZE"))
    if number > options["most_keys"]:
        raise ValueError(f"db{options['db']} of {client.endpoint.address} holds {number} keys by now, more than {options['most_keys']}")
    if number and not check_mode:
        reply = client.pipeline([("FLUSHDB", "ASYNC")])[0]
        if isinstance(reply, Refused):
            raise ValueError(refusal(client, ("FLUSHDB",), reply))
    return {"changed": number > 0, "deleted": 0 if check_mode else number, "stopped_because": "check mode" if check_mode else "end"}


def _any(keys: Keys, pattern: bytes) -> bool:
    """Whether a key would be deleted, or that is not known after a while."""
    cursor, end = START, time.monotonic() + LOOK_SECONDS
    while True:
        cursor, names = keys.scan(cursor, 1_000, pattern)
        if names or time.monotonic() > end:
            return True
        if cursor == START:
            return False


class _Walk:
    """Through all keys of a database, once. What was deleted so far stays deleted, whyever it stops."""

    def __init__(self, keys: Keys, probe: Client | None, options: Mapping[str, Any]) -> None:
        self._keys, self._probe, self._options = keys, probe, options
        self._pattern = options["pattern"].encode()
        self._pace = Pace(options["max_added_latency"])
        self._started = self._working_since = time.perf_counter()
        self._probe_at = 0.0
        self.deleted, self.error = 0, ""

    def run(self) -> dict[str, Any]:
        """Delete batch by batch; the next SCAN goes with each, and PING behind both."""
        cursor, names = self._keys.scan(START, self._pace.batch, self._pattern)
        stopped = ""
        while not stopped:
            if self.deleted + len(names) > self._options["most_keys"]:
                stopped = "most_keys"
                break
            stopped = self._why_stop(cursor)
            following = b"" if stopped else _wire.packed("SCAN", cursor, "MATCH", self._pattern, "COUNT", self._pace.batch)
            busy = self._asked(names, following)
            self._count(self._keys.replies.lines(len(names)))
            if following:
                cursor, names = self._keys.replies.scan()
            stopped = "refused" if self.error else stopped
            self._rest(busy)
        return {
            "changed": self.deleted > 0,
            "deleted": self.deleted,
            "stopped_because": stopped,
            "error": self.error or None,
            "seconds": round(time.perf_counter() - self._started, 3),
            "latency": self._pace.report(),
        }

    def _asked(self, names: list[bytes], following: bytes) -> float | None:
        """Send; the milliseconds that a PING has to wait behind it, every now and then.

        One command a key: in a cluster each may have a slot of its own.
        """
        packed = _wire.batch(names, [UNLINK]) + following
        if packed:
            self._keys.client.send(packed, len(names) + bool(following))
        if not self._probe or time.perf_counter() < self._probe_at:
            return None
        self._probe_at = time.perf_counter() + PROBE_SECONDS
        return ping(self._probe)

    def _count(self, lines: list[bytes]) -> None:
        self.deleted += sum(int(line[1:]) for line in lines if line[:1] == b":")
        self.error = next((line[1:].decode("utf-8", "backslashreplace") for line in lines if line[:1] == b"-"), "")

    def _why_stop(self, cursor: bytes) -> str:
        if cursor == START:
            return "end"
        if self._pace.exhausted:
            return "latency"
        return "seconds" if time.perf_counter() - self._started >= self._options["seconds"] else ""

    def _rest(self, busy: float | None) -> None:
        """Leave the server to others for a while."""
        if busy is not None and self._probe:
            self._pace.note(ping(self._probe), busy)
        now = time.perf_counter()
        if self._pace.rest:
            time.sleep(min(LONGEST_PAUSE, (now - self._working_since) * self._pace.rest))
            self._working_since = time.perf_counter()
            self._pace.paused += self._working_since - now
