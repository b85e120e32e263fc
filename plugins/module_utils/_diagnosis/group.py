# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about servers that replicate each other, over the snapshots of one run: what no server can tell alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Missing, Verdict, count
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.group_rule import LOOK, SENTINEL_DOCS, GroupRule, Verdicts
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.high_availability import quorums, sentinels
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.membership import UNKNOWN_ID, Member

# What a replica should have as its master has it, because it may be the master tomorrow.
SETTINGS = (
    "maxmemory", "maxmemory-policy", "save", "appendonly", "appendfsync", "maxclients", "timeout", "databases",
    "min-replicas-to-write", "repl-backlog-size", "client-output-buffer-limit", "notify-keyspace-events",
)  # fmt: skip

# As many members as evidence shows.
SHOWN = 10


def _several(members: Sequence[Member]) -> Sequence[Member]:
    """The members, where there is more than one to compare; Sentinels hold no data."""
    if len(members) - len(sentinels(members)) < 2:
        raise Missing("another server of its group")
    return members


def _masters(members: Sequence[Member]) -> list[Member]:
    """The masters; one that was asked by several names is one."""
    return list({member.identity: member for member in members if member.is_master}.values())


def _masters_many(members: Sequence[Member]) -> Verdicts:
    masters = _masters(_several(members))
    if len(masters) < 2:
        return {}
    named = {guard.name: [f"{master.get('ip')}:{master.get('port')}" for master in guard.watched] for guard in sentinels(members)}
    evidence = {"masters": {member.name: _history(member) for member in masters[:SHOWN]}, **({"sentinels_name": named} if named else {})}
    advice = (
        "Stop and ask which of them the applications write to: the one that becomes a replica loses whatever only it was told.",
        "Their histories stand above: of two that have one in common, the one without second_history was the master all along.",
        LOOK,
        "Nothing mends this by itself. When it is clear: REPLICAOF <host> <port> of the true master, on the other one.",
        "If one was merely started from a backup of the other, give each a redis_group of its own.",
    )
    verdict = Verdict("critical", f"{len(masters)} masters in one group: {_names(masters[:SHOWN])}", evidence, advice)
    return dict.fromkeys((place for place, member in enumerate(members) if member.is_master), verdict)


def _master_missing(members: Sequence[Member]) -> Verdicts:
    replicas = {place: member for place, member in enumerate(_several(members)) if member.is_replica}
    cut_off = all(member.replication.get("master_link_status") == "down" for member in replicas.values())
    if not replicas or not cut_off or any(member.is_master for member in members):
        return {}
    asked = quorums(members)
    best = max(replicas.values(), key=lambda member: count(member.replication, "slave_repl_offset"))
    evidence = {
        "replicas": {
            member.name: {
                "offset": count(member.replication, "slave_repl_offset"),
                "master": f"{member.replication.get('master_host')}:{member.replication.get('master_port')}",
                "priority": count(member.replication, "slave_priority"),
            }
            for member in replicas.values()
        },
        **({"sentinels": asked} if asked else {}),
    }
    advice = (
        _patience(asked),
        f"Otherwise bring the master back, or promote the replica that knows most: {best.name}.",
        LOOK,
    )
    verdict = Verdict("critical", f"No master in the group of {_names(members)}", evidence, advice)
    return dict.fromkeys(replicas, verdict)


def _patience(asked: Mapping[str, str]) -> str:
    """Whether to wait for the Sentinels, by what they say of their quorum."""
    if not asked:
        return "Where Sentinels watch the group, wait: they promote a replica while they have a quorum."
    if any(text.startswith("OK") for text in asked.values()):
        return "Wait: the Sentinels have a quorum and promote a replica."
    return "The Sentinels have lost their quorum and promote nobody: bring them back, or act by hand."


def _settings_differ(members: Sequence[Member]) -> Verdicts:
    return _differing(
        members,
        _settings,
        "settings",
        "The replica is set otherwise than its master: {names}",
        ("After a failover these would hold. Set them alike, or know why they differ:", "$ {cli} config get '*'"),
    )


def _versions_differ(members: Sequence[Member]) -> Verdicts:
    return _differing(
        members,
        _version,
        "versions",
        "The replica runs another version than its master",
        ("A replica may be newer than its master, for an upgrade; one that is older may not understand what it is sent.",),
    )


def _differing(
    members: Sequence[Member], told_by: Callable[[Member], dict[str, str]], what: str, title: str, advice: tuple[str, ...]
) -> Verdicts:
    """A notice for each replica that tells otherwise than the one master of its group, about what both tell."""
    masters = _masters(_several(members))
    found: Verdicts = {}
    for place, member in enumerate(members):
        if len(masters) != 1 or not member.is_replica:
            continue
        here, there = told_by(member), told_by(masters[0])
        names = [name for name in here if name in there and here[name] != there[name]]
        if names:
            evidence = {what: {name: {member.name: here[name], masters[0].name: there[name]} for name in names}}
            found[place] = Verdict("notice", title.replace("{names}", ", ".join(names)), evidence, advice)
    return found


def _settings(member: Member) -> dict[str, str]:
    config, auth = member.snapshot.get("config"), member.snapshot.get("auth")
    told = {name: str(config[name]) for name in SETTINGS if name in config} if isinstance(config, Mapping) else {}
    return {**told, "requirepass": "set" if auth["requirepass_set"] else "not set"} if isinstance(auth, Mapping) else told


def _version(member: Member) -> dict[str, str]:
    server = member.snapshot.get("server") or {}
    return {"version": f"{server.get('product')} {server.get('version')}"} if server.get("version") else {}


def _history(member: Member) -> dict[str, Any]:
    told = member.replication
    second = told.get("master_replid2")
    forked = {"second_history": second, "until_offset": told.get("second_repl_offset")} if second not in (None, UNKNOWN_ID) else {}
    facts = {"history": told.get("master_replid"), "offset": count(told, "master_repl_offset"), **forked}
    return {**facts, "replicas": count(told, "connected_slaves")}


def _names(members: Any) -> str:
    return ", ".join(member.name for member in members)


RULES = (
    GroupRule(
        "masters_many",
        "replication",
        "more than one master in one group",
        "critical",
        "human",
        _masters_many,
        ("replicas_missing", "no_high_availability"),
    ),
    GroupRule(
        "master_missing",
        "replication",
        "no master in the group, and every replica is cut off",
        "critical",
        "guarded",
        _master_missing,
        ("replication_link_down", "replica_serves_nothing", "writes_refused_readonly"),
        SENTINEL_DOCS,
    ),
    GroupRule("settings_differ", "configuration", "settings of a replica differ from its master's", "notice", "human", _settings_differ),
    GroupRule("versions_differ", "configuration", "a replica runs another version than its master", "notice", "human", _versions_differ),
)
