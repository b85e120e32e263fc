# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs beside a server, on its host or here, with nothing but Python's own library: ``beside.py ACTION HOST PORT [SET]``.

``know`` writes the known set and saves it. ``look`` prints what a refusal may not change. ``keep`` remembers what the server holds, says
``ready``, writes about a thousand keys a second until its input ends, and prints what of all that is no longer there, as JSON.
SET is ``{prefix, first, count, size, seconds}``: keys that the server must hold, each with so many x, and with a TTL where it has seconds.
``REDISCLI_AUTH`` is the password, where there is one.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

RATE = 1000  # writes a second
PATIENCE = 10.0
MOST = 2000  # of the keys that are there
BATCH = 500
# Of the writer's own keys every so manieth has a TTL.
EVERY, SECONDS = 10, 3600
# What may expire by itself meanwhile is not remembered.
SOON_MS = 600_000
SLACK_MS = 3000


class Refused(Exception):
    """An error reply."""


class Connection:
    """The protocol, as far as it is needed here."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port), 5)
        self.file = self.socket.makefile("rb")
        if os.environ.get("REDISCLI_AUTH"):
            self.one("AUTH", os.environ["REDISCLI_AUTH"])

    def ask(self, *commands: tuple[Any, ...]) -> list[Any]:
        """The replies to these commands; an error reply is a Refused among them. OSError where the server is gone."""
        lines = []
        for command in commands:
            words = [word if isinstance(word, bytes) else str(word).encode() for word in command]
            lines.append(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))
        self.socket.sendall(b"".join(lines))
        return [self._reply() for dummy in commands]

    def one(self, *command: Any) -> Any:
        """The reply to one command. Refused, or OSError."""
        (reply,) = self.ask(command)
        if isinstance(reply, Refused):
            raise reply
        return reply

    def close(self) -> None:
        """End it."""
        self.file.close()
        self.socket.close()

    def _reply(self) -> Any:
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise OSError("the server has closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            return Refused(rest.decode(errors="replace"))
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self.file.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return [self._reply() for dummy in range(int(rest))]
        return rest


def main(action: str, host: str, port: str, known: str = "null") -> None:
    """Do what was asked for."""
    chosen: dict[str, Callable[..., None]] = {"know": know, "look": look, "keep": keep}
    chosen[action](lambda: Connection(host, int(port)), json.loads(known))


def know(connect: Callable[[], Connection], known: dict[str, Any]) -> None:
    """Write the known set, and save it."""
    ttl = ("EX", known["seconds"]) if known["seconds"] else ()
    server = connect()
    replies = server.ask(*[("SET", name, b"x" * known["size"], *ttl) for name in names_of(known)], ("SAVE",))
    wrong = [reply for reply in replies if reply != b"OK"]
    if wrong:
        raise wrong[0]


def look(connect: Callable[[], Connection], dummy: None) -> None:
    """Settings, process and data of the server, or why it cannot be asked."""
    try:
        server = connect()
        config, run, size = server.one("CONFIG", "GET", "*"), fields(server.one("INFO", "server"))["run_id"], server.one("DBSIZE")
        data = {name.hex(): value for name, (value, dummy_ttl) in remembered(server).items()}
        acl = server.one("ACL", "LIST")
        digest = hashlib.sha256(json.dumps([repr(config), repr(acl), sorted(data.items())]).encode()).hexdigest()
        print(json.dumps([run, size, digest]))
    except (OSError, Refused) as error:
        print(json.dumps(str(error).partition(" ")[0] if isinstance(error, Refused) else type(error).__name__))


def keep(connect: Callable[[], Connection], known: dict[str, Any] | None) -> None:
    """Remember, write, compare."""
    began = time.monotonic()
    before: dict[bytes, tuple[str, int]] = {}
    stats: dict[str, str] = {}
    try:
        server = connect()
        before, stats = remembered(server), fields(server.one("INFO", "everything"))
        server.close()
    except (OSError, Refused):
        pass  # it is down, loads or is busy: the known set stands in
    print("ready", flush=True)
    written, refused = write(connect)
    elapsed = int((time.monotonic() - began) * 1000)
    server = patiently(connect)
    lost = changed(server, before, elapsed) + missing(server, written) + (gone(server, known) if known else [])
    after = fields(server.one("INFO", "everything"))
    same = after["run_id"] == stats.get("run_id")
    evicted = int(after["evicted_keys"]) - (int(stats["evicted_keys"]) if same else 0)
    told = {
        "written": len(written),
        "refused": refused,
        "remembered": len(before),
        "lost": len(lost),
        "named": lost[:5],
        "evicted": evicted,
    }
    print(json.dumps(told))


def write(connect: Callable[[], Connection]) -> tuple[dict[int, float], int]:
    """({number of an acknowledged write: when}, how many were refused), until the input ends."""
    stop = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        stop.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    acknowledged: dict[int, float] = {}
    refused, number, server, began = 0, 0, None, time.monotonic()
    while not stop.is_set():
        number += 1
        try:
            server = server or connect()
            server.one("SET", f"written:{number}", f"value {number}", *(("EX", SECONDS) if number % EVERY == 0 else ()))
            acknowledged[number] = time.monotonic()
        except Refused:
            refused += 1
            stop.wait(0.01)
        except OSError:
            server = None
            stop.wait(0.02)
        # What was missed while it was away is not made up for.
        began = max(began + 1 / RATE, time.monotonic() - 0.1)
        time.sleep(max(0.0, began - time.monotonic()))
    return acknowledged, refused


def remembered(server: Connection) -> dict[bytes, tuple[str, int]]:
    """{key: (digest of its value, TTL in ms or -1)} of some of the keys."""
    names: list[bytes] = []
    cursor = b"0"
    while len(names) < MOST:
        cursor, page = server.one("SCAN", cursor, "COUNT", 500)
        names += page
        if cursor == b"0":
            break
    found = {}
    for start in range(0, len(names), BATCH):
        some = names[start : start + BATCH]
        replies = server.ask(*[command for name in some for command in (("DUMP", name), ("PTTL", name))])
        for name, value, ttl in zip(some, replies[::2], replies[1::2]):
            if isinstance(value, bytes) and (ttl == -1 or ttl > SOON_MS):
                found[name] = (hashlib.sha256(value).hexdigest(), ttl)
    return found


def changed(server: Connection, before: dict[bytes, tuple[str, int]], elapsed: int) -> list[str]:
    """What was remembered and is no longer so."""
    lost = []
    for name, (value, ttl) in before.items():
        now, left = server.ask(("DUMP", name), ("PTTL", name))
        if now is None:
            lost.append(f"{name!r} is gone")
        elif not isinstance(now, bytes) or hashlib.sha256(now).hexdigest() != value:
            lost.append(f"{name!r} has another value")
        elif is_shorter(left, ttl, elapsed):
            lost.append(f"{name!r} expires in {left} ms, and had {ttl} ms {elapsed} ms ago")
    return lost


def missing(server: Connection, written: dict[int, float]) -> list[str]:
    """Acknowledged writes that are not there."""
    lost, numbers = [], list(written)
    for start in range(0, len(numbers), BATCH):
        some = numbers[start : start + BATCH]
        replies = server.ask(*[command for number in some for command in (("GET", f"written:{number}"), ("PTTL", f"written:{number}"))])
        for number, value, left in zip(some, replies[::2], replies[1::2]):
            had = SECONDS * 1000 if number % EVERY == 0 else -1
            if value != f"value {number}".encode():
                lost.append(f"written:{number} was acknowledged and is {'gone' if value is None else 'another'}")
            elif is_shorter(left, had, int((time.monotonic() - written[number]) * 1000)):
                lost.append(f"written:{number} expires in {left} ms")
    return lost


def gone(server: Connection, known: dict[str, Any]) -> list[str]:
    """Keys of the known set that are not there."""
    least = (known["seconds"] * 1000 - SOON_MS) if known["seconds"] else -1
    lost = []
    for name in names_of(known):
        value, left = server.ask(("GET", name), ("PTTL", name))
        if value != b"x" * known["size"] or is_shorter(left, least, 0):
            lost.append(f"{name} is gone" if value is None else f"{name} is not what it was")
    return lost


def is_shorter(left: int, had: int, elapsed: int) -> bool:
    """Whether a TTL ran faster than time did."""
    return left != -1 if had == -1 else left != -1 and left < had - elapsed - SLACK_MS


def names_of(known: dict[str, Any]) -> list[str]:
    """The keys of a known set."""
    return [f"{known['prefix']}{number}" for number in range(known["first"], known["first"] + known["count"])]


def fields(text: bytes) -> dict[str, str]:
    """INFO as a mapping."""
    return dict(line.split(":", 1) for line in text.decode().splitlines() if ":" in line)


def patiently(connect: Callable[[], Connection]) -> Connection:
    """A connection to a server that answers again."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            server = connect()
            server.one("PING")
            return server
        except (OSError, Refused):
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


if __name__ == "__main__":
    main(*sys.argv[1:])
    # The thread that waits for the end of the input must not keep it.
    sys.stdout.flush()
    os._exit(0)
