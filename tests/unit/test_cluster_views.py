# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Views of a cluster side by side, also odd ones."""

from __future__ import annotations

import json

import pytest
from ansible_collections.aragora.redis.plugins.module_utils import _cluster_views
from hypothesis import given
from hypothesis import strategies as st

LINES = {
    "a": "a 10.0.0.1:6379@16379,host1 {flags} - 0 0 1 connected 0-8191",
    "b": "b 10.0.0.2:6379@16379 {flags} - 0 1 2 connected 8192-16383",
    "c": "c 10.0.0.3:6379@16379 {flags} a 0 1 1 connected",
}
OK = "cluster_state:ok\r\ncluster_current_epoch:2\r\n"


def view(own, text=OK, server="# Replication\r\nmaster_link_status:up\r\n", **changes):
    """What one of the three says; ``changes`` replace a node's line, an empty one takes it away."""
    roles = {"a": "master", "b": "master", "c": "slave"}
    lines = [changes.get(name, line).format(flags=("myself," if name == own else "") + roles[name]) for name, line in LINES.items()]
    return _cluster_views.view(f"10.0.0.{'abc'.index(own) + 1}:6379", "\n".join(filter(None, lines)), text, server)


def everybody(**views):
    return [views.get(name) or view(name) for name in "abc"]


def test_a_whole_cluster():
    told = _cluster_views.summary(everybody(), {})
    assert (told["whole"], told["agree"], told["epoch"], told["uncovered_slots"]) == (True, True, 2, [])
    assert [(node["address"], node["role"], node["master"]) for node in told["nodes"]] == [
        ("10.0.0.1:6379", "master", None),
        ("10.0.0.2:6379", "master", None),
        ("10.0.0.3:6379", "replica", "10.0.0.1:6379"),
    ]


@pytest.mark.parametrize(
    "odd",
    [
        view("c", text="cluster_state:fail\r\ncluster_current_epoch:2\r\n"),
        view("c", server="# Persistence\r\nloading:1\r\n"),
        view("c", server="# Replication\r\nmaster_link_status:down\r\n"),
        view("c", b=LINES["b"].replace("8192-16383", "8193-16383")),
        view("c", b=""),
    ],
    ids=["state", "loading", "link", "slots", "unknown"],
)
def test_what_makes_it_less_than_whole(odd):
    assert not _cluster_views.summary(everybody(c=odd), {})["whole"]


def test_one_that_was_not_asked_makes_it_less_than_whole():
    assert not _cluster_views.summary(everybody()[:2], {})["whole"]
    told = _cluster_views.summary(everybody()[:2], {"10.0.0.3:6379": "refused"})
    assert [node["error"] for node in told["nodes"]] == [None, None, "refused"]


def test_suspicion_is_no_disagreement_and_agreed_failure_is_told():
    suspicious = view("a", b=LINES["b"].replace("{flags}", "{flags},fail?"))
    told = _cluster_views.summary(everybody(a=suspicious), {})
    assert (told["agree"], told["nodes"][1]["suspected_by"]) == (True, ["10.0.0.1:6379"])
    failed = view("a", b=LINES["b"].replace("{flags}", "{flags},fail"))
    told = _cluster_views.summary(everybody(a=failed), {})
    assert told["disagreements"] == [
        {"by": "10.0.0.1:6379", "about": "10.0.0.2:6379", "says": {"failed": True}, "most_say": {"failed": False}}
    ]


def test_a_master_is_told_by_its_address():
    other = view("c", c=LINES["c"].replace(" a ", " b "))
    (found,) = _cluster_views.summary(everybody(c=other), {})["disagreements"]
    assert (found["says"], found["most_say"]) == ({"master": "10.0.0.2:6379"}, {"master": "10.0.0.1:6379"})


def test_nodes_that_are_not_met_yet_are_left_out():
    met = view("a", b=LINES["b"] + "\nd :0@0 master,noaddr - 0 1 3 disconnected\ne 10.0.0.9:6379@16379 handshake - 0 1 0 connected")
    told = _cluster_views.summary(everybody(a=met), {})
    assert (told["whole"], len(told["nodes"]), _cluster_views.addresses([met])[-1]) == (True, 3, "10.0.0.3:6379")


@given(st.text(max_size=300), st.text(max_size=100), st.text(max_size=100))
def test_whatever_a_node_adds_there_is_an_answer(line, info, server):
    odd = view(
        "a", text=f"{OK}{info}", server=server, b=f"{LINES['b']}\n{line}".replace("{flags}", "master").replace("{", "").replace("}", "")
    )
    json.dumps(_cluster_views.summary(everybody(a=odd), {}))
