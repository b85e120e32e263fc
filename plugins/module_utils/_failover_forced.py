# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a replica may take the place of a master that is dead, which one, and what is lost by it, in sentences. Pure.

The facts are those of ``_failover``, gathered from a replica: ``replicas`` are those that could be found or were named.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._failover import Node, offset, priority, replication, run_id

# A master that refuses a login, loads or is busy is not dead.
DEAD = ("refused", "timeout", "hung", "dns", "unreachable", "reset")
VOTES = {"FORCE": "by a vote of the masters", "TAKEOVER": "without a vote: whoever is cut off from it goes on as if nothing had happened"}
LOCAL = ("127.", "localhost", "::1")


def is_meant(facts: Mapping[str, Any]) -> bool:
    """Whether there is a master to be replaced by force: with one that answers, force changes nothing."""
    return facts["master"] is not None and facts["master"]["state"] != "up"


def refusals(facts: Mapping[str, Any], options: Mapping[str, Any]) -> list[str]:
    """Sentences why nobody may be promoted now; empty when somebody may."""
    master, nodes = facts["master"], facts["replicas"]
    if facts["mode"] == "sentinel":
        return [f"{master['address']} does not answer ({master['error']}), and who takes its place is for the Sentinels to say"]
    if master["state"] not in DEAD:
        return [f"{master['address']} is not dead: {master['error']}"]
    found = _others(facts)
    fit = ranked(facts)
    if not fit:
        reasons = [f"{node['address']}: {unfit(node)}" for node in nodes]
        return [*found, "no replica can become the master: " + ("; ".join(reasons) or "none is known; connect to one of them")]
    wanted = options.get("candidate")
    if wanted and wanted not in [node["address"] for node in fit]:
        found.append(
            f"{wanted} cannot become the master: " + next((unfit(n) or "" for n in nodes if n["address"] == wanted), "it is not known")
        )
    if len({replication(node).get("master_replid") for node in fit}) > 1:
        found.append(f"the histories of {', '.join(node['address'] for node in fit)} differ, so nobody can say who knows most")
    return found + (_cluster(facts, options) if facts["mode"] == "cluster" else _plain(facts, options))


def unfit(node: Node) -> str | None:
    """Why a replica cannot take over, None where it can."""
    section = replication(node)
    if node["state"] != "up":
        return f"it cannot be asked: {node['error']}"
    if section.get("role") != "slave":
        return f"its role is {section.get('role')}"
    if priority(node) == 0:
        return "its priority is 0"
    if section.get("master_sync_in_progress"):
        return "its copy of the master is not whole"
    return None if offset(node) > 0 or _was_linked(node) else "it has never been in step with its master"


def _was_linked(node: Node) -> bool:
    """Whether its link broke after its start: it was up then, even where the master has never written. Redis 6.2 counts from 1970."""
    since = int(replication(node).get("master_link_down_since_seconds", -1))
    return 0 <= since <= int(((node["info"] or {}).get("server") or {}).get("uptime_in_seconds") or 0)


def ranked(facts: Mapping[str, Any]) -> list[Node]:
    """Those that can take over: who knows most comes first, for the rest is lost."""
    fit = [node for node in facts["replicas"] if not unfit(node)]
    return sorted(fit, key=lambda node: (-offset(node), priority(node), run_id(node).lower()))


def winner(facts: Mapping[str, Any], options: Mapping[str, Any]) -> Node:
    """Who would become the master. LookupError where nobody can."""
    fit = ranked(facts)
    return ([node for node in fit if node["address"] == options.get("candidate")] or fit)[0]


def plan(facts: Mapping[str, Any], options: Mapping[str, Any]) -> list[str]:
    """What would be done and lost, one sentence each."""
    new, old = winner(facts, options), facts["master"]
    others = [node for node in facts["replicas"] if node is not new]
    reason = "as it was asked for" if options.get("candidate") == new["address"] else _why(new, others)
    steps = [f"{new['address']} would become the master in place of {old['address']}, which is {old['state']}: {reason}", _loss(facts, new)]
    behind = behind_bytes(facts, new)
    if behind:
        steps.append(f"{behind} bytes that another replica has would be lost, too")
    silent = [node["address"] for node in others if node["state"] != "up"]
    if silent:
        steps.append(f"{', '.join(silent)} cannot be asked, and may know more")
    if facts["mode"] == "cluster":
        return [
            *steps,
            f"CLUSTER FAILOVER {way(facts)} at {new['address']}, {VOTES[way(facts)]}; {old['address']} comes back as its replica",
        ]
    following = ", ".join(node["address"] for node in others if node["state"] == "up") or "nobody else"
    steps.append(f"REPLICAOF NO ONE at {new['address']}; {following} would follow it")
    least = int(new["config"].get("min-replicas-to-write") or 0)
    if least > len(others):
        steps.append(f"it takes no write until it has {least} replicas (min-replicas-to-write)")
    return [*steps, f"see to it that {old['address']} comes back as a replica only: nobody else keeps it from being a second master"]


