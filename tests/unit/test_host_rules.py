# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What rules make of a host's word: captured snapshots of hosts, with single words of the host changed."""

from __future__ import annotations

import copy
import functools
import json
from pathlib import Path

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis import engine
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.startup import STARTUP
from ansible_collections.aragora.redis.plugins.module_utils._host_log import REASONS

SNAPSHOTS = Path(__file__).parent / "snapshots"
GIB = 2**30
CONTAINER = {
    "engine": "docker", "name": "cache", "image": "redis:7", "status": "exited", "running": False, "paused": False, "oom_killed": False,
    "exit_code": 0, "error": None, "restarts": 0, "restart_policy": "no", "memory_limit_bytes": None, "pid": None, "changed_seconds": 60,
    "published_ports": [6379],
}  # fmt: skip
FIREWALL = [{"source": "nft", "chain": "inet filter input", "verdict": "drop", "rule": "tcp dport 6379 drop"}]
LISTENER = {"address": "127.0.0.1", "port": 6379, "waiting": 0}
STOPPED = {
    "host.unit.active_state": "inactive", "host.unit.sub_state": "dead", "host.unit.result": "success", "host.unit.restarts": 0,
    "host.log.reason": None, "host.log.restarts_recently": 0,
}  # fmt: skip


def changed(name, **changes):
    """A captured snapshot with other values at some paths (``__`` for a dot)."""
    snapshot = json.loads((SNAPSHOTS / f"{name}.json").read_text(encoding="utf-8"))["snapshot"]
    for path, value in changes.items():
        *parents, last = path.split(".")
        functools.reduce(dict.__getitem__, parents, snapshot)[last] = copy.deepcopy(value)
    return snapshot


def findings(snapshot):
    return {finding["id"]: finding for finding in engine.diagnose(snapshot)["findings"]}


def missing(snapshot):
    return {entry["id"]: entry["missing"] for entry in engine.diagnose(snapshot)["not_applicable"]}


class TestDown:
    def test_a_stopped_unit(self):
        found = findings(changed("startup_failed", **STOPPED))
        assert list(found) == ["process_down"]
        assert "the unit redis-server is inactive" in found["process_down"]["title"] or "disabled" in found["process_down"]["title"]

    @pytest.mark.parametrize(
        ("off", "words", "command"),
        [
            ("masked", "ask before you undo it", "$ systemctl unmask redis-server && systemctl start redis-server"),
            ("disabled", "was it switched off on purpose?", "$ systemctl start redis-server"),
            (None, "Look why it ended", "$ systemctl reset-failed redis-server; systemctl start redis-server"),
        ],
    )
    def test_a_unit_that_a_person_switched_off_is_not_just_started(self, off, words, command):
        found = findings(changed("startup_failed", **{**STOPPED, "host.unit.switched_off": off}))["process_down"]
        assert words in " ".join(found["advice"])
        assert command in found["advice"]
        assert (off or "inactive") in found["title"]

    def test_a_container_that_has_ended(self):
        found = findings(changed("startup_failed", **{**STOPPED, "host.unit": {}, "host.container": CONTAINER, "host.log": {}}))
        assert list(found) == ["process_down"]
        assert "the container cache is exited" in found["process_down"]["title"]
        assert "$ docker start cache" in found["process_down"]["advice"]

    def test_a_server_that_listens_elsewhere_is_not_down(self):
        elsewhere = {**LISTENER, "address": "10.0.0.5"}
        found = findings(changed("startup_failed", **{**STOPPED, "host.listeners": [elsewhere]}))
        assert list(found) == ["connection_refused"]
        assert "listens on 10.0.0.5:6379" in found["connection_refused"]["title"]

    def test_a_firewall_that_rejects_is_named(self):
        rejecting = [{**FIREWALL[0], "verdict": "reject"}]
        found = findings(changed("startup_failed", **{**STOPPED, "host.listeners": [LISTENER], "host.firewall": rejecting}))
        assert "tcp dport 6379" in found["connection_refused"]["evidence"]["firewall"][0]


