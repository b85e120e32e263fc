# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the nodes of a cluster believe, side by side: who serves what, who is taken for dead, and whether they agree. Pure.

A view is what one node says: ``{address, id, nodes, epochs, info, server}``; :func:`view` makes one of its replies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _cluster, _info

View = dict[str, Any]
# Nodes that nobody has met yet, or whose place is not known: each node has others of this kind, and that is no disagreement.
STRANGERS = {"handshake", "noaddr"}


def view(address: str, nodes: str, info: str, *sections: Any) -> View:
    """One node's replies to CLUSTER NODES and CLUSTER INFO, and the sections of INFO that it gave, as a view."""
    members = _cluster.nodes(nodes)
    own = next(member["id"] for member in members if "myself" in member["flags"])
    words = [line.split(" ") for line in nodes.splitlines()]
    return {
        "address": address,
        "id": own,
        "nodes": members,
        "epochs": {line[0]: int(line[6]) for line in words if len(line) > 6 and line[6].isdecimal()},
        "info": _info.parse(f"# cluster\n{info}")["cluster"],
        "server": {name: value for section in sections for fields in _info.parse(str(section)).values() for name, value in fields.items()},
    }


def addresses(views: Sequence[View]) -> list[str]:
    """Where the nodes of all views are, as far as anybody knows."""
    told = (member for view in views for member in view["nodes"] if not STRANGERS & set(member["flags"]))
    return sorted({member["address"] for member in told if member["address"].rpartition(":")[0]})


def summary(views: Sequence[View], silent: Mapping[str, str]) -> dict[str, Any]:
    """What redis_cluster_info returns: the cluster as most of its nodes see it, and who sees it otherwise.

    ``silent`` are the addresses that gave no view, each with the reason.
    """
    beliefs = [_belief(view) for view in views]
    shared = Counter(map(repr, beliefs))
    most = max(range(len(views)), key=lambda place: (shared[repr(beliefs[place])], _epoch(views[place])))
    names = {member["id"]: member["address"] for view in views for member in view["nodes"]}
    names.update({view["id"]: view["address"] for view in views})
    differences = _differences(views, beliefs, beliefs[most], names)
    uncovered = _cluster.uncovered(views[most]["nodes"])
    well = all(
        view["info"].get("cluster_state") == "ok"
        and not view["server"].get("loading")
        and view["server"].get("master_link_status") != "down"
        for view in views
    )
    members = [_member(identity, views, views[most], names, silent) for identity in _everybody(views)]
    return {
        "whole": well and all(member["answers"] for member in members) and not (uncovered or differences),
        "agree": not differences,
        "epoch": max(map(_epoch, views)),
        "nodes": sorted(members, key=lambda member: str(member["address"])),
        "uncovered_slots": uncovered,
        "moving_slots": [slot for view in views for slot in _moving(view)],
        "disagreements": differences,
        "silent": dict(silent),
    }


def _member(identity: str, views: Sequence[View], most: View, names: Mapping[str, str], silent: Mapping[str, str]) -> dict[str, Any]:
    """One node: what most say of it, what it says of itself, and who takes it for dead."""
    own = next((view for view in views if view["id"] == identity), None)
    told = [(view, _line(view, identity)) for view in views]
    line = _line(most, identity) or next(line for dummy, line in told if line)
    flags = {view["address"]: set(line["flags"]) for view, line in told if line}
    master = line["master_id"]
    return {
        "id": identity,
        "address": names[identity],
        "role": _role(line),
        "master": names.get(master, master) if master else None,
        "slots": [_cluster.slot_range(*pair) for pair in line["slots"]],
        "replicas": line["replicas"],
        "epoch": most["epochs"].get(identity),
        "answers": own is not None,
        "error": silent.get(names[identity]),
        "state": own["info"].get("cluster_state") if own else None,
        **_condition(own["server"] if own else {}),
        "suspected_by": sorted(address for address, words in flags.items() if "fail?" in words),
        "failed_by": sorted(address for address, words in flags.items() if "fail" in words),
    }


def _belief(view: View) -> dict[str, dict[str, Any]]:
    """What a node holds true of each node that it knows, as far as nodes have to agree."""
    return {
        member["id"]: {
            "role": _role(member),
            "master": member["master_id"],
            "slots": [_cluster.slot_range(*pair) for pair in member["slots"]],
            "failed": "fail" in member["flags"],
        }
        for member in sorted(view["nodes"], key=lambda member: str(member["id"]))
        if not STRANGERS & set(member["flags"])
    }


def _differences(
    views: Sequence[View], beliefs: Sequence[Mapping[str, Any]], most: Mapping[str, Any], names: Mapping[str, str]
) -> list[dict[str, Any]]:
    """``[{by, about, says, most_say}]``, with the facts that differ; None for a node that is not known."""
    found = []
    for view, belief in zip(views, beliefs):
        for identity in sorted({*belief, *most}):
            here, there = belief.get(identity), most.get(identity)
            if here == there:
                continue
            differing = [name for name in (here or there or {}) if here is None or there is None or here[name] != there[name]]
            says, most_say = (_named(told, differing, names) for told in (here, there))
            found.append({"by": view["address"], "about": names[identity], "says": says, "most_say": most_say})
    return found


def _named(told: Mapping[str, Any] | None, differing: Sequence[str], names: Mapping[str, str]) -> dict[str, Any] | None:
    return {name: names.get(told[name], told[name]) if name == "master" else told[name] for name in differing} if told else None


def _moving(view: View) -> list[dict[str, Any]]:
    """The slots that leave or reach this node; only itself tells."""
    return [{**slot, "node": view["address"]} for slot in _cluster.told(view["nodes"])["moving_slots"]]


def _everybody(views: Sequence[View]) -> list[str]:
    """The ids of all nodes that somebody has met."""
    return list(dict.fromkeys(identity for view in views for identity in _belief(view)))


def _line(view: View, identity: str) -> dict[str, Any] | None:
    return next((member for member in view["nodes"] if member["id"] == identity), None)


def _epoch(view: View) -> int:
    epoch = view["info"].get("cluster_current_epoch")
    return epoch if isinstance(epoch, int) else 0


def _role(member: Mapping[str, Any]) -> str:
    return "master" if "master" in member["flags"] else "replica"


def _condition(told: Mapping[str, Any]) -> dict[str, Any]:
    """What a node says of itself beside the cluster; None for what it does not."""
    # CLUSTER SHARDS has a field for this, in which a replica without data is always loading.
    offset = told.get("slave_repl_offset", told.get("master_repl_offset"))
    return {"loading": bool(told["loading"]) if "loading" in told else None, "link": told.get("master_link_status"), "offset": offset}
