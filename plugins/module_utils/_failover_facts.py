# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a switchover has to know: the master, its replicas, and who watches them, as ``_failover`` wants it. It only reads."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import (
    _clients,
    _cluster,
    _failover,
    _info,
    _sentinel_views,
    _sentinel_views_server,
)
from ansible_collections.aragora.redis.plugins.module_utils._client import Client, Refused, Unavailable, open_client
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import Endpoint, from_options

SETTINGS = ("replica-read-only", "min-replicas-to-write")
# Of these it is only told whether they are set.
SECRETS = ("requirepass", "masterauth")
Facts = dict[str, Any]


def gather(options: Mapping[str, Any]) -> Facts:
    """The facts by ``mode``; where that is ``auto``, by what is found. ValueError for options that name no server."""
    if options["sentinels"] or options["mode"] == "sentinel":
        return _by_sentinels(options)
    own = from_options(dict(options))
    node = look(own, options)
    mode = options["mode"]
    if mode == "auto":
        mode = "cluster" if ((node["info"] or {}).get("cluster") or {}).get("cluster_enabled") else "plain"
    return _around(own, node, mode, options)


def look(endpoint: Endpoint, options: Mapping[str, Any]) -> dict[str, Any]:
    """A node as ``_failover`` knows it; one that is silent says why."""
    nothing = {"address": endpoint.address, "host": endpoint.host, "port": endpoint.port, "endpoint": endpoint}
    unknown = {"info": None, "config": {}, "auth": dict.fromkeys(f"{name}_set" for name in SECRETS), "sentinels": 0}
    try:
        client = open_client(endpoint, options["connect_timeout"], options["timeout"], first_reply=0)
        with contextlib.closing(client):
            return {**nothing, "state": "up", "error": "", **unknown, **_read(client)}
    except Unavailable as error:
        return {**nothing, "state": error.failure.state, "error": str(error), **unknown}


def _read(client: Client) -> dict[str, Any]:
    names = (*SETTINGS, *SECRETS)
    info, listed, *replies = client.pipeline(
        [("INFO",), ("CLIENT", "LIST", "TYPE", "pubsub"), *(("CONFIG", "GET", name) for name in names)]
    )
    if isinstance(info, Refused):
        raise Unavailable(info.failure, client.endpoint)
    values = {name: None if isinstance(reply, Refused) or len(reply) < 2 else reply[1] for name, reply in zip(names, replies)}
    known = {f"{name}_set": None if values[name] is None else bool(values[name]) for name in SECRETS}
    sentinels = 0 if isinstance(listed, Refused) else _clients.aggregate(_clients.parse(listed), None)["sentinels"]
    settings = {name: values[name] for name in SETTINGS if values[name] is not None}
    return {"info": _info.parse(info), "config": settings, "auth": known, "sentinels": sentinels}


def _by_sentinels(options: Mapping[str, Any]) -> Facts:
    name = options["service_name"]
    if not name:
        raise ValueError("sentinels need service_name, the name under which they know the master")
    views = _sentinel_views_server.gather(options)
    agreement = _sentinel_views.agreement(views, name)
    facts: Facts = {"mode": "sentinel", "name": name, "views": views, "agreement": agreement, "cluster": {}, "master": None, "replicas": []}
    # Whoever answers and watches it is asked to fail over.
    facts["views"] = sorted(views, key=lambda view: (not view["masters"], view["address"]))
    if agreement["host"] is None:
        return facts
    endpoint = _sentinel_views_server.server_endpoint(options, agreement["host"], int(agreement["port"]))
    rows = facts["views"][0]["masters"][0]["replicas"] or []
    facts["master"] = look(endpoint, options)
    facts["replicas"] = [look(replace(endpoint, host=row["host"], port=int(row["port"])), options) for row in rows]
    return facts


def _around(own: Endpoint, node: dict[str, Any], mode: str, options: Mapping[str, Any]) -> Facts:
    """The facts around one server: it is the master, or a replica of it."""
    facts: Facts = {"mode": mode, "name": None, "views": [], "agreement": None, "cluster": {}, "master": node, "replicas": []}
    section = (node["info"] or {}).get("replication") or {}
    if section.get("role") == "slave":
        master = replace(own, socket=None, host=str(section["master_host"]), port=int(section["master_port"]))
        facts["master"] = look(master, options)
        if facts["master"]["state"] != "up":
            return _orphaned(facts, node, options)
        section = (facts["master"]["info"] or {}).get("replication") or {}
        own = master
    rows = [row for name, row in sorted(section.items()) if name.startswith("slave") and isinstance(row, Mapping)]
    facts["replicas"] = [look(replace(own, socket=None, host=str(row["ip"]), port=int(row["port"])), options) for row in rows]
    if mode == "cluster" and facts["master"]["state"] == "up":
        facts["cluster"] = cluster_info(own, options)
    return facts


def _orphaned(facts: Facts, node: dict[str, Any], options: Mapping[str, Any]) -> Facts:
    """The replicas of a master that does not answer: this one, and whom the cluster knows, or whoever was named."""
    own, places = node["endpoint"], list(options["replicas"] or [])
    if facts["mode"] == "cluster":
        facts["cluster"] = cluster_info(own, options)
        rows = facts["cluster"].get("nodes", [])
        facts["cluster"]["master_id"] = next((row["master_id"] for row in rows if "myself" in row["flags"]), None)
        mates = [row for row in rows if row["master_id"] and row["master_id"] == facts["cluster"]["master_id"]]
        places = [row["address"] for row in mates if not {"myself", "fail", "noaddr"} & set(row["flags"])]
    named = [look(replace(own, socket=None, host=host.strip("[]"), port=int(port)), options) for host, port in map(_split, places)]
    # The address that was named is the one by which others can follow.
    known = {_failover.run_id(other) for other in named}
    facts["replicas"] = named if _failover.run_id(node) in known else [node, *named]
    return facts


def _split(place: str) -> tuple[str, str]:
    """(host, port). ValueError for what is none."""
    host, dummy, port = place.rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError(f"'{place}' is no HOST:PORT of a replica")
    return host, port


def cluster_info(endpoint: Endpoint, options: Mapping[str, Any]) -> dict[str, Any]:
    """CLUSTER INFO, with ``nodes``; empty where it is refused."""
    with contextlib.closing(open_client(endpoint, options["connect_timeout"], options["timeout"], first_reply=0)) as client:
        state, nodes = client.pipeline([("CLUSTER", "INFO"), ("CLUSTER", "NODES")])
    if isinstance(state, Refused) or isinstance(nodes, Refused):
        return {}
    return {**_info.parse(f"# cluster\n{state}")["cluster"], "nodes": _cluster.nodes(nodes)}
