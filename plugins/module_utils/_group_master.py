# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which member of a group is its master, so that nobody's failover is undone: Sentinels first, then who replicates whom. Pure.

A member is ``{name, address, port, server, sentinel}``; the last two are snapshots, or None where there is no such thing on that host.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _replication

Member = Mapping[str, Any]
NOBODY = "nothing replicates yet"


def choose(members: Sequence[Member], group: str, initial: str) -> dict[str, Any]:
    """``{master, address, port, why, refused}``: the master's name and how it was found, or the sentences that stop everything."""
    servers = [member for member in members if member["server"] is not None]
    twice = _twice(servers)
    if twice:
        return _refused(twice)
    told = _told_by_sentinels(members, group)
    return _by_sentinels(servers, told, group) if told else _by_replication(servers, initial)


def _by_sentinels(servers: Sequence[Member], told: Mapping[str, tuple[str, str | None]], group: str) -> dict[str, Any]:
    if len({place for place, dummy in told.values()}) > 1:
        views = ", ".join(f"{name} names {place}" for name, (place, dummy) in sorted(told.items()))
        return _refused(f"the Sentinels name different masters of '{group}' ({views}): wait until they agree, or diagnose")
    place, run_id = next(iter(told.values()))
    found = next((member for member in servers if place == _place(member) or (run_id and run_id == _run_id(member))), None)
    if not found:
        return _refused(f"the Sentinels name {place} as the master of '{group}', which is none of the hosts: give all of the group")
    return _chosen(found, f"the Sentinels of '{group}' name it")


def _by_replication(servers: Sequence[Member], initial: str) -> dict[str, Any]:
    followed = _followed(servers)
    if len(followed) > 1:
        names = " and ".join(f"{member['name']} ({_replicas(member)} replicas)" for member in followed)
        return _refused(f"there are two masters, {names}, and no Sentinel to ask: nothing is changed before one follows the other")
    if followed:
        return _chosen(followed[0], "the others follow it")
    strangers = {_follows(member) or "" for member in servers} - {""}
    if strangers:
        return _refused(f"replicas follow {' and '.join(sorted(strangers))}, which is none of the hosts: give all of the group")
    return _first(servers, initial)


def _first(servers: Sequence[Member], initial: str) -> dict[str, Any]:
    """Where nothing replicates yet: who was named, or holds the data, or comes first."""
    if initial:
        named = next((member for member in servers if member["name"] == initial), None)
        return _chosen(named, NOBODY) if named else _refused(f"the initial master '{initial}' is none of the servers")
    full = [member for member in servers if _replication.keys_of(member["server"]["info"] or {})]
    if len(full) > 1:
        names = ", ".join(member["name"] for member in full)
        return _refused(f"{names} hold data, and nothing replicates yet: name the one whose data counts, redis_sentinel_initial_master")
    found = next(iter([*full, *servers]), None)
    return _chosen(found, f"{NOBODY}, and it alone holds data" if full else NOBODY) if found else _refused("there is no server")


def _twice(servers: Sequence[Member]) -> str | None:
    """The sentence about two hosts that are one server, by its address or by its run id, which is nobody else's."""
    seen: dict[str, Member] = {}
    for member in servers:
        for mark in filter(None, (_place(member), _run_id(member))):
            first = seen.setdefault(mark, member)
            if first is not member:
                names = f"{first['name']} and {member['name']}"
                return f"{names} are one server ({_place(first)}): give each host once, and each its own redis_sentinel_address"
    return None


def _told_by_sentinels(members: Sequence[Member], group: str) -> dict[str, tuple[str, str | None]]:
    """``{host of the Sentinel: (address of the master, its run id)}`` of those that watch this group."""
    found = {}
    for member in members:
        for master in ((member["sentinel"] or {}).get("sentinel") or {}).get("masters") or []:
            # The package's own file watches the host itself, as nobody else can.
            if master.get("name") == group and not str(master.get("ip")).startswith(("127.", "::1", "localhost")):
                found[str(member["name"])] = (f"{master.get('ip')}:{master.get('port')}", master.get("runid"))
    return found


def _followed(servers: Sequence[Member]) -> list[Member]:
    """The members that others follow and that follow none of them: by their own word, or that of the others."""
    wanted = {_follows(member) for member in servers}
    return [member for member in servers if not _follows(member) and (_replicas(member) or _place(member) in wanted)]


def _chosen(member: Member, why: str) -> dict[str, Any]:
    if why.startswith(NOBODY) or _is_up(member):
        return {"master": member["name"], "address": member["address"], "port": member["port"], "why": why, "refused": []}
    state = (member["server"]["availability"] or {}).get("state")
    sentence = f"{member['name']} is the master ({why}) and cannot be used ({state}): its replicas hold the data, so it is not started here"
    return _refused(f"{sentence}; wait for the failover, or see to it with restart.yml")


def _refused(sentence: str) -> dict[str, Any]:
    return {"master": None, "address": None, "port": None, "why": "", "refused": [sentence]}


def _is_up(member: Member) -> bool:
    return bool(member["server"]["info"])


def _section(member: Member) -> Mapping[str, Any]:
    return (member["server"]["info"] or {}).get("replication") or {}


def _replicas(member: Member) -> int:
    return int(_section(member).get("connected_slaves") or 0)


def _follows(member: Member) -> str | None:
    where = _replication.place(member["server"]["info"] or {})
    return None if where["role"] == "master" else f"{where['master_host']}:{where['master_port']}"


def _place(member: Member) -> str:
    return f"{member['address']}:{member['port']}"


def _run_id(member: Member) -> str | None:
    return _replication.run_id_of(member["server"]["info"] or {})
