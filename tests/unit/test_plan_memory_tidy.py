# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tidy_memory would do, on snapshots of real servers: nothing that costs a client anything."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis import engine
from ansible_collections.aragora.redis.plugins.module_utils._plans import memory, memory_tidy

FOLDER = Path(__file__).parent / "snapshots"


def snapshot(name):
    return copy.deepcopy(json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))["snapshot"])


def planned(name, **options):
    return memory_tidy.plan(snapshot(name), options)


def test_fragmentation_is_tidied_up_for_a_while():
    plan = planned("fragmentation_allocator")
    assert (plan["settings"], plan["refused"]) == ({}, [])
    assert {name: plan["defrag"][name] for name in ("seconds", "cpu_percent")} == {"seconds": 60, "cpu_percent": 10}
    assert plan["defrag"]["before"]["activedefrag"] == "no"
    assert "defragments for up to 60 s with at most 10 % of a core, where its build can" in plan["steps"][0]


def test_it_is_switched_on_for_good_only_where_the_engineer_says_so():
    plan = planned("fragmentation_allocator", activedefrag="lasting")
    assert (plan["settings"], plan["defrag"]) == ({"activedefrag": "yes", "active-defrag-cycle-max": 10}, {})
    assert not planned("fragmentation_allocator", activedefrag="never")["defrag"]
    on = snapshot("fragmentation_allocator")
    on["config"]["activedefrag"] = "yes"
    assert not memory_tidy.plan(on, {})["defrag"], "it is at work already"


def test_what_was_freed_is_given_back_where_the_allocator_can():
    plan = planned("fragmentation_resident")
    assert plan["purge"]
    assert "MEMORY PURGE" in plan["steps"][-1]
    libc = snapshot("fragmentation_resident")
    libc["info"]["memory"]["mem_allocator"] = "libc"
    plan = memory_tidy.plan(libc, {})
    assert (plan["purge"], plan["steps"]) == (False, [])
    assert "the allocator is libc, which gives memory back at a restart only" in plan["idle"]
    (found,) = [row for row in engine.diagnose(libc)["findings"] if row["id"] == "fragmentation_resident"]
    assert (found["remedy"], "at a restart only" in found["advice"][0]) == (None, True)


def test_large_values_are_freed_in_the_background():
    slow = snapshot("eviction_latency")
    slow["config"].update(dict.fromkeys(memory_tidy.LAZY, "no"))
    assert memory_tidy.plan(slow, {})["settings"] == dict.fromkeys(memory_tidy.LAZY, "yes")
    slow["config"].update(dict.fromkeys(memory_tidy.LAZY, "yes"))
    assert memory_tidy.plan(slow, {})["settings"] == {}


def test_defragmentation_that_holds_clients_gets_less_of_the_processor_once():
    slow = snapshot("defrag_latency")
    assert memory_tidy.plan(slow, {"activedefrag": "never"})["settings"] == {"active-defrag-cycle-max": 10}
    slow["config"]["active-defrag-cycle-max"] = "10"
    assert memory_tidy.plan(slow, {"activedefrag": "never"})["settings"] == {}


def test_expired_keys_that_stay_are_removed_with_more_effort():
    behind = snapshot("expiry_behind")
    now = int(behind["config"]["active-expire-effort"])
    behind["info"]["stats"]["expired_stale_perc"] = 40.0
    assert memory_tidy.plan(behind, {})["settings"]["active-expire-effort"] == now + 2
    behind["config"]["active-expire-effort"] = "10"
    assert "active-expire-effort" not in memory_tidy.plan(behind, {})["settings"], "it works as hard as it can"


@pytest.mark.parametrize("name", ["memory_limit_reached", "memory_exceeds_host", "eviction_policy_unfit", "fragmentation_allocator"])
def test_it_never_touches_the_limit_or_the_policy(name):
    assert not {"maxmemory", "maxmemory-policy"} & planned(name)["settings"].keys()


def test_tune_memory_does_all_of_it_as_well():
    tidy, tuned = planned("fragmentation_allocator"), memory.plan(snapshot("fragmentation_allocator"), {})
    assert (tuned["defrag"], tuned["purge"]) == (tidy["defrag"], tidy["purge"])
    assert set(tidy["steps"]) <= set(tuned["steps"])


def test_what_is_as_it_should_be_is_left_alone():
    for path in sorted((FOLDER / "healthy").glob("*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        assert memory_tidy.plan(document["snapshot"], {})["steps"] == [], path.name


@pytest.mark.parametrize(("name", "value"), [("activedefrag", "yes"), ("defrag_seconds", 1000), ("defrag_cpu", 0), ("defrag_cpu", "all")])
def test_an_option_that_cannot_be_meant_is_an_error_that_names_it(name, value):
    with pytest.raises(ValueError, match=f"redis_memory_{name} is"):
        planned("fragmentation_allocator", **{name: value})


def test_a_server_that_tells_nothing_is_refused():
    assert "does not tell" in memory_tidy.plan({**snapshot("memory_limit_reached"), "info": None}, {})["refused"][0]
