# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The actions that remedies take: which role does one, which playbook runs it, which findings it answers. A table, and how it is read.

A finding names an action here as soon as its playbook is in the tree; until then its advice holds the manual lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._report.text import clean

COLLECTION = "aragora.redis"


@dataclass(frozen=True)
class Action:
    """``role`` holds ``plan``, ``act`` and ``undo`` of the action; ``risk`` is that of the action where a finding names none.

    ``tasks_from`` is the entry point of a role with several actions. ``examines`` are findings that only people mend, and whose cause its
    plan tells. ``can_wait``: it mends what will hurt and does not yet, so a run that was not allowed it has done its work all the same.
    """

    name: str
    role: str
    playbook: str
    risk: str
    findings: tuple[str, ...]
    does: str
    tasks_from: str = "main"
    examines: tuple[str, ...] = ()
    can_wait: bool = False


# In the order in which a plan takes them: what is down first, then what lets it work, then what makes it work well.
ACTIONS: dict[str, Action] = {
    action.name: action
    for action in (
        Action(
            "restart",
            "redis_service",
            "restart",
            "safe",
            ("process_down", "connection_refused", "killed_by_oom"),
            "starts what is down, or restarts it, where that loses no data, and waits until the data is loaded",
        ),
        Action(
            "wait",
            "redis_service",
            "wait_loading",
            "safe",
            ("server_loading",),
            "waits until the data is loaded, and restarts nothing",
            "wait",
        ),
        Action(
            "check_network",
            "redis_network",
            "check_network",
            "guarded",
            ("port_filtered",),
            "says on which hop the way to the server ends, and opens its port in the firewall of its host where that is asked for",
            examines=("name_not_resolved", "host_unreachable", "connection_reset", "latency_network"),
        ),
        Action(
            "failover",
            "redis_failover",
            "failover",
            "guarded",
            ("cluster_down", "cluster_slots_failing"),
            "makes a replica the master in place of one that works, without losing a write, or of a dead one where the loss is accepted",
        ),
        Action(
            "rolling_restart",
            "redis_rolling",
            "rolling_restart",
            "guarded",
            (),
            "restarts every server of a group, one at a time, the master last and as a replica",
        ),
        Action(
            "rolling_upgrade",
            "redis_rolling",
            "rolling_upgrade",
            "guarded",
            (),
            "upgrades every server of a group by the distribution's packages, one at a time, the master last and as a replica",
        ),
        Action(
            "kill_script",
            "redis_latency",
            "kill_script",
            "guarded",
            ("script_running",),
            "ends the script or function that keeps the server busy, where it has written nothing",
            tasks_from="kill_script",
        ),
        Action(
            "heal_replication",
            "redis_replication_heal",
            "heal_replication",
            "guarded",
            (
                "replication_link_down", "replication_auth_mismatch", "replica_serves_nothing", "master_missing",
                "sentinel_master_is_replica", "sentinel_config_readonly", "full_sync_repeated", "replica_writable", "split_brain_window",
            ),
            "puts replicas back at their master, waits for Sentinel while it decides, and sets what replication lacks",
        ),
        Action(
            "tune_memory",
            "redis_memory",
            "tune_memory",
            "guarded",
            (
                "memory_limit_reached", "eviction_impossible", "writes_refused_memory", "memory_high", "memory_exceeds_host",
                "memory_unlimited", "memory_host_pressure", "eviction_active", "eviction_policy_unfit",
            ),
            "sets maxmemory and the policy by the memory of the host and the use of the server, and tidies up",
        ),
        # Beside tune_memory, because nobody has to allow what no client loses anything by.
        Action(
            "tidy_memory",
            "redis_memory",
            "tidy_memory",
            "safe",
            ("expiry_behind", "fragmentation_allocator", "fragmentation_resident", "eviction_latency", "defrag_latency"),
            "defragments for a while, gives freed pages back, frees large values in the background, and lets expired keys go faster",
            tasks_from="tidy_memory",
        ),
        Action(
            "tune_clients",
            "redis_clients",
            "tune_clients",
            "guarded",
            (
                "clients_exhausted", "clients_rejected", "clients_leaking", "clients_high", "clients_idle", "client_buffers_large",
                "keepalive_off",
            ),
            "makes room for connections, and closes those that a leaking client has left idle",
        ),
        Action(
            "slow_commands",
            "redis_latency",
            "slow_commands",
            "guarded",
            ("slow_command_keys", "monitor_attached"),
            "takes KEYS from the application that calls it, closes MONITOR, and watches the server for a while",
        ),
        Action(
            "restart_application",
            "redis_verify",
            "restart_application",
            "guarded",
            ("application_not_ready",),
            "restarts the application where it says that Redis is not well although it is, and waits until it is ready",
            "restart",
        ),
        Action(
            "tune_pools",
            "redis_pools",
            "tune_pools",
            "guarded",
            ("application_pools_large",),
            "bounds the connection pools of the application in its environment file, and restarts it",
        ),
        Action(
            "prevent",
            "redis_hardening",
            "prevent",
            "guarded",
            (
                "overcommit_off", "transparent_huge_pages", "backlog_short", "file_limit_low", "dangerous_commands_allowed",
                "config_not_persisted",
            ),
            "sets what was missed when the server was set up: kernel, open files, users, memory limit, and what the file holds",
            can_wait=True,
        ),
        # Nobody but people decides how many servers there are.
        Action(
            "migrate_to_sentinel",
            "redis_sentinel",
            "migrate_to_sentinel",
            "guarded",
            (),
            "makes a lone master, while it works, the master of a group that fails over by itself",
            tasks_from="migrate_to_sentinel",
        ),
        Action(
            "add_replica",
            "redis_sentinel",
            "add_replica",
            "guarded",
            (),
            "has new hosts of the inventory join the group, as replicas and with their Sentinels",
            tasks_from="add_replica",
        ),
        Action(
            "remove_replica",
            "redis_sentinel",
            "remove_replica",
            "guarded",
            (),
            "stops a replica for good, and has the Sentinels forget it, one after the other",
            tasks_from="remove_replica",
        ),
        # What people ask for, with a variable for what is lost.
        Action(
            "restore",
            "redis_restore",
            "restore",
            "guarded",
            (),
            "puts a backup back in place of what the server holds, after it was loaded elsewhere and counted",
        ),
        Action(
            "flush",
            "redis_flush",
            "flush",
            "guarded",
            (),
            "deletes the keys of a pattern, or of one database, after a backup",
        ),
        Action(
            "fallback_disable",
            "redis_fallback",
            "fallback_disable",
            "guarded",
            ("application_fallback_active",),
            "lets the application use Redis again, once Redis has answered as a master for a while",
            tasks_from="back",
        ),
    )
}  # fmt: skip
# Which action answers a finding.
ANSWERS = {finding: action.name for action in ACTIONS.values() for finding in action.findings}
# Which action tells people more of a finding that is theirs.
EXAMINES = {finding: action.name for action in ACTIONS.values() for finding in action.examines}


