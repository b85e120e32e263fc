# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Something that speaks the protocol and answers what it is told to: a server that is none, or a stranger's."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping
from typing import Any

# What a client needs before it asks anything.
POLITE = {"PING": "PONG", "AUTH": "OK", "CLIENT SETNAME": "OK", "SELECT": "OK"}


@contextlib.contextmanager
def lying(replies: Mapping[str, Any]) -> Iterator[int]:
    """The port of one that answers by the first two words of a command, or by the first, or as ``*`` says; nothing else is known to it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_serve, args=(listener, {**POLITE, **replies}), daemon=True).start()
        yield listener.getsockname()[1]


def packed(reply: Any) -> bytes:
    """A reply as it is sent: texts, numbers, None and lists of them."""
    if isinstance(reply, list):
        return b"*%d\r\n" % len(reply) + b"".join(map(packed, reply))
    if isinstance(reply, int):
        return b":%d\r\n" % reply
    if reply is None:
        return b"$-1\r\n"
    text = str(reply).encode()
    return b"$%d\r\n%b\r\n" % (len(text), text)


def _serve(listener: socket.socket, replies: Mapping[str, Any]) -> None:
    with contextlib.suppress(OSError):
        while True:
            threading.Thread(target=_talk, args=(listener.accept()[0], replies), daemon=True).start()


def _talk(connection: socket.socket, replies: Mapping[str, Any]) -> None:
    # Another protocol, such as TLS, ends the conversation.
    with connection, contextlib.suppress(OSError, ValueError), connection.makefile("rb") as lines:
        while head := lines.readline():
            words = [lines.read(int(lines.readline()[1:]) + 2)[:-2].decode().upper() for dummy in range(int(head[1:]))]
            name = next((known for known in (" ".join(words[:2]), words[0], "*") if known in replies), None)
            connection.sendall(packed(replies[name]) if name else b"-ERR unknown command\r\n")
