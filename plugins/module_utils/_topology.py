# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which servers there are, by what Sentinels and cluster nodes say, as hosts and groups of an inventory. Pure.

What a server says is text of a stranger: an address becomes a host only where it looks like one, and all other text is made harmless.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _cluster
from ansible_collections.aragora.redis.plugins.module_utils._report.text import clean

Host = dict[str, Any]
# No server of this kind has so many; a stranger may say so.
MOST_HOSTS = 10_000
# A name or an address. It never begins with a dash, which ssh would take for an option.
ADDRESS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,252}|[0-9A-Fa-f:]{2,39}(?:\.[0-9.]{5,11})?")
# Flags of nodes that cannot be reached by what is known of them.
UNKNOWN_PLACE = {"noaddr", "handshake"}


def from_sentinels(views: Sequence[Mapping[str, Any]], names: Sequence[str] = ()) -> list[Host]:
    """Masters, replicas and Sentinels, by the views ``[{host, port, id, masters}]`` of the Sentinels that answered.

    Of each master the newest configuration counts, as it does among Sentinels. ``names`` are the masters that are wanted; empty means all.
    ValueError for a name that no Sentinel knows, and for two that would be one group.
    """
    watched: dict[str, Mapping[str, Any]] = {}
    for master in (master for view in views for master in view["masters"]):
        known = watched.get(master["name"])
        if known is None or _epoch(master) > _epoch(known):
            watched[master["name"]] = master
    unknown = sorted(set(names) - set(watched))
    if unknown:
        raise ValueError(f"no Sentinel knows a master named '{unknown[0]}': they watch {_listed(watched)}")
    wanted = {name: master for name, master in watched.items() if not names or name in names}
    _apart(wanted)
    hosts = [host for name, master in wanted.items() for host in _watched(clean(name), master)]
    return joined([*hosts, *_guards(views, wanted)])


def from_cluster(views: Sequence[Mapping[str, Any]], prefix: str = "") -> tuple[list[Host], list[str]]:
    """(hosts, sentences) by the views ``[{host, port, id, state, epoch, nodes}]`` of the nodes that answered.

    The newest view of a whole cluster counts. A node that is not in it is told by a sentence.
    """
    best = max(views, key=lambda view: (view["state"] == "ok", view["epoch"], len(view["nodes"])))
    members = {member["id"]: member for member in best["nodes"]}
    strangers = [view for view in views if view["id"] not in members]
    told = [
        f"{place(view)} is in another cluster than {place(best)}, or in none: give each cluster a file of its own" for view in strangers
    ]
    hosts = [_node(member, members, best, prefix) for member in best["nodes"] if not UNKNOWN_PLACE & set(member["flags"])]
    return joined(hosts), told


def joined(hosts: Iterable[Host | None]) -> list[Host]:
    """Each host once, by name, with the groups of all of its mentions; the first mention wins. ValueError for more than a sane number."""
    found: dict[str, Host] = {}
    for host in filter(None, hosts):
        first = found.setdefault(host["name"], host)
        first["groups"] = list(dict.fromkeys([*first["groups"], *host["groups"]]))
        if len(found) > MOST_HOSTS:
            raise ValueError(f"more than {MOST_HOSTS} servers are told of: that cannot be")
    return [found[name] for name in sorted(found)]


def place(view: Mapping[str, Any]) -> str:
    """host:port of who was asked."""
    return f"[{view['host']}]:{view['port']}" if ":" in str(view["host"]) else f"{view['host']}:{view['port']}"


def group_name(text: str) -> str:
    """A text as a part of a group's name."""
    return re.sub(r"[^A-Za-z0-9_]", "_", text)


def _apart(names: Iterable[str]) -> None:
    """ValueError where the servers of two masters would be in one group of the inventory."""
    taken: dict[str, str] = {}
    for name in names:
        first = taken.setdefault(group_name(clean(name)), name)
        if first != name:
            group = f"redis_group_{group_name(clean(name))}"
            both = f"the masters '{clean(first)}' and '{clean(name)}' would both be {group}"
            raise ValueError(f"{both}: give each an inventory file of its own (service_names)")


