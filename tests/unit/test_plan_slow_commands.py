# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plans of slow_commands and kill_script, on snapshots of real servers."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._plans import every

SNAPSHOTS = Path(__file__).parent / "snapshots"
OPTIONS = {"users": [], "commands": [], "seconds": 30, "accept_noperm": False, "give_back": False, "previous": {}}
SHOP = {"name": "shop", "commands": "+@all -@admin", "selectors": []}


def snapshot_of(name):
    return json.loads((SNAPSHOTS / f"{name}.json").read_text(encoding="utf-8"))["snapshot"]


def by_shop(commands="+@all -@admin"):
    """The storm of KEYS, by a user of the application's own."""
    snapshot = snapshot_of("slow_command_keys")
    for row in snapshot["clients"]["worst"]:
        row["user"] = "shop"
    snapshot["clients"]["applications"] = [{"name": "shop", "connections": 1}]
    snapshot["acl"]["users"] = [{**SHOP, "commands": commands}]
    return snapshot


def plan(snapshot, name="slow_commands", **options):
    return every.plan(name, snapshot, {**OPTIONS, **options})


def test_the_user_that_calls_keys_loses_it_and_what_nobody_has_called():
    found = plan(by_shop())
    assert found["refused"] == []
    (user,) = found["users"]
    assert user["name"] == "shop"
    assert user["rules"][0] == "-keys"
    assert "SCAN with MATCH and COUNT" in found["steps"][-1]
    assert "watches for 30 s" in " ".join(found["steps"])


def test_what_somebody_has_called_is_not_taken():
    snapshot = by_shop()
    snapshot["info"]["commandstats"]["cmdstat_flushall"] = {"calls": 1}
    assert "-flushall" not in plan(snapshot)["users"][0]["rules"]
    assert plan(snapshot, commands=["keys", "flushall"])["users"][0]["rules"] == ["-keys", "-flushall"]


def test_who_may_not_call_it_any_more_is_left_alone():
    found = plan(by_shop("+@all -@admin -keys"))
    assert (found["refused"], found["steps"]) == ([], [])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (dict, "KEYS is called by the user default"),
        (lambda snapshot: snapshot["acl"].update(whoami="shop"), "is the one that this run is logged in as"),
        (lambda snapshot: snapshot["acl"]["users"][0].update(commands="+@all"), "the user shop may administer the server"),
        (lambda snapshot: snapshot["acl"].update(users=None), "nothing is known of the user shop"),
    ],
)
def test_who_must_not_lose_it_by_guess_is_refused(change, sentence):
    snapshot = snapshot_of("slow_command_keys") if "default" in sentence else by_shop()
    change(snapshot)
    found = plan(snapshot)
    assert (found["steps"], found["users"]) == ([], [])
    assert sentence in found["refused"][0]


def test_of_several_users_at_one_place_none_is_guessed():
    snapshot = by_shop()
    (row,) = snapshot["clients"]["worst"]
    row.update(address="127.0.0.1:1", last_command="get")
    snapshot["clients"]["worst"].append({**row, "address": "127.0.0.1:2", "user": "other"})
    found = plan(snapshot)
    assert "one of the users other, shop" in found["refused"][0]
    assert plan(snapshot, users=["shop"])["users"][0]["name"] == "shop"


def test_the_loss_can_be_accepted():
    assert plan(snapshot_of("slow_command_keys"), accept_noperm=True)["users"][0]["name"] == "default"


def test_a_monitor_is_closed_by_its_id():
    snapshot = snapshot_of("monitor_attached")
    found = plan(snapshot)
    assert found["monitors"] == [row["id"] for row in snapshot["clients"]["monitors"]]
    assert "closes the MONITOR of forgotten" in found["steps"][0]


def test_what_is_sharp_already_stays_as_it_is():
    snapshot = by_shop()
    snapshot["config"].update({"slowlog-log-slower-than": "100", "slowlog-max-len": "5000", "latency-monitor-threshold": "5"})
    found = plan(snapshot)
    assert (found["settings"], found["before"]) == ({}, {})
    snapshot["config"].update({"slowlog-log-slower-than": "-1", "latency-monitor-threshold": "0"})
    found = plan(snapshot)
    assert found["settings"] == {"slowlog-log-slower-than": 1000, "latency-monitor-threshold": 10}
    assert found["before"] == {"slowlog-log-slower-than": "-1", "latency-monitor-threshold": "0"}
    assert plan(snapshot, seconds=0)["settings"] == {}


def test_without_a_slow_log_it_is_watched_who_calls_it():
    snapshot = by_shop()
    snapshot["slowlog"].update(entries=[], groups=[])
    snapshot["clients"].update(worst=[], applications=[])
    found = plan(snapshot)
    assert found["users"] == []
    assert "watches for 30 s" in found["steps"][0]


def test_a_server_that_is_well_leaves_nothing_to_do():
    snapshot = snapshot_of("slowlog_off")
    assert (plan(snapshot)["refused"], plan(snapshot)["steps"]) == ([], [])


def test_to_give_back_needs_to_know_what():
    assert plan(by_shop(), give_back=True)["steps"] == []
    found = plan(by_shop(), give_back=True, previous={"shop": ["on", "nopass", "~*", "+@all", "-@admin"]})
    # Somebody may have given it a password meanwhile, or switched it off: that stays.
    assert found["give_back"] == {"shop": ["nocommands", "+@all", "-@admin"]}
    assert found["users"] == []
    with pytest.raises(ValueError, match="redis_latency_previous of 'shop'"):
        plan(by_shop(), give_back=True, previous={"shop": "on"})
    with pytest.raises(ValueError, match="with its commands"):
        plan(by_shop(), give_back=True, previous={"shop": ["on", "~*"]})


@pytest.mark.parametrize("seconds", [-1, 241, "soon", None])
def test_seconds_that_cannot_be_meant(seconds):
    with pytest.raises(ValueError, match="redis_latency_seconds"):
        plan(by_shop(), seconds=seconds)


def test_a_server_that_cannot_be_asked_is_refused():
    assert "cannot be asked (busy)" in plan(snapshot_of("script_running"))["refused"][0]


def test_a_busy_server_is_told_how_its_script_ends():
    busy = snapshot_of("script_running")
    assert plan(busy, "kill_script")["steps"][0].startswith("SCRIPT KILL ends the script")
    function, module = copy.deepcopy(busy), copy.deepcopy(busy)
    function["availability"]["reason"], module["availability"]["reason"] = "function", "module"
    assert plan(function, "kill_script")["steps"][0].startswith("FUNCTION KILL ends the function")
    assert "cannot be killed" in plan(module, "kill_script")["refused"][0]
    assert plan(by_shop(), "kill_script")["steps"] == []


def test_names_and_errors_from_the_server_are_harmless_in_what_people_read():
    snapshot = by_shop("+@all")
    evil = "shop\x1b[2J\u202e"
    for row in snapshot["clients"]["worst"]:
        row["user"] = evil
    snapshot["acl"]["users"][0]["name"] = evil
    found = plan(snapshot)
    snapshot["availability"].update({"state": "hung", "error": evil})
    texts = [*found["steps"], *found["refused"], *found["seen"], *plan(snapshot)["refused"]]
    assert "\\x1b[2J" in " ".join(texts)
    assert all(text.isprintable() for text in texts)
    assert plan(by_shop(), users=[evil])["users"][0]["name"] == evil
