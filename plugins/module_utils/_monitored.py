# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which servers are watched, under which labels, and how the exporter logs in there. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _endpoint
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import Endpoint
from ansible_collections.aragora.redis.plugins.module_utils._gather_plan import info_argument_spec

# What a remediation takes for the name of a host: no pattern of Ansible, no template.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,252}")
NO_NAME = re.compile(r"[^A-Za-z0-9_.-]")
# A host's name or address as it stands in a target: without a port, and without what a URL could be led astray by.
ADDRESS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}|[0-9A-Fa-f.]{0,4}:[0-9A-Fa-f.]{0,4}:[0-9A-Fa-f:.]{0,40}(%[A-Za-z0-9_.-]{1,15})?")
# As the modules understand what an inventory writes as text.
TRUE, FALSE = ("true", "yes", "on", "1", "y", "t"), ("false", "no", "off", "0", "n", "f")


def monitored(
    names: Sequence[str],
    hostvars: Mapping[str, Mapping[str, Any]],
    urls: Sequence[str] = (),
    login: Sequence[str] = ("", ""),
    strict: bool = False,
) -> dict[str, Any]:
    """``{targets, user, passwords}``: a file for file_sd without secrets, the exporter's user, and its file of passwords.

    ``login`` is user and password of the exporter where it has a user of its own, else those of ``redis_connection`` are taken. ``strict``
    tells that it trusts the system's authorities only. ValueError.
    """
    found: list[tuple[str, str, Endpoint, bool]] = []
    for name in sorted(map(str, names)):
        found += _of_host(name, hostvars[name], strict)
    for url in urls:
        endpoint = _endpoint.from_url(str(url))
        found.append((NO_NAME.sub("-", endpoint.address).strip("-._"), "", endpoint, False))
    targets = [_target(name, group, endpoint, sentinel) for name, group, endpoint, sentinel in found]
    places = [target["targets"][0] for target in targets]
    # Alerts tell servers apart by these two labels.
    named = [f"{target['labels']['redis_host']}:{target['labels']['redis_port']}" for target in targets]
    twice = sorted({place for place in places if places.count(place) > 1}) or sorted({name for name in named if named.count(name) > 1})
    if twice:
        raise ValueError(f"{twice[0]} is there twice: one server has one name, and one name is one server's")
    user, logins = _logins([endpoint for dummy, dummy, endpoint, sentinel in found if not sentinel], login)
    sentinels = [endpoint for dummy, dummy, endpoint, sentinel in found if sentinel]
    if any(endpoint.password and (endpoint.user or "") != user for endpoint in sentinels):
        raise ValueError(
            f"one exporter logs in as one user everywhere, and Sentinels have a password for another one than '{user or 'default'}'"
        )
    given = dict(zip([place for place, row in zip(places, found) if not row[3]], logins))
    passwords = {place: given.get(place, row[2].password or "") for place, row in zip(places, found)}
    return {"targets": targets, "user": user, "passwords": _spellings(passwords, user)}


def _of_host(name: str, given: Mapping[str, Any], strict: bool) -> list[tuple[str, str, Endpoint, bool]]:
    """Server and, where it is named, Sentinel of a host of the inventory: (name, group, where, whether it is a Sentinel)."""
    if not NAME.fullmatch(name):
        raise ValueError(f"the host '{name}' has a name that no alert may carry: use letters, digits, '_', '.' and '-'")
    options = _options(name, given.get("redis_connection") or {})
    try:
        endpoint = _endpoint.from_options(options)
    except ValueError as error:
        raise ValueError(f"redis_connection of '{name}': {error}") from None
    if strict and endpoint.tls and options.get("validate_certs") is False:
        raise ValueError(
            f"the redis_connection of '{name}' does not validate the server's certificate, but the exporter would, and call it down: give "
            "redis_monitoring_tls_ca_file, or redis_monitoring_tls_verify=false"
        )
    address = given.get("redis_monitoring_address") or ""
    if not address and (endpoint.socket or endpoint.local):
        # How the host itself reaches its server is of no use to others.
        address = given.get("ansible_host") or name
    if address:
        endpoint = replace(endpoint, host=str(address), port=endpoint.port or _endpoint.DEFAULT_PORT, socket=None)
    group = str(given.get("redis_group") or "")
    found = [(name, group, endpoint, False)]
    sentinel = _port(f"redis_monitoring_sentinel_port of '{name}'", given.get("redis_monitoring_sentinel_port") or 0, least=0)
    if sentinel:
        password = options.get("sentinel_password")
        user = options.get("sentinel_user")
        place = Endpoint(host=endpoint.host, port=sentinel, user=user, password=password, tls=bool(options.get("sentinel_tls")))
        found.append((name, group, place, True))
    return found


