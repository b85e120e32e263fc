# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""restart.yml on hosts with systemd, and on a container: it mends what is down, and loses nothing that nobody gave away."""

from __future__ import annotations

import json
import sys

import pytest

from tests.incidents.kept import Keeper
from tests.lab import hosts, servers

RESTART = "playbooks/restart.yml"
APPLY = ("-e", "redis_remediation_mode=apply", "-e", "redis_guard_settled=1", "-e", "redis_service_wait=40")
LOSE = ("-e", "redis_service_accept_data_loss=true")
YOUNG = ("-e", "redis_service_young=0")
NO_SAVE = 'save ""'

needs_hosts = pytest.mark.skipif(bool(hosts.why_not()), reason=str(hosts.why_not()))


@pytest.fixture
def host():
    with hosts.host() as started:
        started.systemctl("enable", "redis-server")
        started.start_redis()
        yield started


@pytest.fixture
def restart(play, tmp_path):
    """restart.yml for a host by inventory: ``restart(host, *words, **variables)``."""

    def run(host, *words, **variables):
        inventory, environment = hosts.inventory(tmp_path, cache=hosts.member(host, **variables))
        return play(RESTART, *inventory, *words, timeout=180, **environment)

    return run


def state_of(host):
    """What a plan may not change: the unit, its process, its files, the ledger."""
    files = "find /etc/redis /var/lib/redis /var/lib/aragora-redis /etc/systemd/system -type f -exec cksum {} + 2>/dev/null | sort"
    return host.systemctl("show", "--property=ActiveState,MainPID,UnitFileState", "redis-server"), host.shell(files, check=False)


def outcome(played):
    """(state, why) of the one action of a run, after the exit status was found to fit."""
    (row,) = played.report["timeline"]
    assert played.status == (2 if row["state"] in ("refused", "escalated") else 0), played.output
    return row["state"], row["why"]


def refuses(played, *words):
    state, why = outcome(played)
    assert state == "refused", played.output
    assert all(word in why for word in words), why


@needs_hosts
def test_a_stopped_unit_is_planned_then_started_then_left_alone(host, restart):
    host.redis("set", "a", "1")
    host.systemctl("stop", "redis-server")
    before = state_of(host)
    planned = restart(host)
    assert outcome(planned)[0] == "planned"
    assert "start the unit redis-server, which is inactive" in planned.output
    assert "it loads its RDB file" in planned.output
    assert state_of(host) == before
    done = restart(host, *APPLY)
    assert outcome(done) == ("resolved", "")
    assert done.report["timeline"][0]["findings"] == ["process_down"]
    assert host.redis("get", "a").strip() == "1"
    pid = host.pid()
    again = restart(host, *APPLY)
    assert outcome(again)[0] == "nothing_to_do"
    assert "redis_service_young=0" in again.output
    assert host.pid() == pid


@needs_hosts
def test_a_killed_server_beyond_its_start_limit_is_started(host, restart):
    host.drop_in("[Service]\nRestart=no\n[Unit]\nStartLimitBurst=1\nStartLimitIntervalSec=600\n")
    host.systemctl("restart", "redis-server", check=False)
    servers.wait_for(lambda: host.pid() or host.is_failed(), "its start")
    host.shell("kill -9 $(pidof redis-server) 2>/dev/null; true")
    servers.wait_for(host.is_failed, "systemd to notice")
    host.systemctl("start", "redis-server", check=False)
    assert host.is_failed(), "systemd refuses to start it again"
    assert outcome(restart(host, *APPLY)) == ("resolved", "")


@needs_hosts
def test_a_store_without_persistence_is_restarted_when_its_loss_is_accepted(host, restart):
    host.redis("config", "set", "save", "")
    host.configure(NO_SAVE)
    host.redis("set", "a", "1")
    pid = host.pid()
    accepted = restart(host, *APPLY, *YOUNG, *LOSE)
    assert outcome(accepted)[0] == "resolved"
    assert "accepted: it saves nothing" in accepted.output
    assert (host.pid() != pid, host.redis("dbsize").strip()) == (True, "0")


