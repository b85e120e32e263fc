# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a Redis configuration file says about where things are, and who may touch what. Pure: texts in, plain data out."""

from __future__ import annotations

import shlex
import stat
from collections.abc import Iterable
from typing import Any

# What is asked of a file here; nothing that may hold a secret.
WANTED = (
    "port",
    "tls-port",
    "bind",
    "dir",
    "dbfilename",
    "logfile",
    "maxclients",
    "unixsocket",
    "aclfile",
    "appendonly",
    "save",
    "replicaof",
    "slaveof",
    "include",
)
PORT = 6379


def parse(text: str) -> dict[str, str]:
    """The wanted directives of a configuration file; of several the last counts, save points are joined."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, dummy, rest = line.strip().partition(" ")
        name = name.lower()
        if name not in WANTED:
            continue
        value = _value(rest.strip())
        found[name] = f"{found[name]} {value}" if name == "save" and found.get(name) and value else value
    return found


def port_of(settings: dict[str, str]) -> int:
    """The port that a configuration means."""
    text = settings.get("port") or ""
    if text == "0":
        text = settings.get("tls-port") or "0"
    return int(text) if text.isdigit() else PORT


def writable(mode: int, owner: int, group: int, uid: int | None, gids: Iterable[int]) -> bool | None:
    """Whether a user may write by these permission bits; None for a user who is not known. Root may always."""
    if uid is None:
        return None
    if uid == 0:
        return True
    if uid == owner:
        return bool(mode & stat.S_IWUSR)
    return bool(mode & (stat.S_IWGRP if group in gids else stat.S_IWOTH))


def permissions(mode: int) -> str:
    """``0640``."""
    return f"{stat.S_IMODE(mode):04o}"


def _value(text: str) -> str:
    try:
        return " ".join(shlex.split(text))
    except ValueError:
        return text


def shown(settings: dict[str, Any]) -> dict[str, Any]:
    """The directives that are worth telling."""
    return {name: value for name, value in sorted(settings.items()) if name != "include"}
