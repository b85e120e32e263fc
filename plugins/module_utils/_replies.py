# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a server replied, put where the snapshot has a place for it. Pure; a reply of an unknown shape is as good as none."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _clients, _cluster, _info, _latency, _secrets, _sentinel, _slowlog
from ansible_collections.aragora.redis.plugins.module_utils._gather_plan import Plan
from ansible_collections.aragora.redis.plugins.module_utils._snapshot import Snapshot


def take_in(snapshot: Snapshot, readers: Readers, answered: Mapping[str, Any], plan: Plan) -> None:
    """Put the replies of one round where they belong, in the order of the readers."""
    for part, read in readers.items():
        if part in answered:
            understand(snapshot, part, functools.partial(read, snapshot, answered, plan))


def understand(snapshot: Snapshot, part: str, read: Callable[[], Any]) -> Any:
    """What ``read`` makes of a reply; None, and a word in ``denied``, when the reply is not what Redis documents."""
    try:
        return read()
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        snapshot["denied"][part] = f"the reply is not what Redis documents ({type(error).__name__}: {str(error)[:100]})"
        return None


def _read_info(snapshot: Snapshot, answered: Mapping[str, Any], dummy: Plan) -> None:
    info = snapshot["info"] = _info.parse(answered["info"])
    _identify(snapshot, info)


def _read_config(snapshot: Snapshot, answered: Mapping[str, Any], dummy: Plan) -> None:
    config = {name: str(value) for name, value in pairs(answered["config"]).items()}
    snapshot["config"], snapshot["auth"] = _secrets.masked_config(config), _secrets.auth_facts(config)


def _read_slowlog(snapshot: Snapshot, answered: Mapping[str, Any], plan: Plan) -> None:
    entries = _slowlog.entries(answered["slowlog"], _server_time(snapshot), plan.mask_arguments)
    recent = [entry for entry in entries if entry["age_seconds"] < 3600]
    length = answered.get("slowlog_length", len(entries))
    snapshot["slowlog"] = {"length": length, "entries": entries, "groups": _slowlog.groups(recent)}


def _read_latency(snapshot: Snapshot, answered: Mapping[str, Any], dummy: Plan) -> None:
    snapshot["latency"] = {"events": _latency.events(answered["latency"])}


def _read_memory(snapshot: Snapshot, answered: Mapping[str, Any], dummy: Plan) -> None:
    snapshot["memory"] = {"stats": pairs(answered["memory_stats"]), "doctor": str(answered.get("memory_doctor", ""))}


def _read_acl(snapshot: Snapshot, answered: Mapping[str, Any], dummy: Plan) -> None:
    default = user(answered["acl"]) if "acl" in answered else None
    snapshot["acl"] = {"whoami": str(answered["acl_whoami"]), "default": default, "users": None}


def _read_modules(snapshot: Snapshot, answered: Mapping[str, Any], dummy: Plan) -> None:
    snapshot["modules"] = [{key: module.get(key) for key in ("name", "ver")} for module in map(pairs, answered["modules"])]


def _read_histogram(snapshot: Snapshot, answered: Mapping[str, Any], dummy: Plan) -> None:
    histogram = _latency.histogram(answered["histogram"], snapshot["info"] or {})
    snapshot["latency"] = {**(snapshot["latency"] or {}), "histogram": histogram}


def _read_clients(snapshot: Snapshot, answered: Mapping[str, Any], dummy: Plan) -> None:
    snapshot["clients"] = _clients.aggregate(_clients.parse(answered["clients"]), answered.get("client_id"))


def _read_cluster(snapshot: Snapshot, answered: Mapping[str, Any], dummy: Plan) -> None:
    members = _cluster.nodes(answered["cluster_nodes"]) if "cluster_nodes" in answered else None
    info = _info.parse(f"# cluster\n{answered['cluster']}")["cluster"]
    told = dict.fromkeys(("uncovered_slots", "moving_slots")) if members is None else _cluster.told(members)
    snapshot["cluster"] = {"info": info, "nodes": members, **told}


def _read_sentinel(snapshot: Snapshot, answered: Mapping[str, Any], dummy: Plan) -> None:
    masters = [{**_sentinel.instance(master), **dict.fromkeys(_sentinel.DETAILS)} for master in answered["sentinel"]]
    info = (snapshot["info"] or {}).get("sentinel") or {}
    snapshot["sentinel"] = {"id": answered.get("sentinel_id"), **_sentinel.tilt(info), "masters": masters}


def _identify(snapshot: Snapshot, info: dict[str, Any]) -> None:
    server = info.get("server", {})
    product, version = _info.product(server)
    snapshot["server"].update(
        {
            "product": product,
            "version": version,
            "run_id": server.get("run_id"),
            "mode": server.get("redis_mode") or server.get("server_mode"),
            "role": info.get("replication", {}).get("role"),
        }
    )
    snapshot["availability"]["eta_seconds"] = info.get("persistence", {}).get("loading_eta_seconds")


def user(reply: Any) -> dict[str, Any]:
    """ACL GETUSER's answer without password hashes, its selectors as mappings."""
    fields = _secrets.without_hashes(pairs(reply))
    return {**fields, "selectors": [pairs(selector) for selector in fields.get("selectors") or []]}


def _server_time(snapshot: Snapshot) -> int:
    """Unix time by the server's clock, which the slow log uses; ours where it does not say."""
    micros = (snapshot["info"] or {}).get("server", {}).get("server_time_usec")
    return int(micros // 1_000_000) if isinstance(micros, int) else int(time.time())


def pairs(flat: list[Any] | dict[str, Any]) -> dict[str, Any]:
    """A RESP2 map (a flat list) as a mapping, nested ones included where they are even lists below a text key."""
    if isinstance(flat, dict):
        return flat
    return {str(key): value for key, value in zip(flat[::2], flat[1::2])}


Readers = dict[str, Callable[[Snapshot, Mapping[str, Any], Plan], None]]
# What is made of the replies of the first round; INFO first, because the others ask for its clock.
FIRST: Readers = {
    "info": _read_info,
    "config": _read_config,
    "slowlog": _read_slowlog,
    "latency": _read_latency,
    "memory_stats": _read_memory,
    "acl_whoami": _read_acl,
    "modules": _read_modules,
}
SECOND: Readers = {
    "histogram": _read_histogram,
    "clients": _read_clients,
    "cluster": _read_cluster,
    "sentinel": _read_sentinel,
}
