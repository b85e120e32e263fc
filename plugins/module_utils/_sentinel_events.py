# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Sentinels publish, read without trust: the name of a channel and one line of text become a mapping of short texts.

The lines are described at https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/#pubsub-messages. Most are
``<role> <name> <address> <port> [@ <master's name> <address> <port>] [more]``; the channel says what happened.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from typing import Any

TYPE = re.compile(r"[+-][a-z][a-z0-9-]{0,60}")
ROLES = ("master", "slave", "sentinel")
FIELDS = ("role", "name", "host", "port", "master_name", "master_host", "master_port", "old_host", "old_port", "details")
LONGEST = 300
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:@-]{0,127}")
ADDRESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,252}|::[0-9A-Fa-f:.]{0,40}")
PORT = re.compile(r"[0-9]{1,5}")
# Where the line names a master only.
SWITCH = "+switch-master"
# More of one Sentinel's messages than one remembers are new anyway.
MOST = 10_000


def event(channel: Any, line: Any) -> dict[str, str] | None:
    """``{type, role, name, host, port, master_name, …}`` of a message, all of them text, empty where it says nothing of that.

    None where the channel is not one of Sentinel's. What has not the shape of a name, an address or a port is left empty, so that no field
    but ``details`` holds a character that a pattern has, and none what a template has; ``details`` is for reading only.
    """
    kind, words = _text(channel), _text(line).split()
    if not TYPE.fullmatch(kind):
        return None
    found = dict.fromkeys(FIELDS, "")
    if kind == SWITCH and len(words) == 5:
        found |= dict(zip(("master_name", "old_host", "old_port", "host", "port"), words))
        found |= {"role": "master", "name": words[0], "master_host": words[3], "master_port": words[4]}
    elif len(words) >= 4 and words[0] in ROLES:
        found |= dict(zip(("role", "name", "host", "port"), words))
        rest = words[4:]
        if rest[:1] == ["@"] and len(rest) >= 4:
            found |= dict(zip(("master_name", "master_host", "master_port"), rest[1:]))
            rest = rest[4:]
        elif words[0] == "master":
            found |= {"master_name": words[1], "master_host": words[2], "master_port": words[3]}
        found["details"] = " ".join(rest)
    else:
        found["details"] = " ".join(words)
    return {"type": kind, **{name: _shaped(name, value) for name, value in found.items()}}


class Heard:
    """Which events several Sentinels have told of: the same one within some seconds is told once.

    Each Sentinel counts for itself, so that a server that goes down twice within the window is told of twice.
    """

    def __init__(self, window: float) -> None:
        """``window`` is in seconds."""
        self._window = window
        self._told: deque[tuple[float, tuple[str, ...], set[str]]] = deque(maxlen=MOST)

    def is_new(self, happened: Mapping[str, str], sentinel: str, now: float) -> bool:
        """Whether nobody else has told of it yet."""
        while self._told and now - self._told[0][0] > self._window:
            self._told.popleft()
        key = tuple(value for name, value in happened.items() if name != "details")
        for dummy, told, by in self._told:
            if told == key and sentinel not in by:
                by.add(sentinel)
                return False
        self._told.append((now, key, {sentinel}))
        return True


def address(text: Any) -> tuple[str, int]:
    """Host and port of a Sentinel as people write them: ``10.0.0.1``, ``10.0.0.1:26380``, ``[::1]:26379``. Else ValueError."""
    written = str(text)
    if "@" in written or "://" in written:
        # It may hold a password.
        raise ValueError("sentinels: a URL is no address: give host, host:port or [IPv6]:port, and the login as options of its own")
    found = re.fullmatch(r"\[([0-9A-Fa-f:.]+)\](?::([0-9]{1,5}))?|([A-Za-z0-9_.-]+)(?::([0-9]{1,5}))?|((?=.*:.*:)[0-9A-Fa-f:.]+)", written)
    if not found:
        raise ValueError(f"sentinels: {written!r} is no address: give host, host:port or [IPv6]:port")
    host, port = found[1] or found[3] or found[5], int(found[2] or found[4] or 26379)
    if not 0 < port < 65536:
        raise ValueError(f"sentinels: {written!r} has no port that can be: give 1 to 65535")
    return host, port


def _shaped(name: str, value: str) -> str:
    if name == "details":
        # Events become variables of a playbook: without braces nothing in them is a template.
        return "".join(letter if letter.isprintable() and letter not in "{}" else "?" for letter in value)[:LONGEST]
    shape = PORT if name.endswith("port") else ADDRESS if name.endswith("host") else NAME
    return value if shape.fullmatch(value) else ""


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value if isinstance(value, str) else ""
