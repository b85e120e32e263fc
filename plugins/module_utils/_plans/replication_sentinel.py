# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What heal_replication would do to a Sentinel: let it write its file, name the true master to it, let it forget who is gone. Pure.

``sentinel`` is ``{reset: [{name, sentinels, replicas}], move: [{name, host, port, login_of, sentinels}]}``, ``files`` are
rows of ``{path, owner, mode, was}``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis import sentinel
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts, Missing, count
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.membership import Member
from ansible_collections.aragora.redis.plugins.module_utils._plans import replication_group as groups
from ansible_collections.aragora.redis.plugins.module_utils._plans.replication_options import ROLE, Options

RULES = {rule.id: rule for rule in sentinel.RULES}
NEEDS_ROOT = "needs root"


def plan(facts: Facts, mine: Sequence[groups.Group], options: Options) -> dict[str, Any]:
    """``{refused, steps, sentinel, files}`` for a Sentinel, over all groups that it watches."""
    files, steps, refused = _files(facts)
    reset, move, idle = list[dict[str, Any]](), list[dict[str, Any]](), list[str]()
    for group in mine:
        for master in group.me.watched:
            said, sentences = _watched(facts, group, master, options)
            refused += said.get("refused") or []
            idle += said.get("idle") or []
            reset += said.get("reset") or []
            move += said.get("move") or []
            steps += sentences
    if len({row["login_of"] for row in move}) > 1:
        refused.append("its groups have different passwords, and are moved one at a time: give the servers of one group only")
    return {
        "refused": refused,
        "login_of": move[0]["login_of"] if move else "",
        "steps": [] if refused else steps,
        "files": files,
        "sentinel": {"reset": reset, "move": move},
        "idle": "; ".join(["nothing to do", *idle]),
    }


def _files(facts: Facts) -> tuple[list[dict[str, Any]], list[str], list[str]]:
    """(files to give to the user of the Sentinel, steps, why not)."""
    if not _speaks("sentinel_config_readonly", facts):
        return [], [], []
    user = facts.get_or("host.process.user", None) or facts.get_or("host.unit.user", None)
    if not user:
        return [], [], ["it cannot write its configuration, and nobody knows by which user it runs: give the file to that one"]
    if any(str(words).startswith(NEEDS_ROOT) for words in (facts.get_or("denied", None) or {}).values()):
        return [], [], ["it cannot write its configuration, and mending that needs root: add -b to the command"]
    rows = []
    for name, least in (("config", 0o600), ("config_folder", 0o700)):
        place = facts.get_or(f"host.files.{name}", None) or {}
        if place.get("writable") is False:
            mode = f"{int(str(place['mode']), 8) | least:04o}"
            rows.append({"path": place["path"], "owner": user, "mode": mode, "was": {"owner": place["owner"], "mode": place["mode"]}})
    told = ", ".join(f"{row['path']} (of {row['was']['owner']}, {row['was']['mode']})" for row in rows)
    return rows, [f"give {told} to its user {user}: whatever it learns from now on it writes there"], []


def _watched(facts: Facts, group: groups.Group, master: Mapping[str, Any], options: Options) -> tuple[dict[str, list[Any]], list[str]]:
    """({refused, idle, reset, move}, steps) for one master that it watches."""
    name, heard = str(master["name"]), groups.voice(group)
    gone = _gone(master, "sentinels") + _gone(master, "replicas")
    wrong = _is_replica(facts, master)
    if not gone and not wrong:
        return {}, []
    if heard.fails_over:
        return {"refused": [f"a failover of {name} is running: look again when it is over"]}, []
    if len(group.masters) > 1:
        return {"refused": [f"{name} has {len(group.masters)} masters, which people have to choose from", *groups.histories(group)]}, []
    return _moved(group, master) if wrong else _forgotten(master, gone, options)


def _gone(master: Mapping[str, Any], kind: str) -> list[Mapping[str, Any]]:
    return [other for other in master.get(kind) or [] if sentinel.GONE & set(other.get("flags") or ())]


def _is_replica(facts: Facts, master: Mapping[str, Any]) -> bool:
    patience = facts.limit("sentinel_role_down_afters")
    return master.get("role-reported") == "slave" and count(master, "role-reported-time") > patience * count(
        master, "down-after-milliseconds"
    )