@needs_hosts
def test_a_running_server_keeps_its_data(host, restart):
    host.redis("set", "a", "1")
    pid, before = host.pid(), state_of(host)
    planned = restart(host, *YOUNG)
    assert outcome(planned)[0] == "planned"
    assert "save its data first (BGSAVE): 1 change since" in planned.output
    assert state_of(host) == before
    assert outcome(restart(host, *APPLY, *YOUNG))[0] == "resolved"
    assert (host.pid() != pid, host.redis("get", "a").strip()) == (True, "1")


@needs_hosts
def test_a_save_that_fails_keeps_it_running(host, restart):
    host.redis("set", "a", "1")
    host.shell("rm -f /var/lib/redis/dump.rdb; mkdir /var/lib/redis/dump.rdb")
    pid = host.pid()
    state, why = outcome(restart(host, *APPLY, *YOUNG))
    assert state == "escalated"
    assert "could not save its data" in why
    assert host.pid() == pid


@needs_hosts
def test_replicas_of_the_run_are_witnesses_and_come_first(play, tmp_path):
    with hosts.host("--hostname", "master1") as master, hosts.host("--hostname", "replica1") as replica:
        for member in (master, replica):
            member.configure("bind 0.0.0.0", "protected-mode no")
            member.systemctl("enable", "redis-server")
        master.configure(NO_SAVE)
        address = master.shell("hostname -i").split()[0]
        replica.configure(f"replicaof {address} 6379")
        for member in (master, replica):
            member.start_redis()
        master.redis("set", "a", "1")
        servers.wait_for(lambda: replica.redis("get", "a").strip() == "1", "replication")
        members = {name: hosts.member(host, redis_group="shop") for name, host in (("a-master", master), ("b-replica", replica))}
        inventory, environment = hosts.inventory(tmp_path, **members)
        planned = play(RESTART, *inventory, *YOUNG, timeout=180, **environment)
        rows = planned.report["timeline"]
        assert [(row["target"], row["state"]) for row in rows] == [("b-replica", "planned"), ("a-master", "refused")], planned.output
        assert "would empty its 1 replica:" in rows[1]["why"]


@needs_hosts
def test_a_master_and_its_replica_lose_nothing_that_was_acknowledged(play, tmp_path):
    with hosts.host("--hostname", "master1") as master, hosts.host("--hostname", "replica1") as replica:
        for member in (master, replica):
            member.configure("bind 0.0.0.0", "protected-mode no")
            member.systemctl("enable", "redis-server")
        replica.configure(f"replicaof {master.shell('hostname -i').split()[0]} 6379")
        for member in (master, replica):
            member.start_redis()
        servers.wait_for(lambda: "state=online" in master.redis("info", "replication"), "replication")
        pids = master.pid(), replica.pid()
        members = {name: hosts.member(host, redis_group="shop") for name, host in (("a-master", master), ("b-replica", replica))}
        inventory, environment = hosts.inventory(tmp_path, **members)
        with Keeper({"hosts": {"a-master": members["a-master"]}}) as keeper:
            played = play(RESTART, *inventory, *APPLY, *YOUNG, timeout=180, **environment)
        rows = [(row["target"], row["state"]) for row in played.report["timeline"]]
        assert rows == [("b-replica", "resolved"), ("a-master", "resolved")], played.output
        assert not any("accepted: " in step or "will be gone" in step for row in played.report["timeline"] for step in row["steps"])
        assert keeper.told["lost"] == 0, keeper.told
        assert keeper.told["written"] > 5_000, keeper.told
        assert (master.pid() != pids[0], replica.pid() != pids[1]) == (True, True)
        size = int(master.redis("dbsize"))
        servers.wait_for(lambda: int(replica.redis("dbsize") or 0) == size, "the replica to be in step again")


@needs_hosts
def test_a_replica_that_was_down_is_verified_as_a_replica(play, tmp_path):
    with hosts.host() as master, hosts.host() as replica:
        master.configure("bind 0.0.0.0", "protected-mode no")
        replica.configure(f"replicaof {master.shell('hostname -i').split()[0]} 6379")
        replica.systemctl("enable", "redis-server")
        for member in (master, replica):
            member.start_redis()
        replica.systemctl("stop", "redis-server")
        inventory, environment = hosts.inventory(tmp_path, cache=hosts.member(replica, redis_expected_replicas=1))
        played = play(RESTART, *inventory, *APPLY, timeout=180, **environment)
    assert outcome(played)[0] == "resolved", played.output
    assert "it is a replica of" in played.output, played.output


