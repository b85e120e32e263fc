# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What migrate_to_sentinel, add_replica and remove_replica would do to a group, reckoned with the snapshot of its master. Pure.

``options``: ``members`` as :mod:`_group_master` takes them, ``group`` (its answer), ``name``, ``address``, ``port``, ``tls``, ``bind``,
``min_replicas``, ``sentinels`` (hosts that have one, or shall), and for remove_replica ``leaving`` (an inventory
name) with ``leaving_address``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _replication

Snapshot = Mapping[str, Any]
Options = Mapping[str, Any]
MIB = 1024 * 1024
EVERYWHERE = ("*", "-::*", "::*", "::", "0.0.0.0")  # noqa: S104  read, not bound
LEAST_SENTINELS = 3


def migrate(snapshot: Snapshot, options: Options) -> dict[str, Any]:
    """A lone master becomes the master of a group that fails over by itself."""
    joining = [member for member in options["members"] if _joins(member, options)]
    watching = _watching(options)
    if not joining and set(watching) == set(options["sentinels"]):
        return {"idle": "the group is complete, and its Sentinels watch it"}
    refused = [
        *options["group"]["refused"],
        *_master(snapshot),
        *_clients(snapshot, options),
        *_data(joining),
        *_strange(snapshot, options),
    ]
    if watching and not refused:
        refused = [f"Sentinels watch '{options['name']}' already ({', '.join(watching)}): it is a group, and add_replica adds to it"]
    if refused:
        return {"refused": refused}
    names = ", ".join(options["sentinels"])
    return {
        "steps": [
            *_copies(snapshot, joining, options),
            f"then set min-replicas-to-write {options['min_replicas']} on all, so that a master that is cut off stops taking writes",
            f"have Sentinels on {names} watch it as '{options['name']}'",
        ],
        "hosts": [member["name"] for member in joining],
    }


def add_replica(snapshot: Snapshot, options: Options) -> dict[str, Any]:
    """Hosts that are new in the inventory join a group that is watched."""
    joining = [member for member in options["members"] if _joins(member, options)]
    new = sorted(set(options["sentinels"]) - set(_watching(options)))
    strange = _strange(snapshot, options)
    if not joining and not new and not strange:
        return {"idle": "every host of the inventory is in the group"}
    refused = [*options["group"]["refused"], *_master(snapshot), *_clients(snapshot, options), *_data(joining), *strange]
    if not _watching(options) and not refused:
        refused = [f"no Sentinel watches '{options['name']}': migrate_to_sentinel makes a group of a lone master"]
    if refused:
        return {"refused": refused}
    steps = _copies(snapshot, joining, options) if joining else []
    return {
        "steps": [*steps, *([f"have Sentinels on {', '.join(new)} watch it as well"] if new else [])],
        "hosts": [m["name"] for m in joining],
    }


def remove_replica(snapshot: Snapshot, options: Options) -> dict[str, Any]:
    """A replica leaves: it is stopped, and the Sentinels forget it, one after the other."""
    leaving = _member(options, options["leaving"]) or _gone(options)
    if leaving["server"] is None and _member(options, leaving["name"]):
        return {"refused": [f"{leaving['name']} has no server of the group: give the inventory name of a replica"]}
    has_guard = leaving["name"] in options["sentinels"]
    left = [name for name in options["sentinels"] if name != leaving["name"]]
    known = sorted(name for name in left if _knows(_member(options, name), leaving, options["name"], has_guard))
    stopped = not _section(leaving)
    if stopped and not known:
        return {"idle": f"{leaving['name']} is stopped, and no Sentinel remembers it"}
    refused = [*options["group"]["refused"], *_master(snapshot), *_leaving(leaving, left, snapshot, options)]
    if refused:
        return {"refused": refused}
    beside = ", and its Sentinel" if has_guard else ""
    stop = [] if stopped else [f"stop and disable the server on {leaving['name']}{beside}; its data stays where it is"]
    forget = f"have the Sentinels on {', '.join(known)} forget it (SENTINEL RESET), one at a time and 30 s apart"
    return {"steps": [*stop, *([forget] if known else [])], "address": f"{leaving['address']}:{leaving['port']}", "sentinels": known}


def _gone(options: Options) -> dict[str, Any]:
    """A host that cannot be reached any more, by the address that the inventory gives it."""
    if not options["leaving"] or not options.get("leaving_address"):
        raise ValueError(
            f"redis_sentinel_leaving is '{options['leaving']}': give the inventory name of a host of the group, "
            "and where that cannot be reached its redis_sentinel_address"
        )
    return {"name": options["leaving"], "address": options["leaving_address"], "port": options["port"], "server": None, "sentinel": None}


