# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""diagnose.yml by inventory, on hosts with systemd and Debian's Redis that are broken in real ways: the first finding is the cause."""

from __future__ import annotations

import json
import sys

import pytest

from tests.lab import hosts, servers

DIAGNOSE = "playbooks/diagnose.yml"
MIB = 2**20

pytestmark = pytest.mark.skipif(bool(hosts.why_not()), reason=str(hosts.why_not()))


@pytest.fixture
def host():
    with hosts.host() as started:
        yield started


@pytest.fixture
def diagnosed(play, tmp_path):
    """Diagnose a host by inventory: the target of the report, by ``diagnosed(host)``."""

    def run(host, *words, **variables):
        inventory, environment = hosts.inventory(tmp_path, cache=hosts.member(host, **variables))
        played = play(DIAGNOSE, *inventory, *words, **environment)
        assert played.status == 0, played.output
        (target,) = played.report["targets"]
        saved = next((played.reports / "latest" / "snapshots").iterdir())
        return {**target, "output": played.output, "snapshot": json.loads(saved.read_text(encoding="utf-8"))}

    return run


def ids(target):
    return [finding["id"] for finding in target["findings"]]


def first(target):
    return target["findings"][0]


def test_a_running_unit_and_nothing_to_say(host, diagnosed):
    host.configure('save ""', "maxmemory 100mb", "maxmemory-policy volatile-lru", "latency-monitor-threshold 100")
    host.start_redis()
    target = diagnosed(host)
    assert not [finding for finding in target["findings"] if finding["severity"] != "notice"]
    told = target["snapshot"]["host"]
    assert told["unit"]["name"] == "redis-server.service"
    assert told["unit"]["main_pid"] == told["process"]["pid"]
    assert told["process"]["user"] == "redis"
    assert told["config"]["path"] == hosts.CONFIG
    assert told["disk"]["path"] == "/var/lib/redis"
    assert told["files"]["config"] == {"path": hosts.CONFIG, "owner": "redis", "group": "redis", "mode": "0640", "writable": True}
    assert told["firewall"] == []
    assert told["log"]["reason"] is None
    assert not [part for part in target["denied"] if part.startswith("host")]


def test_a_stopped_unit(host, diagnosed):
    host.systemctl("enable", "redis-server")
    host.start_redis()
    host.systemctl("stop", "redis-server")
    target = diagnosed(host)
    assert ids(target) == ["process_down"]
    assert "the unit redis-server is inactive" in first(target)["title"]
    assert "$ journalctl -u redis-server -n 50" in first(target)["advice"]


@pytest.mark.parametrize(("how", "word"), [("mask", "masked"), ("disable", "disabled")])
def test_a_unit_that_a_person_switched_off(host, diagnosed, how, word):
    host.systemctl("enable", "redis-server")
    host.start_redis()
    host.systemctl("stop", "redis-server")
    host.systemctl(how, "redis-server")
    target = diagnosed(host)
    assert ids(target) == ["process_down"]
    assert first(target)["evidence"]["switched_off"] == word
    assert f"the unit redis-server is {word}" in first(target)["title"]


def test_killed_and_not_restarted(host, diagnosed):
    host.drop_in("[Service]\nRestart=no\n")
    host.start_redis()
    host.run("kill", "-9", str(host.pid()))
    servers.wait_for(host.is_failed, "systemd to notice")
    target = diagnosed(host)
    assert ids(target) == ["process_down"]
    assert first(target)["evidence"]["unit_result"] == "signal"


def test_an_unknown_directive(host, diagnosed):
    host.configure("maxmemroy 100mb")
    host.systemctl("start", "redis-server", check=False)
    servers.wait_for(host.is_failed, "systemd to give up")
    target = diagnosed(host)
    assert ids(target) == ["startup_failed", "crash_loop", "process_down"]
    assert first(target)["evidence"]["config_line"] == "maxmemroy ***"
    assert f"{hosts.CONFIG}, line" in first(target)["title"]
    assert set(first(target)["explains"]) == {"crash_loop", "process_down"}


def test_a_misspelt_password_is_told_nowhere(host, diagnosed):
    host.configure("requirepas Sesame-7391")
    host.systemctl("start", "redis-server", check=False)
    servers.wait_for(host.is_failed, "systemd to give up")
    target = diagnosed(host, "-vvv")
    assert first(target)["id"] == "startup_failed"
    assert "Sesame" not in json.dumps(target)


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        ("python3 -m http.server 6379 --bind 127.0.0.1 >/dev/null 2>&1 & sleep 1", "port_in_use"),
        ("rm -rf /var/lib/redis; echo 'dir /var/lib/gone' >> /etc/redis/redis.conf", ""),
        ("printf 'REDIS0099garbage' > /var/lib/redis/dump.rdb; chown redis /var/lib/redis/dump.rdb", "rdb"),
    ],
    ids=["port in use", "data directory gone", "damaged RDB"],
)
def test_other_reasons_why_it_does_not_start(host, diagnosed, prepare, reason):
    host.shell(prepare)
    host.systemctl("start", "redis-server", check=False)
    servers.wait_for(host.is_failed, "systemd to give up", 30)
    target = diagnosed(host)
    assert first(target)["id"] == "startup_failed"
    assert first(target)["evidence"]["reason"].startswith(reason)
    assert ("http.server" in str(first(target)["evidence"].get("port_is_held_by"))) is (reason == "port_in_use")


