# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of prevent, on snapshots of real servers and hosts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._plans import every

SNAPSHOTS = Path(__file__).parent / "snapshots"
OPTIONS = {
    "state": "present", "leave_out": [], "users": [], "commands": ["keys", "flushall", "config"], "accept_noperm": False, "maxmemory": "",
    "policy": "", "workload_role": "", "restart": False, "by_host": True, "previous": {}, "survey": {},
}  # fmt: skip
# As redis_acl tells in check mode.
CHANGED = {"persist_reason": "check mode"}
EVERYTHING = ["library", "kernel", "files", "ops_users", "commands", "memory", "persist"]


def snapshot_of(name):
    return json.loads((SNAPSHOTS / f"{name}.json").read_text(encoding="utf-8"))["snapshot"]


def only(*parts):
    return [part for part in EVERYTHING if part not in parts]


def plan(name, **options):
    return every.plan("prevent", snapshot_of(name) if isinstance(name, str) else name, {**OPTIONS, **options})


def test_the_kernel_is_what_the_survey_found():
    kernel = {"steps": ["vm.overcommit_memory 0 → 1"], "left": ["net.core.somaxconn is 128 and may not be set"]}
    found = plan("overcommit_off", leave_out=only("kernel"), survey={"kernel": kernel})
    assert found["kernel"]
    assert found["steps"] == ["vm.overcommit_memory 0 → 1", "leaves: net.core.somaxconn is 128 and may not be set"]
    assert found["refused"] == []


def test_where_nothing_else_is_to_be_done_what_is_left_is_a_refusal():
    found = plan("overcommit_off", leave_out=only("kernel"), survey={"kernel": {"left": ["it may not be set"]}})
    assert (found["steps"], found["refused"]) == ([], ["it may not be set"])


def test_by_url_the_host_is_left_alone_and_that_is_said():
    kernel = {"steps": ["vm.overcommit_memory 0 → 1"]}
    found = plan("overcommit_off", leave_out=only("kernel", "files", "persist"), by_host=False, survey={"kernel": kernel})
    assert (found["steps"], found["refused"], found["kernel"]) == ([], [], False)
    assert "give an inventory" in found["idle"]


def test_a_unit_may_open_as_many_files_as_its_connections_need():
    snapshot = snapshot_of("file_limit_low")
    snapshot["host"]["unit"] = {"name": "redis-server.service", "open_files": 1024}
    found = plan(snapshot, leave_out=only("files"))
    assert found["file_limit"] == {"unit": "redis-server.service", "files": 10_032}
    assert found["restart"] == {}
    assert "from its next restart on" in " ".join(found["steps"])


def test_what_waits_for_a_restart_only_is_no_refusal():
    snapshot = snapshot_of("file_limit_low")
    snapshot["host"]["unit"] = {"name": "redis-server.service", "open_files": 10_032}
    found = plan(snapshot, leave_out=only("files"))
    assert (found["steps"], found["refused"]) == ([], [])
    assert "from its next restart on" in found["idle"]


def test_it_is_restarted_for_that_where_it_may_be():
    snapshot = snapshot_of("file_limit_low")
    snapshot["host"]["unit"] = {"name": "redis-server.service", "open_files": 1024, "load_state": "loaded", "active_state": "active"}
    found = plan(snapshot, leave_out=only("files"), restart=True, workload_role="cache")
    assert found["restart"]["state"] == "restarted"
    assert any("restart the unit redis-server" in step for step in found["steps"])


def test_a_user_loses_what_nobody_calls():
    snapshot = snapshot_of("dangerous_commands_allowed")
    snapshot["info"]["commandstats"] = {"cmdstat_keys": {"calls": 3}, "cmdstat_config|get": {"calls": 7}}
    snapshot["slowlog"]["entries"] = []
    (name,) = [user["name"] for user in snapshot["acl"]["users"] if user["name"] != "default"][:1]
    survey = {"commands": {name: CHANGED}}
    found = plan(snapshot, leave_out=only("commands"), users=[name], survey=survey)
    assert found["users"] == [{"name": name, "rules": ["-flushall", "-config"]}]
    assert f"KEYS stays allowed to {name}: called 3 times" in " ".join(found["left"])
    found = plan(snapshot, leave_out=only("commands"), users=[name], survey=survey, accept_noperm=True)
    assert found["users"] == [{"name": name, "rules": ["-keys", "-flushall", "-config"]}]


def test_nobody_is_touched_who_is_not_named():
    found = plan("dangerous_commands_allowed", leave_out=only("commands"))
    assert (found["users"], found["steps"]) == ([], [])
    assert "redis_hardening_users=[" in found["refused"][0]


def test_the_user_that_the_run_is_logged_in_as_keeps_what_it_has():
    snapshot = snapshot_of("dangerous_commands_allowed")
    who = snapshot["acl"]["whoami"]
    found = plan(snapshot, leave_out=only("commands"), users=[who], survey={"commands": {who: CHANGED}})
    assert found["users"] == []
    assert "this run is logged in as that" in " ".join(found["refused"])


def test_a_limit_is_set_where_there_is_none_and_nowhere_else():
    found = plan("memory_unlimited", leave_out=only("memory"))
    assert found["memory"]["lower"] or found["memory"]["settings"]
    assert found["steps"][0].startswith("maxmemory")
    assert plan("memory_high", leave_out=only("memory"))["memory"] == {}


def test_of_the_memory_the_variables_of_this_role_are_named():
    snapshot = snapshot_of("memory_unlimited")
    snapshot["host"] = None
    snapshot["info"]["memory"]["total_system_memory"] = 0
    found = plan(snapshot, leave_out=only("memory"))
    assert found["refused"] == [
        "maxmemory stays 0: nobody tells how much memory the host has: give a number, redis_hardening_maxmemory=2gb"
    ]
    with pytest.raises(ValueError, match=r"^redis_hardening_maxmemory is '2gbb'"):
        plan("memory_unlimited", leave_out=only("memory"), maxmemory="2gbb")


def test_what_runs_is_written_into_the_file():
    found = plan("config_not_persisted", leave_out=only("persist"))
    assert found["persist"]
    assert found["steps"][0].startswith("CONFIG REWRITE, because ")


def test_without_redis_py_it_comes_first_and_the_rest_the_next_time():
    found = plan("auth_failed", leave_out=only("library"), survey={"library": "redis-py 4.3 or newer is missing"})
    assert found["library"]
    assert "run it again" in " ".join(found["left"])


def test_a_server_that_cannot_be_asked_is_none_to_prevent_something_on():
    assert "it works" in plan("auth_failed")["refused"][0] or "one that works" in plan("auth_failed")["refused"][0]


def test_what_was_done_is_put_back():
    survey = {"kernel": {"steps": ["vm.overcommit_memory 1 → 0"]}, "ops": {"ops_diagnose": CHANGED}, "drop_in": "/x", "unit": "r"}
    found = plan("memory_high", state="absent", survey=survey, previous={"shop": ["on", "+@all", "-debug"]})
    assert (found["kernel"], found["file_limit"], found["ops"]) == (True, {"unit": "r", "files": 0}, ["ops_diagnose"])
    assert found["give_back"] == {"shop": ["nocommands", "+@all", "-debug"]}
    assert plan("memory_high", state="absent")["steps"] == []


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"state": "gone"}, "redis_hardening_state"),
        ({"leave_out": ["all"]}, "redis_hardening_leave_out"),
        ({"users": "shop"}, "redis_hardening_users"),
    ],
)
def test_options_that_cannot_be_meant_are_named(options, named):
    with pytest.raises(ValueError, match=named):
        plan("memory_high", **options)
