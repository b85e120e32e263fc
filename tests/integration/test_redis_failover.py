# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_failover on real groups, under a thousand acknowledged writes a second: none of them is lost."""

from __future__ import annotations

import os
import signal

import pytest
import redis

from tests.lab import clusters, sentinels, servers, writer
from tests.lab.servers import wait_for

NAME = sentinels.NAME
ENOUGH = 300


def address(server):
    return f"127.0.0.1:{server.port}"


def by_sentinels(group, **options):
    return {"sentinels": [address(group.sentinels[0])], "service_name": NAME, "cooldown": 0, "patience": 10, **options}


def server_at(group, place):
    return next(server for server in (group.master, *group.replicas) if address(server) == place)


def role(server):
    return server.client().execute_command("ROLE")[0].decode()


@pytest.fixture
def chain(binary):
    """A master and two replicas that nobody watches."""
    with servers.running(binary, repl_diskless_sync_delay=0) as master:
        follow = {"repl_diskless_sync_delay": 0, "replicaof": f"127.0.0.1 {master.port}"}
        with servers.running(binary, **follow) as first, servers.running(binary, **follow) as second:
            wait_for(lambda: sentinels.online(master) == 2, "the replicas to be in step")
            yield [master, first, second]


def test_under_sentinel_no_acknowledged_write_is_lost(binary, run_module):
    with sentinels.watched(binary, sentinel_lines=f"down-after-milliseconds {NAME} 5000") as group:
        planned = run_module("redis_failover", _check_mode=True, _diff=True, **by_sentinels(group))
        assert (planned["changed"], planned["refused"], role(group.master)) == (True, [], "master")
        assert planned["plan"][0].startswith(f"{planned['master']} would become the master in place of {address(group.master)}: ")
        assert planned["diff"]["after"] == f"master: {planned['master']}\n"
        with writer.following(writer.by_sentinels(group.sentinels, NAME)) as seen:
            wait_for(lambda: len(seen.acknowledged) > ENOUGH, "writes")
            done = run_module("redis_failover", **by_sentinels(group))
            assert done.get("changed"), done
            before = len(seen.acknowledged)
            wait_for(lambda: len(seen.acknowledged) > before + ENOUGH, "writes to the new master")
        new = server_at(group, done["master"])
        assert writer.lost(new, seen.acknowledged) == []
        assert (done["lost_bytes"], done["late"], done["held_ms"] < 4000) == (0, False, True), done
        assert (role(new), role(group.master)) == ("master", "slave")
        assert all(sentinels.master_of(guard)["port"] == str(new.port) for guard in group.sentinels)
        again = run_module("redis_failover", candidate=done["master"], **by_sentinels(group))
        assert (again["changed"], again["idle"]) == (False, f"{done['master']} is the master already")
        elsewhere = run_module("redis_failover", away_from=address(group.master), **by_sentinels(group))
        assert (elsewhere["changed"], elsewhere["master"]) == (False, done["master"])


def test_where_nobody_watches_no_acknowledged_write_is_lost(chain, run_module):
    master, first, second = chain
    options = {"url": first.url, "candidate": address(second), "patience": 10}
    wait_for(lambda: not run_module("redis_failover", _check_mode=True, **options)["refused"], "nothing to speak against it")
    planned = run_module("redis_failover", _check_mode=True, **options)
    assert planned["plan"][0] == f"{address(second)} would become the master in place of {address(master)}: as it was asked for"
    with writer.following(writer.by_role(chain)) as seen:
        wait_for(lambda: len(seen.acknowledged) > ENOUGH, "writes")
        done = run_module("redis_failover", **options)
        assert (done.get("mode"), done.get("master")) == ("plain", address(second)), done
        before = len(seen.acknowledged)
        wait_for(lambda: len(seen.acknowledged) > before + ENOUGH, "writes to the new master")
    assert writer.lost(second, seen.acknowledged) == []
    assert [role(server) for server in chain] == ["slave", "slave", "master"]
    assert "replicaof" in (master.folder / "redis.conf").read_text()
    assert "replicaof" not in (second.folder / "redis.conf").read_text()
    assert run_module("redis_failover", **options)["changed"] is False


def test_in_a_cluster_no_acknowledged_write_is_lost(family_binary, run_module):
    with clusters.clustered(family_binary) as cluster:
        shard = [cluster.masters[0], cluster.replicas[0][0]]
        slot_of_ours = "{06S}"  # slot 0

        def find():
            client = writer.by_role(shard)()
            return Tagged(client, slot_of_ours) if client else None

        with writer.following(find) as seen:
            wait_for(lambda: len(seen.acknowledged) > ENOUGH, "writes")
            done = run_module("redis_failover", url=shard[0].url)
            assert (done.get("mode"), done.get("master")) == ("cluster", address(shard[1])), done
            before = len(seen.acknowledged)
            wait_for(lambda: len(seen.acknowledged) > before + ENOUGH, "writes to the new master")
        assert writer.lost(shard[1], [slot_of_ours + key for key in seen.acknowledged]) == []
        assert (role(shard[0]), role(shard[1])) == ("slave", "master")


class Tagged:
    """A client whose keys are all in one slot."""

    def __init__(self, client, tag):
        self.client, self.tag = client, tag

    def set(self, key, value):
        return self.client.set(self.tag + key, value)


