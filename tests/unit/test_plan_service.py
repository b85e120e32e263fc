# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What restart and wait plan, for snapshots of real servers; what differs from the snapshot stands in each case."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._plans import every

SNAPSHOTS = Path(__file__).parent / "snapshots"
LOSE = {"accept_data_loss": True}
OPTIONS = {"planned": True, "young": 0, "wait": 600, "names": ["cache1", "10.0.0.1"]}
ENABLED = {"host.unit.file_state": "enabled", "host.config.settings.save": "3600 1"}


def load(name, changes=None):
    """The snapshot of a scenario, with values by path in place of its own."""
    document = copy.deepcopy(json.loads((SNAPSHOTS / f"{name}.json").read_text(encoding="utf-8"))["snapshot"])
    for path, value in (changes or {}).items():
        *folders, last = path.split(".")
        place = document
        for folder in folders:
            place = place.setdefault(folder, {})
        place[last] = copy.deepcopy(value)
    return document


def plan(name, changes=None, action="restart", **options):
    return every.plan(action, load(name, changes), {**OPTIONS, **options})


DOWN = "startup_failed"
UNIT = "healthy/unit-redis-7.0"
MASTER = "healthy/master-redis-7.0"
KEYS = {"info.keyspace": {"db0": {"keys": 3, "expires": 0}}}
HOST = {"host": load(UNIT)["host"]}
REPLICAS = {**HOST, **KEYS, "info.replication.connected_slaves": 2, "info.persistence.aof_enabled": 0}
NO_SAVE = {"config.save": "", "info.persistence.aof_enabled": 0}
UNSAVED = {**NO_SAVE, **KEYS, "info.persistence.rdb_changes_since_last_save": 7, "info.memory.maxmemory_policy": "noeviction"}


class TestStart:
    def test_a_unit_that_has_failed(self):
        found = plan(DOWN, ENABLED)
        assert found["refused"] == []
        assert (found["way"], found["name"], found["state"], found["reset"]) == ("unit", "redis-server.service", "started", True)
        assert found["steps"][0].startswith("start the unit redis-server, which is failed/exit-code: it has no RDB file")

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"host.unit.switched_off": "masked"}, "masked"),
            ({"host.unit.switched_off": "disabled"}, "systemctl enable"),
            ({"host.unit": {}}, "no unit and no container"),
            ({"host": None}, "give an inventory"),
            ({"host": None, "denied.host": "unreachable: no route"}, "no route"),
            ({"host.listeners": [{"address": "10.0.0.1", "port": 6379}]}, "listens on 10.0.0.1:6379"),
            ({"host.unit.active_state": "active"}, "another server's"),
            ({"denied.host firewall": "needs root (-b): nft"}, "add -b"),
            ({"host.unit.name": "redis-sentinel.service"}, "Sentinel"),
            ({"host.unit": {}, "host.container": {"name": "c", "engine": "docker", "paused": True}}, "docker unpause c"),
        ],
    )
    def test_what_no_acceptance_of_loss_changes(self, changes, words):
        found = plan(DOWN, {**ENABLED, **changes}, **LOSE)
        assert any(words in sentence for sentence in found["refused"]), found
        assert found["steps"] == []

    @pytest.mark.parametrize(
        ("changes", "known"),
        [
            ({"host.config.settings.appendonly": "yes"}, "it loads its append-only file"),
            ({"host.disk.rdb_bytes": 4096, "host.disk.rdb_age_seconds": 300}, "it loads its RDB file of 4,096 bytes, 5 min old"),
            ({"host.config.settings.replicaof": "10.0.0.2 6379"}, "it is a replica of 10.0.0.2:6379"),
        ],
    )
    def test_a_server_that_has_its_data_elsewhere_than_in_memory_is_started(self, changes, known):
        found = plan(DOWN, {**ENABLED, **changes}, expected_replicas="2")
        assert (found["refused"], known in found["steps"][0]) == ([], True), found

    @pytest.mark.parametrize("save", ["", "3600 1"])
    def test_an_empty_master_is_not_started_before_its_replicas(self, save):
        changes = {**ENABLED, "host.config.settings.save": save}
        assert plan(DOWN, changes)["refused"] == [], "nobody says that it has replicas"
        found = plan(DOWN, changes, expected_replicas=2)
        assert "would overwrite the 2 replicas" in found["refused"][0]
        assert "redis_service_accept_data_loss=true" in found["refused"][-1]
        lossy = plan(DOWN, changes, expected_replicas=2, **LOSE)
        assert lossy["refused"] == []
        assert lossy["steps"][0].startswith("accepted: ")

    def test_one_that_was_never_started_may_be(self):
        assert plan(DOWN, {**ENABLED, "host.unit.changed_seconds": None}, expected_replicas=2)["refused"] == []

    @pytest.mark.parametrize("way", [{"group": "shop"}, {"names": ["127.0.0.1"]}], ids=["by group", "by address"])
    def test_replicas_that_were_looked_at_are_witnesses(self, way):
        master = {"info.replication.master_host": "127.0.0.1", "info.replication.master_port": 6379}
        replica = load("healthy/replica-redis-7.0", {**KEYS, **master})
        peers = [{"name": "cache2", "group": "shop", "snapshot": replica}]
        assert "its replicas cache2" in plan(DOWN, ENABLED, peers=peers, **way)["refused"][0]
        assert "its replicas cache2" in plan(DOWN, {**ENABLED, "host.config": {}}, peers=peers, **way)["refused"][0]
        empty = [{**peers[0], "snapshot": {**replica, "info": {**replica["info"], "keyspace": {}}}}]
        assert plan(DOWN, ENABLED, peers=empty, **way)["refused"] == []

    def test_a_group_that_has_failed_over_is_not_harmed(self):
        peers = [{"name": "cache2", "group": "shop", "snapshot": load(MASTER, KEYS)}]
        found = plan(DOWN, ENABLED, peers=peers, group="shop", expected_replicas=2)
        assert found["refused"] == []
        assert "cache2 is the master of its group by now" in found["steps"][0]

    def test_a_container(self):
        container = {"name": "cache", "engine": "podman", "status": "exited", "running": False, "paused": False}
        found = plan(DOWN, {"host.unit": {}, "host.config": {}, "host.container": container})
        assert (found["way"], found["engine"], found["name"], found["state"]) == ("container", "podman", "cache", "started")
        assert found["steps"][0].startswith("start the container cache, which is exited")