class TestStart:
    def test_the_line_that_redis_names(self):
        found = findings(changed("startup_failed"))["startup_failed"]
        assert found["evidence"]["config_line_number"] > 0
        assert found["evidence"]["config_line"] == "maxmemroy ***"
        assert "/etc/redis/redis.conf, line" in found["title"]

    @pytest.mark.parametrize("reason", STARTUP)
    def test_every_reason_has_a_remedy(self, reason):
        found = findings(changed("startup_failed", **{"host.log.reason": reason}))["startup_failed"]
        assert STARTUP[reason][0] in found["title"]

    def test_every_reason_of_the_log_is_known(self):
        assert {reason for reason, dummy in REASONS} == set(STARTUP)

    def test_a_repair_of_data_comes_after_a_copy(self):
        advice = findings(changed("startup_failed", **{"host.log.reason": "aof_corrupt"}))["startup_failed"]["advice"]
        assert "Copy the data directory" in advice[0]
        assert not [line for line in advice if line.startswith("$ ") and "--fix" in line]

    def test_without_the_log_nobody_knows_why(self):
        snapshot = changed("startup_failed", **{"host.log": None})
        assert missing(snapshot)["startup_failed"] == "host.log"
        assert "crash_loop" in findings(snapshot)

    def test_a_server_that_was_stopped_does_not_loop(self):
        assert "crash_loop" not in findings(changed("startup_failed", **{**STOPPED, "host.unit.restarts": 5}))

    def test_restarts_of_yesterday_are_no_loop(self):
        old = {"host.unit.changed_seconds": 86_400, "host.log.restarts_recently": 0}
        assert "crash_loop" not in findings(changed("crash_loop", **old))

    def test_a_container_that_restarts_again_and_again(self):
        looping = {**CONTAINER, "status": "restarting", "restarts": 7, "exit_code": 1, "changed_seconds": 3}
        found = findings(changed("startup_failed", **{"host.unit": {}, "host.container": looping, "host.log": {}}))
        assert found["crash_loop"]["evidence"]["restarts"] == 7


class TestKilled:
    @pytest.mark.parametrize(
        "sign",
        [
            {"host.unit.result": "oom-kill", "host.oom": []},
            {"host.unit": {}, "host.container": {**CONTAINER, "oom_killed": True}, "host.oom": None},
        ],
    )
    def test_each_witness_is_enough(self, sign):
        first = next(iter(findings(changed("killed_by_oom", **sign))))
        assert first == "killed_by_oom"

    def test_silence_needs_all_witnesses(self):
        quiet = {"host.unit.result": "success", "host.oom": None}
        assert missing(changed("killed_by_oom", **quiet))["killed_by_oom"] == "host.oom"

    @pytest.mark.parametrize(("lived", "ago", "killed"), [(0, 100, True), (50, 100, True), (200, 100, False), (0, 4000, False)])
    def test_a_kill_of_long_ago_or_of_another_process_says_nothing(self, lived, ago, killed):
        kill = {"pid": 1, "name": "redis-server", "age_seconds": ago, "rss_bytes": 1, "cgroup": False}
        process = {"pid": 2, "age_seconds": lived}
        snapshot = changed("killed_by_oom", **{"host.unit.result": "success", "host.oom": [kill], "host.process": process})
        assert ("killed_by_oom" in findings(snapshot)) is killed


class TestHung:
    @pytest.mark.parametrize(
        ("process", "words"),
        [
            ({"state": "T"}, "stopped (state T)"),
            ({"state": "D"}, "waits for a disk"),
            ({"state": "S", "swap_bytes": 300 * 2**20}, "300 MiB of its memory are swapped out"),
            ({"state": "R", "cpu_percent": 99.0}, "it computes"),
        ],
    )
    def test_it_says_what_the_process_does(self, process, words):
        known = {"pid": 42, "swap_bytes": 0, "cpu_percent": 1.0, **process}
        found = findings(changed("server_hung", host={"process": known}))["server_hung"]
        assert words in found["title"]
        assert found["evidence"]["process_state"] == process["state"]
        if process["state"] == "T":
            assert "$ kill -CONT 42" in found["advice"]

    def test_without_a_host_it_says_how_to_look(self):
        assert any("ps -o pid,stat" in line for line in findings(changed("server_hung"))["server_hung"]["advice"])