def _moved(group: groups.Group, master: Mapping[str, Any]) -> tuple[dict[str, list[Any]], list[str]]:
    """The server that it names is a replica: which one is the master?"""
    name, named = str(master["name"]), groups.address(master)
    able = bool((master.get("quorum_check") or {}).get("ok"))
    candidates = [row for row in master.get("replicas") or [] if not sentinel.GONE & set(row.get("flags") or ())]
    if able and candidates:
        return {"refused": [f"it has a quorum for {name} and replicas to choose from, and fails over by itself: wait a minute"]}, []
    if not group.masters:
        return {"refused": [f"{named} is a replica, and its master was not looked at: give all servers of the group in one run"]}, []
    true = group.masters[0]
    places = [place for place in groups.names_of(group, true) if place != named]
    if not places:
        return {"refused": [f"the master is {true.name}, and nobody knows by which address: tell it by hand (SENTINEL MONITOR)"]}, []
    doubts = [*_not_its_replica(group, master, true), *_others(group, master, places)]
    if doubts:
        return {"refused": doubts}, []
    host, dummy, port = places[0].rpartition(":")
    user, has_password = groups.login(true)
    # The login is that of its file where the module can read that; else this one, and never one of another user.
    login_of = true.name if user in groups.PLAIN and has_password else ""
    row = {"name": name, "host": host, "port": int(port), "login_of": login_of, "sentinels": len(_alive(master))}
    step = (
        f"{name}: watch {places[0]} ({true.name}), which is the master, in place of {named}, which is a replica of it "
        "(SENTINEL REMOVE and MONITOR, same settings; both come back where it does not see the master and the other Sentinels)"
    )
    return {"move": [row]}, [step]


def _not_its_replica(group: groups.Group, master: Mapping[str, Any], true: Member) -> list[str]:
    """Whom it names has to follow the true master."""
    named = next((member for member in group.replicas if member.identity == master.get("runid")), None)
    if named and groups.shares_history(named, true) and named.replication.get("master_link_status") == "up":
        return []
    what = f"{named.name} does not hear {true.name}" if named else f"{groups.address(master)} was not looked at"
    return [f"it names a replica, and whether that follows {true.name} is open ({what}): mend or give that one first"]


def _alive(master: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [other for other in master.get("sentinels") or [] if not sentinel.GONE & set(other.get("flags") or ())]


def _others(group: groups.Group, master: Mapping[str, Any], places: Sequence[str]) -> list[str]:
    """All Sentinels are wrong in the same way, or right already; and none remembers a failover, for the others would follow it."""
    name = str(master["name"])
    told = {member.identity: row for member in group.members if member.is_sentinel for row in member.watched if row["name"] == name}
    if len(told) - 1 < len(_alive(master)):
        return [f"{len(_alive(master))} other Sentinels of {name} answer it, and {len(told) - 1} were looked at: give all in one run"]
    wrong = {identity: row for identity, row in told.items() if groups.address(row) not in places}
    if any(row.get("runid") != master.get("runid") for row in wrong.values()):
        return [f"the Sentinels name different servers for {name}, none of them the master: people have to look"]
    epoch = max((count(row, "config-epoch") for identity, row in wrong.items() if identity != group.me.identity), default=0)
    if epoch:
        return [
            f"another Sentinel remembers a failover to {groups.address(master)} (config-epoch {epoch}), and every one that is moved alone "
            f"would follow it back: SENTINEL REMOVE {name} on all of them first, then on each SENTINEL MONITOR {name} "
            f"{' '.join(places[0].rsplit(':', 1))} {count(master, 'quorum')}, and SENTINEL SET {name} … for its settings and auth-pass"
        ]
    return []


def _forgotten(master: Mapping[str, Any], gone: Sequence[Mapping[str, Any]], options: Options) -> tuple[dict[str, list[Any]], list[str]]:
    """Sentinels and replicas that do not answer: are they gone for good?"""
    name, places = str(master["name"]), [groups.address(other) for other in gone]
    left = len(master.get("sentinels") or []) - len(_gone(master, "sentinels")) + 1
    replicas = len(master.get("replicas") or []) - len(_gone(master, "replicas"))
    able, quorum = bool((master.get("quorum_check") or {}).get("ok")), count(master, "quorum")
    named = f"{ROLE}_forget=[{','.join(places)}]"
    if not set(places) <= set(options.forget):
        told = f"{name}: {', '.join(places)} does not answer" if len(places) == 1 else f"{name}: {', '.join(places)} do not answer"
        hint = f"{told}: bring it back, or where it is gone for good and comes never again: {named}"
        return {"idle": [hint]} if able else {"refused": [f"too few Sentinels answer for a failover; {hint}"]}, []
    if set(master.get("flags") or ()) & {"s_down", "o_down"}:
        return {"refused": [f"{name} is down by its word, and a reset would forget its replicas: mend the master first"]}, []
    if left < quorum:
        return {"refused": [f"{name} wants {quorum} Sentinels and {left} are left: start others first, or lower the quorum by hand"]}, []
    found = f"{left - 1} other Sentinels and {replicas} replicas"
    step = f"SENTINEL RESET {name}: forget {', '.join(places)}, then wait until it has found its {found} again"
    return {"reset": [{"name": name, "sentinels": left - 1, "replicas": replicas}]}, [step]


def _speaks(rule_id: str, facts: Facts) -> bool:
    try:
        return RULES[rule_id].judge(facts) is not None
    except Missing:
        return False