def _watched(name: str, master: Mapping[str, Any]) -> list[Host | None]:
    """A master and its replicas."""
    common = {"master_name": name}
    hosts = [_host(master, "master", name, {**common, **_facts(master), "quorum": master.get("quorum")})]
    for replica in master["replicas"]:
        hosts.append(_host(replica, "replica", name, {**common, **_facts(replica), "priority": replica.get("slave-priority")}))
    return hosts


def _facts(instance: Mapping[str, Any]) -> dict[str, Any]:
    return {"run_id": clean(instance.get("runid", "")), "flags": [clean(flag) for flag in instance["flags"]]}


def _guards(views: Sequence[Mapping[str, Any]], wanted: Mapping[str, Any]) -> list[Host | None]:
    """The Sentinels that watch one of these masters; those that answered at the address at which they did."""
    told: dict[str, dict[str, Any]] = {}
    for view in views:
        own = {"ip": view["host"], "port": view["port"], "runid": view["id"], "flags": ["sentinel"]}
        for master in (master for master in view["masters"] if master["name"] in wanted):
            for guard in (own, *master["sentinels"]):
                known = told.setdefault(str(guard.get("runid")), {"instance": guard, "watches": []})
                known["watches"] = sorted({*known["watches"], clean(master["name"])})
                if guard is own:
                    known["instance"] = own
    return [_guard(**known) for known in told.values()]


def _guard(instance: Mapping[str, Any], watches: list[str]) -> Host | None:
    # One that watches several masters belongs to no single group.
    group = watches[0] if len(watches) == 1 else ""
    host = _host(instance, "sentinel", group, {"watches": watches, **_facts(instance)})
    if host and not group:
        host["groups"] += [f"redis_group_{group_name(name)}" for name in watches]
    return host


def _node(member: Mapping[str, Any], members: Mapping[str, Any], view: Mapping[str, Any], prefix: str) -> Host | None:
    """A node of a cluster; its shard is that of its master."""
    role = "master" if "master" in member["flags"] else "replica"
    shard = f"{prefix}_shard_{_shard(member, members)}" if prefix else f"shard_{_shard(member, members)}"
    address, dummy, port = member["address"].rpartition(":")
    # A node that has never met another does not know its own address.
    instance = {"ip": address or (view["host"] if member["id"] == view["id"] else ""), "port": int(port) if port.isdecimal() else 0}
    slots = [_cluster.slot_range(*pair) for pair in member["slots"]]
    facts = {"node_id": clean(member["id"]), "shard": shard, "flags": [clean(flag) for flag in member["flags"] if flag != "myself"]}
    host = _host(instance, role, shard, {**facts, "slots": slots})
    if host:
        host["groups"] = [name.replace("redis_group_", "redis_", 1) for name in host["groups"]]
    return host


def _shard(member: Mapping[str, Any], members: Mapping[str, Any]) -> str:
    """A shard's name is its first slot, which no failover changes; that of a master without slots is the beginning of its id."""
    master = members.get(member["master_id"] or member["id"], member)
    return str(min(first for first, dummy in master["slots"])) if master["slots"] else group_name(master["id"][:8])


def _host(instance: Mapping[str, Any], role: str, group: str, facts: Mapping[str, Any]) -> Host | None:
    """One server as a host of the inventory, None where its address is none. Its name is the address with the port."""
    address, port = str(instance.get("ip", "")), instance.get("port")
    if not ADDRESS.fullmatch(address) or not isinstance(port, int) or not 0 < port < 65536:
        return None
    where = ["redis_sentinels"] if role == "sentinel" else ["redis", "redis_master" if role == "master" else "redis_replicas"]
    variables = {"ansible_host": address, "redis_topology": {"role": role, "port": port, **facts}}
    return {
        "name": f"{address.replace(':', '_')}-{port}",
        "groups": [*where, *([f"redis_group_{group_name(group)}"] if group else [])],
        "variables": {**variables, **({"redis_group": group} if group else {})},
    }


def _epoch(master: Mapping[str, Any]) -> int:
    epoch = master.get("config-epoch", 0)
    return epoch if isinstance(epoch, int) else 0


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"'{clean(name)}'" for name in sorted(names)[:10]) or "none"
