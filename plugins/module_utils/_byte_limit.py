# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A limit for the bytes of a whole exchange: a reply that never ends would fill the memory within its time-out."""

from __future__ import annotations

from typing import Any


class TooMuch(Exception):
    """More has arrived than was allowed."""


class ByteLimit:
    """How many bytes may still arrive."""

    def __init__(self, most: int) -> None:
        self._most = self._left = most

    def renew(self) -> None:
        """Begin to count anew."""
        self._left = self._most

    def take(self, count: int) -> None:
        """So many have arrived. Raises TooMuch when the limit is passed."""
        self._left -= count
        if self._left < 0:
            raise TooMuch(f"more than {self._most >> 20} MiB in one exchange")


class CountedSocket:
    """A socket whose received bytes count; everything else is the socket's own."""

    def __init__(self, inner: Any, limit: ByteLimit) -> None:
        self._inner, self._limit = inner, limit

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def recv(self, *arguments: Any) -> bytes:
        """As that of the socket."""
        received: bytes = self._inner.recv(*arguments)
        self._limit.take(len(received))
        return received

    def recv_into(self, *arguments: Any) -> int:
        """As that of the socket."""
        count: int = self._inner.recv_into(*arguments)
        self._limit.take(count)
        return count


def counted(kind: type[Any], limit: ByteLimit) -> type[Any]:
    """A class of redis-py's connections whose sockets count what they receive."""

    class Counted(kind):  # type: ignore[misc]  # whichever of the three it is
        def _connect(self) -> CountedSocket:
            return CountedSocket(super()._connect(), limit)

    return Counted
