# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of keys as the bytes that they are, and what a server tells of each: type and expiry. For few keys, or a server of our own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ansible_collections.aragora.redis.plugins.module_utils import _wire
from ansible_collections.aragora.redis.plugins.module_utils._client import Client, Refused
from ansible_collections.aragora.redis.plugins.module_utils._scan import START

BATCH = 500
TYPE, PTTL = _wire.command_head("TYPE"), _wire.command_head("PTTL")


class Keys:
    """The keys of one database. A conversation of raw bytes: whoever has begun it must read to the end."""

    def __init__(self, client: Client, db: int) -> None:
        self.client = client
        self.replies = _wire.Replies(client.receive)
        said = self.ask(_wire.packed("SELECT", db), 1)[0]
        if said[:1] == b"-":
            raise ValueError(f"{client.endpoint.address} refuses the database {db} ({said[1:].decode('utf-8', 'backslashreplace')})")

    def ask(self, packed: bytes, count: int) -> list[bytes]:
        """Send commands whose replies are single lines."""
        self.client.send(packed, count)
        return self.replies.lines(count)

    def scan(self, cursor: bytes, count: int, pattern: bytes = b"") -> tuple[bytes, list[bytes]]:
        """One step of SCAN. ValueError with the server's words where it is refused."""
        self.client.send(_wire.packed("SCAN", cursor, *((b"MATCH", pattern) if pattern else ()), "COUNT", count), 1)
        return self.replies.scan()

    def batches(self, pattern: bytes = b"") -> Iterator[list[bytes]]:
        """All names, as fast as it goes."""
        cursor = START
        while True:
            cursor, names = self.scan(cursor, BATCH, pattern)
            if names:
                yield names
            if cursor == START:
                return

    def some(self, most: int) -> list[bytes]:
        """The names that SCAN gives first, about so many."""
        found: list[bytes] = []
        for names in self.batches():
            found += names
            if len(found) >= most:
                break
        return list(dict.fromkeys(found))[:most]

    def types(self, names: Sequence[bytes]) -> list[str]:
        """Their types, ``none`` for those that are gone."""
        return [line[1:].decode("utf-8", "backslashreplace") for line in self.ask(_wire.batch(names, [TYPE]), len(names))]

    def seen(self, names: Sequence[bytes]) -> dict[bytes, tuple[str, int]]:
        """(type, when it expires in milliseconds of the server's own clock, -1 for never) of each."""
        found: dict[bytes, tuple[str, int]] = {}
        for start in range(0, len(names), BATCH):
            part = names[start : start + BATCH]
            now = server_milliseconds(self.client)
            lines = self.ask(_wire.batch(part, [TYPE, PTTL]), 2 * len(part))
            for name, kind, left in zip(part, lines[::2], lines[1::2]):
                ttl = int(left[1:]) if left[:1] == b":" else -1
                found[name] = (kind[1:].decode("utf-8", "backslashreplace"), now + ttl if ttl >= 0 else -1)
        return found


def server_milliseconds(client: Client) -> int:
    """TIME, of which nobody is denied who may read; 0 where somebody is."""
    reply = client.pipeline([("TIME",)])[0]
    return 0 if isinstance(reply, Refused) else int(reply[0]) * 1000 + int(reply[1]) // 1000
