# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a planned switchover may begin, who would win it and why, in sentences. Pure.

A node: ``{address, host, port, state, error, info, config, auth, sentinels}`` (see ``_failover_facts``). The facts:
``{mode, master: node, replicas: [node], agreement, views, cluster}``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Node = Mapping[str, Any]
MODES = ("sentinel", "plain", "cluster")
MIB = 1024 * 1024
# Replicas of Redis that do not say: the server's own default.
PRIORITY = 100
# Of the time after which Sentinels take a silent master for down. A pause blocks their PUBLISH, and the PING behind it.
SHARE_OF_DOWN_AFTER = 0.8
LONGEST_PAUSE_MS = 5_000
WAYS = {
    "sentinel": "SENTINEL FAILOVER",
    "plain": "FAILOVER TO, at the master",
    "cluster": "CLUSTER FAILOVER, at the replica",
}


def replication(node: Node) -> Mapping[str, Any]:
    """INFO's section, empty where it is not known."""
    return (node.get("info") or {}).get("replication") or {}


def offset(node: Node) -> int:
    """What a replica has processed, or a master has written."""
    section = replication(node)
    return int(section.get("slave_repl_offset" if section.get("role") == "slave" else "master_repl_offset") or 0)


def priority(node: Node) -> int:
    """The replica's priority; nobody is promoted with 0."""
    return int(replication(node).get("slave_priority", PRIORITY))


def run_id(node: Node) -> str:
    """Changes with each start."""
    return str(((node.get("info") or {}).get("server") or {}).get("run_id") or "")


def unfit(node: Node, master: Node, most_lag: int) -> str | None:
    """Why a replica cannot become the master, None where it can."""
    section = replication(node)
    if node["state"] != "up":
        return f"it cannot be asked: {node['error']}"
    if section.get("role") != "slave":
        return f"its role is {section.get('role')}"
    if priority(node) == 0:
        return "its priority is 0"
    if section.get("master_sync_in_progress"):
        return "it is being synchronised"
    if section.get("master_link_status") != "up":
        return f"its link to the master is {section.get('master_link_status')}"
    behind = offset(master) - offset(node)
    return f"it is {behind / MIB:.1f} MiB behind" if behind > most_lag else None


def ranked(replicas: Sequence[Node], master: Node, most_lag: int) -> list[Node]:
    """Those that can become the master, in Sentinel's own order: smallest priority, then greatest offset, then smallest run id."""
    fit = [node for node in replicas if not unfit(node, master, most_lag)]
    return sorted(fit, key=lambda node: (priority(node), -offset(node), run_id(node).lower()))


def why(winner: Node, others: Sequence[Node]) -> str:
    """Why it wins, in the order in which it is decided."""
    rest = [node for node in others if node is not winner]
    if not rest:
        return "the only replica that can become the master"
    if all(priority(node) > priority(winner) for node in rest):
        return f"it has the smallest priority, {priority(winner)}"
    same = [node for node in rest if priority(node) == priority(winner)]
    if all(offset(node) < offset(winner) for node in same):
        return f"of those with priority {priority(winner)} it has the most data, offset {offset(winner)}"
    return (
        f"of those with priority {priority(winner)} and the same data it has the smallest run id; that order may change with the next write"
    )


def refusals(facts: Mapping[str, Any], options: Mapping[str, Any]) -> list[str]:
    """Sentences why a switchover may not begin now; empty when it may."""
    master = facts["master"]
    found = [] if facts["mode"] != "sentinel" else _sentinels(facts, options)
    if master is None or master["state"] != "up":
        gone = f"the master cannot be asked: {master['error']}" if master else "nobody knows a master"
        return [*found, f"{gone}; a planned switchover needs it alive"]
    found += _master(facts, master)
    lag = options["max_lag_bytes"]
    fit = ranked(facts["replicas"], master, lag)
    if not fit:
        reasons = [f"{node['address']}: {unfit(node, master, lag)}" for node in facts["replicas"]]
        return [*found, "no replica can become the master: " + ("; ".join(reasons) or f"{master['address']} has none")]
    if facts["mode"] == "sentinel":
        found += _electable(facts, lag)
    wanted = options.get("candidate")
    if wanted and wanted not in [node["address"] for node in fit]:
        reason = next((unfit(node, master, lag) for node in facts["replicas"] if node["address"] == wanted), "it is no replica of it")
        found.append(f"{wanted} cannot become the master: {reason}")
    elif wanted and facts["mode"] == "sentinel" and winner(facts, options)["address"] != wanted:
        best = fit[0]
        found.append(
            f"Sentinels choose the new master by themselves, and would take {best['address']}, {why(best, fit)}: give {wanted} the "
            "smallest replica-priority to have it chosen"
        )
    if master["auth"]["masterauth_set"] is False and any(node["auth"]["requirepass_set"] for node in fit):
        found.append(f"{master['address']} has no masterauth, and could not follow a new master that wants a password: set it first")
    return found


def winner(facts: Mapping[str, Any], options: Mapping[str, Any]) -> Node:
    """Who would become the master. LookupError where nobody can."""
    fit = ranked(facts["replicas"], facts["master"], options["max_lag_bytes"])
    chosen = [node for node in fit if node["address"] == options.get("candidate")] if facts["mode"] != "sentinel" else []
    return (chosen or fit)[0]