def remedy(finding_id: str, risk: str) -> dict[str, Any] | None:
    """The ``remedy`` of a finding: ``{action, playbook, extra_vars, risk}``, None where no playbook mends it.

    With the risk ``human`` it is the playbook that people should call, and nobody else.
    """
    action = ACTIONS.get((EXAMINES if risk == "human" else ANSWERS).get(finding_id, ""))
    if not action:
        return None
    return {"action": action.name, "playbook": f"{COLLECTION}.{action.playbook}", "extra_vars": {}, "risk": risk}


def action(name: str) -> dict[str, Any]:
    """``{name, role, playbook, risk, findings, does}`` of an action. ValueError names an unknown one and lists the known."""
    found = ACTIONS.get(name)
    if not found:
        raise ValueError(f"there is no action '{name}': choose from {', '.join(ACTIONS)}")
    return {
        "name": found.name, "role": f"{COLLECTION}.{found.role}", "playbook": found.playbook, "risk": found.risk,
        "findings": [*found.findings, *found.examines], "does": found.does,
    }  # fmt: skip


def names(allowed: Any) -> list[str]:
    """The actions that somebody allows: a list, or one text as a command line gives it, ``tune_memory,restart`` or ``[tune_memory]``."""
    words = allowed.strip().removeprefix("[").removesuffix("]").replace(",", " ").split() if isinstance(allowed, str) else allowed or []
    if not isinstance(words, (list, tuple)):
        raise ValueError(f"{words!r} is no list of actions: choose from {', '.join(ACTIONS)}")
    return [str(word).strip("'\"") for word in words]


