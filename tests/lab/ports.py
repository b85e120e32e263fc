# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ports that are not a healthy Redis: other services, silence, resets. All on loopback, each ended with its context."""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator

from tests.lab import web


def web_server() -> contextlib.AbstractContextManager[int]:
    """An HTTP server; yields its port."""
    return web.serving(web.Quiet)


def silent_port() -> contextlib.AbstractContextManager[int]:
    """A port that accepts and says nothing."""
    return _serving(lambda dummy, stop: stop.wait(60))


def resetting_port() -> contextlib.AbstractContextManager[int]:
    """A port that accepts and resets the connection at once."""

    def reset(peer: socket.socket, dummy: threading.Event) -> None:
        peer.recv(1)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return _serving(reset)


def trickling_port() -> contextlib.AbstractContextManager[int]:
    """A port that answers PING with a reply that never ends, one byte every 0.2 s: each byte renews a naive time-out."""

    def trickle(peer: socket.socket, stop: threading.Event) -> None:
        peer.recv(100)
        with contextlib.suppress(OSError):
            while not stop.wait(0.2):
                peer.sendall(b"+")

    return _serving(trickle)


def odd_server(reply: bytes, then_close: bool = False) -> contextlib.AbstractContextManager[int]:
    """A port that answers PING as Redis does, and every other command with the same odd bytes."""

    def answer(peer: socket.socket, stop: threading.Event) -> None:
        peer.settimeout(0.2)
        heard = b""
        while not stop.is_set():
            with contextlib.suppress(TimeoutError, OSError):
                piece = peer.recv(65536)
                if not piece:
                    return
                heard += piece
                # A command is an array of bulk strings: *N, then N times $length and the string.
                while command := re.match(rb"\*(\d+)\r\n(?:\$\d+\r\n[^\r]*\r\n)+?(?=\*|$)", heard):
                    heard = heard[command.end() :]
                    peer.sendall(b"+PONG\r\n" if b"PING" in command.group() else reply)
                    if then_close and b"PING" not in command.group():
                        return

    return _serving(answer)


def flooding_port(head: bytes, piece: bytes) -> contextlib.AbstractContextManager[int]:
    """A port that answers PING as Redis does, and what comes then with a reply's head and pieces of it without end."""

    def flood(peer: socket.socket, stop: threading.Event) -> None:
        peer.recv(65536)
        with contextlib.suppress(OSError):
            peer.sendall(b"+PONG\r\n")
            peer.recv(65536)
            peer.sendall(head)
            while not stop.is_set():
                peer.sendall(piece)

    return _serving(flood)


@contextlib.contextmanager
def full_backlog() -> Iterator[int]:
    """A port whose backlog is full: further connections time out while the host answers on other ports."""
    with socket.socket() as listener, contextlib.ExitStack() as clients:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for dummy in range(3):
            client = clients.enter_context(socket.socket())
            client.settimeout(0)
            client.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


@contextlib.contextmanager
def _serving(answer: Callable[[socket.socket, threading.Event], object]) -> Iterator[int]:
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)

        def talk(peer: socket.socket) -> None:
            with peer:
                answer(peer, stop)

        def serve() -> None:
            while not stop.is_set():
                with contextlib.suppress(TimeoutError, OSError):
                    threading.Thread(target=talk, args=(listener.accept()[0],), daemon=True).start()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        stop.set()
        thread.join()
