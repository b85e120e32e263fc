# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_failover by force: the master is dead, the replica that knows most takes its place, and nobody does that unasked."""

from __future__ import annotations

import contextlib
import signal

import pytest

from tests.lab import clusters, sentinels, servers
from tests.lab.clusters import PATIENCE
from tests.lab.servers import wait_for

FORCE = {"force": True, "accept_data_loss": True}

LATE = 30


def address(server):
    return f"127.0.0.1:{server.port}"


def replication(server):
    return server.client().info("replication")


def role(server):
    return replication(server)["role"]


def follow(server, port):
    server.client().execute_command("REPLICAOF", "127.0.0.1", port)


def in_step(replica):
    told = replication(replica)
    return (told["master_link_status"], told["master_sync_in_progress"]) == ("up", 0)


def cut_off(replicas):
    wait_for(lambda: all(replication(replica)["master_link_status"] == "down" for replica in replicas), "the replicas to miss it")


@contextlib.contextmanager
def group(binary, replicas=2, **directives):
    """A master and its replicas, in step, with some data."""
    with contextlib.ExitStack() as stack:
        common = {"repl_diskless_sync_delay": 0, **directives}
        master = stack.enter_context(servers.running(binary, **common))
        follow = {**common, "replicaof": f"127.0.0.1 {master.port}"}
        followers = [stack.enter_context(servers.running(binary, **follow)) for dummy in range(replicas)]
        wait_for(lambda: all(in_step(follower) for follower in followers), "the replicas to be in step")
        master.client().set("before", "1")
        master.client().wait(replicas, 5000)
        yield master, followers


def refused(run_module, **options):
    result = run_module("redis_failover", **options)
    assert result.get("failed"), result
    looked = run_module("redis_failover", _check_mode=True, **options)
    assert (looked["changed"], looked["plan"], bool(looked["refused"])) == (False, [], True)
    return result["msg"]


def test_the_replica_that_knows_most_takes_the_place_of_a_dead_master(family_binary, run_module):
    with group(family_binary) as (master, (less, most)):
        # More than there is room for on the way to the one that hangs.
        less.pause()
        for number in range(LATE):
            master.client().set(f"late:{number}", "x" * 1_000_000)
        wait_for(lambda: most.client().dbsize() == LATE + 1, "the writes to reach one of them")
        master.stop()
        less.process.send_signal(signal.SIGCONT)
        cut_off([less, most])
        options = {"url": less.url, "replicas": [address(less), address(most)]}
        said = refused(run_module, **options)
        assert "a planned switchover needs it alive" in said
        assert (
            f"by force (accept_data_loss) {address(most)} would become the master in place of {address(master)}, which is refused" in said
        )
        planned = run_module("redis_failover", _check_mode=True, **FORCE, **options)
        assert (planned["changed"], planned["forced"], planned["master"], planned["behind_bytes"]) == (True, True, address(most), 0), (
            planned
        )
        assert "has acknowledged beyond offset" in planned["plan"][1]
        assert [role(less), role(most)] == ["slave", "slave"]
        other = run_module("redis_failover", _check_mode=True, **FORCE, **options, candidate=address(less))
        assert other["behind_bytes"] > 1000
        assert f"{other['behind_bytes']} bytes that another replica has would be lost, too" in other["plan"]
        done = run_module("redis_failover", **FORCE, **options)
        assert (done.get("changed"), done["was"], done["master"], done["lost_bytes"]) == (True, address(master), address(most), None), done
        assert [role(less), role(most)] == ["slave", "master"]
        assert less.client().dbsize() == LATE + 1
        assert "replicaof" not in (most.folder / "redis.conf").read_text()
        again = run_module("redis_failover", **FORCE, **options, candidate=address(most))
        assert (again["changed"], again["idle"]) == (False, f"{address(most)} is the master already")


def test_nobody_is_promoted_unasked_or_on_doubt(family_binary, run_module):
    with group(family_binary) as (master, (first, second)):
        both = [address(first), address(second)]
        assert "needs accept_data_loss" in run_module("redis_failover", url=first.url, force=True)["msg"]
        # It lives: force changes nothing, and it is a planned switchover.
        planned = run_module("redis_failover", _check_mode=True, url=first.url, **FORCE)
        assert planned.get("forced") is False, planned
        # Nobody reaches it by that name any more, and one of them hears it still.
        follow(first, servers.free_port())
        wait_for(lambda: replication(first)["master_link_status"] == "down", "it to miss its master")
        assert f"{address(second)} still hears" in refused(run_module, url=first.url, replicas=both, **FORCE)
        follow(first, master.port)
        wait_for(lambda: replication(first)["master_link_status"] == "up", "it to be back")
        master.stop()
        cut_off([first, second])
        assert "name them (replicas)" in refused(run_module, url=first.url, **FORCE)
        second.pause()
        said = refused(run_module, url=first.url, replicas=both, timeout=1, connect_timeout=1, **FORCE)
        assert f"{address(second)} cannot be asked" in said
        second.process.send_signal(signal.SIGCONT)
        first.client().config_set("replica-priority", 0)
        assert "its priority is 0" in refused(run_module, url=first.url, replicas=[], **FORCE)
        assert [role(first), role(second)] == ["slave", "slave"]
        second.client().execute_command("REPLICAOF", "NO", "ONE")
        assert f"{address(second)} is a master already" in refused(run_module, url=first.url, replicas=both, **FORCE)


