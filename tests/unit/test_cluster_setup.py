# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which nodes may be made a cluster."""

from __future__ import annotations

import pytest
from ansible_collections.aragora.redis.plugins.module_utils import _cluster_setup, _cluster_views

INFO = "cluster_state:fail\r\ncluster_current_epoch:0\r\n"


def state(number, others=(), slots="", keys=0, error=None):
    """A node that knows these others."""
    lines = [f"id{number} 10.0.0.{number}:6379@16379 myself,master - 0 0 0 connected {slots}".strip()]
    lines += [f"id{other} 10.0.0.{other}:6379@16379 slave id{number} 0 0 0 connected" for other in others]
    address = f"10.0.0.{number}:6379"
    view = None if error else _cluster_views.view(address, "\n".join(lines), INFO)
    return {"address": address, "view": view, "keys": None if error else keys, "error": error}


def alone(count):
    return [state(number) for number in range(1, count + 1)]


@pytest.mark.parametrize(("nodes", "replicas", "masters"), [(3, 0, 3), (6, 1, 3), (7, 1, 3), (9, 2, 3), (8, 1, 4)])
def test_nodes_that_are_alone_and_empty_are_made_a_cluster(nodes, replicas, masters):
    assert _cluster_setup.plan(alone(nodes), replicas) == {"refused": [], "create": True, "masters": masters}


@pytest.mark.parametrize(("nodes", "replicas"), [(1, 0), (2, 0), (5, 1), (3, 1), (8, 2)])
def test_fewer_than_three_masters_are_refused(nodes, replicas):
    plan = _cluster_setup.plan(alone(nodes), replicas)
    assert (plan["create"], len(plan["refused"])) == (False, 1)
    assert f"so give {3 * (replicas + 1)} nodes or fewer replicas" in plan["refused"][0]


def test_a_cluster_that_is_there_is_left_alone_whatever_it_has_become():
    members = [state(1, others=(2, 3), slots="0-16383", keys=9), state(2, others=(1, 3), keys=9), state(3, others=(1, 2))]
    assert _cluster_setup.plan(members, 1) == {"refused": [], "create": False, "masters": 1}


def test_a_node_that_cannot_be_asked_is_refused_in_its_words():
    assert _cluster_setup.plan([*alone(3), state(4, error="10.0.0.4:6379 refuses connections")], 0)["refused"] == [
        "10.0.0.4:6379 refuses connections"
    ]


@pytest.mark.parametrize(
    ("states", "sentence"),
    [
        ([state(1), state(2), state(3, keys=5)], "10.0.0.3:6379 holds 5 keys"),
        ([state(1), state(2), state(3), state(3)], "10.0.0.3:6379 is named 2 times"),
        ([state(1, others=(2,), slots="0-16383"), state(2, others=(1,)), state(3)], "10.0.0.3:6379 is in no cluster, and 10.0.0.1:6379 is"),
        ([state(1, others=(2,)), state(2, others=(1,)), state(3, others=(4,))], "10.0.0.3:6379 is in another cluster than 10.0.0.1:6379"),
        ([state(1, slots="0-5460"), state(2, slots="5461-10922"), state(3)], "CLUSTER RESET HARD on every node without keys"),
    ],
)
def test_what_is_refused(states, sentence):
    plan = _cluster_setup.plan(states, 0)
    assert plan["create"] is False
    assert sentence in " ".join(plan["refused"])
