# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make a server a master, or a replica of another one: look, ask the master to be, refuse what would do harm, set, wait, or put back."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import (
    _apply_settings,
    _replication,
    _settings_plan,
    _wait_server,
)
from ansible_collections.aragora.redis.plugins.module_utils._client import Client, Refused, Unavailable, open_client
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import Endpoint
from ansible_collections.aragora.redis.plugins.module_utils._manners import check_number, documented, refusal
from ansible_collections.aragora.redis.plugins.module_utils._replication_objections import (
    LOGIN,
    Seen,
    addresses_of,
    ask,
    master_endpoint,
    object_to,
)


def replication_argument_spec() -> dict[str, Any]:
    """The options of redis_replication beside those of the connection."""
    return {
        "role": {"type": "str", "choices": ["master", "replica"], "required": True},
        "master_host": {"type": "str"},
        "master_port": {"type": "int", "default": 6379},
        "master_user": {"type": "str"},
        "master_password": {"type": "str", "no_log": True},
        "accept_data_loss": {"type": "bool", "default": False},
        "sentinel_watched": {"type": "str", "choices": ["refuse", "accept"], "default": "refuse"},
        "ask_sentinels": {"type": "list", "elements": "str", "default": []},
        "persist": {"type": "str", "choices": ["none", "rewrite"], "default": "rewrite"},
        "wait_timeout": {"type": "float", "default": 300.0},
    }


def declare(client: Client, options: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """The result of redis_replication. ValueError, NotApplied or Unavailable where the server is not as declared in the end."""
    check_number("wait_timeout", options["wait_timeout"], 0, 86_400)
    with documented(client.endpoint.address):
        seen = look(client, options)
    if seen.moves:
        object_to(client, seen, options)
    elif seen.settings.changes and seen.after["role"] == "replica":
        ask(master_endpoint(client.endpoint, seen, options), options)
    changed = seen.moves or bool(seen.settings.changes)
    if changed and not check_mode:
        _set(client, seen)
    waited = 0.0 if check_mode else _wait(client.endpoint, seen, options, changed)
    why_not = _persist(client.endpoint, seen, options) if changed and not check_mode else "check mode" if changed else "nothing was changed"
    return {
        "changed": changed,
        "role": seen.after["role"],
        "master": _address(seen.after),
        "previous": {"role": seen.before["role"], "master": _address(seen.before)},
        "waited": waited,
        "persisted": why_not is None,
        "persist_reason": why_not,
        "diff": _diff(client.endpoint.address, seen),
    }


def look(client: Client, options: Mapping[str, Any]) -> Seen:
    """What the server is and what it shall be. ValueError for a node of a cluster."""
    config, info = _apply_settings.read(client, LOGIN)
    if (info.get("cluster") or {}).get("cluster_enabled"):
        raise ValueError(
            f"{client.endpoint.address} is a node of a cluster: its master is set with CLUSTER REPLICATE (redis-cli --cluster)"
        )
    before = _replication.place(info)
    wanted = {name: options[option] for name, option in LOGIN.items() if options[option] is not None}
    after: dict[str, Any] = {"role": "master", "master_host": None, "master_port": None}
    if options["role"] == "replica":
        after = {"role": "replica", "master_host": options["master_host"], "master_port": options["master_port"]}
        if before["role"] == "replica" and before["master_port"] == after["master_port"]:
            same = before["master_host"] == after["master_host"] or addresses_of(before["master_host"]) & addresses_of(after["master_host"])
            # A name and an address of one host: what the server has stays.
            after = before if same else after
    return Seen(info, config, before, after, _settings_plan.make_plan(wanted, config, info, client.endpoint.local))


def _set(client: Client, seen: Seen) -> None:
    """The login first, then the role."""
    _apply_settings.apply(client, seen.settings.changes, seen.info, rewrite=False)
    if seen.moves:
        try:
            client.call(*_command(seen.after))
        except Refused as error:
            raise ValueError(f"{refusal(client, ('REPLICAOF',), error)}; {_put_back(client.endpoint, seen, {})}") from None


def _command(where: Mapping[str, Any]) -> tuple[str, str, str]:
    return ("REPLICAOF", "NO", "ONE") if where["role"] == "master" else ("REPLICAOF", where["master_host"], str(where["master_port"]))


def _wait(endpoint: Endpoint, seen: Seen, options: dict[str, Any], changed: bool) -> float:
    """Until a replica is in step: the seconds. ValueError when it does not come to that, with what was put back."""
    if not options["wait_timeout"]:
        return 0.0
    way = {"url": None, "sentinels": None, "service_name": None, "login_unix_socket": endpoint.socket, "login_host": endpoint.host}
    login = {"login_port": endpoint.port, "login_user": endpoint.user, "login_password": endpoint.password, "tls": endpoint.tls}
    defaults = {name: option.get("default") for name, option in _wait_server.wait_argument_spec().items()}
    wishes = {**defaults, "role": seen.after["role"], "wait_timeout": options["wait_timeout"]}
    result = _wait_server.answer({**options, **way, **login, **wishes}, check_mode=False)
    if result.get("failed"):
        left = _put_back(endpoint, seen, options) if changed else "nothing was changed"
        raise ValueError(f"{endpoint.address} is no {_replication.shown(seen.after)} in step: {result['msg']}; {left}")
    return float(result["waited"])


def _put_back(endpoint: Endpoint, seen: Seen, options: Mapping[str, Any]) -> str:
    """The old role, master and login again; the end of the sentence that tells how the server was left."""
    was = _replication.shown(seen.before)
    try:
        with contextlib.closing(open_client(endpoint, options.get("connect_timeout", 3.0), options.get("timeout", 5.0))) as client:
            back = [replace(change, before=change.after, after=change.before) for change in seen.settings.changes]
            _apply_settings.apply(client, back, seen.info, rewrite=False)
            if seen.moves:
                client.call(*_command(seen.before))
    except (Unavailable, Refused, _apply_settings.NotApplied) as error:
        return f"it could not be put back to what it was ({was}): {error}"
    return f"it is {was} again, with the login that it had" if back else f"it is {was} again"


def _persist(endpoint: Endpoint, seen: Seen, options: Mapping[str, Any]) -> str | None:
    """Why the configuration file was not written; None when it was."""
    if options["persist"] == "none":
        return "persist is none"
    with contextlib.closing(open_client(endpoint, options["connect_timeout"], options["timeout"])) as client:
        return _apply_settings.write_file(client, seen.info)


def _address(where: Mapping[str, Any]) -> dict[str, Any] | None:
    return None if where["role"] == "master" else {"host": where["master_host"], "port": where["master_port"]}


def _diff(address: str, seen: Seen) -> dict[str, Any]:
    shown = _settings_plan.diff(seen.settings.changes, address)
    if seen.moves:
        shown["before"] = {"replication": _replication.shown(seen.before), **shown["before"]}
        shown["after"] = {"replication": _replication.shown(seen.after), **shown["after"]}
    return shown