def test_a_crash_loop_of_a_server_that_runs_in_between(host, diagnosed):
    host.start_redis()
    for dummy in range(3):
        pid = host.pid()
        host.run("kill", "-9", str(pid))
        servers.wait_for(lambda pid=pid: host.pid() not in (0, pid) and "PONG" in host.redis("ping"), "its restart")
    target = diagnosed(host)
    assert first(target)["id"] == "crash_loop"
    assert first(target)["evidence"]["restarts"] == 3


def test_a_hung_server(host, diagnosed):
    host.start_redis()
    pid = host.pid()
    host.run("kill", "-STOP", str(pid))
    target = diagnosed(host)
    assert ids(target) == ["server_hung"]
    assert first(target)["evidence"]["process_state"] == "T"
    assert f"$ kill -CONT {pid}" in first(target)["advice"]


def test_packets_dropped_by_the_firewall_of_the_host(host, diagnosed):
    host.start_redis()
    host.shell("nft add table inet filter && nft 'add chain inet filter input { type filter hook input priority 0; }'")
    host.shell("nft add rule inet filter input tcp dport 6379 drop")
    target = diagnosed(host)
    assert first(target)["id"] == "port_filtered"
    assert "tcp dport 6379 drop" in first(target)["evidence"]["firewall"][0]


def test_no_limit_in_a_container_with_one(diagnosed):
    with hosts.host("--memory", "256m") as host:
        host.configure('save ""', "latency-monitor-threshold 100")
        host.start_redis()
        target = diagnosed(host)
    assert first(target)["id"] == "memory_unlimited"
    assert first(target)["severity"] == "warning"
    assert first(target)["evidence"]["memory_bytes"] == 256 * MIB


def test_a_limit_above_that_of_the_container(diagnosed):
    with hosts.host("--memory", "256m") as host:
        host.configure('save ""', "maxmemory 1gb", "latency-monitor-threshold 100")
        host.start_redis()
        target = diagnosed(host)
    assert first(target)["id"] == "memory_exceeds_host"
    assert first(target)["evidence"]["percent"] == 400.0


def test_killed_by_the_kernel(diagnosed):
    with hosts.host("--memory", "100m", "--memory-swap", "100m") as host:
        host.drop_in("[Service]\nRestart=no\n")
        host.start_redis()
        host.redis("eval", "for i=1,200000 do redis.call('SET', i, string.rep('x', 1000)) end", "0")
        servers.wait_for(host.is_failed, "the kernel to kill it")
        target = diagnosed(host)
    assert ids(target) == ["killed_by_oom", "process_down"]
    assert first(target)["evidence"]["memory_limit_bytes"] == 100 * MIB


def test_a_second_instance_on_the_same_host(host, diagnosed):
    host.start_redis()
    host.shell("sed 's/^port .*/port 6380/; s/^dir .*/dir \\/var\\/lib\\/redis/' /etc/redis/redis.conf > /etc/redis/redis-second.conf")
    host.shell("chown redis:redis /etc/redis/redis-second.conf")
    target = diagnosed(host, redis_connection={"login_port": 6380})
    assert first(target)["id"] == "process_down"
    assert target["snapshot"]["host"]["process"] == {}, "the first instance is not taken for the second"


def test_the_host_can_be_left_out(host, diagnosed):
    target = diagnosed(host, "-e", "redis_diagnosis_host=false")
    assert target["snapshot"]["host"] is None
    assert ids(target) == ["process_down"]


def test_a_container_that_has_ended(play, tmp_path):
    port = servers.free_port()
    with hosts.host("--publish", f"127.0.0.1:{port}:6379", command=("redis-server", "--protected-mode", "no")) as container:
        servers.wait_for(lambda: "PONG" in container.redis("ping"), "Redis in the container")
        container.stop()
        variables = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "redis_connection": {"login_port": port}}
        (tmp_path / "hosts.json").write_text(json.dumps({"redis": {"hosts": {"machine": variables}}}), encoding="utf-8")
        played = play(DIAGNOSE, "-i", str(tmp_path / "hosts.json"))
    target = played.report["targets"][0]
    assert first(target)["id"] == "process_down"
    assert f"the container {container.name} is exited" in first(target)["title"]
    assert f"$ docker start {container.name}" in first(target)["advice"]
