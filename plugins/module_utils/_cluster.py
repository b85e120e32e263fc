# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CLUSTER NODES as data: who is in the cluster, and which slots nobody serves.

Source: https://redis.io/docs/latest/commands/cluster-nodes/
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

SLOTS = 16384
# A slot that leaves this node (``[101->-id]``) or comes to it (``[101-<-id]``); only the node itself tells of it.
MOVING = re.compile(r"\[(\d{1,5})-([<>])-(\w+)\]")


def nodes(text: str) -> list[dict[str, Any]]:
    """``[{id, address, flags, master_id, link, slots, moving, replicas}]``; slots are ``[first, last]`` pairs.

    ``moving`` holds ``{slot, to}`` or ``{slot, from}`` with the id of the other node; ``replicas`` counts those of a master that work,
    and is None for a replica.
    """
    members = [_node(line.split(" ")) for line in text.splitlines() if line.count(" ") >= 7]
    following = Counter(member["master_id"] for member in members if "slave" in member["flags"] and not _is_lost(member))
    for member in members:
        member["replicas"] = following[member["id"]] if "master" in member["flags"] else None
    return members


def told(members: list[dict[str, Any]]) -> dict[str, Any]:
    """``{uncovered_slots, moving_slots}``; a slot on the move is ``{slot, node, to}`` or ``{slot, node, from}``, nodes by their address.

    A node that the cluster does not know is told by its id.
    """
    addresses = {member["id"]: member["address"] for member in members}
    moving = [
        {"node": member["address"], **{name: addresses.get(value, value) for name, value in slot.items()}}
        for member in members
        for slot in member["moving"]
    ]
    return {"uncovered_slots": uncovered(members), "moving_slots": moving}


def uncovered(members: list[dict[str, Any]]) -> list[str]:
    """The slots that no working master serves, as ``5461-10922`` or ``7``."""
    served = [False] * SLOTS
    for member in members:
        if "master" in member["flags"] and "fail" not in member["flags"]:
            for first, last in member["slots"]:
                served[first : last + 1] = [True] * (min(last, SLOTS - 1) + 1 - first)
    marks = "".join("-" if yes else "x" for yes in served[:SLOTS])
    return [slot_range(found.start(), found.end() - 1) for found in re.finditer("x+", marks)]


def slot_range(first: int, last: int) -> str:
    """``0-5460``, or ``7`` alone."""
    return str(first) if first == last else f"{first}-{last}"


def _node(words: list[str]) -> dict[str, Any]:
    slots = [re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", word) for word in words[8:]]
    return {
        "id": words[0],
        "address": words[1].partition("@")[0],
        "flags": words[2].split(","),
        "master_id": None if words[3] == "-" else words[3],
        "link": words[7],
        "moving": [_on_the_move(*found.groups()) for found in map(MOVING.fullmatch, words[8:]) if found],
        "slots": [[int(found.group(1)), int(found.group(2) or found.group(1))] for found in slots if found],
    }


def _on_the_move(slot: str, direction: str, node: str) -> dict[str, Any]:
    return {"slot": int(slot), "to" if direction == ">" else "from": node}


def _is_lost(member: dict[str, Any]) -> bool:
    """Whether the cluster agrees that a node is gone, or never met it; one that is only suspected counts as there."""
    return bool({"fail", "noaddr"} & set(member["flags"]))