def refusal(run_module, **options):
    result = run_module("redis_failover", **options)
    assert result["failed"], result
    looked = run_module("redis_failover", _check_mode=True, **options)
    assert looked["changed"] is False
    assert looked["refused"], looked
    return result["msg"]


def test_it_refuses_where_nobody_is_fit(family_binary, run_module):
    with sentinels.watched(family_binary, replica_priority=0) as group:
        said = refusal(run_module, **by_sentinels(group, patience=0))
        assert "no replica can become the master: " in said
        assert "its priority is 0" in said
        assert "failing over" not in said


def test_it_refuses_without_a_quorum_while_a_sentinel_is_silent_and_within_the_cooldown(family_binary, run_module):
    with sentinels.watched(family_binary, replicas=1) as group:
        options = by_sentinels(group, patience=0, connect_timeout=1, timeout=1)
        assert "the next switchover may come after 3600 s" in refusal(run_module, **{**options, "cooldown": 3600})
        for guard in group.sentinels[1:]:
            guard.pause()
        wait_for(lambda: sentinels.is_alone(group.sentinels[0]), "it to be alone")
        said = refusal(run_module, **options)
        assert "does not answer" in said
        assert "NOQUORUM" in said
        assert role(group.master) == "master"


def test_it_refuses_plain_failover_under_sentinel_a_replica_that_writes_and_a_save(family_binary, run_module):
    with sentinels.watched(family_binary, replicas=1, sentinels=1, rdb_key_save_delay=200) as group:
        assert "1 Sentinels watch" in refusal(run_module, url=group.master.url)
        client = group.master.client()
        client.config_set("replica-read-only", "no")
        assert "would take writes as a replica" in refusal(run_module, **by_sentinels(group, patience=0))
        client.config_set("replica-read-only", "yes")
        client.mset({str(number): "x" for number in range(20_000)})
        client.bgsave()
        assert "a save is running on" in refusal(run_module, **by_sentinels(group, patience=0))


def test_it_refuses_where_the_old_master_could_not_follow(family_binary, run_module):
    with sentinels.watched(family_binary, replicas=1, sentinels=1, requirepass="data", masterauth="data") as group:
        group.master.client().config_set("masterauth", "")
        assert "has no masterauth" in refusal(run_module, **by_sentinels(group, patience=0, login_password="data"))


def once_held(master, act):
    """Something to do as soon as writes are held, once; to be called again and again."""
    done = []

    def look(process):
        try:
            if not done:
                master.client(socket_timeout=0.03, retry=None).set("probe", "1")
        except redis.TimeoutError:
            done.append(True)
            act(process)

    return look


def test_it_refuses_a_replica_that_another_hand_has_promoted(family_binary, run_module):
    with sentinels.watched(family_binary, sentinels=1) as group:
        group.replicas[0].client().execute_command("REPLICAOF", "NO", "ONE")
        said = refusal(run_module, **by_sentinels(group, patience=0))
        assert f"the Sentinels may choose {address(group.replicas[0])}, which must not become the master: its role is master" in said


def test_it_lets_writes_through_when_nobody_is_promoted(family_binary, run_module):
    with sentinels.watched(family_binary, sentinels=1, sentinel_lines=f"down-after-milliseconds {NAME} 5000") as group:
        hang = once_held(group.master, lambda dummy: [replica.pause() for replica in group.replicas])
        with writer.following(writer.by_role([group.master])) as seen:
            wait_for(lambda: len(seen.acknowledged) > ENOUGH, "writes")
            result = run_module("redis_failover", _beside=hang, **by_sentinels(group, timeout=1, connect_timeout=1, wait_timeout=1))
            for replica in group.replicas:
                replica.process.send_signal(signal.SIGCONT)
        assert result["failed"], result
        assert seen.longest_gap < 5


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupt_leaves_nothing_held_and_loses_nothing(family_binary, run_module, number):
    with sentinels.watched(family_binary, sentinel_lines=f"down-after-milliseconds {NAME} 6000") as group:
        interrupt = once_held(group.master, lambda process: os.kill(process.pid, number))
        with writer.following(writer.by_sentinels(group.sentinels, NAME)) as seen:
            wait_for(lambda: len(seen.acknowledged) > ENOUGH, "writes")
            result = run_module("redis_failover", _beside=interrupt, **by_sentinels(group))
            before = len(seen.acknowledged)
            wait_for(lambda: len(seen.acknowledged) > before + ENOUGH, "writes")
        assert seen.longest_gap < 3
        new = server_at(group, result["master"]) if result.get("changed") else writer.by_sentinels(group.sentinels, NAME)()
        assert writer.lost(new, seen.acknowledged) == []


@pytest.mark.parametrize("options", [{"cooldown": -1}, {"pause_ms": 1}, {"wait_timeout": 1e9}, {"endpoint_url": "x://"}])
def test_options_that_cannot_be_meant(run_module, options):
    assert run_module("redis_failover", url="redis://127.0.0.1:1", **options)["failed"]


def test_the_endpoint_of_the_application_has_to_lead_to_the_new_master(chain, run_module):
    master, first, dummy = chain
    result = run_module("redis_failover", url=master.url, candidate=address(first), endpoint_url=master.url, wait_timeout=2, patience=10)
    assert result["reason"] == "unsettled"
    assert "leads to another server, whose role is slave" in result["msg"]
    back = run_module("redis_failover", url=master.url, candidate=address(master), endpoint_url=master.url, patience=10)
    assert (back.get("changed"), role(master)) == (True, "master"), back
