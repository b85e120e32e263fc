# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The URLs of Redis in an application's environment: set and equal, now and at its next start? Pure.

A URL is never said, only where it leads.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

from ansible_collections.aragora.redis.plugins.module_utils import _endpoint

NOT_READ = "not_read"


def compare(
    names: Sequence[str], following: Mapping[str, str] | None, running: Mapping[str, str] | None, unseen: Collection[str] = ()
) -> dict[str, Any]:
    """``{variables: [{name, next, running, next_at, running_at, drifted}], equal, complete, drifted, troubles}``.

    ``following`` is what the next start gets, ``running`` what the process has; None where that cannot be read. ``unseen`` are variables
    that the application reads from a file by itself, which no process shows.
    """
    rows = [_row(name, following, None if name in unseen else running) for name in names]
    troubles = [sentence for row in rows for sentence in _troubles(row)]
    for when, variables in (("its next start gets", following), ("it runs with", running)):
        values = {name: _value(name, variables) for name in names if not (variables is running and name in unseen)}
        given = {name: value for name, value in values.items() if value}
        if len(set(given.values())) > 1:
            places = {name: place(value) for name, value in given.items()}
            same = len(set(places.values())) == 1
            said = "the login or an option" if same else ", ".join(f"{name} {where}" for name, where in places.items())
            troubles.append(f"of what {when}, the URLs in {' and '.join(given)} differ: {said}")
    return {
        "variables": rows,
        "complete": all(row[when] in ("set", NOT_READ) for row in rows for when in ("next", "running")),
        "equal": not any("differ" in sentence for sentence in troubles),
        "drifted": any(row["drifted"] for row in rows),
        "troubles": troubles,
    }


def place(url: str) -> str:
    """host:port/db or the path of a socket, as it may be said."""
    try:
        endpoint = _endpoint.from_url(url_and_options(url)[0])
    except ValueError:
        return "(no URL of Redis)"
    return f"{endpoint.address}/{endpoint.db}"


def url_and_options(url: str) -> tuple[str, dict[str, Any]]:
    """The URL without the options that only redis-py knows, and those that matter as options of a connection."""
    try:
        parts = urlsplit(url.strip())
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    except ValueError:
        return url, {}
    options: dict[str, Any] = {}
    if query.get("ssl_cert_reqs", "").lower() in ("none", "cert_none", "optional"):
        options["validate_certs"] = False
    pairs = {"ssl_ca_certs": "ca_certs", "ssl_certfile": "client_cert_file", "ssl_keyfile": "client_key_file"}
    options.update({ours: query[theirs] for theirs, ours in pairs.items() if query.get(theirs)})
    db = query.get("db", "")
    return urlunsplit(parts._replace(query=f"db={db}" if db else "")), options


def chosen(names: Sequence[str], *environments: Mapping[str, str] | None) -> str | None:
    """The URL that the application uses: the first that is set, of the first environment that has one."""
    return next((variables[name] for variables in environments if variables for name in names if variables.get(name)), None)


def _row(name: str, following: Mapping[str, str] | None, running: Mapping[str, str] | None) -> dict[str, Any]:
    next_value, value = _value(name, following), _value(name, running)
    return {
        "name": name,
        "next": _state(name, following),
        "running": _state(name, running),
        "next_at": place(next_value) if next_value else None,
        "running_at": place(value) if value else None,
        "drifted": following is not None and running is not None and next_value != value,
    }


def _value(name: str, variables: Mapping[str, str] | None) -> str:
    return (variables or {}).get(name, "").strip()


def _state(name: str, variables: Mapping[str, str] | None) -> str:
    if variables is None:
        return NOT_READ
    return "set" if variables.get(name, "").strip() else "empty" if name in variables else "missing"


def _troubles(row: Mapping[str, Any]) -> list[str]:
    name, found = row["name"], []
    words = {"empty": "is empty", "missing": "is not set"}
    if row["next"] in words:
        found.append(f"{name} {words[row['next']]} for its next start")
    if row["running"] in words:
        found.append(f"{name} {words[row['running']]} in the running process")
    if row["drifted"] and not found:
        same = row["next_at"] == row["running_at"]
        where = "with another login or option" if same else f"{row['running_at']} now, {row['next_at']} then"
        found.append(f"{name} of the running process is not that of its next start: {where}")
    return found