def ordered(findings: Sequence[Mapping[str, Any]], allowed: Sequence[str]) -> list[dict[str, Any]]:
    """The plan for one server, each action once, as in the table.

    ``[{action, role, tasks_from, risk, findings: [id], named, allowed, why}]``, ``named`` where ``allowed`` has it. An action that is named
    for several findings has the smallest risk of theirs, because it is the same action. ValueError where ``allowed`` names an action that
    does not exist.
    """
    for name in allowed:
        action(name)
    wanted: dict[str, list[Mapping[str, Any]]] = {}
    for finding in findings:
        if not _is_for_people(finding):
            wanted.setdefault(finding["remedy"]["action"], []).append(finding)
    rows = []
    for name, found in ACTIONS.items():
        if name in wanted:
            risks = {finding["remedy"]["risk"] for finding in wanted[name]}
            risk = "safe" if risks == {"safe"} else "guarded"
            may, is_named = risk == "safe" or name in allowed, name in allowed
            why = "" if may else f"{name} is guarded: allow it with redis_remediation_allow=[{name}]"
            ids = [finding["id"] for finding in wanted[name]]
            rows.append(
                {
                    "action": name, "role": f"{COLLECTION}.{found.role}", "tasks_from": found.tasks_from, "risk": risk, "findings": ids,
                    "named": is_named, "allowed": may, "why": why,
                }
            )  # fmt: skip
    return rows


def sentences(plan: Sequence[Mapping[str, Any]]) -> list[str]:
    """The plan for people."""
    return [
        f"{row['action']} ({row['risk']}) for {', '.join(row['findings'])}: {ACTIONS[row['action']].does}"
        + ("" if row["allowed"] else f"; not now: {row['why']}")
        for row in plan
    ]


def left(plan: Sequence[Mapping[str, Any]], findings: Sequence[Mapping[str, Any]], target: str, now: str) -> list[dict[str, Any]]:
    """Rows of the timeline for what nobody has answered: actions that were not allowed, and findings that only people can mend.

    What hurts users now is escalated; of what will hurt them the run says that it has not mended it.
    """
    loud = {finding["id"] for finding in findings}
    always = {"at": now, "ended_at": now, "target": target, "steps": []}
    rows = [
        {**always, "action": row["action"], "risk": row["risk"], "findings": row["findings"], "state": state, "why": row["why"]}
        for row in plan
        for state in ("mitigated" if ACTIONS[row["action"]].can_wait else "refused",)
        # What only deserves a notice is refused to nobody.
        if not row["allowed"] and loud & set(row["findings"])
    ]
    explained = {name for finding in findings for name in finding.get("explains") or []}
    human = [finding for finding in findings if _is_for_people(finding) and finding["id"] not in explained]
    if human:
        why = "; ".join(clean(finding["title"]) for finding in human[:3])
        ids = [finding["id"] for finding in human]
        state = "escalated" if any(finding["severity"] == "critical" for finding in human) else "mitigated"
        rows.append({**always, "action": "people", "risk": "human", "findings": ids, "state": state, "why": why})
    return rows


def _is_for_people(finding: Mapping[str, Any]) -> bool:
    return not finding.get("remedy") or finding["remedy"]["risk"] == "human"
