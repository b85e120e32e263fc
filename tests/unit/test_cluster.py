# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CLUSTER NODES as data."""

from __future__ import annotations

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._cluster import nodes, told, uncovered

HEALTHY = """\
07c37d 127.0.0.1:30004@31004,host4 slave e7d1ee 0 1426238317239 4 connected
67ed2d 127.0.0.1:30002@31002,host2 master - 0 1426238316232 2 connected 5461-10922
292f8b 127.0.0.1:30003@31003,host3 master - 0 1426238318243 3 connected 10923-16383
e7d1ee 127.0.0.1:30001@31001,host1 myself,master - 0 0 1 connected 0-5460
"""


def test_every_node_is_known_with_its_role_and_slots():
    found = {node["id"]: node for node in nodes(HEALTHY)}
    assert found["67ed2d"]["address"] == "127.0.0.1:30002"
    assert found["67ed2d"]["slots"] == [[5461, 10922]]
    assert found["07c37d"]["master_id"] == "e7d1ee"
    assert found["e7d1ee"]["flags"] == ["myself", "master"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("", ""), []),
        (("30002@31002,host2 master", "30002@31002,host2 master,fail"), ["5461-10922"]),
        (("30002@31002,host2 master", "30002@31002,host2 master,fail?"), []),
        (("connected 0-5460", "connected 1-5460"), ["0"]),
        (("connected 10923-16383", "connected"), ["10923-16383"]),
        (("connected 0-5460", "connected 0-100 102-5460 [101->-67ed2d]"), ["101"]),
    ],
)
def test_slots_without_a_working_master_are_named(change, expected):
    assert uncovered(nodes(HEALTHY.replace(*change) if change[0] else HEALTHY)) == expected


def test_a_slot_on_the_move_is_told_with_both_nodes():
    found = told(nodes(HEALTHY.replace("connected 0-5460", "connected 0-5460 [101->-67ed2d] [7000-<-292f8b] [5-<-unknown]")))
    assert found["moving_slots"] == [
        {"slot": 101, "node": "127.0.0.1:30001", "to": "127.0.0.1:30002"},
        {"slot": 7000, "node": "127.0.0.1:30001", "from": "127.0.0.1:30003"},
        {"slot": 5, "node": "127.0.0.1:30001", "from": "unknown"},
    ]
    assert told(nodes(HEALTHY)) == {"uncovered_slots": [], "moving_slots": []}


@pytest.mark.parametrize(("flags", "counted"), [("slave", 1), ("slave,fail?", 1), ("slave,fail", 0), ("slave,noaddr", 0)])
def test_replicas_that_work_are_counted_for_their_master(flags, counted):
    found = {node["id"]: node["replicas"] for node in nodes(HEALTHY.replace("slave", flags))}
    assert found == {"07c37d": None, "67ed2d": 0, "292f8b": 0, "e7d1ee": counted}


@pytest.mark.parametrize("text", ["", "\n\n", "half a line", "a b c d e f g", "a b c d e f g h 99999-3 x-y 0-99999"])
def test_odd_lines_are_no_error(text):
    assert uncovered(nodes(text)) == ["0-16383"]
