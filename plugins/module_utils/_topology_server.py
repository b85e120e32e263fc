# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks Sentinels and nodes of a cluster which servers there are: all seeds side by side, each within its time-outs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _cluster, _info, _sentinel, _topology
from ansible_collections.aragora.redis.plugins.module_utils._client import Client, Refused, Unavailable, open_client
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import Endpoint, cluster_endpoints, sentinel_endpoints
from ansible_collections.aragora.redis.plugins.module_utils._manners import NOT_SHAPED

AT_ONCE = 16
MALFORMED = (*NOT_SHAPED, ValueError)


def ask(options: Mapping[str, Any]) -> tuple[list[_topology.Host], list[str]]:
    """(hosts, sentences about seeds that were left out). ValueError when nobody of a kind answers, or the options cannot be meant."""
    guards, nodes = sentinel_endpoints(dict(options)), cluster_endpoints(dict(options))
    if not guards and not nodes:
        raise ValueError("there is nobody to ask: give sentinels or cluster, each a list of host:port")
    views, silent = _ask_all("Sentinel", guards, _ask_sentinel, options)
    hosts = _topology.from_sentinels(views, options["service_names"]) if guards else []
    views, more = _ask_all("node of the cluster", nodes, _ask_node, options)
    members, strangers = _topology.from_cluster(views, options["cluster_name"]) if nodes else ([], [])
    return _topology.joined([*hosts, *members]), [*silent, *more, *strangers]


def _ask_all(
    kind: str, seeds: Sequence[Endpoint], question: Callable[[Client], dict[str, Any]], options: Mapping[str, Any]
) -> tuple[list[dict[str, Any]], list[str]]:
    """(views in the order of the seeds, sentences of those that gave none)."""

    def answer(seed: Endpoint) -> dict[str, Any] | str:
        try:
            with contextlib.closing(open_client(seed, options["connect_timeout"], options["timeout"], first_reply=0)) as client:
                return {"host": seed.host, "port": seed.port, **question(client)}
        except Unavailable as error:
            return str(error)
        except Refused as error:
            return f"{seed.address} is no {kind}, or does not let this user ask ({error})"
        except MALFORMED:
            return f"{seed.address} does not answer as a {kind} does"

    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        answers = list(pool.map(answer, seeds))
    views = [view for view in answers if not isinstance(view, str)]
    silent = [sentence for sentence in answers if isinstance(sentence, str)]
    if seeds and not views:
        raise ValueError(f"no {kind} answers: " + "; ".join(silent))
    return views, silent


def _ask_sentinel(client: Client) -> dict[str, Any]:
    """The masters that it watches, with their replicas and the other Sentinels."""
    masters = [_sentinel.instance(master) for master in client.call("SENTINEL", "MASTERS")]
    own = client.call("SENTINEL", "MYID")
    kinds = ("replicas", "sentinels")
    replies = iter(client.pipeline([("SENTINEL", kind.upper(), str(master["name"])) for master in masters for kind in kinds]))
    for master in masters:
        # A master that was taken away since is answered with an error.
        for kind in kinds:
            reply = next(replies)
            master[kind] = [] if isinstance(reply, Refused) else [_sentinel.instance(item) for item in reply]
    return {"id": str(own), "masters": masters}


def _ask_node(client: Client) -> dict[str, Any]:
    """The nodes that it knows."""
    nodes = _cluster.nodes(client.call("CLUSTER", "NODES"))
    info = _info.parse("# cluster\n" + client.call("CLUSTER", "INFO"))["cluster"]
    own = next(node["id"] for node in nodes if "myself" in node["flags"])
    return {"id": own, "nodes": nodes, "state": info["cluster_state"], "epoch": int(info["cluster_current_epoch"])}
