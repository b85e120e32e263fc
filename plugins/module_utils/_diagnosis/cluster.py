# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about Cluster: slots that nobody serves or that fail, masters without a replica, slots left half moved."""

from __future__ import annotations

from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts, Missing, Rule, Verdict, count

DOCS = "https://redis.io/docs/latest/operate/oss_and_stack/management/scaling/"
NODES = "$ {cli} cluster nodes"
CHECK = "$ redis-cli --cluster check {host}:{port}"
LOST = {"fail", "noaddr"}
# Of many nodes or slots that are ill alike, some are enough.
SHOWN = 10


def _is_node(facts: Facts) -> bool:
    return bool(facts.get("server.mode") == "cluster")


def _cluster_down(facts: Facts) -> Verdict | None:
    if not _is_node(facts):
        return None
    info = facts.get("cluster.info")
    if info.get("cluster_state") == "ok":
        return None
    names = (
        "cluster_state",
        "cluster_slots_assigned",
        "cluster_slots_ok",
        "cluster_slots_pfail",
        "cluster_slots_fail",
        "cluster_known_nodes",
        "cluster_size",
    )
    uncovered = facts.get_or("cluster.uncovered_slots", [])
    evidence = {**{name: info[name] for name in names if name in info}, "uncovered_slots": uncovered[:10]}
    gone = _lost_master(facts)
    advice = (
        "Find the slots that nobody serves, and bring their node or its replica back:",
        NODES,
        *([f"This is a replica of {gone}, which is gone: it can take its place, and what it has not got is lost."] if gone else []),
        CHECK,
    )
    named = ", ".join(uncovered[:3]) + (" …" if len(uncovered) > 3 else "")
    nobody = f"nobody serves the slots {named}" if uncovered else "not all slots are served"
    # Only who could take the place of a dead master mends anything; for all others it is a matter for people.
    return Verdict("critical", f"The cluster is down: {nobody}", evidence, advice, risk=None if gone else "human")


def _lost_master(facts: Facts) -> str:
    """The address of its master that is gone with slots, where this node is the replica of one; else empty."""
    nodes = facts.get_or("cluster.nodes", None) or []
    me = next((node for node in nodes if {"myself", "slave"} <= set(node["flags"])), {"master_id": None})
    gone = [node for node in nodes if node["id"] == me["master_id"] and node["slots"] and {"fail", "fail?"} & set(node["flags"])]
    return str(gone[0]["address"]) if gone else ""


def _slots_failing(facts: Facts) -> Verdict | None:
    if not _is_node(facts):
        return None
    info = facts.get("cluster.info")
    names = ("cluster_slots_pfail", "cluster_slots_fail")
    failing, suspected = count(info, "cluster_slots_fail"), count(info, "cluster_slots_pfail")
    if not failing and not suspected:
        return None
    nodes = facts.get_or("cluster.nodes", None) or []
    ill = {node["address"]: ",".join(node["flags"]) for node in nodes if {"fail", "fail?"} & set(node["flags"]) and node["slots"]}
    evidence = {**{name: count(info, name) for name in names}, "nodes": dict(list(ill.items())[:SHOWN])}
    advice = (
        "Bring the node back. One that fails for good is replaced by its replica, where it has one; without one its slots stay unserved:",
        NODES,
        "A replica that does not take over by itself is told to, on that replica: CLUSTER FAILOVER (FORCE where its master is gone).",
        CHECK,
    )
    verb = "fail" if failing else "seem to fail"
    whose = f" ({', '.join(list(ill)[:3])})" if ill else ""
    risk = None if _lost_master(facts) else "human"
    return Verdict("warning", f"{failing or suspected} slots of the cluster {verb}{whose}", evidence, advice, risk=risk)


def _replica_missing(facts: Facts) -> Verdict | None:
    if not _is_node(facts):
        return None
    serving = [node for node in facts.get("cluster.nodes") if "master" in node["flags"] and node["slots"] and not LOST & set(node["flags"])]
    if any("replicas" not in node for node in serving):
        raise Missing("cluster.nodes.replicas")
    bare = [node["address"] for node in serving if not node["replicas"]]
    if not bare:
        return None
    evidence = {"masters": len(serving), "without_replica": len(bare), "addresses": bare[:SHOWN]}
    advice = (
        "The loss of such a master is the loss of its slots. Give it a replica on another host:",
        "$ redis-cli --cluster add-node NEW_HOST:PORT {host}:{port} --cluster-slave",
        NODES,
    )
    named = ", ".join(bare[:3]) + (" …" if len(bare) > 3 else "")
    return Verdict("warning", f"{len(bare)} of {len(serving)} masters of the cluster have no replica: {named}", evidence, advice)


def _slot_stuck(facts: Facts) -> Verdict | None:
    if not _is_node(facts):
        return None
    moving = facts.get("cluster.moving_slots")
    if not moving:
        return None
    known = {node["address"]: node["flags"] for node in facts.get_or("cluster.nodes", None) or []}
    # Its partner is gone, so that it cannot be finished, however long it takes.
    stuck = [slot for slot in moving if LOST & set(known.get(_partner(slot), ["noaddr"]))]
    evidence: dict[str, Any] = {"slots": len(moving), "moving": (stuck or moving)[:SHOWN]}
    evidence["moves_per_second"] = sum(facts.get_or(f"rates.commands.{name}", 0) for name in ("migrate", "restore-asking"))
    first = (stuck or moving)[0]
    words = f"slot {first['slot']}, {'to' if 'to' in first else 'from'} {_partner(first)}"
    advice = (
        "Keys of such a slot lie on two nodes: clients are sent to and fro by ASK. Let the move end, or take it back:",
        CHECK,
        "$ redis-cli --cluster fix {host}:{port}",
    )
    if stuck:
        return Verdict("warning", f"The move of {len(stuck)} slot(s) cannot end, the other node is gone: {words}", evidence, advice)
    title = f"{len(moving)} slot(s) are on the move ({words}); since when, a cluster does not say"
    return Verdict("notice", title, evidence, ("Is somebody resharding right now? Then all is well. If nobody is:", *advice))


def _partner(slot: dict[str, Any]) -> str:
    return str(slot.get("to") or slot.get("from"))


RULES = (
    Rule(
        "cluster_slots_failing",
        "replication",
        "slots of nodes that fail, or that some nodes cannot reach (pfail)",
        "warning",
        "guarded",
        _slots_failing,
        ("cluster_down",),
        DOCS,
    ),
    Rule("cluster_down", "replication", "cluster_state is not ok", "critical", "guarded", _cluster_down, (), DOCS),
    Rule(
        "cluster_replica_missing",
        "replication",
        "a master with slots has no working replica",
        "warning",
        "human",
        _replica_missing,
        (),
        DOCS,
    ),
    Rule(
        "cluster_slot_stuck",
        "replication",
        "a slot is on the move to or from a node that is gone; a notice for any other one, for a cluster does not say since when",
        "warning/notice",
        "human",
        _slot_stuck,
        (),
        DOCS,
    ),
)