def test_a_master_that_wants_another_password_is_not_dead(family_binary, run_module):
    with group(family_binary, replicas=1) as (master, (replica,)):
        client = master.client()
        client.config_set("requirepass", "another")
        client.execute_command("CLIENT", "KILL", "TYPE", "replica")
        cut_off([replica])
        assert "is not dead: " in refused(run_module, url=replica.url, replicas=[], **FORCE)


def test_sentinels_decide_for_themselves(family_binary, run_module):
    with sentinels.watched(
        family_binary, replicas=1, sentinels=1, sentinel_lines=f"down-after-milliseconds {sentinels.NAME} 60000"
    ) as watched:
        watched.master.stop()
        cut_off(watched.replicas)
        by = {"sentinels": [address(watched.sentinels[0])], "service_name": sentinels.NAME, "cooldown": 0}
        assert "is for the Sentinels to say" in refused(run_module, **by, **FORCE)
        wait_for(lambda: "1 Sentinels watch" in refused(run_module, url=watched.replicas[0].url, replicas=[], **FORCE), "it to be seen")
        assert role(watched.replicas[0]) == "slave"


def test_in_a_cluster_the_masters_vote_for_a_replica_that_may_not_take_over_by_itself(family_binary, run_module):
    with clusters.clustered(family_binary, cluster_replica_no_failover="yes") as cluster:
        old, new, third = cluster.masters[0], cluster.replicas[0][0], cluster.masters[2]
        old.stop()
        wait_for(lambda: clusters.state(third)["cluster_state"] == "fail", "the cluster to miss it", PATIENCE)
        assert "by force (accept_data_loss) " in refused(run_module, url=new.url)
        done = run_module("redis_failover", url=new.url, patience=10, **FORCE)
        assert (done.get("mode"), done.get("master"), done.get("forced")) == ("cluster", address(new), True), done
        assert f"CLUSTER FAILOVER FORCE at {address(new)}, by a vote of the masters" in done["plan"][-1]
        wait_for(lambda: clusters.state(third)["cluster_state"] == "ok", "the cluster to be whole", PATIENCE)


def test_in_a_cluster_without_a_majority_takeover_is_asked_for_by_name(family_binary, run_module):
    with clusters.clustered(family_binary) as cluster:
        first, second, third = cluster.masters
        for master in (first, second):
            master.stop()
        heirs = [cluster.replicas[0][0], cluster.replicas[1][0]]
        wait_for(
            lambda: all("fail" in line for heir in heirs for line in lost_masters(heir, (first, second))), "them to miss both", PATIENCE
        )
        said = refused(run_module, url=heirs[0].url, patience=0, **FORCE)
        assert "ask for CLUSTER FAILOVER TAKEOVER (takeover)" in said
        done = run_module("redis_failover", url=heirs[0].url, patience=10, takeover=True, **FORCE)
        assert (done.get("master"), "TAKEOVER" in done.get("plan", [""])[-1]) == (address(heirs[0]), True), done
        # With two masters of three there can be a vote again.
        # It is "ok" for a moment before that, until both of them know that the second master has failed, too.
        wait_for(lambda: role(heirs[1]) == "master", "the other heir to be voted for", PATIENCE)
        wait_for(lambda: clusters.state(third)["cluster_state"] == "ok", "the cluster to be whole", PATIENCE)


def lost_masters(node, gone):
    """The lines of those masters."""
    places = {f":{server.port}@" for server in gone}
    return [line for line in clusters.lines(node) if any(place in line for place in places)]


@pytest.mark.parametrize("options", [{"replicas": ["nowhere"]}, {"force": True}])
def test_options_that_cannot_be_meant(family_binary, run_module, options):
    with servers.running(family_binary, replicaof=f"127.0.0.1 {servers.free_port()}") as server:
        assert run_module("redis_failover", url=server.url, **options)["failed"]