def plan(facts: Mapping[str, Any], options: Mapping[str, Any]) -> list[str]:
    """What would be done, one sentence each."""
    new, old = winner(facts, options), facts["master"]
    fit = ranked(facts["replicas"], old, options["max_lag_bytes"])
    asked = options.get("candidate") == new["address"] and facts["mode"] != "sentinel"
    reason = "as it was asked for" if asked else why(new, fit)
    steps = [f"{new['address']} would become the master in place of {old['address']}: {reason}"]
    if facts["mode"] == "sentinel":
        steps.append(
            f"hold writes on {old['address']} for {pause_ms(facts, options)} ms at most (CLIENT PAUSE), wait until the replicas have them "
            f"all, and let {facts['views'][0]['address']} fail over ({WAYS['sentinel']})"
        )
        steps.append(
            f"make {old['address']} a replica before it takes writes again, and wait until all {len(facts['views'])} Sentinels agree"
        )
    else:
        steps.append(f"switch by {WAYS[facts['mode']]}, which holds writes until the replica has them all")
        steps.append(f"wait until {old['address']} is a replica of {new['address']}")
    return steps


def pause_ms(facts: Mapping[str, Any], options: Mapping[str, Any]) -> int:
    """For how long writes may be held: less than the time after which any Sentinel takes the master for down."""
    limits = [master["down_after_ms"] for view in facts["views"] for master in view["masters"] if master["name"] == facts["name"]]
    most = int(SHARE_OF_DOWN_AFTER * min(limits, default=LONGEST_PAUSE_MS))
    return min(most, int(options.get("pause_ms") or LONGEST_PAUSE_MS))


def lost_bytes(old_offset: int, new_replication: Mapping[str, Any]) -> int:
    """What the old master has written beyond the place where the new one's history begins; 0 where nothing can be lost."""
    branch = int(new_replication.get("second_repl_offset") or -1)
    return max(0, old_offset - (branch - 1)) if branch > 0 else 0


def _sentinels(facts: Mapping[str, Any], options: Mapping[str, Any]) -> list[str]:
    told = facts["agreement"]
    found = list(told["differences"]) or ([] if told["address"] else ["no Sentinel tells of a master"])
    ages = [master["role_reported_ms"] for view in facts["views"] for master in view["masters"] if master["name"] == facts["name"]]
    age = min((number for number in ages if isinstance(number, int)), default=None)
    if age is not None and age < 1000 * options["cooldown"]:
        found.append(
            f"the Sentinels have known this master for {age // 1000} s only; the next switchover may come after {options['cooldown']:g} s "
            "(cooldown)"
        )
    return found


def _electable(facts: Mapping[str, Any], most_lag: int) -> list[str]:
    """A Sentinel may take any replica that it holds for fit: each of those must be one that loses nothing."""
    nodes = {node["address"]: node for node in facts["replicas"]}
    found = []
    for row in facts["views"][0]["masters"][0]["replicas"] or []:
        trouble = {"s_down", "o_down", "disconnected"} & set(row["flags"])
        reason = unfit(nodes[row["address"]], facts["master"], most_lag) if row["address"] in nodes else "it is unknown to us"
        if not trouble and row["priority"] != 0 and reason:
            found.append(f"the Sentinels may choose {row['address']}, which must not become the master: {reason}")
    return found


def _master(facts: Mapping[str, Any], master: Node) -> list[str]:
    section, persistence = replication(master), (master["info"] or {}).get("persistence") or {}
    found = []
    if section.get("role") != "master":
        return [f"{master['address']} is named as the master, and its role is {section.get('role')}"]
    if persistence.get("loading"):
        found.append("the master loads its data")
    for field, words in (("rdb_bgsave_in_progress", "a save"), ("aof_rewrite_in_progress", "a rewrite of the AOF")):
        found += [f"{words} is running on {node['address']}" for node in (master, *facts["replicas"]) if _persistence(node).get(field)]
    rows = [row for name, row in section.items() if name.startswith("slave") and isinstance(row, Mapping)]
    states = sorted({str(row.get("state")) for row in rows} - {"online"})
    if states:
        found.append(f"a replica of {master['address']} is being synchronised ({', '.join(states)})")
    if section.get("master_failover_state", "no-failover") != "no-failover":
        found.append(f"a failover is going on at {master['address']} ({section['master_failover_state']})")
    if master["config"].get("replica-read-only") == "no":
        found.append(f"{master['address']} would take writes as a replica (replica-read-only no): writes that wait would be lost")
    if facts["mode"] == "plain" and master["sentinels"]:
        watched = f"{master['sentinels']} Sentinels watch {master['address']}"
        found.append(f"{watched}, and FAILOVER would fight with them: give sentinels (redis_failover_sentinels)")
    if facts["mode"] != "cluster" and _in_cluster(master):
        found.append(f"{master['address']} is a node of a cluster: leave out mode, or set it to cluster")
    if facts["mode"] == "cluster":
        state = facts["cluster"].get("cluster_state")
        found += [] if state == "ok" else [f"the state of the cluster is {state}"]
    return found


def _persistence(node: Node) -> Mapping[str, Any]:
    return (node.get("info") or {}).get("persistence") or {}


def _in_cluster(node: Node) -> bool:
    return bool(((node.get("info") or {}).get("cluster") or {}).get("cluster_enabled"))
