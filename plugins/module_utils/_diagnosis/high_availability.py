# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about groups that Sentinels watch: whether these agree, and whether what they watch would survive a failover."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Missing, Verdict, count
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.group_rule import LOOK, SENTINEL_DOCS, GroupRule, Verdicts
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.membership import UNKNOWN_ID, Member

MANY = 2


def sentinels(members: Sequence[Member]) -> list[Member]:
    """Those of a group."""
    return [member for member in members if member.is_sentinel]


def quorums(members: Sequence[Member]) -> dict[str, str]:
    """{Sentinel: what it says of its quorum}, of the Sentinels of a group that were asked."""
    checks = {member.name: [master.get("quorum_check") or {} for master in member.watched] for member in sentinels(members)}
    return {name: str(check["text"]) for name, asked in checks.items() for check in asked if check.get("text")}


def _disagree(members: Sequence[Member]) -> Verdicts:
    guards = {place: member for place, member in enumerate(members) if member.is_sentinel}
    if len(guards) == 1:
        raise Missing("another Sentinel of its group")
    told: dict[str, dict[str, Mapping[str, Any]]] = {}
    for member in guards.values():
        for master in member.watched:
            # The one that leads a failover has not arrived yet.
            if "failover_in_progress" not in master["flags"]:
                told.setdefault(str(master["name"]), {})[member.name] = master
    quarrels = {name: views for name, views in told.items() if not _is_one(list(views.values()))}
    if not quarrels:
        return {}
    evidence = {name: {guard: _naming(master) for guard, master in views.items()} for name, views in quarrels.items()}
    first = shlex.quote(next(iter(quarrels)))
    advice = (
        "Clients write to two servers, and what one of them was told is lost. Find the true master among those named above:",
        "$ redis-cli -h HOST -p PORT info replication",
        "Right after a failover they agree within seconds: look again. Where they do not, tell those that are wrong, one by one:",
        f"$ {{cli}} sentinel remove {first}",
        f"$ {{cli}} sentinel monitor {first} IP PORT QUORUM",
    )
    verdict = Verdict("critical", f"The Sentinels name different masters: {', '.join(quarrels)}", evidence, advice)
    involved = {name for views in quarrels.values() for name in views}
    return {place: verdict for place, member in guards.items() if member.name in involved}


def _naming(master: Mapping[str, Any]) -> dict[str, Any]:
    return {"address": f"{master['ip']}:{master['port']}", "config_epoch": master.get("config-epoch")}


def _is_one(views: Sequence[Mapping[str, Any]]) -> bool:
    """Whether all name the same server: by its address, or by its run id where it has several addresses."""
    runs = {master.get("runid") or "" for master in views}
    return len({(master["ip"], master["port"]) for master in views}) == 1 or (len(runs) == 1 and "" not in runs)


def _split_brain_window(members: Sequence[Member]) -> Verdicts:
    found: Verdicts = {}
    for place, member in enumerate(members):
        watching = _watching(member, members) if member.is_master else 0
        if not watching or not _takes_writes_alone(member):
            continue
        replicas = count(member.replication, "connected_slaves")
        advice: tuple[str, ...]
        settings = {name: int(member.snapshot["config"].get(name, 0)) for name in ("min-replicas-to-write", "min-replicas-max-lag")}
        evidence = {**settings, "replicas": replicas, "sentinels": watching}
        if replicas >= MANY:
            advice = (
                "Cut off from the others, this master would take writes that a failover throws away. Let it stop when no replica hears it:",
                "$ {cli} config set min-replicas-to-write 1",
                "$ {cli} config set min-replicas-max-lag 10",
                "The replicas need the same, for the day of their promotion.",
            )
            severity = "warning"
        else:
            advice = (
                "With one replica, min-replicas-to-write 1 would stop all writes at its loss. Add a second one, then set it.",
                LOOK,
            )
            severity = "notice"
        title = "A master that is cut off goes on taking writes, which a failover throws away"
        found[place] = Verdict(severity, title, evidence, advice)
    return found


def _takes_writes_alone(member: Member) -> bool:
    """Whether a master takes writes that no replica hears."""
    config = member.snapshot.get("config")
    if not isinstance(config, Mapping) or "min-replicas-to-write" not in config:
        raise Missing("config.min-replicas-to-write")
    return 0 in (int(config["min-replicas-to-write"]), int(config.get("min-replicas-max-lag", 1)))