class TestNetwork:
    def test_the_rule_that_drops(self):
        found = findings(changed("port_filtered", host={"listeners": [LISTENER], "firewall": FIREWALL}))["port_filtered"]
        assert found["title"] == "A firewall of the host drops the packets to the port"
        assert found["evidence"]["firewall"] == ["inet filter input: tcp dport 6379 drop"]

    def test_a_silent_host_whose_redis_listens_is_filtered_and_not_gone(self):
        found = findings(changed("host_unreachable", host={"listeners": [LISTENER], "firewall": []}))
        assert list(found) == ["port_filtered"]

    def test_a_host_that_neither_redis_nor_ssh_reach_is_gone(self):
        away = {"availability.reason": None, "denied": {"host": "unreachable: Failed to connect to the host via ssh: timed out"}}
        found = findings(changed("host_unreachable", **away))
        assert list(found) == ["host_unreachable"]
        assert "via ssh" in found["host_unreachable"]["evidence"]["host"]


class TestMemory:
    def test_a_limit_of_the_cgroup_counts_and_not_the_machine(self):
        limited = {"host": {"memory": {"cgroup_limit_bytes": 256 * 2**20}}}
        found = findings(changed("memory_unlimited", **limited))["memory_unlimited"]
        assert found["severity"] == "warning"
        assert "the cgroup's limit of 256 MiB" in found["title"]
        assert any("config set maxmemory 204mb" in line for line in found["advice"]), "80 % of the limit"

    def test_maxmemory_above_the_limit_of_the_container(self):
        limited = {"host": {"container": {"memory_limit_bytes": GIB}}, "info.memory.maxmemory": 2 * GIB}
        found = findings(changed("memory_unlimited", **limited))["memory_exceeds_host"]
        assert "200.0 % of the container's limit" in found["title"]

    def test_the_least_limit_counts(self):
        limited = {"host": {"container": {"memory_limit_bytes": GIB}, "memory": {"cgroup_limit_bytes": GIB // 2}}}
        assert findings(changed("memory_unlimited", **limited))["memory_unlimited"]["evidence"]["memory_bytes"] == GIB // 2

    @pytest.mark.parametrize(("swapped", "severity"), [(5 * 2**20, "critical"), (2**19, None), (0, None), (None, "warning")])
    def test_swap_of_the_process_is_certain_and_its_ratio_a_guess(self, swapped, severity):
        name = "swapping"
        document = json.loads((SNAPSHOTS / f"{name}.json").read_text(encoding="utf-8"))
        snapshot = {**document["snapshot"], "host": {"process": {"swap_bytes": swapped, "pid": 1, "rss_bytes": 1}}}
        found = {finding["id"]: finding for finding in engine.diagnose(snapshot, document["overrides"])["findings"]}
        assert (found[name]["severity"] if name in found else None) == severity


class TestSilence:
    @pytest.mark.parametrize(
        ("rule", "changes"),
        [
            ("transparent_huge_pages", {"host.kernel.transparent_huge_pages": "madvise"}),
            ("transparent_huge_pages", {"host.process.thp_disabled": True}),
            ("overcommit_off", {"host.kernel.overcommit_memory": 1}),
            ("overcommit_off", {"config.save": ""}),
            ("backlog_short", {"config.tcp-backlog": "511"}),
            ("disk_full", {"config.save": ""}),
            ("disk_full", {"host.disk.free_percent": 11}),
            ("file_limit_low", {"host.config.settings": {"maxclients": "468"}}),
            ("master_without_persistence_restarts", {"host.unit.restart": "no"}),
            ("master_without_persistence_restarts", {"config.save": "3600 1"}),
            ("master_without_persistence_restarts", {"info.replication.connected_slaves": 0}),
        ],
    )
    def test_it_is_silent_where_nothing_is_wrong(self, rule, changes):
        assert rule in findings(changed(rule))
        assert rule not in findings(changed(rule, **changes))

    def test_a_disk_with_too_little_room_for_two_snapshots(self):
        assert "disk_full" in findings(changed("disk_full", **{"host.disk.free_percent": 50, "host.disk.rdb_bytes": GIB}))
