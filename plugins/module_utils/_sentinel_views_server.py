# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask all Sentinels that know each other what they believe, and the master that they name who it is. It only reads."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _info, _sentinel, _sentinel_views
from ansible_collections.aragora.redis.plugins.module_utils._client import Client, Refused, Unavailable, open_client
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import Endpoint, from_options, from_url, sentinel_endpoints
from ansible_collections.aragora.redis.plugins.module_utils._sentinel_views import View

# Nobody has more; a list that is longer is not to be trusted.
MOST_SENTINELS = 32
# Those that the first know, those that only these know, and once more.
ROUNDS = 3
NOT_SHAPED = (AttributeError, IndexError, KeyError, TypeError, ValueError)


def seeds(options: Mapping[str, Any]) -> list[Endpoint]:
    """The Sentinels to ask first: ``sentinels``, or the one of ``url``. ValueError where neither says one."""
    listed = sentinel_endpoints(dict(options))
    if listed or not options["url"]:
        if not listed:
            raise ValueError("no Sentinel is given: set sentinels, or the url of one")
        return listed
    one = from_url(options["url"])
    # The login of the URL is that of the Sentinels, TLS files are everybody's.
    given = {"user": options["sentinel_user"], "password": options["sentinel_password"], "tls": options["sentinel_tls"] or None}
    given.update({name: options[name] for name in ("ca_certs", "client_cert_file", "client_key_file")})
    return [replace(one, validate_certs=options["validate_certs"], **{name: value for name, value in given.items() if value})]


def sentinel_endpoint(options: Mapping[str, Any], address: str) -> Endpoint:
    """One of the Sentinels that a view is of, with the login of all of them."""
    host, dummy, port = address.rpartition(":")
    return replace(seeds(options)[0], socket=None, host=host.strip("[]"), port=int(port))


def server_endpoint(options: Mapping[str, Any], host: str, port: int) -> Endpoint:
    """A server that Sentinels watch, with the login of ``login_user`` and ``login_password``, or beside ``sentinels`` of ``url``."""
    url = options["url"] if options["sentinels"] else None
    template = from_options({**options, "url": url, "login_host": None, "login_port": None, "login_unix_socket": None})
    return replace(template, socket=None, host=host, port=port)


def gather(options: Mapping[str, Any]) -> list[View]:
    """The view of every Sentinel that can be found from the first ones; one that is silent has a view that says so."""
    template = seeds(options)
    views: list[View] = []
    asking = template
    with ThreadPoolExecutor(8) as pool:
        for dummy in range(ROUNDS):
            views = _sentinel_views.without_aliases([*views, *pool.map(lambda endpoint: ask(endpoint, options), asking)])
            places = _sentinel_views.unknown(views)[: MOST_SENTINELS - len(views)]
            asking = [replace(template[0], socket=None, host=host, port=port) for host, port in places]
            if not asking:
                break
    return views


def ask(endpoint: Endpoint, options: Mapping[str, Any]) -> View:
    """What one Sentinel believes; it is given no longer than the time-outs say."""
    try:
        client = open_client(endpoint, options["connect_timeout"], options["timeout"], first_reply=0)
        with contextlib.closing(client):
            return _asked(client, options.get("service_name"))
    except Unavailable as error:
        return _sentinel_views.silent(endpoint.address, error.failure.state, str(error))
    except NOT_SHAPED as error:
        return _sentinel_views.silent(endpoint.address, "not_redis", f"its reply is not what Redis documents ({type(error).__name__})")


def _asked(client: Client, name: str | None) -> View:
    address = client.endpoint.address
    info, sentinel_id, masters = client.pipeline([("INFO", "sentinel"), ("SENTINEL", "MYID"), ("SENTINEL", "MASTERS")])
    if isinstance(masters, Refused):
        state = "not_redis" if "unknown command" in str(masters).lower() else "no_permission"
        return _sentinel_views.silent(address, state, f"it is no Sentinel, or refuses SENTINEL MASTERS: {masters}")
    known = [{**_sentinel.instance(master), **dict.fromkeys(_sentinel.DETAILS)} for master in masters]
    known = [master for master in known if not name or master["name"] == name]
    commands = _sentinel.commands(known)
    for (place, part), reply in zip(commands, client.pipeline(list(commands.values())) if commands else []):
        if not isinstance(reply, Refused) or (part == "quorum_check" and _sentinel.quorum_check(str(reply))):
            known[place][part] = _sentinel.detail(part, reply)
    section = {} if isinstance(info, Refused) else _info.parse(info).get("sentinel", {})
    return _sentinel_views.view(address, None if isinstance(sentinel_id, Refused) else str(sentinel_id), section, known)


def role_of(endpoint: Endpoint, options: Mapping[str, Any]) -> dict[str, Any]:
    """``{state, error, role, run_id, offset, replicas, master}``: what the named master says of itself (ROLE)."""
    nothing: dict[str, Any] = {"state": "up", "error": "", "role": None, "run_id": None, "offset": None, "replicas": [], "master": None}
    try:
        client = open_client(endpoint, options["connect_timeout"], options["timeout"], first_reply=0)
        with contextlib.closing(client):
            role, info = client.pipeline([("ROLE",), ("INFO", "server")])
    except Unavailable as error:
        return {**nothing, "state": error.failure.state, "error": str(error)}
    run_id = None if isinstance(info, Refused) else _info.parse(info).get("server", {}).get("run_id")
    if isinstance(role, Refused) or not role:
        return {**nothing, "run_id": run_id, "error": f"it refuses ROLE: {role}"}
    found = {**nothing, "role": role[0], "run_id": run_id}
    if role[0] == "master":
        replicas = [{"address": _sentinel_views.address(row[0], row[1]), "offset": int(row[2])} for row in role[2]]
        return {**found, "offset": int(role[1]), "replicas": replicas}
    if role[0] == "slave":
        return {**found, "offset": int(role[4]), "master": _sentinel_views.address(role[1], role[2])}
    return found


def answer(options: Mapping[str, Any]) -> dict[str, Any]:
    """The result of redis_sentinel_info. ValueError for options that name no Sentinel."""
    views = gather(options)
    name = options.get("service_name")
    masters = [_sentinel_views.agreement(views, known) for known in ([name] if name else _sentinel_views.names(views))]
    for master in masters[: _sentinel.MOST_MASTERS]:
        there = master["host"] is not None and isinstance(master["port"], int)
        master["role"] = role_of(server_endpoint(options, master["host"], master["port"]), options) if there else None
    return {"changed": False, "sentinels": views, "masters": masters, "agreed": bool(masters) and all(row["agreed"] for row in masters)}
