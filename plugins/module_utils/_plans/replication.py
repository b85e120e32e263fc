# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What heal_replication would do to a server: put a replica back at its master, wait for who mends it already, set what is missing. Pure.

``{refused, steps, settings, idle, role, login_of, follow, promote, lossy, wait, sentinel, files}``: ``login_of`` names the server whose
password becomes masterauth, ``follow`` is ``{host, port}``, ``lossy`` tells that a loss is accepted, ``wait`` the seconds to wait for
a link, ``canary`` whether it takes writes afterwards, ``sentinel`` what a Sentinel is told, ``files`` whom files of the host are given to,
``role`` which role the server has to have afterwards where that is not the present one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis import link, replication, thresholds
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts, Missing
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.membership import Member
from ansible_collections.aragora.redis.plugins.module_utils._plans import replication_group as groups
from ansible_collections.aragora.redis.plugins.module_utils._plans import replication_sentinel, replication_settings
from ansible_collections.aragora.redis.plugins.module_utils._plans.replication_options import Options

NOTHING: dict[str, Any] = {
    "refused": [], "steps": [], "settings": {}, "idle": "nothing to do", "role": "", "login_of": "", "follow": {}, "promote": False,
    "lossy": False, "wait": 0, "sentinel": {}, "files": [], "canary": True,
}  # fmt: skip
RULES = {rule.id: rule for rule in replication.RULES}
GIVE = ", or give it: redis_replication_heal_password"
ACCEPT = "to accept that: redis_replication_heal_accept_lost_writes=true"
NAME_ALL = "give all servers of its group, and its Sentinels, in one run (a list in redis_url, or the inventory)"


@dataclass
class Case:
    """One server, what is known of its group, and the plan as far as it is made."""

    facts: Facts
    group: groups.Group
    voice: groups.Voice
    options: Options
    made: dict[str, Any] = field(default_factory=lambda: {**NOTHING, "refused": [], "steps": [], "settings": {}})

    @property
    def me(self) -> Member:
        """The server itself."""
        return self.group.me

    def refuse(self, sentence: str) -> None:
        """Say why nothing is done."""
        self.made["refused"].append(sentence)

    def step(self, sentence: str, **values: Any) -> None:
        """Say what is done, and with what."""
        self.made["steps"].append(sentence)
        self.made.update(values)


