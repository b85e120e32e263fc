# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tune_clients would do, on snapshots of real servers."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._plans import every

SNAPSHOTS = Path(__file__).parent / "snapshots"
HEALTHY = sorted((SNAPSHOTS / "healthy").glob("*.json"))
PROCESS = {"open_files_soft": 150, "open_files_hard": 150}


def snapshot_of(name, **values):
    """A captured snapshot with other values at some paths (``__`` for the dots)."""
    snapshot = copy.deepcopy(json.loads((SNAPSHOTS / f"{name}.json").read_text(encoding="utf-8"))["snapshot"])
    for path, value in values.items():
        *folders, last = path.split("__")
        part = snapshot
        for folder in folders:
            part[folder] = part.get(folder) or {}
            part = part[folder]
        part[last] = value
    return snapshot


def plan(snapshot, **options):
    return every.plan("tune_clients", snapshot if isinstance(snapshot, dict) else snapshot_of(snapshot), options)


def said(found):
    return "; ".join(found["steps"] + found["refused"])


@pytest.mark.parametrize("path", HEALTHY, ids=lambda path: path.stem)
def test_a_healthy_server_is_left_alone(path):
    found = plan(json.loads(path.read_text(encoding="utf-8"))["snapshot"])
    assert (found["steps"], found["refused"]) == ([], [])


def test_room_is_reckoned_from_what_is_connected_and_the_arithmetic_is_said():
    found = plan("clients_high")
    assert found["settings"] == {"maxclients": 132}
    assert "91 are connected; it takes 132 + 32 = 164 open files" in said(found)


def test_who_rejects_has_had_as_many_as_it_allows():
    found = plan(snapshot_of("clients_rejected", info__clients__connected_clients=2))
    assert found["settings"] == {"maxclients": 15}


def test_the_open_files_are_the_most():
    found = plan(snapshot_of("clients_high", host={"process": PROCESS}))
    assert found["settings"] == {"maxclients": 118}
    assert "maxclients 132 needs 164 open files and the process may have 150" in said(found)
    assert "redis_clients_raise_file_limit=true" in said(found)


def test_where_no_file_is_left_it_refuses_and_explains():
    found = plan(snapshot_of("clients_high", host={"process": {"open_files_hard": 142}}))
    assert (found["steps"], found["settings"]) == ([], {})
    assert "the process may have 142" in found["refused"][0]


def test_a_drop_in_is_written_when_it_is_allowed_and_waits_for_a_restart():
    host = {"process": PROCESS, "unit": {"name": "redis-server.service"}}
    found = plan(snapshot_of("clients_high", host=host), raise_file_limit=True)
    assert found["file_limit"] == {"unit": "redis-server.service", "files": 164}
    assert "after a restart" in said(found)
    written = {**host, "unit": {"name": "redis-server.service", "open_files": 164}}
    again = plan(snapshot_of("clients_high", host=written), raise_file_limit="yes")
    assert again["file_limit"] == {}
    assert "its unit redis-server.service allows it by now" in said(again)
    raised = plan(snapshot_of("clients_high", host=written, info__clients__maxclients=118), raise_file_limit=True, maxclients=118)
    assert (raised["steps"], raised["refused"]) == ([], [])
    nobody = plan(snapshot_of("clients_high", host={"process": PROCESS}), raise_file_limit=True)
    assert nobody["file_limit"] == {}
    assert "it is run by no unit that is known" in said(nobody)


@pytest.mark.parametrize(("asked", "limit"), [(100, 100), ("500", 500)])
def test_what_is_asked_for_is_set(asked, limit):
    assert plan("clients_high", maxclients=asked)["settings"] == {"maxclients": limit}


def test_less_than_are_connected_is_refused():
    assert "redis_clients_maxclients=50 is below the 91 that are connected" in plan("clients_high", maxclients=50)["refused"][0]


def test_idle_connections_of_the_leaker_go_and_make_the_room():
    leaking = snapshot_of("clients_leaking")
    leaking["clients"]["by_address"][0]["idle_over_hour"] = 110
    found = plan(leaking, kill_most=90)
    assert found["kill"] == {"addresses": ["127.0.0.1"], "min_idle": 3600, "most": 90}
    assert found["settings"] == {"timeout": 3600}, "31 of 130 need no more room"


def test_of_a_shorter_time_nobody_knows_how_many_go():
    found = plan("clients_leaking", kill_idle=60)
    assert found["kill"]["min_idle"] == 60
    assert found["settings"]["maxclients"] == 176


def test_a_leaker_by_user_is_closed_by_user():
    leaking = snapshot_of("clients_leaking")
    group = {**leaking["clients"]["by_user"][0], "name": "shop", "idle_over_hour": 5}
    leaking["clients"].update(by_address=[{**group, "connections": 20}], by_user=[group, {**group, "name": "ops", "connections": 1}])
    assert plan(leaking)["kill"]["users"] == ["shop"]


