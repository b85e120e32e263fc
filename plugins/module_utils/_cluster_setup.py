# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether nodes may be made a cluster: only those that are alone and empty, and nodes that are one already are left alone. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _cluster_views

FEWEST_MASTERS = 3


def plan(states: Sequence[Mapping[str, Any]], replicas: int) -> dict[str, Any]:
    """``{refused: [sentence], create, masters}`` by the states ``[{address, view, keys, error}]`` of the nodes that are to be a cluster.

    ``view`` is that of ``_cluster_views``, None with an ``error`` where there is none; ``keys`` says how many keys the node holds.
    """
    masters = len(states) // (replicas + 1)
    refused = [str(state["error"]) for state in states if state["error"]]
    joined = [state for state in states if state["view"] and _is_member(state["view"])]
    if joined:
        refused += _strangers(states, joined)
    else:
        refused += _too_few(states, masters, replicas)
        refused += [f"{state['address']} holds {state['keys']} keys: a cluster is made of empty nodes" for state in states if state["keys"]]
    return {"refused": refused, "create": not (joined or refused), "masters": masters}


def _too_few(states: Sequence[Mapping[str, Any]], masters: int, replicas: int) -> list[str]:
    said = [f"{address} is named {times} times" for address, times in Counter(state["address"] for state in states).items() if times > 1]
    if masters < FEWEST_MASTERS:
        wanted = FEWEST_MASTERS * (replicas + 1)
        said.append(
            f"{len(states)} nodes are {masters} masters with {replicas} replicas each: "
            f"a cluster needs {FEWEST_MASTERS} masters, so give {wanted} nodes or fewer replicas"
        )
    return said


def _strangers(states: Sequence[Mapping[str, Any]], joined: Sequence[Mapping[str, Any]]) -> list[str]:
    """Who is not in the cluster of the others: those that are alone, and those that do not know the first one or are not known by it."""
    first = joined[0]
    known = _met(first["view"])
    said = []
    for state in (state for state in states if state["view"]):
        view, there = state["view"], first["address"]
        if not _is_member(view):
            said.append(
                f"{state['address']} is in no cluster, and {there} is in one: this makes new clusters only. Add it by hand with "
                "redis-cli --cluster add-node, or, if making the cluster was broken off, CLUSTER RESET HARD on every node without keys"
            )
        elif view["id"] not in known or first["view"]["id"] not in _met(view):
            said.append(f"{state['address']} is in another cluster than {there}")
    return said


def _is_member(view: Mapping[str, Any]) -> bool:
    """Whether a node has met another, or serves slots."""
    return len(view["nodes"]) > 1 or any(member["slots"] for member in view["nodes"])


def _met(view: Mapping[str, Any]) -> set[str]:
    return {member["id"] for member in view["nodes"] if not _cluster_views.STRANGERS & set(member["flags"])}