def _watching(member: Member, members: Sequence[Member]) -> int:
    """How many Sentinels watch a master: those of the run, or those it counts among its clients. Raises Missing where nobody knows."""
    clients = member.snapshot.get("clients")
    counted = clients.get("sentinels") if isinstance(clients, Mapping) else None
    present = len(sentinels(members))
    if counted is None and not present:
        raise Missing("clients.sentinels")
    return max(present, counted or 0)


def _replicas_missing(members: Sequence[Member]) -> Verdicts:
    masters = {place: member for place, member in enumerate(members) if member.is_master}
    wanted = {place: _wanted(member, members) for place, member in masters.items()}
    nobody_said = all(member.expected_replicas is None for member in members)
    if nobody_said and not any(number for number, dummy in wanted.values()):
        raise Missing("redis_expected_replicas")
    found: Verdicts = {}
    for place, member in masters.items():
        online = sum(_is_online(value) for name, value in member.replication.items() if name.startswith("slave"))
        expected, by = wanted[place]
        if online >= expected:
            continue
        lost = _lost_replicas(members)
        evidence = {
            "online": online,
            "expected": expected,
            "expected_by": by,
            "connected_slaves": count(member.replication, "connected_slaves"),
            **({"lost": lost} if lost else {}),
            **_promotion(member, members),
        }
        advice: tuple[str, ...] = ("A failover has less to choose from, or nothing. Look for the replicas that are not there:", LOOK)
        if lost and by == "Sentinel":
            advice += ("Those that are gone for good are forgotten by a reset, on one Sentinel after the other: SENTINEL RESET <name>.",)
        after = " after a failover to this server" if "failed_over" in evidence else ""
        found[place] = Verdict("warning", f"{online} of {expected} replicas are online{after}", evidence, advice)
    return found


def _wanted(member: Member, members: Sequence[Member]) -> tuple[int, str]:
    """(replicas that a master should have, who says so): the inventory, what Sentinels have known, or that writes need one."""
    if member.expected_replicas is not None:
        return member.expected_replicas, "redis_expected_replicas"
    known = [count(master, "num-slaves") for guard in sentinels(members) for master in guard.watched]
    clients, config = member.snapshot.get("clients"), member.snapshot.get("config")
    if known or count(clients, "sentinels"):
        return max([1, *known]), "Sentinel"
    needed = str(config.get("min-replicas-to-write")) if isinstance(config, Mapping) else ""
    return (1, "min-replicas-to-write") if needed.isdigit() and int(needed) > 0 else (0, "")


def _lost_replicas(members: Sequence[Member]) -> list[str]:
    """Addresses of the replicas that a Sentinel misses."""
    return sorted(
        {
            f"{replica.get('ip')}:{replica.get('port')}"
            for guard in sentinels(members)
            for master in guard.watched
            for replica in master.get("replicas") or []
            if {"s_down", "o_down", "disconnected"} & set(replica.get("flags") or [])
        }
    )


def _promotion(member: Member, members: Sequence[Member]) -> dict[str, Any]:
    """That a master was a replica before, and that Sentinels made it what it is."""
    epochs = [count(master, "config-epoch") for guard in sentinels(members) for master in guard.watched]
    was_replica = member.replication.get("master_replid2") not in (None, UNKNOWN_ID)
    return {"failed_over": True, "config_epoch": max(epochs)} if was_replica and any(epochs) else {}


def _is_online(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get("state") == "online"


RULES = (
    GroupRule(
        "replicas_missing",
        "replication",
        "fewer replicas online than redis_expected_replicas or Sentinel knows of, or none where Sentinel or min-replicas-to-write wants it",
        "warning",
        "guarded",
        _replicas_missing,
        ("no_high_availability", "no_failover_candidate"),
    ),
    GroupRule(
        "sentinel_disagree",
        "replication",
        "Sentinels name different masters",
        "critical",
        "human",
        _disagree,
        ("sentinel_master_is_replica", "no_failover_candidate"),
        SENTINEL_DOCS,
    ),
    GroupRule(
        "split_brain_window",
        "replication",
        "Sentinels watch, and min-replicas-to-write or min-replicas-max-lag is 0, with ≥ 2 replicas; a notice with fewer",
        "warning/notice",
        "guarded",
        _split_brain_window,
        (),
        SENTINEL_DOCS,
    ),
)