def _options(name: str, written: Any) -> dict[str, Any]:
    """The redis_connection of a host, read as the modules read it."""
    if not isinstance(written, Mapping):
        raise ValueError(f"the redis_connection of '{name}' is no mapping: give options of redis_info, as {{login_port: 6380}}")
    specs = {**_endpoint.connection_argument_spec(), **info_argument_spec()}
    unknown = sorted(str(option) for option in written if option not in specs)
    if unknown:
        known = ", ".join(sorted(_endpoint.connection_argument_spec()))
        raise ValueError(f"the redis_connection of '{name}' has the option '{unknown[0]}', which nobody knows: choose from {known}")
    options = dict(written)
    for option, value in written.items():
        kind, said = specs[option].get("type"), f"the {option} in the redis_connection of '{name}'"
        if value in (None, ""):
            options[option] = None
        elif option == "login_port":
            options[option] = _port(said, value, least=1)
        elif kind == "bool":
            options[option] = _switch(said, value)
        elif kind in ("str", "path"):
            options[option] = str(value)
    return options


def _port(said: str, value: Any, least: int) -> int:
    text = str(value)
    if not re.fullmatch(r"[0-9]{1,5}", text) or not least <= int(text) <= 65535:
        raise ValueError(f"{said} is '{text}': give a number from {least} to 65535")
    return int(text)


def _switch(said: str, value: Any) -> bool:
    text = str(value).lower()
    if text not in TRUE + FALSE:
        raise ValueError(f"{said} is '{value}': give true or false")
    return text in TRUE


def _target(name: str, group: str, endpoint: Endpoint, sentinel: bool) -> dict[str, Any]:
    if endpoint.socket:
        raise ValueError(f"{endpoint.socket} is a socket, which an exporter on another host cannot reach: give the server's port")
    if group and not NAME.fullmatch(group):
        raise ValueError(f"the redis_group of '{name}' is '{group}': use letters, digits, '_', '.' and '-'")
    if not ADDRESS.fullmatch(endpoint.host or "") or not NAME.fullmatch(name):
        raise ValueError(
            f"the address of '{name}' is '{endpoint.host}': give a name or an IP address alone (redis_monitoring_address), and its port as "
            "login_port of redis_connection"
        )
    place = f"{'rediss' if endpoint.tls else 'redis'}://{endpoint.address}"
    labels = {"redis_host": name, "redis_port": str(endpoint.port), "redis_group": group}
    return {"targets": [place], "labels": {**labels, **({"redis_sentinel": "true"} if sentinel else {})}}


def _logins(endpoints: Sequence[Endpoint], login: Sequence[str]) -> tuple[str, list[str]]:
    """(user, a password for each): one exporter is one user everywhere."""
    user, password = str(login[0] or ""), str(login[1] or "")
    if user or password:
        if user and not password:
            raise ValueError(f"redis_monitoring_user is '{user}' and there is no redis_monitoring_password: give both")
        return user, [password] * len(endpoints)
    users = sorted({endpoint.user or "" for endpoint in endpoints if endpoint.password})
    if len(users) > 1:
        shown = ", ".join(f"'{name or 'default'}'" for name in users)
        raise ValueError(f"one exporter logs in as one user everywhere, and the servers name {shown}: set redis_monitoring_user")
    return "".join(users), [endpoint.password or "" for endpoint in endpoints]


def _spellings(passwords: Mapping[str, str], user: str) -> dict[str, str]:
    """With the user and without: releases of the exporter differ in what they look for."""
    found = {place: password for place, password in passwords.items() if password}
    if user:
        found.update({place.replace("://", f"://{user}@", 1): password for place, password in found.items()})
    return found
