# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks every node of a cluster what it believes, beginning with one of them."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _cluster_views
from ansible_collections.aragora.redis.plugins.module_utils._client import Client, Refused, Unavailable, find_endpoint, open_client
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import Endpoint
from ansible_collections.aragora.redis.plugins.module_utils._manners import check_number, refusal
from ansible_collections.aragora.redis.plugins.module_utils._report.text import clean

AT_ONCE = 16


def cluster_info_argument_spec() -> dict[str, Any]:
    """The options of redis_cluster_info beside those of the connection."""
    return {"most_nodes": {"type": "int", "default": 1000}}


def answer(options: dict[str, Any]) -> dict[str, Any]:
    """The result of redis_cluster_info. ValueError where the server is no node, Unavailable where it does not answer."""
    check_number("most_nodes", options["most_nodes"], 1, 10_000)
    endpoint = find_endpoint(options)
    with contextlib.closing(open_client(endpoint, options["connect_timeout"], options["timeout"])) as client:
        try:
            views = [view(client)]
        except Refused as error:
            raise ValueError(refusal(client, ("CLUSTER", "NODES"), error)) from None
    asked, silent = {endpoint.address}, dict[str, str]()
    while True:
        # Others may know nodes that the first does not.
        known = {view["address"] for view in views}
        wanted = [address for address in _cluster_views.addresses(views) if address not in asked | known][
            : options["most_nodes"] - len(asked)
        ]
        if not wanted:
            break
        asked.update(wanted)
        found = _ask(endpoint, wanted, options)
        silent.update({address: said for address, said in found.items() if isinstance(said, str)})
        views += [said for said in found.values() if not isinstance(said, str)]
    return {"changed": False, **_cluster_views.summary(_once(views), silent)}


def view(client: Client) -> dict[str, Any]:
    """Raises Refused where CLUSTER NODES or INFO is refused, ValueError for replies that are none of a node."""
    commands = (("CLUSTER", "NODES"), ("CLUSTER", "INFO"), ("INFO", "replication"), ("INFO", "persistence"))
    nodes, info, *sections = client.pipeline(commands)
    for reply in (nodes, info):
        if isinstance(reply, Refused):
            raise reply
    try:
        seen = _cluster_views.view(client.endpoint.address, nodes, info, *sections)
    except (AttributeError, IndexError, KeyError, StopIteration, TypeError) as error:
        raise ValueError(f"{client.endpoint.address} does not answer as a node of a cluster does ({type(error).__name__})") from None
    # The address that all others know it by, where it knows it.
    own = next(member["address"] for member in seen["nodes"] if member["id"] == seen["id"])
    return {**seen, "address": own if own.rpartition(":")[0] else seen["address"]}


def _ask(endpoint: Endpoint, wanted: list[str], options: Mapping[str, Any]) -> dict[str, Any]:
    """``{address: its view, or the sentence why there is none}``, side by side."""

    def ask(address: str) -> Any:
        host, dummy, port = address.rpartition(":")
        try:
            there = replace(endpoint, socket=None, host=host, port=int(port))
            with contextlib.closing(open_client(there, options["connect_timeout"], options["timeout"], first_reply=0)) as client:
                return view(client)
        except (Unavailable, Refused, ValueError) as error:
            return clean(error)

    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        return dict(zip(wanted, pool.map(ask, wanted)))


def _once(views: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One view of each node, also of one that has several addresses."""
    return list({view["id"]: view for view in reversed(views)}.values())[::-1]
