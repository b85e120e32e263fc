# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What redis_acl has to do: one ACL command, from the users that there are and the options, unless it would lock its own user out. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _acl_rules

# What this module runs itself; AUTH needs no permission.
NEEDED = ("ping", "acl|whoami", "acl|list", "acl|cat", "acl|setuser")
DEFAULT = "default"


@dataclass(frozen=True)
class Seen:
    """What a server told: who we are, the tokens of each user, the commands of each category, and the hash that we log in with or None."""

    whoami: str
    users: Mapping[str, Sequence[str]]
    categories: _acl_rules.Categories
    own_hash: str | None = None


@dataclass(frozen=True)
class Change:
    """``command`` does it, or is empty where all is as wanted. ``before`` and ``after`` are tokens, None for a user that is not there."""

    command: tuple[str, ...]
    before: Sequence[str] | None
    after: Sequence[str] | None


def check_options(options: Mapping[str, Any]) -> None:
    """ValueError for options that cannot be meant."""
    name, rules = options["name"], _acl_rules.joined(options["rules"])
    if not name or name != "".join(name.split()):
        raise ValueError(f"name is '{name}': names of users have no spaces and are not empty")
    if _acl_rules.secrets(rules):
        raise ValueError("rules holds a password or a hash: give it as passwords, so that it is hashed and never shown")
    if {"reset", "resetpass"} & set(rules):
        raise ValueError("rules holds reset or resetpass: state=present declares the whole user, and passwords=[] takes all passwords away")
    if "nopass" in rules and options["passwords"]:
        raise ValueError("rules says nopass and passwords are given: leave one of them away")
    if options["state"] == "absent" and (rules or options["passwords"]):
        raise ValueError("state is absent: leave rules and passwords away")


def change(seen: Seen, options: Mapping[str, Any]) -> Change:
    """The change that the options mean. ValueError where it would lock us out, or where there is nothing to adjust."""
    name, present = options["name"], seen.users.get(options["name"])
    if options["state"] == "absent":
        return _removed(seen, options, present)
    if options["state"] == "adjusted" and present is None:
        raise ValueError(f"there is no user '{name}' whose rules could be adjusted: declare it with state=present")
    hashes = None if options["passwords"] is None else _acl_rules.hashed(options["passwords"])
    rules = _acl_rules.joined(options["rules"])
    words = [*rules, *(hashes or [])] if options["state"] == "adjusted" else _declared(rules, hashes, present or [])
    before = None if present is None else _acl_rules.meaning(present, seen.categories)
    after = _acl_rules.meaning(words, seen.categories, before)
    if name == seen.whoami and not options["allow_lockout"]:
        _check_lockout(seen, before, after)
    if before == after:
        return Change((), present, present)
    tokens = _after(words, hashes, present, options["state"])
    return Change(("ACL", "SETUSER", name, *words), present, tokens)


def undone(change: Change, name: str) -> tuple[str, ...]:
    """The command that makes the user what it was before the change."""
    if change.before is None:
        return ("ACL", "DELUSER", name)
    return ("ACL", "SETUSER", name, *cleared(change.after or []), "resetpass", *change.before)


def cleared(present: Sequence[str]) -> list[str]:
    """The words that take from a user all that it may, and nothing else; ``reset`` would take its passwords, too."""
    words = ["resetkeys", "resetchannels", "nocommands"]
    words += ["clearselectors"] if any(rule.startswith("(") for rule in present) else []
    words += ["alldbs"] if any(rule.startswith("db=") or rule == "resetdbs" for rule in present) else []
    return [*words, "sanitize-payload"] if "skip-sanitize-payload" in present else words


def _declared(rules: Sequence[str], hashes: Sequence[str] | None, present: Sequence[str]) -> list[str]:
    """ACL SETUSER's words for a user as declared. Passwords stay where none are declared, so ``reset`` cannot be among them."""
    words = cleared(present)
    words += [] if {"on", "off"} & set(rules) else ["on"]
    return [*words, *rules, *([] if hashes is None else ["resetpass", *hashes])]


def _after(words: Sequence[str], hashes: Sequence[str] | None, present: Sequence[str] | None, state: str) -> list[str]:
    """The tokens as people would write the user that comes of it."""
    if state == "adjusted":
        return [*(present or []), *words]
    taken = len(cleared(present or []))
    kept = [rule for rule in present or [] if rule.startswith("#")] if hashes is None else []
    return [*kept, *(word for word in words[taken:] if word != "resetpass")]


def _removed(seen: Seen, options: Mapping[str, Any], present: Sequence[str] | None) -> Change:
    name = options["name"]
    if name == DEFAULT:
        raise ValueError("the user default cannot be removed: declare it with the rule off")
    if present is None:
        return Change((), None, None)
    if name == seen.whoami and not options["allow_lockout"]:
        raise ValueError(f"'{name}' is the user that this task is logged in as: log in as another one, or say allow_lockout=true")
    return Change(("ACL", "DELUSER", name), present, None)


def _check_lockout(seen: Seen, before: _acl_rules.User | None, after: _acl_rules.User) -> None:
    """ValueError where our own user would not be able to come back and undo it."""
    lost = [command for command in NEEDED if not after.may(command)]
    if not after.on:
        trouble = "would be switched off"
    elif lost:
        trouble = f"would not be allowed {', '.join(lost)} any more"
    elif before and (before.nopass, before.hashes) != (after.nopass, after.hashes) and not _lets_in(after, seen.own_hash):
        trouble = "would not have the password any more that this task logs in with"
    else:
        return
    who = f"'{seen.whoami}', the user that this task is logged in as,"
    raise ValueError(f"{who} {trouble}: log in as another one, or say allow_lockout=true")


def _lets_in(user: _acl_rules.User, own_hash: str | None) -> bool:
    return user.nopass or own_hash in user.hashes
