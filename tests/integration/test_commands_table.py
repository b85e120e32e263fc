# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of commands against what the servers themselves say about their commands."""

from __future__ import annotations

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._commands import COMMANDS, CONTAINERS, lookup

# The pattern of KEYS, and first keys that the servers do not place: they depend on a number before them.
PLACED_BY_US = {"KEYS", "EVAL", "EVALSHA", "EVAL_RO", "EVALSHA_RO", "FCALL", "FCALL_RO", "MIGRATE"}
# Their "key" is a channel, or they are the server's own business.
NOT_KEYS = {"SPUBLISH", "SSUBSCRIBE", "SUNSUBSCRIBE", "PFDEBUG", "RESTORE-ASKING", "CLUSTERSCAN"}


@pytest.fixture
def first_keys(server):
    """{command: position of its first key} by the server's own word, 0 for none. Containers are not among them."""
    with server.client() as client:
        found = {name.upper(): info["first_key_pos"] for name, info in client.command().items()}
    return {name: position for name, position in found.items() if name not in CONTAINERS}


def test_every_command_with_a_key_is_known_with_its_place(first_keys):
    ours = {name: lookup(name).first_key for name, position in first_keys.items() if position > 0 and name not in NOT_KEYS}
    assert ours == {name: first_keys[name] for name in ours}


def test_no_key_is_seen_where_the_server_has_none(first_keys):
    ours = {name for name in COMMANDS if COMMANDS[name].first_key and first_keys.get(name, 1) <= 0}
    assert ours <= PLACED_BY_US


def test_every_command_whose_second_word_belongs_to_its_name_is_known(server):
    with server.client() as client:
        containers = {name.upper() for name, info in client.command().items() if info.get("subcommands")}
    assert containers <= CONTAINERS
