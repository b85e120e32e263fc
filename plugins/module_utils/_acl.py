# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the rules of an ACL allow, of the commands that stop or empty a server. Pure.

Source: https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

# command: its categories, the same in Redis 6.2 and newer and in Valkey. CONFIG is asked for by what it does most harm with.
DANGEROUS: dict[str, frozenset[str]] = {
    "keys": frozenset(("all", "keyspace", "read", "slow", "dangerous")),
    "flushall": frozenset(("all", "keyspace", "write", "slow", "dangerous")),
    "debug": frozenset(("all", "admin", "slow", "dangerous")),
    "config|set": frozenset(("all", "admin", "slow", "dangerous")),
}


def dangerous(user: Mapping[str, Any]) -> list[str]:
    """Those of the dangerous commands that a user (ACL GETUSER, its selectors as mappings) may run, as people write them."""
    return [command.partition("|")[0].upper() for command in DANGEROUS if any(allowed(rules, command) for rules in _rules(user))]


def may_do_everything(user: Mapping[str, Any]) -> bool:
    """Whether nothing is forbidden to a user."""
    return any(rules.split() == ["+@all"] for rules in _rules(user))


def allowed(rules: str, command: str) -> bool:
    """Whether rules such as ``+@all -@dangerous +keys`` allow a command of DANGEROUS; the last that concerns it decides."""
    name, dummy, part = command.partition("|")
    decided = False
    for rule in rules.lower().split():
        sign, what = rule[0], rule[1:]
        if what.startswith("@"):
            concerned = what[1:] in DANGEROUS[command]
        else:
            head, dummy, tail = what.partition("|")
            concerned = head == name and tail in ("", part)
        if concerned and sign in "+-":
            decided = sign == "+"
    return decided


def _rules(user: Mapping[str, Any]) -> Iterable[str]:
    """The rules about commands: the user's own, and each selector's; one that allows is enough."""
    return [str(user.get("commands") or ""), *(str(selector.get("commands") or "") for selector in user.get("selectors") or [])]
