# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which servers of one run replicate each other: by the name of their group where it is given, else by what they say of themselves.

Sentinels join the groups of the masters that they watch, and make none of two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

UNKNOWN_ID = "0" * 40
# (kind, what is the same)
Key = tuple[str, str]


@dataclass(frozen=True)
class Member:
    """One server of a run: its name, its snapshot, and what the inventory says of its group.

    ``watched``: of a Sentinel in a group, what it says of that group's master (a Sentinel may watch many).
    """

    name: str
    snapshot: Mapping[str, Any]
    group: str | None = None
    expected_replicas: int | None = None
    watched: tuple[Mapping[str, Any], ...] = ()

    @property
    def replication(self) -> Mapping[str, Any]:
        """INFO's section, empty where it is not known."""
        info = self.snapshot.get("info")
        section = info.get("replication") if isinstance(info, Mapping) else None
        return section if isinstance(section, Mapping) else {}

    @property
    def is_master(self) -> bool:
        """Whether it says so; a Sentinel is nobody's master."""
        return self.replication.get("role") == "master"

    @property
    def is_replica(self) -> bool:
        """Whether it says so."""
        return self.replication.get("role") == "slave"

    @property
    def identity(self) -> str:
        """What tells this server from all others: one that was asked by two names is still one."""
        server = self.snapshot.get("server") or {}
        return str(server.get("run_id") or self.address)

    @property
    def is_sentinel(self) -> bool:
        """Whether it is one, and answered as one."""
        server = self.snapshot.get("server")
        return isinstance(server, Mapping) and server.get("mode") == "sentinel"

    @property
    def masters(self) -> list[Mapping[str, Any]]:
        """What a Sentinel says of its masters; empty for other servers."""
        part = self.snapshot.get("sentinel")
        return _mappings(part.get("masters")) if isinstance(part, Mapping) and self.is_sentinel else []

    @property
    def address(self) -> str:
        """``host:port`` as it was reached."""
        server = self.snapshot.get("server") or {}
        return f"{server.get('host')}:{server.get('port')}"


def groups(members: Sequence[Member]) -> list[list[int]]:
    """The places of the members of each group, in the order of the run; everybody is in one group."""
    crowded = is_crowded(members)
    return _joined([list(_keys(member, crowded)) for member in members])


def with_sentinels(members: Sequence[Member]) -> list[list[tuple[int, Member]]]:
    """The groups, each member with its place in the run; Sentinels stand in that of every master that they watch.

    Those whose masters are not in the run are in a group with the Sentinels that watch the same.
    """
    places = [place for place, member in enumerate(members) if not member.is_sentinel]
    seats = [[places[seat] for seat in group] for group in groups([members[place] for place in places])]
    crowded = is_crowded(members)
    found = [[(place, members[place]) for place in group] for group in seats]
    known = [{key for place in group for key in _data_keys(members[place], crowded)} for group in seats]
    # A Sentinel without masters is alone with itself.
    watches = [(place, master) for place, member in enumerate(members) if member.is_sentinel for master in member.masters or [{}]]
    asked = [list(_watch_keys(members[place], master, crowded)) for place, master in watches]
    strays = [number for number, keys in enumerate(asked) if not any(group.intersection(keys) for group in known)]
    for group, own in zip(found, known):
        group.extend(_guards(members, [watch for watch, keys in zip(watches, asked) if own.intersection(keys)]))
    found += [_guards(members, [watches[strays[seat]] for seat in group]) for group in _joined([asked[number] for number in strays])]
    return found


def _guards(members: Sequence[Member], watches: Sequence[tuple[int, Mapping[str, Any]]]) -> list[tuple[int, Member]]:
    """The Sentinels of some watches, each once, with what they say of these masters."""
    watched: dict[int, list[Mapping[str, Any]]] = {}
    for place, master in watches:
        watched.setdefault(place, []).extend([master] if master else [])
    return [(place, replace(members[place], watched=tuple(masters))) for place, masters in sorted(watched.items())]


def _joined(keys: Sequence[Sequence[Key]]) -> list[list[int]]:
    """The places of those that have a key in common, directly or through others."""
    parent = list(range(len(keys)))

    def root(place: int) -> int:
        while parent[place] != place:
            place = parent[place]
        return place

    first: dict[Key, int] = {}
    for place, own in enumerate(keys):
        for key in own:
            parent[root(place)] = root(first.setdefault(key, place))
    found: dict[int, list[int]] = {}
    for place in range(len(keys)):
        found.setdefault(root(place), []).append(place)
    return sorted(found.values())


def is_crowded(members: Sequence[Member]) -> bool:
    """Whether several machines are each reached as 127.0.0.1: then that is no name for any of them."""
    return any(number > 1 for number in Counter(member.address for member in members).values())


def _keys(member: Member, no_loopback: bool) -> Iterator[Key]:
    """What members of one group have in common. Whoever has a name for its group belongs to that and to no other."""
    if member.group:
        yield "group", str(member.group)
        return
    for name in ("master_replid", "master_replid2"):
        history = str(member.replication.get(name) or UNKNOWN_ID)
        if history != UNKNOWN_ID:
            yield "history", history
    addresses = [member.address] if member.is_master else []
    if member.is_replica:
        addresses = [member.address, f"{member.replication.get('master_host')}:{member.replication.get('master_port')}"]
    for address in addresses:
        if not (no_loopback and is_loopback(address)):
            yield "address", address


def _data_keys(member: Member, no_loopback: bool) -> Iterator[Key]:
    """By what a Sentinel may know a member of a group, also one that does not answer."""
    yield from _keys(member, no_loopback)
    server = member.snapshot.get("server") or {}
    if server.get("run_id"):
        yield "run", str(server["run_id"])
    if not (no_loopback and is_loopback(member.address)):
        yield "address", member.address


def _watch_keys(member: Member, master: Mapping[str, Any], no_loopback: bool) -> Iterator[Key]:
    """By what a Sentinel knows a master: itself, its replicas, the other Sentinels. One with a name for its group watches that group."""
    if member.group:
        yield "group", str(member.group)
        return
    for instance in (master, *_mappings(master.get("replicas"))):
        address = f"{instance.get('ip')}:{instance.get('port')}"
        if instance.get("runid"):
            yield "run", str(instance["runid"])
        if instance and not (no_loopback and is_loopback(address)):
            yield "address", address
    part = member.snapshot.get("sentinel")
    own = part.get("id") if isinstance(part, Mapping) else None
    for identity in filter(None, (own, *(other.get("runid") for other in _mappings(master.get("sentinels"))))):
        yield f"watching {master.get('name')}", str(identity)


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    """The mappings of a list; none of what is no list."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def is_loopback(address: str) -> bool:
    """Whether an address means another machine wherever it is used."""
    return address.startswith(("127.", "localhost:", "::1:"))
