# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a configuration file would set, and where a running server differs from it. Pure: texts and mappings in, plain data out.

Secrets become ``***`` as soon as a line is read: only whether they are set is told.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._secrets import MASK, is_secret
from ansible_collections.aragora.redis.plugins.module_utils._settings import canonical, is_known, merged, names_of, same
from ansible_collections.aragora.redis.plugins.module_utils._settings_known import NO_SETTINGS

# Several lines of these add up.
ADDING = ("save", "client-output-buffer-limit")
# Told although they are no settings, without what they say: such a line may hold the password, too.
NOTED = "user"
# A server makes its own of them: the working directory without links, what the unit or the system wants.
OF_ITS_OWN = {"dir", "pidfile", "hash-seed", "supervised", "daemonize"}
# What servers do without a line in the file, where that is the same in every release since 6.2, of Redis and of Valkey.
DEFAULTS = {
    "active-expire-effort": "1",
    "activedefrag": "no",
    "appendfsync": "everysec",
    "appendonly": "no",
    "client-output-buffer-limit": "normal 0 0 0 replica 256mb 64mb 60 pubsub 32mb 8mb 60",
    "hz": "10",
    "latency-monitor-threshold": "0",
    "masterauth": "",
    "maxmemory": "0",
    "maxmemory-policy": "noeviction",
    "maxmemory-samples": "5",
    "min-replicas-max-lag": "10",
    "min-replicas-to-write": "0",
    "no-appendfsync-on-rewrite": "no",
    "notify-keyspace-events": "",
    "protected-mode": "yes",
    "replica-read-only": "yes",
    "requirepass": "",
    "save": "3600 1 300 100 60 10000",
    "slowlog-log-slower-than": "10000",
    "slowlog-max-len": "128",
    "stop-writes-on-bgsave-error": "yes",
    "tcp-keepalive": "300",
    "timeout": "0",
}
NOT_THERE = "(not there)"


def lines(text: str) -> list[tuple[str, str]]:
    """(directive, value) of each line that has one, in their order, secrets masked."""
    found = []
    for line in text.splitlines():
        words = line.strip().split(None, 1)
        name = words[0].lower() if words else "#"
        if not name.startswith("#"):
            value = _value(words[1]) if len(words) > 1 else ""
            hidden = is_secret(name) or (name in NO_SETTINGS and name != "include")
            found.append((name, MASK if value and hidden else value))
    return found


def told(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """``{setting: value}`` of the lines of a file, by the first of a setting's names: the last line counts, those of ADDING add up."""
    found: dict[str, str] = {}
    for spelling, value in pairs:
        name = canonical(spelling)
        if name in ADDING and value and found.get(name):
            found[name] = f"{found[name]} {value}"
        elif is_known(name) or name == NOTED:
            found[name] = value
    return found


def differences(running: Mapping[str, str], directives: Mapping[str, str], given: Iterable[str] = ()) -> dict[str, dict[str, str]]:
    """``{setting: {running, in_file}}`` of what CONFIG GET (secrets masked) and a file (see :func:`told`) say otherwise.

    A setting that the file does not mention differs only where its default is known; ``given`` are those that arguments decide.
    """
    found: dict[str, dict[str, str]] = {}
    # The password may stand in an ACL, in the file itself or in one of its own.
    elsewhere = {"requirepass"} if NOTED in directives or running.get("aclfile") else set()
    for name in sorted({*directives, *DEFAULTS} - OF_ITS_OWN - elsewhere - {NOTED, *map(canonical, given)}):
        server_name = next((spelling for spelling in names_of(name) if spelling in running), None)
        if server_name and not _means(name, directives.get(name, DEFAULTS.get(name, "")), running[server_name]):
            found[server_name] = {"running": running[server_name], "in_file": directives.get(name, NOT_THERE)}
    return found


def _means(name: str, in_file: str, running: str) -> bool:
    """Whether a server that starts with this line would have this value. Of secrets only whether they are set is known."""
    if is_secret(name):
        return bool(in_file) == bool(running)
    try:
        # Classes of clients that no line mentions keep their limits.
        return same(name, running, merged(name, running, in_file) if in_file or name == "save" else in_file)
    except ValueError:
        # Of several lines for one class nobody here knows what they add up to.
        return name in ADDING or same(name, running, in_file)


def _value(text: str) -> str:
    try:
        return " ".join(shlex.split(text))
    except ValueError:
        return text


def shown(found: Mapping[str, Any], most: int) -> dict[str, Any]:
    """The first so many."""
    return dict(list(found.items())[:most])
