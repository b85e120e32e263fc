# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What heal_replication may be told, read and checked. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _setting_readers

ROLE = "redis_replication_heal"


@dataclass(frozen=True)
class Options:
    """``master``: ``host:port`` where nobody else knows it. ``forget``: ``ip:port`` of Sentinels and replicas that are gone for good.
    ``password``: whether one was given by which replicas log in.
    """

    master: str
    wait: int
    away: int
    min_replicas: int
    forget: tuple[str, ...]
    accept_lost_writes: bool
    password: bool = False

    @staticmethod
    def read(given: Mapping[str, Any]) -> Options:
        """ValueError names the variable."""
        accept = given.get("accept_lost_writes")
        return Options(
            _master(str(given.get("master") or "")),
            _number(given, "wait", 60, 1, 3600),
            _number(given, "away", 120, 1, 86_400),
            _number(given, "min_replicas", 1, 0, 100),
            _forget(given.get("forget") or []),
            bool(accept) and _setting_readers.read_switch(accept),
            bool(given.get("password")),
        )


def _master(text: str) -> str:
    host, colon, port = text.rpartition(":")
    if text and not (colon and host and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(f"{ROLE}_master is '{text}': give host:port, as the replicas reach it")
    return text


def _number(given: Mapping[str, Any], name: str, default: int, least: int, most: int) -> int:
    value = given.get(name)
    if value is None or value == "":
        return default
    text = str(value)
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        raise ValueError(f"{ROLE}_{name} is '{value}': give a number from {least} to {most}")
    return int(text)


def _forget(given: Any) -> tuple[str, ...]:
    if isinstance(given, str) or not all(":" in str(item) for item in given):
        raise ValueError(f"{ROLE}_forget is {given!r}: give a list of ip:port, as the Sentinels know them")
    return tuple(str(item) for item in given)
