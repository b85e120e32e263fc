# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules that are made of the tables of privileges."""

from __future__ import annotations

import pytest
from ansible_collections.aragora.redis.plugins.module_utils import _privileges


@pytest.mark.parametrize(
    ("product", "release", "keys", "missing"),
    [
        ("redis", (6, 2), "~*", {"+function|stats"}),
        ("redis", (7, 0), "%R~*", {"+client|no-touch"}),
        ("redis", (8, 2), "%R~*", set()),
        ("valkey", (8, 1), "%R~*", set()),
    ],
)
def test_what_a_release_does_not_have_is_left_out(product, release, keys, missing):
    rules = _privileges.rules("ops_diagnose", product, release)
    assert rules[:2] == ["on", keys]
    assert {f"+{name}" for name in _privileges.commands("ops_diagnose")} - set(rules) == missing


def test_who_mends_writes_nothing_but_the_canary():
    rules = _privileges.rules("ops_remediate", "redis", (6, 2))
    assert [rule for rule in rules if rule.startswith(("~", "%", "&"))] == ["~aragora.redis:canary:*"]
    assert not {"+scan", "+type", "+keys", "+function|kill"} & set(rules)


def test_who_mends_gets_what_its_actions_need_and_no_more():
    rules = set(_privileges.rules("ops_remediate", "redis", (8, 2), ["restart", "tune_memory"]))
    assert {"+bgsave", "+memory|purge", "+config|rewrite", "+config|set"} <= rules
    assert not {"+acl|setuser", "+client|kill", "+replicaof"} & rules


@pytest.mark.parametrize("action", _privileges.OF_ALL_KEYS)
def test_who_takes_data_away_is_named_for_it(action):
    named, others = (_privileges.rules("ops_remediate", "redis", (8, 2), actions) for actions in ([action], None))
    assert ("~*" in named, "~*" in others) == (True, False)
    assert not {"+unlink", "+flushdb", "+sync"} & set(others)


def test_an_action_or_a_user_that_does_not_exist_is_an_error():
    with pytest.raises(ValueError, match="there is no action 'nap'"):
        _privileges.commands("ops_remediate", ["nap"])
    with pytest.raises(ValueError, match="choose from ops_diagnose, ops_remediate"):
        _privileges.commands("ops")
