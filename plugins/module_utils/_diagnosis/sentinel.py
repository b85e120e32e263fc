# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about what one Sentinel knows: whether it names the right master, and whether there are enough of its kind to act."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts, Missing, Rule, Verdict, count

DOCS = "https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/"
LOOK = "$ {cli} sentinel masters"
# What no Sentinel promotes.
GONE = {"s_down", "o_down", "disconnected"}
# Of many masters that are ill alike, some are enough.
SHOWN = 10

Master = Mapping[str, Any]


def is_sentinel(facts: Facts) -> bool:
    """Whether the snapshot is that of a Sentinel."""
    return bool(facts.get("server.mode") == "sentinel")


def names(masters: Sequence[Master]) -> str:
    """Some names of masters, for a title."""
    return ", ".join(str(master["name"]) for master in masters[:3]) + (" …" if len(masters) > 3 else "")


def address(instance: Master) -> str:
    """``ip:port`` as Sentinel knows it."""
    return f"{instance.get('ip')}:{instance.get('port')}"


def asked(facts: Facts, detail: str) -> list[Master]:
    """The masters of which a detail is known. Raises Missing where there are masters and it is known of none."""
    masters = facts.get("sentinel.masters")
    known = [master for master in masters if master.get(detail) is not None]
    if masters and not known:
        raise Missing(f"sentinel.masters: {detail}")
    return known


def _master_is_replica(facts: Facts) -> Verdict | None:
    if not is_sentinel(facts):
        return None
    patience = facts.limit("sentinel_role_down_afters")
    found = [
        master
        for master in facts.get("sentinel.masters")
        if master["role-reported"] == "slave" and master["role-reported-time"] > patience * master["down-after-milliseconds"]
    ]
    if not found:
        return None
    evidence = {
        master["name"]: {"address": address(master), "a_replica_for_seconds": round(master["role-reported-time"] / 1000)}
        for master in found[:SHOWN]
    }
    name, place = shlex.quote(str(found[0]["name"])), f"-h {shlex.quote(str(found[0]['ip']))} -p {count(found[0], 'port')}"
    advice = (
        "Clients that ask Sentinel are sent to a server that refuses writes. Find out which server takes them:",
        f"$ redis-cli {place} info replication",
        "Was it made a replica by mistake, and has no other server taken its place? Then let it be the master again:",
        f"$ redis-cli {place} replicaof no one",
        "Is another one the master? Then tell each Sentinel in turn, with that server's address:",
        f"$ {{cli}} sentinel remove {name}",
        f"$ {{cli}} sentinel monitor {name} IP PORT {count(found[0], 'quorum')}",
    )
    return Verdict("critical", f"The master that Sentinel names is a replica: {names(found)}", evidence, advice)


def _sentinels_few(facts: Facts) -> Verdict | None:
    if not is_sentinel(facts):
        return None
    few, even = [], []
    for master in facts.get("sentinel.masters"):
        known = master["num-other-sentinels"] + 1
        if known < facts.limit("sentinels_few"):
            few.append(master)
        elif known % 2 == 0:
            even.append(master)
    found = few or even
    if not found:
        return None
    evidence = {
        master["name"]: {"sentinels": master["num-other-sentinels"] + 1, "quorum": master.get("quorum")} for master in found[:SHOWN]
    }
    advice: tuple[str, ...]
    if few:
        advice = (
            "Two cannot outvote the loss of one: start Sentinels on more hosts, three in all, none beside another.",
            "Or has it not met the others? All must watch the same master under the same name, and reach each other:",
            f"$ {{cli}} sentinel sentinels {shlex.quote(str(found[0]['name']))}",
        )
        return Verdict("warning", f"Fewer than {facts.limit('sentinels_few'):g} Sentinels watch {names(found)}", evidence, advice)
    advice = ("An even number bears the loss of no more of them than the odd number below it: add one, or take one away.", LOOK)
    return Verdict("notice", f"An even number of Sentinels watches {names(found)}", evidence, advice)


