# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of an ACL user by what they mean: read from ACL LIST or from a declaration, compared, and made into ACL SETUSER. Pure.

Servers describe one and the same user in different ways, and old ones never in the words that were given. So commands are compared as the
sets that the categories of the server itself make of them, keys and channels as sets of patterns.

Source: https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

HASH = re.compile(r"#[0-9a-f]{64}")
# Tokens that hold a password or its hash, or take one away.
SECRET = (">", "<", "#", "!")
ALL_COMMANDS, NO_COMMANDS = ("+@all", "allcommands"), ("-@all", "nocommands")
READ_WRITE = frozenset("RW")
# How a rule that changes keys, channels or databases begins, in the order in which it is tried: (prefix, which of them, what it permits).
PATTERNS = (
    ("%RW~", "keys", READ_WRITE), ("%WR~", "keys", READ_WRITE), ("%R~", "keys", frozenset("R")), ("%W~", "keys", frozenset("W")),
    ("~", "keys", READ_WRITE), ("&", "channels", READ_WRITE),
)  # fmt: skip
SHORT = {"allkeys": "~*", "allchannels": "&*"}

Categories = Mapping[str, frozenset[str]]
Patterns = frozenset[tuple[str, frozenset[str]]]


@dataclass(frozen=True)
class Part:
    """What a user's own rules, or one selector, permit.

    ``base`` tells whether commands are permitted that no category holds, such as those of a module that is loaded later; ``but`` are
    the exceptions from that.
    """

    commands: frozenset[str] = frozenset()
    base: bool = False
    but: frozenset[str] = frozenset()
    keys: Patterns = frozenset()
    channels: Patterns = frozenset()
    databases: frozenset[str] = frozenset("*")


@dataclass(frozen=True)
class User:
    """What the rules of a user mean; two that are equal let do the same."""

    on: bool = False
    nopass: bool = False
    hashes: frozenset[str] = frozenset()
    unchecked: bool = False
    own: Part = Part()
    selectors: frozenset[Part] = frozenset()
    known: frozenset[str] = frozenset()

    def may(self, command: str) -> bool:
        """Whether some part permits a command such as ``acl|setuser``; where subcommands have no permission of their own, its container."""
        names = {command, command.partition("|")[0]} if command not in self.known else {command}
        return any(names & part.commands for part in (self.own, *self.selectors))


def tokens_of(line: str) -> tuple[str, list[str]]:
    """(name, rules) of a line of ACL LIST."""
    words = line.split(" ")
    return words[1], joined(words[2:])


def joined(words: Iterable[str]) -> list[str]:
    """The tokens, each selector ``(…)`` as one of them, however it was cut."""
    tokens: list[str] = []
    for word in " ".join(str(word) for word in words).split():
        if tokens and tokens[-1].startswith("(") and not tokens[-1].endswith(")"):
            tokens[-1] += f" {word}"
        else:
            tokens.append(word)
    return tokens


def public(tokens: Iterable[str]) -> list[str]:
    """The tokens without password hashes."""
    return [rule for rule in tokens if not rule.startswith(SECRET)]


def secrets(rules: Iterable[str]) -> set[str]:
    """Every spelling of the passwords and hashes among the rules, wherever they stand."""
    words = {word.strip("()") for rule in rules for word in str(rule).split()}
    found = {word for word in words if word.startswith(SECRET)}
    return {form for word in found for form in (word, word[1:]) if form}


def hashed(passwords: Iterable[str]) -> list[str]:
    """Passwords as the hashes ``#…`` that ACL SETUSER takes, so that none of them travels; hashes stay as they are."""
    found = []
    for password in passwords:
        if not password:
            raise ValueError("passwords holds an empty one: leave it away, or give the rule nopass where there is to be none")
        found.append(password if HASH.fullmatch(password) else "#" + hashlib.sha256(password.encode("utf-8")).hexdigest())
    return found


def meaning(tokens: Sequence[str], categories: Categories, start: User | None = None) -> User:
    """What the tokens make of a user, a new one unless ``start`` is given."""
    user = start or User(known=frozenset().union(*categories.values()))
    own: list[str] = []
    for rule in tokens:
        if rule in ("on", "off"):
            user = replace(user, on=rule == "on")
        elif rule in ("nopass", "resetpass"):
            user = replace(user, nopass=rule == "nopass", hashes=frozenset())
        elif rule.startswith("#"):
            user = replace(user, nopass=False, hashes=user.hashes | {rule})
        elif rule in ("sanitize-payload", "skip-sanitize-payload"):
            user = replace(user, unchecked=rule.startswith("skip"))
        elif rule == "clearselectors":
            user = replace(user, selectors=frozenset())
        elif rule.startswith("("):
            user = replace(user, selectors=user.selectors | {_part(rule.strip("() ").split(), categories, Part())})
        else:
            own.append(rule)
    return replace(user, own=_part(own, categories, user.own))


def _part(tokens: Sequence[str], categories: Categories, part: Part) -> Part:
    for given in tokens:
        rule = SHORT.get(given, given)
        if rule[0] in "+-" or rule in ("allcommands", "nocommands"):
            part = _with_command(part, rule.lower(), categories)
        elif rule == "alldbs":
            part = replace(part, databases=frozenset("*"))
        elif rule == "resetdbs":
            part = replace(part, databases=frozenset())
        elif rule.startswith("db="):
            part = replace(part, databases=(part.databases - {"*"}) | set(rule[3:].split(",")))
        elif rule in ("resetkeys", "resetchannels"):
            part = replace(part, keys=frozenset()) if rule == "resetkeys" else replace(part, channels=frozenset())
        else:
            part = _with_pattern(part, rule)
    return part


def _with_command(part: Part, rule: str, categories: Categories) -> Part:
    """The part after ``+get``, ``-@all``, ``+config|get`` …"""
    real = frozenset().union(*categories.values())
    if rule in ALL_COMMANDS + NO_COMMANDS:
        everything = rule in ALL_COMMANDS
        return replace(part, commands=real if everything else frozenset(), base=everything, but=frozenset())
    sign, what = rule[0], rule[1:]
    if not what.startswith("@") and what.partition("|")[0] not in real:
        return replace(part, but=part.but - {what} if (sign == "+") is part.base else part.but | {what})
    concerned = categories.get(what[1:], frozenset()) if what.startswith("@") else frozenset((what,))
    heads = {name for name in concerned if "|" not in name}
    # A command stands for its subcommands, and for what was permitted with a first argument only.
    family = concerned | {name for name in real | part.commands if name.partition("|")[0] in heads}
    if sign == "-":
        return replace(part, commands=part.commands - family)
    return replace(part, commands=part.commands | concerned | (family & real))


def _with_pattern(part: Part, rule: str) -> Part:
    for prefix, where, permits in PATTERNS:
        if rule.startswith(prefix):
            pattern = rule[len(prefix) :]
            if pattern == "*" and permits == READ_WRITE:
                return _replaced(part, where, frozenset(((pattern, permits),)))
            known = dict(part.keys if where == "keys" else part.channels)
            if ("*", READ_WRITE) in known.items():
                return part
            known[pattern] = known.get(pattern, frozenset()) | permits
            return _replaced(part, where, frozenset(known.items()))
    raise ValueError(f"the rule '{rule}' is none: see the list of ACL rules")


def _replaced(part: Part, where: str, patterns: Patterns) -> Part:
    return replace(part, keys=patterns) if where == "keys" else replace(part, channels=patterns)