def plan(snapshot: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The plan for a server. ``options``: those of ``replication_options`` and ``{name, group, peers, hosts}``. ValueError for odd ones."""
    facts = Facts(snapshot, thresholds.merged(None), "store")
    mine = groups.every(snapshot, options)
    case = Case(facts, mine[0], groups.voice(mine[0]), Options.read(options))
    if facts.get_or("server.mode", None) == "sentinel":
        return {**case.made, **replication_sentinel.plan(facts, mine, case.options)}
    if facts.get_or("server.mode", None) == "cluster":
        return {**case.made, "idle": "nothing to do here: a cluster moves its masters by itself (CLUSTER NODES, CLUSTER FAILOVER)"}
    if facts.state() != "up" or not case.me.replication:
        told = facts.get_or("availability.error", "") or "it tells nothing of its replication (INFO)"
        return {**case.made, "refused": [f"its state is {facts.state()}: {told}; mend that first"]}
    if len(case.group.masters) > 1:
        return {**case.made, "refused": _two_masters(case)}
    _link(case) if case.me.is_replica else _own_password(case)
    if not case.made["refused"]:
        settings, steps = replication_settings.of(facts, case.group, case.options)
        case.made["settings"] = settings
        case.made["steps"] += steps
        _writes_later(case)
    return {**case.made, "steps": [] if case.made["refused"] else case.made["steps"]}


def _two_masters(case: Case) -> list[str]:
    """Nothing mends this by itself: whoever becomes a replica forgets what only it was told."""
    if case.voice.has_quorum and case.voice.master:
        who = f"Sentinel has a quorum for {case.voice.master} and makes the other one its replica within a minute, if it reaches it"
    else:
        who = "no Sentinel with a quorum decides it"
    return [
        f"{len(case.group.masters)} masters in one group, and what only one of them was told is lost when it becomes a replica; {who}",
        *groups.histories(case.group),
        "find out which one the applications write to; on the other: REPLICAOF HOST PORT",
    ]


def _link(case: Case) -> None:
    """A replica whose link is down."""
    if case.facts.get_or("info.replication.master_link_status", "up") == "up":
        if _mismatch(case.facts):
            case.made["idle"] = "its link is up by another password than its own: let all servers of a group have the same, by hand"
        return
    if case.facts.number_or("info.replication.master_sync_in_progress", 0):
        case.step(f"wait for the copy of its master's data set, {case.options.wait} s at most", wait=case.options.wait)
    elif not case.group.masters:
        _masterless(case)
    else:
        _towards(case, case.group.masters[0])


def _towards(case: Case, master: Member) -> None:
    """The group has one master: does the replica follow it, and why does it not hear it?"""
    known, now = groups.names_of(case.group, master), groups.follows(case.me)
    wanted = case.options.master or (known[0] if known else "")
    if case.options.master and now != wanted:
        _repoint(case, master, wanted)
    elif now in known:
        _unheard(case, master)
    elif case.voice.has_quorum and groups.is_known(case.group, case.voice) and not _is_locked_out(case, master):
        who = f"Sentinel has a quorum for {case.voice.master} and knows this replica"
        case.step(f"wait until Sentinel sends it there, {case.options.wait} s at most: {who}", wait=case.options.wait, role="any")
    elif not wanted:
        case.refuse(
            f"its master is {master.name}, and nobody knows by which address it reaches that: redis_replication_heal_master=HOST:PORT"
        )
    else:
        _repoint(case, master, wanted)


def _unheard(case: Case, master: Member) -> None:
    """It follows the right master and does not hear it."""
    why = link.reason(case.facts)[0]
    if _is_locked_out(case, master):
        _password(case, master)
    elif "is loading" in why:
        case.step(f"wait until its master has loaded its data, {case.options.wait} s at most", wait=case.options.wait)
    else:
        known, told = f": {why}" if why else "", case.me.replication
        look = f"redis-cli -h {told.get('master_host')} -p {told.get('master_port')} ping"
        case.refuse(
            f"it follows the right master, {groups.follows(case.me)}, and does not hear it{known}; look at the way from its host ({look})"
        )


def _is_locked_out(case: Case, master: Member) -> bool:
    """Whether it lacks the master's password, which nobody but us gives it."""
    needs = bool((master.snapshot.get("auth") or {}).get("requirepass_set")) and case.facts.get_or("auth.masterauth_set", None) is False
    return needs or _mismatch(case.facts) or "refuses its password" in link.reason(case.facts)[0]


def _repoint(case: Case, master: Member, wanted: str) -> None:
    """Another server is the master by now."""
    here, there, ahead = groups.keys(case.me), groups.keys(master), groups.only_here(case.me, master)
    alike, loss = groups.shares_history(case.me, master), ""
    if not alike and here:
        loss = f"it holds {here} keys of a history of its own, and {master.name} holds {there}: they would be overwritten"
    elif alike and ahead:
        loss = f"it knows {ahead} bytes of writes that {master.name} has never seen: they would be lost"
    if loss and not case.options.accept_lost_writes:
        case.refuse(f"{loss} ({ACCEPT})")
        return
    if loss:
        case.step(f"accepted: {loss}", lossy=True)
    host, dummy, port = wanted.rpartition(":")
    copy = "it goes on where it was, if the backlog reaches back" if alike else f"a copy of all {there} keys"
    case.step(
        f"follow {wanted} ({master.name}), the only master of its group, in place of {groups.follows(case.me)}: {copy}",
        follow={"host": host, "port": int(port)},
        wait=case.options.wait,
    )
    if (master.snapshot.get("auth") or {}).get("requirepass_set"):
        _password(case, master)


def _password(case: Case, master: Member) -> None:
    """masterauth becomes what was given, or what this run has logged in by at the master: that one is proven."""
    user, has_password = groups.login(master)
    given, other = case.options.password, case.facts.get_or("config.masteruser", "")
    if other or (user not in groups.PLAIN and not given):
        case.refuse(f"replication logs in by the user {other or user}: set its masterauth by hand, inside redis-cli{'' if other else GIVE}")
    elif not has_password and not given:
        case.refuse(f"this run knows no password of the master {master.name}: give it one (login_password) that logs in there")
    else:
        told, whose = case.me.replication, "given for replication" if given else f"by which this run is logged in at {master.name}"
        place = case.made["follow"] or {"host": str(told.get("master_host")), "port": int(str(told.get("master_port")))}
        step = f"masterauth → the password {whose}, and CONFIG REWRITE"
        case.step(step, login_of=master.name, follow=place, wait=case.options.wait)


def _own_password(case: Case) -> None:
    """A master that could not be a replica: its own password is the one of its group."""
    if not _mismatch(case.facts):
        return
    user, has_password = groups.login(case.me)
    if case.options.password or (user in groups.PLAIN and has_password):
        which = "the password given for replication" if case.options.password else "its own password"
        case.step(f"masterauth → {which}, and CONFIG REWRITE: as a replica it could not log in at the next master", login_of=case.me.name)
    else:
        case.refuse("it needs its own password as masterauth, and this run logs in by another: set it by hand, inside redis-cli")


def _mismatch(facts: Facts) -> bool:
    try:
        return RULES["replication_auth_mismatch"].judge(facts) is not None
    except Missing:
        return False


def _masterless(case: Case) -> None:
    """No server of the run is its master."""
    if case.voice.has_quorum or case.voice.fails_over:
        case.step(
            f"wait for Sentinel, which has a quorum and promotes a replica, {case.options.wait} s at most",
            wait=case.options.wait,
            role="any",
        )
        return
    if len(case.group.members) == 1:
        case.refuse(f"its master {groups.follows(case.me)} was not looked at, nor anybody else of its group: {NAME_ALL}")
        return
    chosen = groups.best(case.group.replicas)
    if chosen is None:
        case.refuse("no replica may be promoted: all have replica-priority 0")
    elif chosen.identity != case.me.identity:
        case.refuse(f"no master, and {chosen.name} knows more than this replica: that one is promoted first, then run this again")
    else:
        _promote(case)


def _promote(case: Case) -> None:
    """The last resort: nobody else decides, and this replica knows most."""
    offset, lost = case.me.replication.get("slave_repl_offset"), groups.follows(case.me)
    guards = f"the Sentinels ({', '.join(case.voice.names)}) have no quorum" if case.voice.names else "no Sentinel was asked"
    loss = (
        f"no master, and {guards}: it could be promoted, for it knows most (offset {offset}); what {lost} has acknowledged beyond that "
        f"would be lost, and should {lost} be alive there would be two masters"
    )
    if not case.options.accept_lost_writes:
        case.refuse(f"{loss} ({ACCEPT})")
        return
    case.step(f"accepted: {loss}", lossy=True)
    case.step("REPLICAOF NO ONE: it becomes the master; the others follow it in the same run", promote=True, role="master")


def _writes_later(case: Case) -> None:
    """A new master that wants replicas has none before those have been sent to it, in their own turn."""
    name = "min-replicas-to-write"
    needed = int(case.made["settings"].get(name) or case.facts.number_or(f"config.{name}", 0))
    if case.made["promote"] and needed:
        others = len(case.group.replicas) - 1
        case.step(f"{name} is {needed}: it takes no writes before so many of the other {others} replicas follow it", canary=False)
