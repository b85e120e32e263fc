# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who would win a switchover, why it may not begin, and how much the old master wrote too much."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.aragora.redis.plugins.module_utils import _failover

OPTIONS = {"max_lag_bytes": 100, "cooldown": 60, "candidate": None, "pause_ms": None}


def node(name: str, run_id: str = "a", config: dict[str, str] | None = None, **replication: Any) -> dict[str, Any]:
    section = {"role": "slave", "slave_priority": 100, "slave_repl_offset": 1000, "master_link_status": "up", **replication}
    return {
        "address": name, "host": name, "port": 6379, "state": "up", "error": "", "sentinels": 0, "config": config or {},
        "auth": {"requirepass_set": False, "masterauth_set": False},
        "info": {"replication": section, "server": {"run_id": run_id}, "persistence": {}},
    }  # fmt: skip


def facts(*replicas: dict[str, Any], mode: str = "plain", **master: Any) -> dict[str, Any]:
    config = master.pop("config", None)
    head = node("m", config=config, role="master", master_repl_offset=1000, **master)
    return {
        "mode": mode,
        "name": None,
        "views": [],
        "agreement": None,
        "cluster": {"cluster_state": "ok"},
        "master": head,
        "replicas": replicas,
    }


@pytest.mark.parametrize(
    ("replicas", "winner", "why"),
    [
        ([node("x"), node("y", slave_priority=10)], "y", "it has the smallest priority, 10"),
        ([node("x", slave_repl_offset=990), node("y")], "y", "of those with priority 100 it has the most data, offset 1000"),
        ([node("x", "b"), node("y", "A")], "y", "smallest run id"),
        ([node("x", slave_priority=0), node("y", slave_repl_offset=950)], "y", "the only replica"),
    ],
)
def test_who_wins_and_why(replicas, winner, why):
    seen = facts(*replicas)
    assert _failover.refusals(seen, OPTIONS) == []
    assert _failover.winner(seen, OPTIONS)["address"] == winner
    assert why in _failover.plan(seen, OPTIONS)[0]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"slave_priority": 0}, "its priority is 0"),
        ({"slave_repl_offset": 1000 - 3 * 1024 * 1024}, "it is 3.0 MiB behind"),
        ({"master_link_status": "down"}, "its link to the master is down"),
        ({"master_sync_in_progress": 1}, "it is being synchronised"),
        ({"role": "master"}, "its role is master"),
    ],
)
def test_who_cannot_become_the_master(fields, said):
    assert f"x: {said}" in _failover.refusals(facts(node("x", **fields)), OPTIONS)[0]


@pytest.mark.parametrize(
    ("master", "said"),
    [
        ({"slave0": {"ip": "x", "port": 1, "state": "send_bulk"}}, "is being synchronised (send_bulk)"),
        ({"master_failover_state": "waiting-for-sync"}, "a failover is going on"),
        ({"config": {"replica-read-only": "no"}}, "would take writes as a replica"),
    ],
)
def test_what_speaks_against_it_at_the_master(master, said):
    assert said in _failover.refusals(facts(node("x"), **master), OPTIONS)[0]


def test_a_cluster_that_is_not_well():
    seen = {**facts(node("x"), mode="cluster"), "cluster": {"cluster_state": "fail"}}
    assert _failover.refusals(seen, OPTIONS) == ["the state of the cluster is fail"]


def test_a_master_that_is_gone():
    seen = facts(node("x"))
    seen["master"] = {**seen["master"], "state": "refused", "error": "m refuses connections"}
    assert _failover.refusals(seen, OPTIONS) == ["the master cannot be asked: m refuses connections; a planned switchover needs it alive"]


@pytest.mark.parametrize(("down_after", "asked", "held"), [(500, None, 400), (30_000, None, 5_000), (30_000, 900, 900), (1_000, 900, 800)])
def test_writes_are_held_for_less_than_a_sentinel_waits(down_after, asked, held):
    views = [
        {"masters": [{"name": "shop", "down_after_ms": number}, {"name": "other", "down_after_ms": 1}]} for number in (60_000, down_after)
    ]
    assert _failover.pause_ms({"name": "shop", "views": views}, {"pause_ms": asked}) == held


@pytest.mark.parametrize(("old", "branch", "lost"), [(1000, 1001, 0), (1000, 1500, 0), (1014, 1001, 14), (1000, -1, 0)])
def test_what_the_new_master_has_not(old, branch, lost):
    assert _failover.lost_bytes(old, {"second_repl_offset": branch}) == lost