def behind_bytes(facts: Mapping[str, Any], new: Node) -> int:
    """What another replica, of those that answer, has and the new master has not."""
    known = [offset(node) for node in facts["replicas"] if node["state"] == "up" and replication(node).get("role") == "slave"]
    return max([0, *(number - offset(new) for number in known)])


def may_lose_bytes(new: Node) -> int | None:
    """About what the master has written since the link to it broke, if it has gone on as on average; None where that is not known."""
    info = new["info"] or {}
    total, uptime = (info.get("stats") or {}).get("total_net_repl_input_bytes"), (info.get("server") or {}).get("uptime_in_seconds")
    seconds = int(replication(new).get("master_link_down_since_seconds") or 0)
    return None if total is None or not uptime or seconds < 0 else round(int(total) / int(uptime) * max(1, seconds))


def has_majority(facts: Mapping[str, Any]) -> bool:
    """Whether more than half of the masters with slots work, as the replica sees them."""
    masters = [row for row in facts["cluster"].get("nodes", []) if "master" in row["flags"] and row["slots"]]
    return 2 * sum(not {"fail", "fail?"} & set(row["flags"]) for row in masters) > len(masters)


def way(facts: Mapping[str, Any]) -> str:
    """How a replica in a cluster takes over: never without a vote where one can be had."""
    return "FORCE" if has_majority(facts) else "TAKEOVER"


def _why(new: Node, others: list[Node]) -> str:
    rest = [node for node in others if not unfit(node)]
    if not rest:
        return "the only replica known that can become the master"
    return f"it has {'the most' if all(offset(node) < offset(new) for node in rest) else 'as much as any'} data, offset {offset(new)}"


def _loss(facts: Mapping[str, Any], new: Node) -> str:
    seconds, about = int(replication(new).get("master_link_down_since_seconds") or 0), may_lose_bytes(new)
    since = f"{seconds} s ago" if seconds >= 0 else "before it was started"
    many = "nobody knows how much" if about is None else f"about {about} bytes by what it wrote on average"
    return (
        f"what {facts['master']['address']} has acknowledged beyond offset {offset(new)} would be lost: its link broke {since}; "
        f"that is what was under way if it died then, and {many} if it has worked on"
    )


def _others(facts: Mapping[str, Any]) -> list[str]:
    """Who shows that the master is not dead, or that another one is there."""
    found = []
    for node in facts["replicas"]:
        section = replication(node)
        if section.get("role") == "slave" and section.get("master_link_status") == "up":
            found.append(f"{node['address']} still hears {facts['master']['address']}: it is not dead for everybody")
        if section.get("role") == "master":
            found.append(f"{node['address']} is a master already, and the others can follow it")
        if node["sentinels"] and facts["mode"] == "plain":
            found.append(f"{node['sentinels']} Sentinels watch {node['address']}: they say who takes over")
    return found


def _plain(facts: Mapping[str, Any], options: Mapping[str, Any]) -> list[str]:
    if options.get("replicas") is None:
        return ["nobody can tell which other replicas the dead master had: name them (replicas), an empty list where there are none"]
    nodes = facts["replicas"]
    found = [
        f"{node['address']} cannot be asked ({node['error']}) and may know more: do not name it to go on without what it knows"
        for node in nodes
        if node["state"] != "up"
    ]
    new = winner(facts, options)
    if is_local(new) and not all(map(is_local, nodes)):
        found.append(f"{new['address']} is an address that the others cannot follow: name it as they reach it (replicas)")
    return found


def is_local(node: Node) -> bool:
    """Whether an address means something else elsewhere."""
    return not node["host"] or str(node["host"]).startswith(LOCAL)


def _cluster(facts: Mapping[str, Any], options: Mapping[str, Any]) -> list[str]:
    if _is_alone(facts):
        return ["what the replica knows of the cluster cannot be read (CLUSTER NODES)"]
    flags: list[str] = next((row["flags"] for row in facts["cluster"]["nodes"] if row["id"] == facts["cluster"]["master_id"]), [])
    if has_majority(facts):
        return (
            []
            if "fail" in flags
            else [f"most masters have not agreed yet that {facts['master']['address']} is gone (cluster-node-timeout)"]
        )
    if not {"fail", "fail?"} & set(flags):
        return [f"the replica does not miss {facts['master']['address']} yet (cluster-node-timeout)"]
    if options.get("takeover"):
        return []
    return [
        "most masters of the cluster are gone, so no vote can be had: bring them back, or, where they are dead for certain and not just "
        "cut off, ask for CLUSTER FAILOVER TAKEOVER (takeover)"
    ]


def _is_alone(facts: Mapping[str, Any]) -> bool:
    return not facts["cluster"].get("nodes") or not facts["cluster"].get("master_id")
