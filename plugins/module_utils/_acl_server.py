# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The users of a server: read them, change one, and keep the change over a restart.

What the server refuses is raised as ValueError with one sentence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _acl_plan, _acl_rules
from ansible_collections.aragora.redis.plugins.module_utils._client import Client, Refused
from ansible_collections.aragora.redis.plugins.module_utils._manners import refusal

# How the ways to keep users are tried; a server has one of them at most.
WAYS = {"save": ("ACL", "SAVE"), "rewrite": ("CONFIG", "REWRITE")}
# The server's own words where there is no such file.
NO_FILE = {"save": "not configured to use an ACL file", "rewrite": "without a config file"}


def acl_argument_spec() -> dict[str, Any]:
    """The options of redis_acl beside those of the connection."""
    return {
        "name": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "adjusted", "absent"], "default": "present"},
        # no_log, because the module's start is logged before anybody can tell passwords among them.
        "rules": {"type": "list", "elements": "str", "default": [], "no_log": True},
        "passwords": {"type": "list", "elements": "str", "no_log": True},
        "persist": {"type": "str", "choices": ["none", "auto", "save", "rewrite"], "default": "none"},
        "allow_lockout": {"type": "bool", "default": False},
    }


def read(client: Client) -> _acl_plan.Seen:
    """Who we are, who there is, and what the categories hold."""
    whoami, lines, names = _asked(client, [("ACL", "WHOAMI"), ("ACL", "LIST"), ("ACL", "CAT")])
    members = _asked(client, [("ACL", "CAT", name) for name in names])
    categories = {name: frozenset(str(member).lower() for member in found) for name, found in zip(names, members)}
    password = client.endpoint.password
    own_hash = _acl_rules.hashed([password])[0] if password else None
    return _acl_plan.Seen(str(whoami), dict(_acl_rules.tokens_of(line) for line in lines), categories, own_hash)


def answer(client: Client, options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """The result of redis_acl."""
    _acl_plan.check_options(options)
    seen = read(client)
    change = _acl_plan.change(seen, options)
    changed, after, why_not = bool(change.command), change.after, None
    if changed and not check_mode:
        try:
            client.call(*change.command)
        except Refused as error:
            raise ValueError(f"{refusal(client, change.command[:2], error)}; nothing was changed") from None
        if change.command[1] == "SETUSER":
            (lines,) = _asked(client, [("ACL", "LIST")])
            after = dict(_acl_rules.tokens_of(line) for line in lines)[options["name"]]
        why_not = _kept(client, options, change)
    return {**_report(options, change.before, after, client.endpoint.address), **_persisted(options, changed, check_mode, why_not)}


def _kept(client: Client, options: Mapping[str, Any], change: _acl_plan.Change) -> str | None:
    """Why the change is not kept over a restart, None where it is. What cannot be written is undone, and raised as ValueError."""
    if options["persist"] == "none":
        return None
    ways = WAYS if options["persist"] == "auto" else {options["persist"]: WAYS[options["persist"]]}
    for way, command in ways.items():
        reply = client.pipeline([command])[0]
        if not isinstance(reply, Refused):
            return None
        if NO_FILE[way] not in str(reply):
            left = _put_back(client, options["name"], change)
            raise ValueError(f"{refusal(client, command, reply)}: let it write the file, or say persist=none; {left}")
    return "the server was started without an ACL file and without a configuration file" if len(ways) > 1 else str(reply)


def _put_back(client: Client, name: str, change: _acl_plan.Change) -> str:
    """The end of the sentence that tells how the user was left."""
    reply = client.pipeline([_acl_plan.undone(change, name)])[0]
    return f"the user {name} could not be put back ({reply})" if isinstance(reply, Refused) else f"the user {name} is as it was"


def _report(options: Mapping[str, Any], before: Sequence[str] | None, after: Sequence[str] | None, address: str) -> dict[str, Any]:
    shown = [None if tokens is None else _acl_rules.public(tokens) for tokens in (before, after)]
    counts = [sum(rule.startswith("#") for rule in tokens or []) for tokens in (before, after)]
    texts = [
        "" if tokens is None else "".join(f"{rule}\n" for rule in (*tokens, f"({number} password(s))"))
        for tokens, number in zip(shown, counts)
    ]
    header = f"{options['name']} on {address}"
    return {
        "rules": shown[1],
        "previous": shown[0],
        "password_count": counts[1],
        "diff": {"before": texts[0], "after": texts[1], "before_header": header, "after_header": header},
    }


def _persisted(options: Mapping[str, Any], changed: bool, check_mode: bool, why_not: str | None) -> dict[str, Any]:
    if options["persist"] == "none":
        why_not = "persist is none"
    elif not changed:
        why_not = "nothing was changed"
    elif check_mode:
        why_not = "check mode"
    return {"changed": changed, "persisted": why_not is None, "persist_reason": why_not}


def _asked(client: Client, commands: list[tuple[str, ...]]) -> list[Any]:
    replies = client.pipeline(commands)
    for command, reply in zip(commands, replies):
        if isinstance(reply, Refused):
            raise ValueError(refusal(client, command[:2], reply))
    return replies
