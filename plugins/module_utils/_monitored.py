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

# What a remediation takes for the name of a host: no pattern of Ansible, no template.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,252}")
NO_NAME = re.compile(r"[^A-Za-z0-9_.-]")


def monitored(
    names: Sequence[str], hostvars: Mapping[str, Mapping[str, Any]], urls: Sequence[str] = (), login: Sequence[str] = ("", "")
) -> dict[str, Any]:
    """``{targets, user, passwords}``: a file for file_sd without secrets, the exporter's user, and its file of passwords.

    ``login`` is user and password of the exporter where it has a user of its own, else those of ``redis_connection`` are taken. ValueError.
    """
    found: list[tuple[str, str, Endpoint, bool]] = []
    for name in sorted(map(str, names)):
        found += _of_host(name, hostvars[name])
    for url in urls:
        endpoint = _endpoint.from_url(str(url))
        found.append((NO_NAME.sub("-", endpoint.address).strip("-."), "", endpoint, False))
    targets = [_target(name, group, endpoint, sentinel) for name, group, endpoint, sentinel in found]
    places = [target["targets"][0] for target in targets]
    twice = sorted({place for place in places if places.count(place) > 1})
    if twice:
        raise ValueError(f"{twice[0]} is there twice: one server has one name")
    user, logins = _logins([endpoint for dummy, dummy, endpoint, sentinel in found if not sentinel], login)
    sentinels = [endpoint for dummy, dummy, endpoint, sentinel in found if sentinel]
    if any(endpoint.password and (endpoint.user or "") != user for endpoint in sentinels):
        raise ValueError(
            f"one exporter logs in as one user everywhere, and Sentinels have a password for another one than '{user or 'default'}'"
        )
    given = dict(zip([place for place, row in zip(places, found) if not row[3]], logins))
    passwords = {place: given.get(place, row[2].password or "") for place, row in zip(places, found)}
    return {"targets": targets, "user": user, "passwords": _spellings(passwords, user)}


def _of_host(name: str, given: Mapping[str, Any]) -> list[tuple[str, str, Endpoint, bool]]:
    """Server and, where it is named, Sentinel of a host of the inventory: (name, group, where, whether it is a Sentinel)."""
    if not NAME.fullmatch(name):
        raise ValueError(f"the host '{name}' has a name that no alert may carry: use letters, digits, '_', '.' and '-'")
    options = dict(given.get("redis_connection") or {})
    endpoint = _endpoint.from_options(options)
    address = given.get("redis_monitoring_address") or ""
    if not address and (endpoint.socket or endpoint.local):
        # How the host itself reaches its server is of no use to others.
        address = given.get("ansible_host") or name
    if address:
        endpoint = replace(endpoint, host=str(address), port=endpoint.port or _endpoint.DEFAULT_PORT, socket=None)
    group = str(given.get("redis_group") or "")
    found = [(name, group, endpoint, False)]
    sentinel = int(given.get("redis_monitoring_sentinel_port") or 0)
    if sentinel:
        password = options.get("sentinel_password")
        user = options.get("sentinel_user")
        place = Endpoint(host=endpoint.host, port=sentinel, user=user, password=password, tls=bool(options.get("sentinel_tls")))
        found.append((name, group, place, True))
    return found


def _target(name: str, group: str, endpoint: Endpoint, sentinel: bool) -> dict[str, Any]:
    if endpoint.socket:
        raise ValueError(f"{endpoint.socket} is a socket, which an exporter on another host cannot reach: give the server's port")
    if group and not NAME.fullmatch(group):
        raise ValueError(f"the redis_group of '{name}' is '{group}': use letters, digits, '_', '.' and '-'")
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
