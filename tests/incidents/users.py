# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The users that the playbooks log in as in an incident, with what ``_privileges.py`` grants them and nothing else.

Every server that an incident starts has them from its start, because nobody could make them once it is ill. ``ops_remediate`` gets what the
one action needs that the incident is about.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import re
import subprocess
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any
from urllib.parse import urlsplit

import redis
from ansible_collections.aragora.redis.plugins.module_utils import _privileges

from tests.lab import hosts, servers

PASSWORD = "Sesame-ops-7391"
HASH = "#" + hashlib.sha256(PASSWORD.encode()).hexdigest()
TIMEOUT = 2
# Debian's, on the hosts with systemd.
OF_HOSTS = ("redis", (7, 0))
ACTION: ContextVar[str | None] = ContextVar("action", default=None)


@contextlib.contextmanager
def standing(action: str | None) -> Iterator[None]:
    """Servers that are started meanwhile have both users; for ``action``, where there is one."""
    before, users = ACTION.set(action), servers.STANDING.set(lambda binary: "\n".join(lines(*release_of(str(binary)))))
    try:
        yield
    finally:
        ACTION.reset(before)
        servers.STANDING.reset(users)


def lines(product: str, release: tuple[int, ...]) -> list[str]:
    """The users as redis.conf and the command line take them, without the word ``user``."""
    action = ACTION.get()
    rules = {user: _privileges.rules(user, product, release, [action] if action else []) for user in _privileges.USERS}
    return [f"{user} {HASH} {' '.join(words)}" for user, words in rules.items()]


@functools.cache
def release_of(binary: str) -> tuple[str, tuple[int, ...]]:
    """(product, release) of a server program."""
    said = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10, check=True).stdout
    found = re.search(r"v=(\d+)\.(\d+)", said)
    assert found, said
    return "valkey" if said.startswith("Valkey") else "redis", (int(found[1]), int(found[2]))


def logged_in(place: dict[str, Any], user: str) -> dict[str, Any]:
    """The way to the same servers as this user; Sentinels, which have users of their own, as before."""
    login = {"login_user": user, "login_password": PASSWORD}
    if "hosts" in place:
        found = {}
        for name, host in place["hosts"].items():
            found[name] = {**host, "redis_connection": {**host.get("redis_connection", {}), **login}}
        return {**place, "hosts": found}
    if "targets" in place:
        plain = {name: value for name, value in place.items() if name != "login_password"}
        return {**plain, "targets": [url if _is_sentinel(url) else _with_login(url, user) for url in place["targets"]]}
    return place if _is_sentinel(place["url"]) else {**place, **login}


def refused(place: dict[str, Any]) -> list[str]:
    """What one of the users was not allowed, by the logs of the servers that can be asked."""
    if "hosts" in place:
        names = [host["ansible_host"] for host in place["hosts"].values() if host["ansible_connection"] == "lab_container"]
        said = {name: hosts.Host(name).redis("acl", "log") for name in names}
        return [f"{name}: {' '.join(text.split())[:200]}" for name, text in said.items() if any(user in text for user in _privileges.USERS)]
    found = []
    for url in place.get("targets") or [place["url"]]:
        with contextlib.suppress(redis.RedisError, OSError, ValueError):
            for entry in _client(url, place.get("login_password")).acl_log():
                if entry["username"] in _privileges.USERS:
                    found.append(f"{entry['username']} may not {entry['object']} ({entry['reason']})")
    return found


def _is_sentinel(url: str) -> bool:
    with contextlib.suppress(redis.RedisError, OSError, ValueError):
        return bool(_client(url).execute_command("ROLE")[0] == "sentinel")
    return False


def _client(url: str, password: str | None = None) -> redis.Redis:
    options: dict[str, Any] = {"socket_timeout": TIMEOUT, "socket_connect_timeout": TIMEOUT, "protocol": 2, "decode_responses": True}
    return redis.Redis.from_url(url, password=password, **options)


def _with_login(url: str, user: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{user}:{PASSWORD}@{parts.netloc}").geturl()
