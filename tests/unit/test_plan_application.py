# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What restart_application plans, for snapshots of real servers with a real application."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._plans import every

SNAPSHOTS = Path(__file__).parent / "snapshots"


def plan(name, state=None, **application):
    snapshot = copy.deepcopy(json.loads((SNAPSHOTS / f"{name}.json").read_text(encoding="utf-8"))["snapshot"])
    snapshot["availability"]["state"] = state or snapshot["availability"]["state"]
    if snapshot["application"]:
        snapshot["application"].update(application)
    return every.plan("restart_application", snapshot, {"within": 120})


def test_it_is_restarted_where_it_says_that_redis_is_not_well():
    found = plan("application_not_ready")
    assert (found["refused"], found["hosts"], found["unit"]) == ([], ["app1"], "shop.service")
    assert "restart shop.service on app1" in found["steps"][0]


@pytest.mark.parametrize("name", ["application_fallback_active", "healthy/application-redis-8.2"])
def test_one_that_is_ready_or_in_its_fallback_is_left_alone(name):
    found = plan(name)
    assert (found["refused"], found["steps"]) == ([], [])


def test_it_refuses_while_redis_is_down_and_where_it_knows_too_little():
    assert "Redis itself is not well (refused)" in plan("application_not_ready", state="refused")["refused"][0]
    assert "its unit is not known" in plan("application_not_ready", unit=None)["refused"][0]
    assert "give redis_application" in plan("memory_limit_reached")["refused"][0]