def test_a_leaker_that_leaves_nothing_idle_is_refused_with_what_to_do():
    busy = snapshot_of("clients_leaking", config__timeout="60", info__clients__connected_clients=30)
    found = plan(busy)
    assert (found["steps"], found["kill"]) == ([], {})
    assert "give a shorter redis_clients_kill_idle" in found["refused"][0]


def test_what_idles_is_closed_by_the_server_itself():
    assert plan("clients_idle")["settings"] == {"timeout": 3600}
    assert plan("clients_idle", timeout="0")["steps"] == []
    assert plan("clients_idle", timeout=600)["settings"] == {"timeout": 600}


def test_keepalive_comes_back():
    assert plan("keepalive_off")["settings"] == {"tcp-keepalive": 300}


def test_buffers_are_bounded_by_the_data_and_by_the_number_of_clients():
    assert plan("client_buffers_large")["settings"] == {"maxmemory-clients": 1024 * 1024}
    full = snapshot_of("client_buffers_large", info__memory__maxmemory=2**30)
    assert plan(full)["settings"] == {"maxmemory-clients": 51 * 1024 * 1024}
    crowd = snapshot_of("client_buffers_large", info__clients__connected_clients=100)
    assert plan(crowd)["settings"] == {"maxmemory-clients": 100 * 100 * 1024}
    assert plan("client_buffers_large", memory="5%")["settings"] == {"maxmemory-clients": "5%"}


def test_a_bound_that_does_not_help_is_for_people():
    found = plan(snapshot_of("client_buffers_large", **{"config__maxmemory-clients": "33554432"}))
    assert "give redis_clients_memory" in found["refused"][0]


def test_before_redis_7_each_client_has_its_own_limit():
    old = snapshot_of(
        "client_buffers_large", **{"config__client-output-buffer-limit": "normal 0 0 0 slave 1 1 1 pubsub 33554432 8388608 60"}
    )
    del old["config"]["maxmemory-clients"]
    assert plan(old)["settings"] == {"client-output-buffer-limit": {"normal": "32mb 8mb 60"}}
    assert plan(old, memory="4mb")["settings"]["client-output-buffer-limit"] == {"normal": "4mb 0 0", "pubsub": "4mb 0 0"}
    with pytest.raises(ValueError, match="redis_clients_memory is '5%'"):
        plan(old, memory="5%")
    mended = copy.deepcopy(old)
    mended["info"]["memory"]["mem_clients_normal"] = 0
    mended["config"]["client-output-buffer-limit"] = "normal 4194304 0 0 slave 1 1 1 pubsub 4194304 0 0"
    assert said(plan(mended, memory="4mb")) == ""
    old["config"]["client-output-buffer-limit"] = "normal 9 0 0 slave 0 0 0 pubsub 9 0 0"
    assert "give redis_clients_memory" in plan(old)["refused"][0]


def test_a_full_server_is_knocked_at():
    found = plan("clients_exhausted", slot_seconds=5)
    assert found["slot"] == {"wait_timeout": 5}
    assert "knock for 5 s" in said(found)
    known = snapshot_of("clients_exhausted", host={"process": PROCESS})
    assert plan(known, maxclients=500)["slot"] == {"maxclients": 500, "most": 118, "wait_timeout": 30}


def test_sockets_are_closed_on_hosts_only():
    assert "by its URL only" in plan("clients_exhausted", close_sockets=True)["refused"][0]
    found = plan(snapshot_of("clients_exhausted", host={"process": PROCESS}), close_sockets="yes")
    assert found["refused"] == []
    assert "ss -K" in said(found)


def test_a_server_that_does_not_answer_is_refused():
    assert "cannot be asked (hung)" in plan("server_hung")["refused"][0]


def test_a_server_that_hides_its_settings_is_refused():
    hidden = snapshot_of("clients_high", config=None, denied={"config": "NOPERM"})
    assert "it does not show its settings (NOPERM)" in plan(hidden)["refused"][0]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"maxclients": "many"}, "redis_clients_maxclients is 'many': give a whole number"),
        ({"kill_most": 0}, "redis_clients_kill_most is 0: give at least 1"),
        ({"kill_idle": "0"}, "redis_clients_kill_idle is 0"),
        ({"timeout": -1}, "redis_clients_timeout is -1"),
        ({"memory": "lots"}, "redis_clients_memory is 'lots'"),
    ],
)
def test_an_option_that_cannot_be_meant_is_named(options, sentence):
    with pytest.raises(ValueError, match="redis_clients") as caught:
        plan("clients_high", **options)
    assert sentence in str(caught.value)
