# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The privileges of the users that the collection logs in as: what the code sends is granted, and what is granted is sent."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from ansible_collections.aragora.redis.plugins.module_utils import _privileges, _remedies
from ansible_collections.aragora.redis.plugins.module_utils._commands import COMMANDS, CONTAINERS

ROOT = Path(__file__).resolve().parents[2]
# Needs no permission, or goes to Sentinels, which have users of their own.
UNGRANTED = {"auth", "sentinel"}
# What _commands.py does not describe, because no application calls it.
OTHERS = {
    "AUTH", "BGSAVE", "EXEC", "FAILOVER", "INFO", "LASTSAVE", "MULTI", "PING", "READONLY", "REPLICAOF", "ROLE", "SELECT", "TIME", "WAIT",
}  # fmt: skip
KNOWN = {*COMMANDS, *CONTAINERS, *OTHERS}
# Not conversations: they describe commands.
TABLES = ("_commands.py", "_acl.py", "_acl_rules.py", "_privileges.py")


def words_of(node: ast.AST) -> list[str]:
    """The words in capitals that a tuple, a list or a call begins with."""
    parts = node.elts if isinstance(node, (ast.Tuple, ast.List)) else node.args if isinstance(node, ast.Call) else []
    words: list[str] = []
    for part in parts:
        if not (isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value.isupper()):
            break
        words.append(part.value)
    return words


def sent() -> set[str]:
    """The commands that conversations send, as ACL rules write them."""
    found = set()
    for path in sorted((ROOT / "plugins" / "module_utils").glob("_*.py")):
        if path.name not in TABLES:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                words = words_of(node)
                if words and words[0] in KNOWN:
                    found.add("|".join(words[:2] if words[0] in CONTAINERS else words[:1]).lower())
        if path.name == "_scan.py":
            # A mapping of types to commands.
            found |= {node.value.lower() for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if is_length(node)}
    return {command for command in found if command.partition("|")[0] not in UNGRANTED}


def is_length(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value in ("HLEN", "LLEN", "SCARD", "ZCARD", "XLEN")


def granted() -> set[str]:
    return {command for user in _privileges.USERS for command in _privileges.commands(user, _privileges.ACTIONS)}


def test_what_is_sent_is_granted_or_said_why_not():
    assert sent() - granted() == set(_privileges.NOT_GRANTED)


def test_what_is_granted_is_sent():
    assert granted() - sent() == set(_privileges.FETCH)


def test_every_action_says_what_it_needs():
    assert list(_privileges.ACTIONS) == list(_remedies.ACTIONS)


@pytest.mark.parametrize("user", _privileges.USERS)
def test_nobody_is_granted_a_whole_category_or_container(user):
    commands = _privileges.commands(user)
    assert not [name for name in commands if name.startswith("@") or name.upper() in CONTAINERS]
