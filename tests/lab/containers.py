# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands in containers: what ``docker exec`` does, asked of Docker's daemon at its socket. A client of its own for each command takes
half of the time of a short one. Nothing but the standard library is imported: Ansible's workers do it, one for each task."""

from __future__ import annotations

import http.client
import json
import os
import socket
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

SOCKET = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
STDOUT, STDERR = 1, 2


class NotRunning(Exception):
    """There is no such container, or it does not run."""


class Daemon(http.client.HTTPConnection):
    """Docker's daemon."""

    def __init__(self, timeout: float) -> None:
        """It is asked at its socket, and has so many seconds for each answer."""
        super().__init__("docker", timeout=timeout)

    def connect(self) -> None:
        """See the standard library."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(SOCKET)


def run(name: str, words: Sequence[str], data: bytes | None = None, timeout: float = 120) -> tuple[int, bytes, bytes]:
    """Run a command in a container, as root: (its exit status, output and errors). :class:`NotRunning`, or TimeoutError."""
    until = time.monotonic() + timeout
    wanted = {"AttachStdin": data is not None, "AttachStdout": True, "AttachStderr": True, "Cmd": list(words)}
    number = _ask(timeout, "POST", f"/containers/{name}/exec", wanted)["Id"]
    said = {STDOUT: b"", STDERR: b""}
    daemon = Daemon(timeout)
    daemon.connect()
    with daemon.sock as way:
        body = json.dumps({"Detach": False, "Tty": False})
        head = ["Host: docker", "Content-Type: application/json", f"Content-Length: {len(body)}", "Connection: Upgrade", "Upgrade: tcp"]
        way.sendall("\r\n".join([f"POST /exec/{number}/start HTTP/1.1", *head, "", body]).encode())
        # Who reads late must not keep us from reading.
        writer = threading.Thread(target=_write, args=(way, data or b""), daemon=True)
        with way.makefile("rb") as answer:
            status = answer.readline()
            while answer.readline().strip():
                pass
            if b" 101 " not in status:
                raise NotRunning(f"{name}: {status.decode().strip()}")
            writer.start()
            for stream, part in _frames(way, answer, until):
                said[stream] += part
    # Its streams may end a moment before it does.
    while (ended := _ask(timeout, "GET", f"/exec/{number}/json"))["Running"]:
        if time.monotonic() > until:
            raise TimeoutError(f"{words[0]} in {name} has not ended after {timeout:g} s")
        time.sleep(0.01)
    return int(ended["ExitCode"]), said[STDOUT], said[STDERR]


def start(name: str, words: Sequence[str], timeout: float = 60) -> None:
    """Start a command in a container, as root, and leave it there. :class:`NotRunning`."""
    number = _ask(timeout, "POST", f"/containers/{name}/exec", {"Cmd": list(words)})["Id"]
    _ask(timeout, "POST", f"/exec/{number}/start", {"Detach": True})


def process(name: str, timeout: float = 60) -> int:
    """The number of a container's first process. :class:`NotRunning`."""
    state = _ask(timeout, "GET", f"/containers/{name}/json")["State"]
    if not state["Running"]:
        raise NotRunning(f"{name}: {state['Status']}")
    return int(state["Pid"])


def _frames(way: socket.socket, answer: Any, until: float) -> Iterator[tuple[int, bytes]]:
    """(which stream, what it said), until both have ended."""
    while True:
        way.settimeout(max(0.1, until - time.monotonic()))
        head = answer.read(8)
        if not head:
            return
        stream, size = struct.unpack(">BxxxI", head)
        yield stream, answer.read(size)


def _write(way: socket.socket, data: bytes) -> None:
    """All of standard input, and its end. Nobody is left to be told where the command has ended before."""
    try:
        way.sendall(data)
        way.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def _ask(timeout: float, how: str, where: str, body: Any = None) -> dict[str, Any]:
    """The daemon's answer."""
    daemon = Daemon(timeout)
    try:
        daemon.request(how, where, None if body is None else json.dumps(body), {"Content-Type": "application/json"})
        answer = daemon.getresponse()
        said: dict[str, Any] = json.loads(answer.read() or b"{}")
    finally:
        daemon.close()
    if answer.status in (http.client.NOT_FOUND, http.client.CONFLICT):
        raise NotRunning(said.get("message"))
    if answer.status >= http.client.BAD_REQUEST:
        raise RuntimeError(f"{how} {where}: {said.get('message')}")
    return said
