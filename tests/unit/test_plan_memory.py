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
    assert plan["lower"]["maxmemory"] in (str(8 * GIB), str(int(6.5 * GIB)))
    assert not plan["lower"]["accept_eviction"]


def test_a_limit_above_the_host_is_lowered_to_what_it_can_give():
    plan = planned("memory_exceeds_host", ram=8 * GIB)
    assert int(plan["lower"]["maxmemory"]) < 8 * GIB
    assert "maxmemory" not in plan["settings"]


def test_what_is_as_it_should_be_is_left_alone():
    healthy = json.loads((FOLDER / "healthy" / "standalone-valkey-9.1.json").read_text(encoding="utf-8"))["snapshot"]
    assert memory.plan(healthy, {})["steps"] == []


def test_data_that_fills_the_host_is_a_reason_to_refuse():
    used = snapshot("memory_limit_reached")["info"]["memory"]["used_memory"]
    assert "add memory, or spread the data" in planned("memory_limit_reached", ram=int(used * 1.05))["refused"][0]


def test_a_host_that_nobody_knows_is_a_reason_to_refuse():
    assert "give a number" in planned("memory_limit_reached", ram=None)["refused"][0]


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ("1mb", "1 MiB is below the 10 MiB that are in use"),
        ("15gb", "15gb is more than 80 %"),
        ("100gb", "more than 80 % of the host's RAM"),
    ],
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


def cache(**changes):
    """A full cache of 10,000 keys of a kibibyte each; a tenth of them has a TTL."""
    found = snapshot("eviction_policy_unfit", **changes)
    found["info"]["memory"].update({"used_memory": 12 * MIB, "used_memory_startup": 2 * MIB, "mem_not_counted_for_evict": 0})
    found["info"]["memory"].update({"maxmemory": 12 * MIB, "maxmemory_policy": "allkeys-lru", **changes})
    found["info"]["keyspace"] = {"db0": {"keys": 10_000, "expires": 1_000}}
    return found


ASKED = {"maxmemory": "8mb", "workload_role": "cache"}


def test_a_limit_below_what_is_in_use_names_the_loss_and_how_to_accept_it():
    (refusal,) = memory.plan(cache(), ASKED)["refused"]
    assert "8 MiB is below the 12 MiB that are in use" in refusal
    assert "about 4 MiB in up to 8,000 keys are evicted (allkeys-lru)" in refusal
    assert "redis_memory_accept_eviction=true" in refusal


def test_an_accepted_loss_is_bounded_and_told():
    plan = memory.plan(cache(), {**ASKED, "accept_eviction": True, "max_added_latency": 7})
    assert not plan["refused"]
    assert plan["lower"] == {
        "maxmemory": str(8 * MIB), "accept_eviction": True, "most_evicted": 8_000, "max_added_latency": 7, "seconds": 120,
    }  # fmt: skip
    assert "maxmemory 12 MiB → 8 MiB: as asked for" in plan["steps"][0]
    assert "in steps of 10 %; it stops where PING takes 7 ms more than before, or more keys go" in plan["steps"][1]


@pytest.mark.parametrize(
    ("policy", "sentence"),
    [
        ("noeviction", "under noeviction writes would be refused at once"),
        ("volatile-lru", "keys with a TTL hold about 1 MiB only: it would be full even without them"),
    ],
)
def test_no_loss_is_accepted_that_does_not_help(policy, sentence):
    (refusal,) = memory.plan(cache(maxmemory_policy=policy), {**ASKED, "workload_role": "session", "accept_eviction": True})["refused"]
    assert sentence in refusal


def test_a_limit_that_the_host_cannot_hold_is_lowered_over_accepted_losses_only():
    small = {"total_system_memory": 13 * MIB}
    assert "add memory, or spread the data" in memory.plan(cache(**small), {"workload_role": "cache"})["refused"][0]
    plan = memory.plan(cache(**small), {"workload_role": "cache", "accept_eviction": True})
    assert (plan["refused"], plan["lower"]["accept_eviction"]) == ([], True)


def test_a_host_without_memory_gets_back_what_is_not_used_whatever_the_limit():
    pressed = cache(total_system_memory=13 * MIB, used_memory_rss=13 * MIB, mem_allocator="jemalloc-5.3.0")
    plan = memory.plan(pressed, {"workload_role": "cache"})
    assert (plan["refused"], plan["purge"], plan["lower"], plan["settings"]) == ([], True, {}, {})
    assert "leaves the limit as it is" in plan["steps"][-1]


@pytest.mark.parametrize(("name", "value"), [("max_added_latency", "much"), ("max_added_latency", 0)])
def test_a_bound_that_cannot_be_meant_is_an_error(name, value):
    with pytest.raises(ValueError, match=f"redis_memory_{name} is"):
        memory.plan(cache(), {**ASKED, "accept_eviction": True, name: value})


def test_a_server_that_tells_nothing_is_refused_and_no_error():
    silent = {**snapshot("memory_limit_reached"), "info": None}
    assert "does not tell" in memory.plan(silent, {})["refused"][0]


def test_a_plan_that_does_not_exist_is_an_error():
    with pytest.raises(ValueError, match="there is no plan for 'tune_memroy'"):
        every.plan("tune_memroy", {}, {})
