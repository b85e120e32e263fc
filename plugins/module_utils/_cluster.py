# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CLUSTER NODES as data: who is in the cluster, and which slots nobody serves.

Source: https://redis.io/docs/latest/commands/cluster-nodes/
"""

from __future__ import annotations

import re
from typing import Any

SLOTS = 16384


def nodes(text: str) -> list[dict[str, Any]]:
    """``[{id, address, flags, master_id, link, slots}]``; slots are ``[first, last]`` pairs, those on the move are left out."""
    return [_node(line.split(" ")) for line in text.splitlines() if line.count(" ") >= 7]


def uncovered(members: list[dict[str, Any]]) -> list[str]:
    """The slots that no working master serves, as ``5461-10922`` or ``7``."""
    served = [False] * SLOTS
    for member in members:
        if "master" in member["flags"] and "fail" not in member["flags"]:
            for first, last in member["slots"]:
                served[first : last + 1] = [True] * (min(last, SLOTS - 1) + 1 - first)
    marks = "".join("-" if yes else "x" for yes in served[:SLOTS])
    return [_range(found.start(), found.end() - 1) for found in re.finditer("x+", marks)]


def _node(words: list[str]) -> dict[str, Any]:
    slots = [re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", word) for word in words[8:]]
    return {
        "id": words[0],
        "address": words[1].partition("@")[0],
        "flags": words[2].split(","),
        "master_id": None if words[3] == "-" else words[3],
        "link": words[7],
        "slots": [[int(found.group(1)), int(found.group(2) or found.group(1))] for found in slots if found],
    }


def _range(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"
