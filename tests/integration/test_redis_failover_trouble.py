# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What may go wrong while writes are held for a switchover under Sentinel: who hangs, dies or does the same at the same time."""

from __future__ import annotations

import concurrent.futures
import contextlib
import signal
import threading

import pytest
import redis

from tests.integration.test_redis_failover import ENOUGH, NAME, address, by_sentinels, once_held, role, server_at
from tests.lab import sentinels, servers, writer
from tests.lab.servers import wait_for

PATIENT = f"down-after-milliseconds {NAME} 5000"


@contextlib.contextmanager
def written_to(group, wait=0):
    """The group, while an application writes; afterwards nothing of what was acknowledged is missing on whoever is the master."""
    find = writer.by_sentinels(group.sentinels, NAME)
    with writer.following(find, wait=wait) as seen:
        wait_for(lambda: len(seen.acknowledged) > ENOUGH, "writes")
        yield seen
        before = len(seen.acknowledged)
        wait_for(lambda: len(seen.acknowledged) > before + ENOUGH, "writes afterwards", 60)
    assert writer.lost(find(), seen.acknowledged) == []


def go_on_after(seconds, server):
    threading.Timer(seconds, server.process.send_signal, (signal.SIGCONT,)).start()


def test_a_replica_that_hangs_is_not_waited_for(family_binary, run_module):
    with sentinels.watched(family_binary, sentinel_lines=PATIENT) as group:
        winner = run_module("redis_failover", _check_mode=True, **by_sentinels(group))["master"]
        other = next(replica for replica in group.replicas if address(replica) != winner)

        def hang(dummy):
            other.pause()
            go_on_after(6, other)

        with written_to(group) as seen:
            result = run_module("redis_failover", _beside=once_held(group.master, hang), **by_sentinels(group))
        assert (result.get("master"), result.get("late"), result.get("lost_bytes")) == (winner, False, 0), result
        assert seen.longest_gap < 4


def test_a_sentinel_that_hangs_leaves_nothing_held(family_binary, run_module):
    with sentinels.watched(family_binary, sentinel_lines=PATIENT) as group:
        guard = group.sentinels[0]
        hang = once_held(group.master, lambda dummy: guard.pause())
        with writer.following(writer.by_role([group.master])) as seen:
            wait_for(lambda: len(seen.acknowledged) > ENOUGH, "writes")
            result = run_module("redis_failover", _beside=hang, **by_sentinels(group, wait_timeout=1))
        assert result["failed"], result
        assert result["reason"] in ("not_promoted", "unavailable", "unsettled"), result
        assert seen.longest_gap < 5
        guard.process.send_signal(signal.SIGCONT)


def test_an_old_master_that_dies_while_writes_are_held_loses_nothing(family_binary, run_module):
    with sentinels.watched(family_binary, sentinel_lines=PATIENT) as group:
        kill = once_held(group.master, lambda dummy: group.master.process.kill())
        with written_to(group):
            result = run_module("redis_failover", _beside=kill, **by_sentinels(group))
        assert result["failed"], result
        assert result["reason"] in ("not_demoted", "unavailable", "lag"), result


def test_an_old_master_that_cannot_be_reached_any_more_is_told_of(family_binary, run_module):
    with sentinels.watched(family_binary, sentinel_lines=PATIENT) as group:
        hang = once_held(group.master, lambda dummy: group.master.pause())
        with writer.following(writer.by_sentinels(group.sentinels, NAME)) as seen:
            wait_for(lambda: len(seen.acknowledged) > ENOUGH, "writes")
            result = run_module("redis_failover", _beside=hang, **by_sentinels(group))
            group.master.process.send_signal(signal.SIGCONT)
        assert result["failed"], result
        assert result["reason"] in ("not_demoted", "unavailable", "lag"), result
        if result["reason"] == "not_demoted":
            assert "until the Sentinels make it a replica" in result["msg"]


def test_two_switchovers_at_once_lose_nothing(family_binary, run_module):
    with sentinels.watched(family_binary, sentinel_lines=PATIENT) as group:
        names = [{"sentinels": [address(guard)]} for guard in group.sentinels[:2]]
        with written_to(group), concurrent.futures.ThreadPoolExecutor() as pool:
            away = address(group.master)
            found = list(pool.map(lambda name: run_module("redis_failover", **by_sentinels(group, away_from=away, **name)), names))
        assert sum(result.get("changed", False) for result in found) <= 1, found
        for result in found:
            assert not result.get("failed") or result["reason"] in ("refused", "lag"), found


def test_it_gives_way_to_another_switchover(family_binary, run_module):
    with sentinels.watched(family_binary, replicas=1, sentinels=1) as group:
        group.master.client(single_connection_client=True).client_setname("aragora.redis:switchover")
        other = group.master.client(single_connection_client=True)
        other.client_setname("aragora.redis:switchover")
        result = run_module("redis_failover", **by_sentinels(group))
        assert "another switchover is at work" in result["msg"]
        assert (role(group.master), group.master.client().set("free", "1")) == ("master", True)


def test_who_waits_for_a_replica_is_told_the_truth(family_binary, run_module):
    with sentinels.watched(family_binary, sentinel_lines=PATIENT) as group, written_to(group, wait=1):
        assert run_module("redis_failover", **by_sentinels(group)).get("changed")


def test_a_replica_of_a_replica_follows_with_it(family_binary, run_module):
    with sentinels.watched(family_binary, replicas=1, sentinel_lines=PATIENT) as group:
        middle = group.replicas[0]
        with servers.running(family_binary, repl_diskless_sync_delay=0, replicaof=f"127.0.0.1 {middle.port}") as last:
            wait_for(lambda: last.client().info("replication")["master_link_status"] == "up", "replication")
            with written_to(group) as seen:
                assert run_module("redis_failover", **by_sentinels(group)).get("changed")
            new = server_at(group, address(middle))
            assert new.client().wait(2, 5000) == 2
            assert writer.lost(last.client(), seen.acknowledged) == []


@pytest.mark.parametrize(
    "words",
    [
        ("EVAL", "return redis.call('SET', KEYS[1], 'x')", "1", "by_script"),
        ("PUBLISH", "channel", "message"),
        ("SET", "plain", "x"),
        ("PFCOUNT", "counted"),
        ("RESTORE", "whole", "0", b"\x00\x01x\x0b\x00\xa4\xb0\x00", "REPLACE"),
    ],
)
def test_what_would_be_replicated_is_held(binary, words):
    with servers.running(binary, repl_ping_replica_period=3600) as master:
        follow = {"replicaof": f"127.0.0.1 {master.port}", "repl_diskless_sync_delay": 0}
        with servers.running(binary, **follow) as replica:
            wait_for(lambda: replica.client().info("replication")["master_link_status"] == "up", "replication")
            client, impatient = master.client(), master.client(socket_timeout=0.2, retry=None)
            client.set("ends", "x", px=100)
            client.pfadd("counted", "x")
            client.wait(1, 5000)
            client.execute_command("CLIENT", "PAUSE", 2000, "WRITE")
            before = client.info("replication")["master_repl_offset"]
            with pytest.raises(redis.TimeoutError):
                impatient.execute_command(*words)
            # By now the key has ended, and reading it deletes nothing.
            assert client.get("ends") is None
            assert client.info("replication")["master_repl_offset"] == before
