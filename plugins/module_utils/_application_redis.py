# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Redis as the application reaches it: from its host, with its own URL and login. The URL never leaves this file."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _application_urls, _canary, _cluster, _info
from ansible_collections.aragora.redis.plugins.module_utils._application_service import Service
from ansible_collections.aragora.redis.plugins.module_utils._client import (
    Client,
    Refused,
    Unavailable,
    missing_library,
    open_client,
)
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import Endpoint, connection_argument_spec, from_options
from ansible_collections.aragora.redis.plugins.module_utils._host_commands import Denied

WAIT_MS = 1_000
# Failures of the way, which says nothing of an application that has a network of its own.
OF_THE_WAY = ("dns", "refused", "timeout", "unreachable", "reset")


def look(service: Service, options: dict[str, Any], writes: bool) -> dict[str, Any]:
    """``{at, state, reason, error, ping_ms, role, replicas, run_id, canary}``; ``canary`` is null where none was
    written, else what did not work.

    Denied where it cannot be looked at from here.
    """
    endpoint = _endpoint(service)
    found: dict[str, Any] = {
        "at": f"{endpoint.address}/{endpoint.db}",
        **dict.fromkeys(("reason", "error", "ping_ms", "role", "replicas", "run_id", "canary")),
    }
    try:
        client = _open(endpoint, options)
    except Unavailable as error:
        if service.told.get("own_network") and error.failure.state in OF_THE_WAY:
            raise Denied(f"its container has a network of its own, and from its host: {service.hide(error)}") from None
        return {**found, "state": error.failure.state, "reason": error.failure.reason, "error": service.hide(error)}
    with contextlib.closing(client):
        try:
            _talk(client, service, found, options, writes)
        except Unavailable as error:
            found.update(state=error.failure.state, reason=error.failure.reason, error=service.hide(error))
    return {"state": "up", **found}


def _talk(client: Client, service: Service, found: dict[str, Any], options: dict[str, Any], writes: bool) -> None:
    started = time.perf_counter()
    client.call("PING")
    found["ping_ms"] = round((time.perf_counter() - started) * 1000, 3)
    role, nodes, selected, info = client.pipeline(
        [("ROLE",), ("CLUSTER", "NODES"), ("SELECT", client.endpoint.db), ("INFO", "server")]
    )  # fmt: skip
    if isinstance(info, str):
        found["run_id"] = (_info.parse(info).get("server") or {}).get("run_id")
    if isinstance(role, list) and role:
        found["role"] = str(role[0])
        found["replicas"] = len(role[2]) if role[0] == "master" and len(role) > 2 else None
    if client.endpoint.db and isinstance(selected, Refused):
        found.update(state="no_permission", error=service.hide(f"it refuses the database {client.endpoint.db}: {selected}"))
    elif writes and found["role"] in ("master", None):
        replicas = (found["replicas"] or 0) if options["replicas"] is None else options["replicas"]
        slots = None if isinstance(nodes, Refused) else _canary.own_slots(_cluster.nodes(nodes))
        found["canary"] = [service.hide(sentence) for sentence in _canary.sing(client, replicas, WAIT_MS, slots)]


@contextlib.contextmanager
def opened(service: Service, options: dict[str, Any]) -> Iterator[Client]:
    """A client in the application's own database. Raises Denied and Unavailable."""
    client = _open(_endpoint(service), options)
    with contextlib.closing(client):
        client.pipeline([("SELECT", client.endpoint.db)])
        yield client


def there(client: Client, keys: Sequence[str]) -> list[str]:
    """Those of the keys that are there. Denied where the server will not say."""
    replies = client.pipeline([("EXISTS", key) for key in keys])
    refused = next((reply for reply in replies if isinstance(reply, Refused)), None)
    if refused:
        raise Denied(f"it refuses EXISTS: {refused}")
    return [key for key, reply in zip(keys, replies) if reply]


def _open(endpoint: Endpoint, options: dict[str, Any]) -> Client:
    return open_client(endpoint, options["connect_timeout"], options["timeout"])


def _endpoint(service: Service) -> Endpoint:
    sentence = missing_library()
    if sentence:
        raise Denied(sentence)
    url = _application_urls.chosen(service.profile["url_variables"], service.running, service.next)
    if not url:
        raise Denied("none of its variables holds a URL")
    plain, own = _application_urls.url_and_options(url)
    defaults = {name: option.get("default") for name, option in connection_argument_spec().items()}
    try:
        return from_options({**defaults, "url": plain, **own})
    except ValueError as error:
        raise Denied(service.hide(error)) from None
