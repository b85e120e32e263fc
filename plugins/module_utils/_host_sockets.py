# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sockets of a server as ``ss -Htni`` tells of them, and which of them may be closed. Pure: odd text is no error."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._clients import address_of

LAST_RECEIVED = re.compile(r"\blastrcv:(\d+)")


def parse(text: str) -> list[dict[str, Any]]:
    """``{local, peer, idle_seconds}`` of each socket: two lines, the second of which is indented. None where it does not tell."""
    found: list[dict[str, Any]] = []
    for line in text.splitlines():
        if line[:1].isspace():
            told = LAST_RECEIVED.search(line)
            if found and told:
                found[-1]["idle_seconds"] = int(told.group(1)) // 1000
        elif len(fields := line.split()) >= 4:
            found.append({"local": fields[-2], "peer": fields[-1], "idle_seconds": None})
    return found


def holder(sockets: Sequence[dict[str, Any]]) -> str | None:
    """The address that has more than half of the sockets; None where nobody has."""
    counted = Counter(address_of(row["peer"]) for row in sockets).most_common(1)
    return counted[0][0] if counted and counted[0][1] * 2 > len(sockets) else None


def chosen(sockets: Sequence[dict[str, Any]], min_idle: int, most: int) -> list[dict[str, Any]]:
    """The idle sockets of the holder, longest idle first and at most so many."""
    address = holder(sockets)
    found = [row for row in sockets if address_of(row["peer"]) == address and is_idle(row, min_idle)]
    return sorted(found, key=lambda row: -row["idle_seconds"])[:most]


def is_idle(row: dict[str, Any], min_idle: int) -> bool:
    """Whether nothing came over the socket for so long."""
    return row["idle_seconds"] is not None and row["idle_seconds"] >= min_idle
