# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A master is cut off with a minority of its Sentinels: the findings name it while it lasts, and afterwards there is one master."""

from __future__ import annotations

import contextlib
import dataclasses

import pytest
import redis
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis import engine

from tests.lab import network, sentinels, servers
from tests.lab.scenarios.scenario import link_is_up
from tests.lab.sentinels import PATIENCE, online
from tests.lab.servers import wait_for

pytestmark = pytest.mark.skipif(network.why_not() is not None, reason=str(network.why_not()))


@pytest.fixture
def group(family_binary):
    """A master and a Sentinel on one host, two replicas and two Sentinels on another one."""
    with contextlib.ExitStack() as stack:
        here, there = stack.enter_context(network.host()), stack.enter_context(network.host())
        near, dummy = stack.enter_context(network.cable(here, there))
        common = {"protected_mode": "no", "repl_diskless_sync_delay": 0, "min_replicas_to_write": 1, "min_replicas_max_lag": 2}

        def run(host, **options):
            place = {"host": host.address, "launcher": host.launcher, "bind": None}
            return stack.enter_context(servers.running(family_binary, **place, **common, **options))

        master = run(here)
        replicas = [run(there, replicaof=f"{near} {master.port}") for dummy in range(2)]
        wait_for(lambda: online(master) == 2, "the replicas to be in step")
        seen = dataclasses.replace(master, host=near)
        places = [{"host": host.address, "launcher": host.launcher, "bind": None, "protected_mode": "no"} for host in (here, there, there)]
        guards = [stack.enter_context(sentinels.sentinel(family_binary, seen, 2, **place)) for place in places]
        wait_for(lambda: all(knows(guard) == ("2", "2") for guard in guards), "the Sentinels to know each other", PATIENCE)
        yield here, master, replicas, guards


def knows(guard):
    told = sentinels.master_of(guard)
    return told["num-slaves"], told["num-other-sentinels"]


def looked_at(server, run_module):
    """The snapshot of a server, as this machine sees it."""
    return run_module("redis_info", url=server.url, window=0.1, gather_subset=["info", "config", "clients", "sentinel"])["snapshot"]


def test_there_is_one_master_after_a_partition_and_the_findings_tell_of_two_while_it_lasts(group, run_module):
    host, master, replicas, guards = group
    ports = {replica.port: replica for replica in replicas}
    with network.cut(host):
        wait_for(
            lambda: {int(sentinels.master_of(guard)["port"]) for guard in guards[1:]} <= set(ports), "a replica to be promoted", PATIENCE
        )
        promoted = ports[int(sentinels.master_of(guards[1])["port"])]
        wait_for(lambda: promoted.client().info("replication")["role"] == "master", "it to be the master")
        wait_for(lambda: sentinels.is_alone(guards[0]), "the Sentinel behind to miss the others", PATIENCE)
        other = next(replica for replica in replicas if replica is not promoted)
        wait_for(lambda: other.client().info("replication").get("master_port") == promoted.port, "the other to follow it", PATIENCE)
        promoted.client().set("order:1", "told to the new master")
        # The master that is cut off has stopped, because no replica hears it.
        with pytest.raises(redis.ResponseError, match="NOREPLICAS"):
            wait_for(lambda: not master.client().set("order:2", "told to the old master"), "the old master to stop", 10)
        members = [master, *replicas, *guards]
        diagnosed = engine.diagnose_targets([looked_at(member, run_module) for member in members])
        ids = [[finding["id"] for finding in item["diagnosis"]["findings"]] for item in diagnosed]
        assert "masters_many" in ids[0], ids
        assert "writes_refused_replicas" in ids[0], ids
        assert "sentinel_quorum_lost" in ids[3], ids
        assert "sentinel_disagree" in ids[3], ids
    wait_for(lambda: master.client().info("replication")["role"] == "slave", "the old master to become a replica", PATIENCE)
    wait_for(lambda: online(promoted) == 2 and link_is_up(master), "both to be in step", PATIENCE)
    assert [member.client().info("replication")["role"] for member in (master, *replicas)].count("master") == 1
    assert {member.client().get("order:1") for member in (master, *replicas)} == {b"told to the new master"}
    wait_for(lambda: all(int(sentinels.master_of(guard)["port"]) == promoted.port for guard in guards), "all Sentinels to agree", PATIENCE)
