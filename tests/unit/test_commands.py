# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of commands."""

from __future__ import annotations

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._commands import COMMANDS, CONTAINERS, PLAIN, UNKNOWN, lookup

KINDS = {"keyspace", "collection", "range", "script", "admin", "plain"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_row_says_what_a_command_costs(name):
    row = COMMANDS[name]
    assert name == name.upper()
    assert row.kind in KINDS
    assert row.complexity
    assert row.instead is None or row.instead.strip()
    assert row.first_key in (0, 1, 2, 3)


@pytest.mark.parametrize("name", [name for name, row in COMMANDS.items() if row.kind in ("keyspace", "collection", "script")])
def test_what_walks_much_has_a_replacement(name):
    assert COMMANDS[name].instead


def test_no_command_is_both_plain_and_described():
    assert len(PLAIN) == len(set(PLAIN))
    assert all(COMMANDS[name].instead is None for name in PLAIN)


@pytest.mark.parametrize(
    ("name", "kind", "instead"),
    [
        ("KEYS", "keyspace", "SCAN"),
        ("keys", "keyspace", "SCAN"),
        ("FLUSHALL", "keyspace", "FLUSHALL ASYNC"),
        ("SMEMBERS", "collection", "SSCAN"),
        ("HGETALL", "collection", "HMGET"),
        ("DEL", "collection", "UNLINK"),
        ("EVAL", "script", "shorter scripts"),
        ("SAVE", "admin", "BGSAVE"),
        ("config get", "admin", None),
        ("MEMORY USAGE", "admin", "MEMORY USAGE"),
        ("GET", "plain", None),
    ],
)
def test_a_command_is_found_in_any_case_and_with_its_subcommand(name, kind, instead):
    found = lookup(name)
    assert found.kind == kind
    assert (found.instead or "").startswith(instead or "")
    assert (found.instead is None) == (instead is None)


@pytest.mark.parametrize("name", ["", " ", "FT.SEARCH", "GETT", "KEYS*", "ключи"])
def test_an_unknown_command_is_unknown_and_has_no_key(name):
    assert lookup(name) is UNKNOWN
    assert UNKNOWN.first_key == 0


def test_containers_have_no_key_in_the_place_of_their_subcommand():
    assert all(lookup(name).first_key != 1 for name in CONTAINERS)