class TestRestart:
    def test_a_server_that_runs_is_left_alone_unless_that_is_planned(self):
        assert plan(UNIT, planned=False)["steps"] == []
        young = plan(UNIT, young=900)
        assert (young["steps"], "redis_service_young=0" in young["idle"]) == ([], True)

    def test_one_with_save_points_saves_first(self):
        found = plan(UNIT, {**UNSAVED, "config.save": "3600 1"})
        assert (found["refused"], found["save"], found["state"]) == ([], True, "restarted")
        assert found["steps"][0] == "save its data first (BGSAVE): 7 changes since the last save"

    def test_one_with_the_append_only_file_needs_no_save(self):
        found = plan(UNIT, {**UNSAVED, "info.persistence.aof_enabled": 1, "host.config.settings.appendonly": "yes"})
        assert (found["refused"], found["save"]) == ([], False)

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"config.save": "3600 1", "host.config.settings.appendonly": "yes"}, "would load an append-only file that lacks its data"),
            ({"info.persistence.aof_enabled": 1}, "would not load what is only there"),
        ],
        ids=["not switched on yet", "not written down"],
    )
    def test_one_that_would_start_otherwise_than_it_runs(self, changes, words):
        changes = {**UNSAVED, **changes}
        assert words in plan(UNIT, changes)["refused"][0]
        assert "accepted: it " in plan(UNIT, changes, **LOSE)["steps"][0]
        assert plan(UNIT, {**changes, "info.keyspace": {}})["refused"] == []
        assert plan("healthy/replica-redis-7.0", {**HOST, **changes})["refused"] == []

    def test_one_that_was_saved_by_hand_may_lose_what_comes_then_and_that_is_said(self):
        saved = {**UNSAVED, "info.persistence.rdb_changes_since_last_save": 0, "host.disk.rdb_bytes": 1000}
        found = plan(UNIT, saved, workload_role="store")
        assert found["refused"] == []
        assert "what is written until it stops will be gone" in found["steps"][0]

    @pytest.mark.parametrize("role", ["store", "session", "queue"])
    def test_data_that_may_not_be_lost_and_is_in_memory_only(self, role):
        found = plan(UNIT, UNSAVED, workload_role=role)
        assert f"it saves nothing, and is used as a {role}: 7 changes and 3 keys" in found["refused"][0]
        assert plan(UNIT, UNSAVED, workload_role=role, **LOSE)["refused"] == []

    def test_a_cache_may_be_lost_and_that_is_said(self):
        found = plan(UNIT, UNSAVED, workload_role="cache")
        assert found["refused"] == []
        assert "its 3 keys will be gone" in found["steps"][0]

    def test_nothing_in_it_is_nothing_to_lose(self):
        assert plan(UNIT, {**UNSAVED, "info.keyspace": {}})["refused"] == []

    def test_a_user_who_may_not_read_the_configuration(self):
        changes = {**UNSAVED, "config": None, "host.config": {}}
        assert "does not tell whether it saves" in plan(UNIT, changes)["refused"][0]

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            (NO_SAVE, "would empty its 2 replicas"),
            ({"config.save": "3600 1", "clients.sentinels": 3}, "fail over first"),
            ({"config.save": "3600 1", "info.replication.slave0": {"ip": "10.0.0.2", "port": 1, "state": "send_bulk"}}, "a full sync"),
            ({"config.save": "", "info.persistence.aof_enabled": 1, "info.persistence.aof_last_write_status": "err"}, "append-only"),
        ],
        ids=["no persistence", "Sentinels", "full sync", "AOF fails"],
    )
    def test_a_master_with_replicas(self, changes, words):
        changes = {**REPLICAS, **changes}
        refused = plan(MASTER, changes, workload_role="cache")["refused"]
        assert any(words in sentence for sentence in refused), refused
        assert plan(MASTER, changes, **LOSE)["refused"] == []

    def test_a_replica_gets_its_data_back_from_its_master(self):
        assert plan("healthy/replica-redis-7.0", {**HOST, **UNSAVED})["refused"] == []
        alone = {**HOST, **UNSAVED, "info.replication.master_link_status": "down"}
        assert "in its memory only" in plan("healthy/replica-redis-7.0", alone)["refused"][0]
        syncing = {**HOST, **UNSAVED, "info.replication.master_sync_in_progress": 1}
        assert "would begin again" in plan("healthy/replica-redis-7.0", syncing)["refused"][0]

    @pytest.mark.parametrize("name", ["server_hung", "script_running", "clients_exhausted"])
    def test_a_server_that_cannot_say_what_it_holds(self, name):
        assert "unsaved" in plan(name, HOST)["refused"][0]
        assert plan(name, HOST, **LOSE)["refused"] == []

    @pytest.mark.parametrize("name", ["server_loading", "auth_required", "auth_failed", "protected_mode", "tls_failure", "not_redis"])
    def test_where_a_restart_mends_nothing(self, name):
        assert plan(name, HOST, **LOSE)["refused"]

    def test_a_sentinel(self):
        assert "Sentinel" in plan("healthy/sentinel-redis-7.0", HOST, **LOSE)["refused"][0]


class TestWait:
    def test_a_server_that_loads(self):
        (step,) = plan("server_loading", action="wait")["steps"]
        assert "21 s are left by its own estimate" in step
        assert "it is not restarted" in step

    def test_a_server_that_has_loaded(self):
        found = plan(UNIT, action="wait")
        assert (found["steps"], found["refused"]) == ([], [])

    def test_a_server_that_is_down(self):
        assert "its state is refused" in plan(DOWN, action="wait")["refused"][0]


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"young": "soon"}, "redis_service_young"),
        ({"wait": -1}, "redis_service_wait"),
        ({"expected_replicas": "two"}, "redis_expected_replicas"),
        ({"workload_role": "toy"}, "toy"),
    ],
)
def test_options_that_cannot_be_meant(options, name):
    with pytest.raises(ValueError, match=name):
        plan(DOWN, ENABLED, **options)
