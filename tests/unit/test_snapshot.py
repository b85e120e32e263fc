# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The empty snapshot, and which parts of it are asked for."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._failures import STATES
from ansible_collections.aragora.redis.plugins.module_utils._snapshot import PARTS, SCHEMA, Snapshot, chosen_parts, empty
from hypothesis import given
from hypothesis import strategies as st

ALL = set(PARTS)


@pytest.mark.parametrize(
    ("subset", "parts"),
    [
        (["all"], ALL),
        ([], ALL),
        (["info"], {"info"}),
        (["slowlog"], {"info", "slowlog"}),
        (["slowlog", "slowlog"], {"info", "slowlog"}),
        (["!clients"], ALL - {"clients"}),
        (["all", "!clients", "!config"], ALL - {"clients", "config"}),
        (["!clients", "all"], ALL - {"clients"}),
        (["slowlog", "clients", "!clients"], {"info", "slowlog"}),
        (["!info"], ALL),
        (["all", "slowlog"], ALL),
        (["!all"], {"info"}),
        (["!all", "slowlog"], {"info", "slowlog"}),
        (["all", "keyspace"], ALL | {"keyspace"}),
        (["keyspace"], {"info", "keyspace"}),
        (["all", "keyspace", "!keyspace"], ALL),
    ],
)
def test_a_subset_means_these_parts(subset, parts):
    assert chosen_parts(subset) == parts


@pytest.mark.parametrize("name", ["slow", "!slow", "ALL", "", "!", "!!clients", " info", None, 5])
def test_an_unknown_part_is_named_with_the_known_ones(name):
    with pytest.raises(ValueError, match="unknown part") as caught:
        chosen_parts(["info", name])
    assert f"'{name}'" in str(caught.value)
    assert all(part in str(caught.value) for part in PARTS)


@given(st.lists(st.sampled_from([*PARTS, "all", *(f"!{part}" for part in PARTS)])))
def test_info_is_always_read_and_what_is_left_out_is_not(subset):
    parts = chosen_parts(subset)
    assert "info" in parts
    assert parts <= ALL
    assert not {name[1:] for name in subset if name.startswith("!")} - {"info"} & parts


def test_an_empty_snapshot_knows_its_address_only_and_is_plain_data():
    snapshot: dict[str, Any] = {**empty("cache", 6379, None, "redis://cache:6379", local=False)}
    assert set(snapshot) == set(Snapshot.__annotations__)
    assert snapshot["schema"] == SCHEMA
    assert snapshot["availability"]["state"] in STATES
    assert json.loads(json.dumps(snapshot)) == snapshot
    known = {name for name, value in snapshot["server"].items() if value is not None}
    assert known == {"host", "port", "url", "local"}
    assert all(snapshot[part] is None for part in PARTS)


def test_two_empty_snapshots_share_nothing():
    first, second = (empty("cache", 6379, None, "redis://cache:6379", local=False) for dummy in range(2))
    first["denied"]["config"] = "NOPERM"
    first["availability"]["state"] = "busy"
    assert second["denied"] == {}
    assert second["availability"]["state"] == "up"
