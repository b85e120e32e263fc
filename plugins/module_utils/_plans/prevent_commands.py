# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which commands are denied to the users of applications, and which are not, because somebody calls them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _acl
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts

# Called by those who watch the server, by us too: the statistics tell nothing of applications.
WATCHED = ("config", "module", "monitor", "replicaof")
OWN_NAME = "aragora.redis"
ACCEPT = "redis_hardening_accept_noperm=true denies it all the same"


def would_change(told: Mapping[str, Any]) -> bool:
    """Whether redis_acl with ``persist`` has told in check mode that a user is not yet so."""
    return bool(told.get("persist_reason") == "check mode")


def denied(facts: Facts, options: Mapping[str, Any], surveyed: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[str], list[str]]:
    """(users with their rules, steps, what is left). ``surveyed`` tells by user whether all of it would be a change, or what speaks
    against it.
    """
    users, steps, left = [], list[str](), list[str]()
    for name in options["users"]:
        told = surveyed.get(name) or {}
        if told.get("msg"):
            left.append(f"of the user {name} nothing is taken: {told['msg']}")
        elif name == facts.get_or("acl.whoami", None):
            left.append(f"of the user {name} nothing is taken, because this run is logged in as that: log in as another one")
        elif would_change(told):
            used = {} if options.get("accept_noperm") else _used(facts, name, options["commands"])
            taken = [command for command in options["commands"] if command not in used]
            left += [f"{command.upper()} stays allowed to {name}: {why}; {ACCEPT}" for command, why in used.items()]
            if taken:
                users.append({"name": name, "rules": [f"-{command}" for command in taken]})
                steps.append(f"denies {', '.join(taken).upper()} to the user {name}: what calls them gets NOPERM")
    return users, steps, left + _unnamed(facts, options["users"])


def _unnamed(facts: Facts, named: list[str]) -> list[str]:
    """Whom the diagnosis has found, and nobody has named."""
    users = [user for user in facts.get_or("acl.users", None) or [] if not _acl.may_do_everything(user) and _acl.dangerous(user)]
    names = [str(user["name"]) for user in users if user["name"] not in named]
    if not names:
        return []
    return [f"{', '.join(names)} may run dangerous commands: name whom they are to be denied, redis_hardening_users=[{','.join(names)}]"]


def _used(facts: Facts, name: str, commands: list[str]) -> dict[str, str]:
    """{command: how it is known that somebody calls it}."""
    stats = facts.get_or("info.commandstats", None) or {}
    found = {}
    for command in commands:
        calls = sum(row.get("calls", 0) for key, row in stats.items() if key.removeprefix("cmdstat_").partition("|")[0] == command)
        if calls and command not in WATCHED:
            found[command] = f"called {calls} times since the start, and nobody knows by whom"
    entries = (facts.get_or("slowlog", None) or {}).get("entries") or []
    for row in entries:
        command = str(row["command"]).lower().partition(" ")[0]
        if command in commands and row.get("client_name") != OWN_NAME:
            found.setdefault(command, f"stands in the slow log, by {row.get('client_name') or row.get('address') or 'somebody'}")
    for row in (facts.get_or("clients", None) or {}).get("worst") or []:
        command = str(row["last_command"]).lower().partition("|")[0]
        if command in commands and row["user"] == name:
            found.setdefault(command, f"called right now by {row['name'] or row['address']}")
    return found