@needs_hosts
@pytest.mark.parametrize("kind", ["notify", "simple"])
def test_a_unit_that_does_not_come_up_is_escalated_with_its_last_words(host, restart, kind):
    host.systemctl("stop", "redis-server")
    if kind == "simple":
        # systemd takes it for started as soon as it has a process.
        host.drop_in("[Service]\nType=simple\nExecStart=\nExecStart=/usr/bin/redis-server /etc/redis/redis.conf --daemonize no\n")
    host.configure("maxmemroy 100mb")
    state, why = outcome(restart(host, *APPLY))
    assert state == "escalated"
    assert "Bad directive or wrong number of arguments | maxmemroy ***" in why, why
    assert "the old state is not back: a restart has none to put back" in why


@needs_hosts
def test_a_loading_server_is_waited_for_and_never_restarted(host, play, restart, tmp_path):
    host.redis("config", "set", "key-load-delay", "0")
    host.redis("eval", "for i=1,40000 do redis.call('SET', i, string.rep('x', 100)) end", "0")
    host.drop_in("[Service]\nType=simple\nExecStart=\nExecStart=/usr/bin/redis-server /etc/redis/redis.conf --daemonize no\n")
    host.configure("key-load-delay 5000", "loading-process-events-interval-bytes 4096")
    host.systemctl("restart", "redis-server")
    servers.wait_for(lambda: "loading:1" in host.redis("info", "persistence"), "it to load", 30)
    pid = host.pid()
    refuses(restart(host, *APPLY, *LOSE), "would begin again from zero")
    # However long that took, there is something left to wait for, and it ends within half a minute.
    host.redis("config", "set", "key-load-delay", "800")
    inventory, environment = hosts.inventory(tmp_path, cache=hosts.member(host))
    played = play("playbooks/wait_loading.yml", *inventory, *APPLY, timeout=180, **environment)
    assert outcome(played)[0] == "resolved", played.output
    assert "wait until its data is loaded" in played.output
    assert (host.pid(), host.redis("dbsize").strip()) == (pid, "40000")
    again = play("playbooks/wait_loading.yml", *inventory, *APPLY, timeout=180, **environment)
    assert outcome(again)[0] == "nothing_to_do"


@needs_hosts
def test_a_container_that_has_ended_is_started_and_a_running_one_restarted(play, tmp_path):
    port = servers.free_port()
    options = ("--publish", f"127.0.0.1:{port}:6379", "--stop-signal", "SIGTERM")
    with hosts.host(*options, command=("redis-server", "--protected-mode", "no")) as container:
        servers.wait_for(lambda: "PONG" in container.redis("ping"), "Redis in the container")
        container.redis("set", "a", "1")
        container.stop()
        variables = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "redis_connection": {"login_port": port}}
        (tmp_path / "hosts.json").write_text(json.dumps({"redis": {"hosts": {"machine": variables}}}), encoding="utf-8")
        words = ("-i", str(tmp_path / "hosts.json"), "-e", f"redis_guard_dir={tmp_path / 'guard'}")
        planned = play(RESTART, *words)
        assert outcome(planned)[0] == "planned"
        assert f"start the container {container.name}, which is exited" in planned.output
        assert outcome(play(RESTART, *words, *APPLY))[0] == "resolved"
        assert container.redis("get", "a").strip() == "1"
        container.redis("set", "b", "2")
        assert outcome(play(RESTART, *words, *APPLY, *YOUNG))[0] == "resolved"
        assert container.redis("mget", "a", "b").split() == ["1", "2"]


def test_by_url_there_is_no_service_to_restart(family_binary, play, tmp_path):
    guard = ("-e", "redis_guard_host=localhost", "-e", f"redis_guard_dir={tmp_path / 'guard'}")
    with servers.running(family_binary) as server:
        refuses(play(RESTART, *APPLY, *YOUNG, *guard, REDIS_URL=server.url), "give an inventory")
    refuses(play(RESTART, *APPLY, *guard, REDIS_URL=server.url), "give an inventory")
