# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about what the users may do that applications log in as. Who may do everything is told once, not by each command, too."""

from __future__ import annotations

from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _acl
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts, Rule, Verdict

DOCS = "https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/"
MOST_NAMES = 3


def _default_user_all_powerful(facts: Facts) -> Verdict | None:
    users = [user for user in facts.get("acl.users") if _acl.may_do_everything(user)]
    if not users:
        return None
    evidence = {"connections_by_user": {str(user["name"]): user["connections"] for user in users}}
    advice = (
        "A mistake or a break-in there may stop or empty the server. Give each application a user of its own with what it needs:",
        "Type inside redis-cli, so that the shell does not keep the password: ACL SETUSER shop on >… ~shop:* +@all -@admin -@dangerous",
        "$ {cli}",
        "Try its commands first (ACL DRYRUN, Redis 7.0 and newer), move the application, then keep it with ACL SAVE or CONFIG REWRITE.",
    )
    return Verdict("notice", f"Applications log in as a user who may do everything ({_names(users)})", evidence, advice)


def _dangerous_commands_allowed(facts: Facts) -> Verdict | None:
    # Redis 7.0 and newer refuses DEBUG to everybody unless it is told otherwise.
    off = {"DEBUG"} if facts.get_or("config.enable-debug-command", None) == "no" else set()
    narrow = [user for user in facts.get("acl.users") if not _acl.may_do_everything(user)]
    told = [(user, [command for command in _acl.dangerous(user) if command not in off]) for user in narrow]
    told = [(user, commands) for user, commands in told if commands]
    if not told:
        return None
    users = [user for user, dummy in told]
    commands = [command for command in ("KEYS", "FLUSHALL", "DEBUG", "CONFIG") if any(command in found for dummy, found in told)]
    denied = " ".join(f"-{command.lower()}" for command in commands)
    evidence = {"users": {str(user["name"]): {"may": found, "connections": user["connections"]} for user, found in told}}
    advice = (
        "These stop or empty the server for everybody; applications hardly ever need them. See that nothing uses them, then forbid them:",
        "$ {cli} info commandstats",
        f"$ {{cli}} acl setuser NAME {denied}   # and keep it: acl save, or config rewrite",
    )
    return Verdict("notice", f"Applications may run {', '.join(commands)} (as {_names(users)})", evidence, advice)


def _names(users: list[dict[str, Any]]) -> str:
    names = [str(user["name"]) for user in users]
    return ", ".join(names[:MOST_NAMES]) + (f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else "")


RULES = (
    Rule(
        "default_user_all_powerful",
        "security",
        "applications are connected as a user with +@all",
        "notice",
        "human",
        _default_user_all_powerful,
        (),
        DOCS,
    ),
    Rule(
        "dangerous_commands_allowed",
        "security",
        "applications are connected as a user who may run KEYS, FLUSHALL, DEBUG or CONFIG, and not everything",
        "notice",
        "guarded",
        _dangerous_commands_allowed,
        (),
        DOCS,
    ),
)
