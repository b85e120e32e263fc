# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

r"""RESP without a library, for the one conversation where each reply costs: SCAN, and hundreds of commands with short answers.

Commands are packed from raw bytes, and the answers of a batch are single lines (``+string``, ``:56``, ``$-1``, ``-ERR …``), split at once.
A key stands in SCAN's reply as it stands in a command, ``$7\r\nuser:42\r\n``: it is cut out and used again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

END = b"\r\n"


def packed(*words: object) -> bytes:
    """One command."""
    texts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(texts) + b"".join(argument(text) for text in texts)


def argument(text: bytes) -> bytes:
    """One word of a command."""
    return b"$%d\r\n%b\r\n" % (len(text), text)


def command_head(*words: str) -> bytes:
    """The beginning of a command that takes one more word."""
    return b"*%d\r\n" % (len(words) + 1) + b"".join(argument(word.encode()) for word in words)


class Replies:
    """Replies in the order in which they were asked for. ``receive`` gives the next bytes, or raises when there are none."""

    def __init__(self, receive: Callable[[], bytes]) -> None:
        self._receive = receive
        self._data = b""

    def lines(self, count: int) -> list[bytes]:
        """The next ``count`` replies, each a single line with its first character."""
        while True:
            parts = self._data.split(END, count)
            if len(parts) > count:
                self._data = parts.pop()
                return parts
            self._data += self._receive()

    def scan(self) -> tuple[bytes, list[bytes]]:
        """SCAN's reply: the next cursor and the names. ValueError with the server's words for an error."""
        head = self.lines(1)[0]
        if head[:1] != b"*":
            raise ValueError(head[1:].decode("utf-8", "backslashreplace"))
        cursor, count = self.lines(3)[1:]
        return cursor, self._texts(int(count[1:]))

    def text(self) -> bytes | None:
        """A reply that is a text of any length or nothing."""
        head = self.lines(1)[0]
        if head[:1] != b"$" or head == b"$-1":
            return None if head == b"$-1" else head
        size = int(head[1:])
        self._need(size + 2)
        found, self._data = self._data[:size], self._data[size + 2 :]
        return found

    def _texts(self, count: int) -> list[bytes]:
        texts: list[bytes] = []
        data, start = self._data, 0
        while len(texts) < count:
            mark = data.find(END, start)
            end = mark + 2 + int(data[start + 1 : mark]) if mark > 0 else 0
            if mark < 0 or end + 2 > len(data):
                self._data = data[start:]
                self._need(end + 2 - start if mark > 0 else len(self._data) + 1)
                data, start = self._data, 0
                continue
            texts.append(data[mark + 2 : end])
            start = end + 2
        self._data = data[start:]
        return texts

    def _need(self, size: int) -> None:
        chunks, have = [self._data], len(self._data)
        while have < size:
            chunks.append(self._receive())
            have += len(chunks[-1])
        self._data = b"".join(chunks)


def batch(keys: Sequence[bytes], heads: Sequence[bytes]) -> bytes:
    """Every command of ``heads`` for every key, key by key."""
    if not heads:
        return b""
    return b"".join([part for key in keys for name in (argument(key),) for head in heads for part in (head, name)])
