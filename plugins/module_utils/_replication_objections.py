# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What speaks against making a server a replica or a master: it is asked itself, its master to be, and Sentinels. Only reads."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _clients, _info, _replication
from ansible_collections.aragora.redis.plugins.module_utils._client import Client, Refused, Unavailable, open_client
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import Endpoint, sentinel_endpoints
from ansible_collections.aragora.redis.plugins.module_utils._manners import documented, refusal
from ansible_collections.aragora.redis.plugins.module_utils._replies import pairs
from ansible_collections.aragora.redis.plugins.module_utils._settings_plan import Plan

# A chain of replicas of replicas that is longer than this is a circle.
LONGEST_CHAIN = 8
LOGIN = {"masteruser": "master_user", "masterauth": "master_password"}
TLS_FILES = {"ca_certs": "tls-ca-cert-file", "client_cert_file": "tls-cert-file", "client_key_file": "tls-key-file"}


@dataclass(frozen=True)
class Seen:
    """A server before anything is done."""

    info: dict[str, dict[str, Any]]
    config: dict[str, str]
    before: dict[str, Any]
    after: dict[str, Any]
    settings: Plan

    @property
    def moves(self) -> bool:
        """Whether its role or its master is to change."""
        return self.before != self.after


def object_to(client: Client, seen: Seen, options: dict[str, Any]) -> None:
    """ValueError with the reason where the move would do harm, or nobody can tell that it would not."""
    address, wanted = client.endpoint.address, f"a {_replication.shown(seen.after)}"
    accepted = {"sentinel_watched": options["sentinel_watched"] == "accept", "data_loss": options["accept_data_loss"]}
    watchers = [] if accepted["sentinel_watched"] else [*_watchers(client), *_told_by_sentinels(client, seen, options)]
    lost = None
    if seen.after["role"] == "replica" and not watchers:
        endpoint = master_endpoint(client.endpoint, seen, options)
        master = ask(endpoint, options)
        _check_chain(client, seen, endpoint, master, options)
        lost = _replication.loss(seen.info, master)
    sentence = _replication.refusal(address, wanted, watchers, lost, accepted)
    if sentence:
        raise ValueError(sentence)


def _watchers(client: Client) -> list[str]:
    """The Sentinels that are connected to the server."""
    reply = client.pipeline([("CLIENT", "LIST")])[0]
    if isinstance(reply, Refused):
        sentence = refusal(client, ("CLIENT", "LIST"), reply)
        raise ValueError(f"{sentence}; without it nobody can tell whether Sentinel watches it (sentinel_watched: accept does not look)")
    with documented(client.endpoint.address):
        return _replication.sentinels_among(_clients.parse(reply))


def _told_by_sentinels(client: Client, seen: Seen, options: dict[str, Any]) -> list[str]:
    """Those of ``ask_sentinels`` that know the server as a master or a replica."""
    run_id, watching = _replication.run_id_of(seen.info), []
    for endpoint in sentinel_endpoints({**options, "sentinels": options["ask_sentinels"]}):
        opened = open_client(endpoint, options["connect_timeout"], options["timeout"], first_reply=0)
        with contextlib.closing(opened) as guard, documented(endpoint.address):
            masters = [pairs(row) for row in guard.call("SENTINEL", "MASTERS")]
            rows = [*masters, *(pairs(row) for master in masters for row in guard.call("SENTINEL", "REPLICAS", master["name"]))]
        own = addresses_of(client.endpoint.host or "")
        if any(row.get("runid") == run_id or _is_at(row, own, client.endpoint.port) for row in rows):
            watching.append(endpoint.address)
    return watching


def _is_at(row: Mapping[str, Any], addresses: set[str], port: int | None) -> bool:
    return str(row.get("port")) == str(port) and row.get("ip") in addresses


def master_endpoint(own: Endpoint, seen: Seen, options: Mapping[str, Any]) -> Endpoint:
    """The master to be, with the login that the replica will use."""
    given = {setting.name: setting.after for setting in seen.settings.settings}
    login = {name: given.get(name, seen.config.get(name) or "") for name in LOGIN}
    with_tls = seen.config.get("tls-replication") == "yes"
    # The server's own files, where this is its host; what is given wins.
    files: dict[str, Any] = {name: options.get(name) or _readable(seen.config.get(setting)) for name, setting in TLS_FILES.items()}
    return Endpoint(
        host=seen.after["master_host"],
        port=seen.after["master_port"],
        user=login["masteruser"] or None,
        password=login["masterauth"] or None,
        tls=with_tls,
        validate_certs=own.validate_certs,
        **(files if with_tls else {}),
    )


def _readable(path: str | None) -> str | None:
    return path if path and Path(path).is_file() else None


def ask(endpoint: Endpoint, options: Mapping[str, Any]) -> dict[str, dict[str, Any]] | None:
    """INFO of a master; None where the login of replicas may not ask for it. ValueError where it cannot be reached with this login."""
    try:
        with contextlib.closing(open_client(endpoint, options["connect_timeout"], options["timeout"], first_reply=0)) as client:
            reply = client.pipeline([("INFO",)])[0]
    except Unavailable as error:
        raise ValueError(f"the master cannot be used by a replica, so nothing was changed: {error}") from None
    with documented(endpoint.address):
        return None if isinstance(reply, Refused) else _info.parse(reply)


def _check_chain(client: Client, seen: Seen, endpoint: Endpoint, master: dict[str, dict[str, Any]] | None, options: dict[str, Any]) -> None:
    """ValueError where the master to be is the server itself, or gets its data from it."""
    own = _replication.run_id_of(seen.info)
    circle = f"{client.endpoint.address} cannot follow {endpoint.address}, which follows it: make that one a master first"
    for dummy in range(LONGEST_CHAIN):
        if master is None:
            break
        if _replication.run_id_of(master) == own:
            raise ValueError(f"{endpoint.address} is the server itself" if not dummy else circle)
        above = _replication.place(master)
        if above["role"] == "master":
            break
        try:
            master = ask(replace(endpoint, host=above["master_host"], port=above["master_port"]), options)
        except ValueError:
            break
    # Who may not be asked is seen among the replicas.
    rows = [row for name, row in (seen.info.get("replication") or {}).items() if name.startswith("slave") and isinstance(row, Mapping)]
    if any(_is_at(row, addresses_of(endpoint.host or ""), endpoint.port) for row in rows):
        raise ValueError(circle)


def addresses_of(host: str) -> set[str]:
    """All addresses of a host; the text itself where there are none."""
    try:
        return {str(found[4][0]) for found in socket.getaddrinfo(host, None)}
    except (OSError, ValueError):
        return {host}
