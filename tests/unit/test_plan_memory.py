# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tune_memory would do, on snapshots of real servers."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._plans import every, memory

FOLDER = Path(__file__).parent / "snapshots"
MIB = 1024 * 1024
GIB = 1024 * MIB


def snapshot(name, ram=16 * GIB, **changes):
    found = copy.deepcopy(json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))["snapshot"])
    found["info"]["memory"].update({"total_system_memory": ram, **changes})
    return found


def planned(name, options=None, **changes):
    return memory.plan(snapshot(name, **changes), options or {})


def test_a_full_server_gets_room_and_the_arithmetic_is_told():
    plan = planned("memory_limit_reached")
    used = snapshot("memory_limit_reached")["info"]["memory"]["used_memory"]
    assert not plan["refused"]
    assert max(1.4 * used, used + 15 * MIB) < plan["settings"]["maxmemory"] <= max(1.5 * used, used + 16 * MIB)
    assert "of the host's RAM is 13,107 MiB" in plan["steps"][0]


def test_a_server_without_a_limit_gets_what_its_host_can_give():
    plan = planned("memory_unlimited", ram=10 * GIB, total_system_memory=10 * GIB)
    assert plan["settings"]["maxmemory"] in (8 * GIB, int(6.5 * GIB))


def test_a_limit_above_the_host_is_lowered_to_what_it_can_give():
    plan = planned("memory_exceeds_host", ram=8 * GIB)
    assert plan["settings"]["maxmemory"] < 8 * GIB


def test_what_is_as_it_should_be_is_left_alone():
    healthy = json.loads((FOLDER / "healthy" / "standalone-valkey-9.1.json").read_text(encoding="utf-8"))["snapshot"]
    assert memory.plan(healthy, {})["steps"] == []


def test_data_that_fills_the_host_is_a_reason_to_refuse():
    used = snapshot("memory_limit_reached")["info"]["memory"]["used_memory"]
    assert "add memory, or spread the data" in planned("memory_limit_reached", ram=int(used * 1.05))["refused"][0]


def test_a_host_that_nobody_knows_is_a_reason_to_refuse():
    assert "give a number" in planned("memory_limit_reached", ram=None)["refused"][0]


@pytest.mark.parametrize(
    ("wanted", "sentence"), [("1mb", "1mb is below the"), ("15gb", "15gb is more than 80 %"), ("100gb", "more than 80 % of the host's RAM")]
)
def test_a_number_that_would_do_harm_is_refused(wanted, sentence):
    assert sentence in planned("memory_limit_reached", {"maxmemory": wanted})["refused"][0]


def test_a_number_that_cannot_be_meant_is_an_error():
    with pytest.raises(ValueError, match="redis_memory_maxmemory is 'much'"):
        planned("memory_limit_reached", {"maxmemory": "much"})


def test_a_policy_is_changed_only_where_it_does_not_fit():
    assert planned("eviction_policy_unfit", {"workload_role": "store"})["settings"].get("maxmemory-policy") in (None, "noeviction")
    assert "maxmemory-policy" not in planned("memory_limit_reached", {"workload_role": "store"})["settings"]
    forgetful = planned("memory_limit_reached", {"workload_role": "cache"})
    assert forgetful["settings"]["maxmemory-policy"] in ("allkeys-lru", "volatile-lru")


def test_expired_keys_that_stay_are_removed_with_more_effort():
    behind = snapshot("expiry_behind")
    now = int(behind["config"]["active-expire-effort"])
    behind["info"]["stats"]["expired_stale_perc"] = 40.0
    assert memory.plan(behind, {})["settings"]["active-expire-effort"] == now + 2
    behind["config"]["active-expire-effort"] = "10"
    assert "active-expire-effort" not in memory.plan(behind, {})["settings"], "it works as hard as it can"


def test_a_server_that_tells_nothing_is_refused_and_no_error():
    silent = {**snapshot("memory_limit_reached"), "info": None}
    assert "does not tell" in memory.plan(silent, {})["refused"][0]


def test_a_plan_that_does_not_exist_is_an_error():
    with pytest.raises(ValueError, match="there is no plan for 'tune_memroy'"):
        every.plan("tune_memroy", {}, {})
