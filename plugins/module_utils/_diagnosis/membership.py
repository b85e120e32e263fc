# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which servers of one run replicate each other: by the name of their group where it is given, else by what they say of themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

UNKNOWN_ID = "0" * 40


@dataclass(frozen=True)
class Member:
    """One server of a run: its name, its snapshot, and what the inventory says of its group."""

    name: str
    snapshot: Mapping[str, Any]
    group: str | None = None
    expected_replicas: int | None = None

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
    def address(self) -> str:
        """``host:port`` as it was reached."""
        server = self.snapshot.get("server") or {}
        return f"{server.get('host')}:{server.get('port')}"


def groups(members: Sequence[Member]) -> list[list[int]]:
    """The places of the members of each group, in the order of the run; everybody is in one group."""
    parent = list(range(len(members)))

    def root(place: int) -> int:
        while parent[place] != place:
            place = parent[place]
        return place

    first: dict[tuple[str, str], int] = {}
    # Several machines may each be reached as 127.0.0.1: then that is no name for any of them.
    crowded = {address for address, number in Counter(member.address for member in members).items() if number > 1}
    for place, member in enumerate(members):
        for key in _keys(member, bool(crowded)):
            parent[root(place)] = root(first.setdefault(key, place))
    found: dict[int, list[int]] = {}
    for place in range(len(members)):
        found.setdefault(root(place), []).append(place)
    return sorted(found.values())


def _keys(member: Member, no_loopback: bool) -> Iterator[tuple[str, str]]:
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
        if not (no_loopback and address.startswith(("127.", "localhost:", "::1:"))):
            yield "address", address
