# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known of the group of one server, for heal_replication: who is its master, by what name, and what its Sentinels say. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import count
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.membership import UNKNOWN_ID, Member, is_loopback, with_sentinels

# Users whose password is that of requirepass and masterauth.
PLAIN = ("", "default")


@dataclass(frozen=True)
class Voice:
    """What the Sentinels of a group say: ``master`` is the ``ip:port`` that all name which have a quorum, None where they differ."""

    names: tuple[str, ...] = ()
    has_quorum: bool = False
    master: str | None = None
    run_id: str = ""
    fails_over: bool = False
    knows: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """``me`` among the ``members`` of its group, Sentinels included; ``hosts`` are the addresses of the inventory by its names."""

    me: Member
    members: tuple[Member, ...]
    hosts: Mapping[str, str]

    @property
    def masters(self) -> list[Member]:
        """The masters; one that was asked by several names is one."""
        return list({member.identity: member for member in self.members if member.is_master}.values())

    @property
    def replicas(self) -> list[Member]:
        """Those that answer."""
        return list({member.identity: member for member in self.members if member.is_replica}.values())


def every(snapshot: Mapping[str, Any], options: Mapping[str, Any]) -> list[Group]:
    """The groups of a server; a Sentinel may watch several. ``options``: ``{name, group, peers, hosts}``; ``peers`` are those that
    :func:`engine.diagnose_targets` returns.
    """
    me = Member(str(options.get("name") or "it"), snapshot, options.get("group") or None)
    others = [Member(str(item["name"]), item["snapshot"], item.get("group") or None) for item in options.get("peers") or []]
    found = []
    for seats in with_sentinels([me, *others]):
        mine = next((member for place, member in seats if place == 0), None)
        found += [Group(mine, tuple(member for dummy, member in seats), options.get("hosts") or {})] if mine else []
    return found or [Group(me, (me,), {})]


def voice(group: Group) -> Voice:
    """What the Sentinels of the run say of this group's master."""
    told = [(member, master) for member in group.members if member.is_sentinel for master in member.watched]
    if not told:
        return Voice()
    able = [(member, master) for member, master in told if (master.get("quorum_check") or {}).get("ok")]
    named = {address(master): str(master.get("runid") or "") for dummy, master in able or told}
    (one, run_id) = next(iter(named.items()))
    return Voice(
        tuple(dict.fromkeys(member.name for member, dummy in told)),
        bool(able),
        one if len(named) == 1 else None,
        run_id if len(named) == 1 else "",
        any("failover_in_progress" in master.get("flags", ()) for dummy, master in told),
        tuple({address(replica) for dummy, master in told for replica in master.get("replicas") or []}),
    )


def is_known(group: Group, heard: Voice) -> bool:
    """Whether Sentinel knows this replica: it mends only what it knows."""
    watched = [master for member in group.members if member.is_sentinel for master in member.watched]
    told = [row for master in watched for row in master.get("replicas") or [] if row.get("runid") == group.me.identity]
    return bool(told) or group.me.address in heard.knows


def address(instance: Mapping[str, Any]) -> str:
    """``ip:port`` of what a Sentinel tells of."""
    return f"{instance.get('ip')}:{instance.get('port')}"


def follows(member: Member) -> str:
    """``host:port`` of the master that a replica is told to follow."""
    return f"{member.replication.get('master_host')}:{member.replication.get('master_port')}"


def names_of(group: Group, master: Member) -> list[str]:
    """By which ``host:port`` the members may reach a master, the surest first: what works already, what Sentinels say, the inventory."""
    heard = voice(group)
    linked = [
        follows(member)
        for member in group.replicas
        if member.replication.get("master_link_status") == "up" and shares_history(member, master)
    ]
    guards = [heard.master] if heard.master and heard.run_id == master.identity else []
    host, port = group.hosts.get(master.name), (master.snapshot.get("server") or {}).get("port")
    # Last its name in the inventory: people often write that into configurations, too.
    listed = [f"{name}:{port}" for name in (host, master.name) if name and port] if group.hosts else []
    reached = [] if listed and is_loopback(master.address) else [master.address]
    return list(dict.fromkeys([*guards, *linked, *reached, *listed]))


def shares_history(member: Member, master: Member) -> bool:
    """Whether a replica has copied this master, or the one that it was a replica of."""
    own = member.replication.get("master_replid")
    theirs = {master.replication.get(name) for name in ("master_replid", "master_replid2")} - {UNKNOWN_ID, None}
    return own in theirs


def only_here(member: Member, master: Member) -> int:
    """How many bytes of its history a replica knows that its new master does not."""
    told, offset = master.replication, count(member.replication, "slave_repl_offset")
    if member.replication.get("master_replid") == told.get("master_replid"):
        return max(0, offset - count(told, "master_repl_offset"))
    until = count(told, "second_repl_offset")
    return max(0, offset - until + 1) if until > 0 else 0


def keys(member: Member) -> int:
    """How many keys a member holds."""
    info = member.snapshot.get("info")
    section = info.get("keyspace") if isinstance(info, Mapping) else None
    return sum(count(db, "keys") for db in section.values()) if isinstance(section, Mapping) else 0


def histories(group: Group) -> list[str]:
    """One sentence for each master of a group that has several: what people need to choose."""
    heard = {member.name: {address(master) for master in member.watched} for member in group.members if member.is_sentinel}
    return [_history(group, master, heard) for master in group.masters]


def _history(group: Group, master: Member, heard: Mapping[str, set[str]]) -> str:
    told, info = master.replication, master.snapshot.get("info") or {}
    second = told.get("master_replid2")
    forked = f", forked from {second} at offset {told.get('second_repl_offset')}" if second not in (None, UNKNOWN_ID) else ""
    names = {*names_of(group, master), master.address}
    guards = sorted(name for name, named in heard.items() if names & named)
    named = f"named by the Sentinels {', '.join(guards)}" if guards else "named by no Sentinel" if heard else "no Sentinel was asked"
    rates = (master.snapshot.get("rates") or {}).get("stats") or {}
    clients = max(0, count(info.get("clients"), "connected_clients") - count(told, "connected_slaves") - 1)
    since = count(info.get("server"), "uptime_in_seconds")
    return (
        f"{master.name} ({master.address}): history {told.get('master_replid')}, offset {count(told, 'master_repl_offset')}{forked}; "
        f"{keys(master)} keys, {count(told, 'connected_slaves')} replicas, up for {since} s; {named}; "
        f"{clients} clients, {float(rates.get('total_commands_processed') or 0):.0f} commands a second"
    )


def login(member: Member) -> tuple[str, bool]:
    """(user, whether there was a password) of this run's own login at a server, by its URL, in which the password is masked."""
    part = str((member.snapshot.get("server") or {}).get("url") or "").partition("://")[2]
    words, at, dummy = part.rpartition("@")
    if not at:
        return "", False
    user, colon, dummy = words.partition(":")
    return unquote(user), bool(colon)


def best(replicas: Sequence[Member]) -> Member | None:
    """The replica that knows most, of those that may be promoted; the same one, whoever of them asks."""
    able = [member for member in replicas if count(member.replication, "slave_priority") > 0]
    return min(able, key=lambda member: (-count(member.replication, "slave_repl_offset"), member.identity), default=None)