def _quorum_lost(facts: Facts) -> Verdict | None:
    if not is_sentinel(facts):
        return None
    found = [master for master in asked(facts, "quorum_check") if not master["quorum_check"]["ok"]]
    if not found:
        return None
    evidence = {
        master["name"]: {
            "says": master["quorum_check"]["text"],
            "quorum": master.get("quorum"),
            "sentinels": count(master, "num-other-sentinels") + 1,
            "down": [address(other) for other in master.get("sentinels") or [] if GONE & set(other["flags"])],
        }
        for master in found[:SHOWN]
    }
    name = shlex.quote(str(found[0]["name"]))
    advice = (
        "Should the master be lost now, no replica would be promoted. Bring the Sentinels back that are down:",
        f"$ {{cli}} sentinel sentinels {name}",
        f"$ {{cli}} sentinel ckquorum {name}",
        "Those that are gone for good are forgotten by a reset, one Sentinel after the other, half a minute apart:",
        f"$ {{cli}} sentinel reset {name}",
    )
    return Verdict("critical", f"The Sentinels could not fail over {names(found)}: too few of them answer", evidence, advice)


def _tilt(facts: Facts) -> Verdict | None:
    if not is_sentinel(facts) or not facts.get("sentinel.tilt"):
        return None
    seconds = facts.get_or("sentinel.tilt_seconds", None)
    evidence = {"tilt": True, **({} if seconds is None else {"tilt_seconds": seconds})}
    advice = (
        "It was stopped or its clock has jumped; it fails nothing over until half a minute has passed without that. Wait.",
        "If it comes back: is the host overloaded, paused by its hypervisor, or without a time service?",
        "$ {cli} info sentinel",
    )
    return Verdict("warning", "The Sentinel stands by: it does not trust its clock (tilt)", evidence, advice)


def _config_readonly(facts: Facts) -> Verdict | None:
    if not is_sentinel(facts):
        return None
    places = {name: f"host.files.{name}" for name in ("config", "config_folder")}
    writable = {name: facts.get_or(f"{place}.writable", None) for name, place in places.items()}
    if False not in writable.values():
        for name, value in writable.items():
            if value is None:
                raise Missing(f"{places[name]}.writable")
        return None
    evidence = {name: facts.get(place) for name, place in places.items() if writable[name] is False}
    paths = ", ".join(str(place["path"]) for place in evidence.values())
    user = facts.get_or("host.process.user", None) or facts.get_or("host.unit.user", None) or "the user of the Sentinel"
    path = shlex.quote(str(facts.get_or("host.files.config.path", "sentinel.conf")))
    advice = (
        f"Whatever a Sentinel learns (the master, its peers, its votes) it writes there: {user} must own the file and its folder.",
        f"$ chown {shlex.quote(user) if ' ' not in user else 'USER'} {path} $(dirname {path})",
        "$ {cli} sentinel flushconfig",
    )
    return Verdict("critical", f"The Sentinel cannot write its configuration: {paths}", evidence, advice)


RULES = (
    Rule(
        "sentinel_master_is_replica",
        "replication",
        "Sentinel names a master that has said for over 2 × down-after that it is a replica",
        "critical",
        "guarded",
        _master_is_replica,
        (),
        DOCS,
    ),
    Rule(
        "sentinel_quorum_lost",
        "replication",
        "SENTINEL CKQUORUM is not OK",
        "critical",
        "human",
        _quorum_lost,
        ("sentinels_few", "no_failover_candidate"),
        DOCS,
    ),
    Rule(
        "sentinel_config_readonly",
        "configuration",
        "the configuration file of a Sentinel or its folder is not writable by its user",
        "critical",
        "guarded",
        _config_readonly,
        (),
        DOCS,
    ),
    Rule("sentinel_tilt", "host", "tilt mode", "warning", "safe", _tilt, (), DOCS),
    Rule(
        "sentinels_few",
        "replication",
        "fewer than 3 Sentinels watch a master; an even number is a notice",
        "warning/notice",
        "guarded",
        _sentinels_few,
        (),
        DOCS,
    ),
)
