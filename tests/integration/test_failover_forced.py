# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""failover.yml and remediate.yml where the master is dead: the plan says what would be lost, and the loss has to be accepted by name."""

from __future__ import annotations

import json

from tests.lab import clusters, servers
from tests.lab.clusters import PATIENCE
from tests.lab.servers import wait_for

FAILOVER = "playbooks/failover.yml"
APPLY = {"redis_remediation_mode": "apply", "redis_guard_settled": 1}
ACCEPTED = {"redis_failover_accept_data_loss": True}


def words(tmp_path, **variables):
    known = {"redis_guard_host": "localhost", "redis_guard_dir": str(tmp_path / "guard"), "redis_failover_patience": 10, **variables}
    return ("-e", json.dumps(known))


def states(played):
    return {row["target"].rpartition("-")[2]: row["state"] for row in played.report["timeline"]}


def replication(server):
    return server.client().info("replication")


def in_step(replica):
    told = replication(replica)
    return (told["master_link_status"], told["master_sync_in_progress"]) == ("up", 0)


def test_a_dead_master_is_replaced_once_its_loss_is_accepted(family_binary, play, tmp_path):
    with servers.running(family_binary, repl_diskless_sync_delay=0) as master:
        follow = {"repl_diskless_sync_delay": 0, "replicaof": f"127.0.0.1 {master.port}"}
        with servers.running(family_binary, **follow) as first, servers.running(family_binary, **follow) as second:
            replicas = [first, second]
            wait_for(lambda: all(map(in_step, replicas)), "replication")
            master.stop()
            wait_for(lambda: not any(map(in_step, replicas)), "them to miss it")
            everybody = {
                "redis_url": [server.url for server in (master, *replicas)],
                "redis_failover_replicas": [f"127.0.0.1:{replica.port}" for replica in replicas],
            }
            asked = play(FAILOVER, *words(tmp_path, **everybody, **APPLY, redis_failover_patience=0))
            assert (asked.status, set(states(asked).values())) == (2, {"refused"}), asked.output
            assert "would be lost" in asked.output
            assert [replication(replica)["role"] for replica in replicas] == ["slave", "slave"]
            done = play(FAILOVER, *words(tmp_path, **everybody, **APPLY, **ACCEPTED))
            assert done.status == 0, done.output
            told = states(done)
            assert told[str(master.port)] == "nothing_to_do", done.output
            assert sorted(told[str(replica.port)] for replica in replicas) == ["nothing_to_do", "resolved"]
            assert sorted(replication(replica)["role"] for replica in replicas) == ["master", "slave"]


def test_what_a_cluster_that_is_down_needs_is_found_and_done_on_the_replica(family_binary, play, tmp_path):
    with clusters.clustered(family_binary, cluster_replica_no_failover="yes") as cluster:
        heir, third = cluster.replicas[0][0], cluster.masters[2]
        cluster.masters[0].stop()
        wait_for(lambda: clusters.state(heir)["cluster_state"] == "fail", "the cluster to be down", PATIENCE)
        everybody = {"redis_url": [heir.url, third.url], "redis_remediation_allow": ["failover"]}
        played = play("playbooks/remediate.yml", *words(tmp_path, **everybody, **APPLY, **ACCEPTED))
        rows = {(row["target"].rpartition("-")[2], row["action"]): row["state"] for row in played.report["timeline"]}
        assert rows.get((str(heir.port), "failover")) == "resolved", played.output
        assert (str(third.port), "failover") not in rows
        assert replication(heir)["role"] == "master"
        wait_for(lambda: clusters.state(third)["cluster_state"] == "ok", "the cluster to be whole", PATIENCE)
