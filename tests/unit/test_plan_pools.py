# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of tune_pools: the arithmetic, and when it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._plans import pools

CAPTURED = Path(__file__).parent / "snapshots" / "application_pools_large.json"
OPTIONS = {"bound": 0, "variables": ["SHOP_POOL"], "within": 30}
POOL = {"bound": 50, "clients": 8, "processes": 1, "instances": 2, "total": 800, "variables": {}}


def snapshot(maxclients="500", **more):
    application = {"pool": POOL, "unit": "shop.service", "container": None, "hosts": {"app1": "works", "app2": "works"}}
    return {"config": {"maxclients": maxclients}, "application": {**application, **more}}


def test_each_pool_gets_its_share_of_what_the_server_takes():
    plan = pools.plan(snapshot(), OPTIONS)
    assert (plan["variables"], plan["hosts"]) == ({"SHOP_POOL": "25"}, ["app1", "app2"])
    assert "SHOP_POOL 50 → 25 on app1, app2: 16 pools of 25 are 400 of 500 connections" in plan["steps"]


def test_a_snapshot_of_a_real_server_has_what_the_plan_needs():
    document = json.loads(CAPTURED.read_text(encoding="utf-8"))
    real = document["snapshot"]
    plan = pools.plan(real, OPTIONS)
    pool = real["application"]["pool"]
    wanted = int(int(real["config"]["maxclients"]) * 0.8 // (pool["clients"] * pool["processes"] * pool["instances"]))
    assert plan.get("variables") == {"SHOP_POOL": str(wanted)} or "redis_application.unit" in " ".join(plan["refused"])


@pytest.mark.parametrize("given", [snapshot("10000"), snapshot(pool={**POOL, "bound": 25, "total": 400})])
def test_pools_that_fit_are_left_alone(given):
    assert pools.plan(given, OPTIONS) == {"hosts": []}


def test_the_engineers_own_number_is_taken():
    assert pools.plan(snapshot("10000"), {**OPTIONS, "bound": "12"})["variables"] == {"SHOP_POOL": "12"}


@pytest.mark.parametrize(
    ("given", "more", "said"),
    [
        ({**snapshot(), "application": None}, {}, "nothing is known of the pools"),
        (snapshot(pool=None), {}, "nothing is known of the pools"),
        ({**snapshot(), "config": {}}, {}, "does not tell maxclients"),
        (snapshot("10"), {}, "16 pools cannot share 10 connections"),
        (snapshot(), {"bound": 100}, "16 pools of that size are 1600 connections, maxclients is 500"),
        (snapshot(), {"variables": []}, "give redis_application.pool.variables"),
        (snapshot(unit=None), {}, "give redis_application.unit"),
    ],
)
def test_what_speaks_against_it_is_a_sentence(given, more, said):
    assert said in " ".join(pools.plan(given, {**OPTIONS, **more})["refused"])


@pytest.mark.parametrize("bound", ["many", -1, 2.5])
def test_a_bound_that_cannot_be_meant(bound):
    with pytest.raises(ValueError, match="redis_pools_bound is"):
        pools.plan(snapshot(), {**OPTIONS, "bound": bound})