def _leaving(leaving: Mapping[str, Any], left: Sequence[str], snapshot: Snapshot, options: Options) -> list[str]:
    """Why this host may not leave."""
    name = leaving["name"]
    refused = []
    if options["group"].get("master") == name:
        refused.append(f"{name} is the master: fail over first (failover.yml)")
    others = [row for row in options["members"] if _section(row) and row["name"] not in (name, options["group"].get("master"))]
    if _section(leaving) and not others:
        refused.append(f"{name} is the last replica: nobody could take over from the master any more; add another first (add_replica.yml)")
    below = [member["name"] for member in options["members"] if _follows(member) == f"{leaving['address']}:{leaving['port']}"]
    if below and options["group"].get("master") != name:
        refused.append(f"{', '.join(below)} replicate from {name}: have them follow the master first")
    if len(left) < LEAST_SENTINELS and name in options["sentinels"]:
        refused.append(f"without the Sentinel on {name} there would be {len(left)}, and a group needs {LEAST_SENTINELS}: add another first")
    online = int(((snapshot.get("info") or {}).get("replication") or {}).get("connected_slaves") or 0)
    needed = int((snapshot.get("config") or {}).get("min-replicas-to-write") or 0)
    if _section(leaving) and online - 1 < needed:
        refused.append(f"the master would have {online - 1} replicas and wants {needed} (min-replicas-to-write): its writes would stop")
    return refused


def _master(snapshot: Snapshot) -> list[str]:
    if not snapshot.get("info"):
        return [f"the master cannot be used ({(snapshot.get('availability') or {}).get('state')})"]
    loading = ((snapshot["info"].get("persistence")) or {}).get("loading")
    return ["the master is loading its data: wait"] if loading else []


def _clients(snapshot: Snapshot, options: Options) -> list[str]:
    """Settings of the role that would lock out the clients that the master has now."""
    config, auth = snapshot.get("config") or {}, snapshot.get("auth") or {}
    refused = []
    if not auth.get("requirepass_set"):
        refused.append(
            "the master has no password, and applications that give none would be locked out: have them give one, and set it first"
        )
    port = config.get("tls-port" if options["tls"] else "port")
    if config and str(port) != str(options["port"]):
        way = "TLS" if options["tls"] else "plain connections"
        refused.append(f"the master has port {port} for {way}, and would get {options['port']}: its clients would not find it any more")
    before, after = _words(config.get("bind")), _words(options["bind"])
    missing = [word for word in before if word not in after and word.lstrip("-") not in ("::1", "127.0.0.1")]
    if missing and not any(word in EVERYWHERE for word in after):
        refused.append(f"the master listens on {' '.join(missing)}, and would not any more: give bind in redis_sentinel_settings")
    return refused


def _data(joining: Sequence[Mapping[str, Any]]) -> list[str]:
    full = [member["name"] for member in joining if member["server"] and _replication.held(member["server"].get("info") or {})]
    return [f"{', '.join(full)} hold data of their own, which a replica throws away: empty them, or leave them out"] if full else []


def _strange(snapshot: Snapshot, options: Options) -> list[str]:
    """Servers of the inventory that follow one of another group: by its place, and by a history that is not the master's."""
    places = {f"{member['address']}:{member['port']}" for member in options["members"]}
    history = ((snapshot.get("info") or {}).get("replication") or {}).get("master_replid")
    strangers = [member for member in options["members"] if _follows(member) and _follows(member) not in places]
    return [
        f"{member['name']} follows {_follows(member)}, which is none of these hosts: have it follow nobody, or leave it out"
        for member in strangers
        if _section(member).get("master_replid") != history
    ]


def _copies(snapshot: Snapshot, joining: Sequence[Mapping[str, Any]], options: Options) -> list[str]:
    used = int((snapshot["info"].get("memory") or {}).get("used_memory") or 0)
    names = ", ".join(member["name"] for member in joining)
    keys = _replication.keys_of(snapshot["info"])
    return [
        f"{options['group']['master']} stays the master and is not restarted",
        f"make {names} its replicas: it forks and sends them {keys} keys ({used / MIB:.1f} MiB in memory), and goes on taking writes",
    ]


def _joins(member: Mapping[str, Any], options: Options) -> bool:
    """Whether this server follows nobody and is not the master."""
    return member["server"] is not None and member["name"] != options["group"].get("master") and not _follows(member)


def _watching(options: Options) -> list[str]:
    return sorted(member["name"] for member in options["members"] if _watched(member, options["name"]))


def _watched(member: Mapping[str, Any] | None, name: str) -> Mapping[str, Any] | None:
    """What the Sentinel of a host says of the group."""
    masters = (((member or {}).get("sentinel") or {}).get("sentinel") or {}).get("masters") or []
    return next((row for row in masters if row.get("name") == name and not str(row.get("ip")).startswith("127.")), None)


def _knows(member: Mapping[str, Any] | None, leaving: Mapping[str, Any], name: str, has_guard: bool) -> bool:
    """Whether the Sentinel of a host knows the other server as a replica, or its Sentinel where that leaves as well."""
    row = _watched(member, name) or {}
    replicas = [other for other in row.get("replicas") or [] if str(other.get("port")) == str(leaving["port"])]
    return any(other.get("ip") == leaving["address"] for other in [*replicas, *((row.get("sentinels") or []) if has_guard else [])])


def _member(options: Options, name: str) -> Mapping[str, Any] | None:
    return next((member for member in options["members"] if member["name"] == name), None)


def _section(member: Mapping[str, Any]) -> Mapping[str, Any]:
    return ((member["server"] or {}).get("info") or {}).get("replication") or {}


def _follows(member: Mapping[str, Any]) -> str | None:
    section = _section(member)
    return f"{section.get('master_host')}:{section.get('master_port')}" if section.get("role") == "slave" else None


def _words(text: Any) -> list[str]:
    return [word for word in str(text or "").split() if word]
