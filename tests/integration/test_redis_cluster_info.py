# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_cluster_info on real clusters: a whole one, a node that dies, slots on the move, nodes that do not agree."""

from __future__ import annotations

from tests.lab import clusters, ports, servers
from tests.lab.servers import wait_for

PASSWORD = "clusterSecret-12ce"


def test_a_whole_cluster_from_a_replica(binary, run_module):
    with clusters.clustered(binary, requirepass=PASSWORD, masterauth=PASSWORD) as cluster:
        result = run_module("redis_cluster_info", url=cluster.replicas[0][0].url, login_password=PASSWORD, _check_mode=True)
        ids = {f"127.0.0.1:{node.port}": clusters.node_id(node) for node in cluster.nodes}
        few = run_module("redis_cluster_info", url=cluster.masters[0].url, login_password=PASSWORD, most_nodes=2)
    assert (result["changed"], result["whole"], result["agree"]) == (False, True, True), result
    assert {node["address"]: node["id"] for node in result["nodes"]} == ids
    nodes = {node["address"]: node for node in result["nodes"]}
    master, replica = (f"127.0.0.1:{node.port}" for node in (cluster.masters[0], cluster.replicas[0][0]))
    assert (nodes[replica]["master"], nodes[master]["slots"], nodes[master]["replicas"]) == (master, ["0-5460"], 1)
    assert all(node["answers"] and node["state"] == "ok" and node["epoch"] is not None for node in result["nodes"])
    assert [node["link"] for node in result["nodes"] if node["role"] == "replica"] == ["up"] * 3
    assert {node["loading"] for node in result["nodes"]} == {False}
    assert (few["whole"], sum(node["answers"] for node in few["nodes"])) == (False, 2)


def test_a_dead_master_slots_on_the_move_and_what_nobody_serves(family_binary, run_module):
    with clusters.clustered(family_binary, replicas=0, cluster_require_full_coverage="no") as cluster:
        first, second, dead = cluster.masters
        first.client().execute_command("CLUSTER", "SETSLOT", 5, "MIGRATING", clusters.node_id(second))
        second.client().execute_command("CLUSTER", "SETSLOT", 5, "IMPORTING", clusters.node_id(first))
        dead.stop()
        both = (first, second)
        wait_for(lambda: all(",fail " in "".join(clusters.lines(node)) for node in both), "both to know", clusters.PATIENCE)
        result = run_module("redis_cluster_info", url=first.url)
    here, there, gone = (f"127.0.0.1:{node.port}" for node in cluster.masters)
    assert (result["whole"], result["agree"], result["uncovered_slots"]) == (False, True, ["10922-16383"])
    assert result["moving_slots"] == [{"slot": 5, "node": here, "to": there}, {"slot": 5, "node": there, "from": here}]
    assert list(result["silent"]) == [gone]
    told = next(node for node in result["nodes"] if node["address"] == gone)
    assert (told["answers"], told["failed_by"], told["error"]) == (False, sorted([here, there]), result["silent"][gone])


def test_nodes_that_do_not_agree(family_binary, run_module):
    with clusters.clustered(
        family_binary, masters=4, replicas=0, cluster_require_full_coverage="no", cluster_node_timeout=60000
    ) as cluster:
        first, odd = cluster.masters[:2]
        # It would tell them all again what it serves.
        first.pause()
        odd.client().execute_command("CLUSTER", "DELSLOTS", 7)
        result = run_module("redis_cluster_info", url=odd.url, timeout=1)
    about, by = (f"127.0.0.1:{node.port}" for node in (first, odd))
    assert (result["agree"], result["whole"]) == (False, False)
    says, most_say = ({"slots": slots} for slots in (["0-6", "8-4095"], ["0-4095"]))
    assert result["disagreements"] == [{"by": by, "about": about, "says": says, "most_say": most_say}]
    assert list(result["silent"]) == [about]


def test_what_is_no_node_is_a_sentence(family_binary, run_module):
    with servers.running(family_binary) as server:
        result = run_module("redis_cluster_info", url=server.url)
        assert f"127.0.0.1:{server.port} refuses CLUSTER NODES (ERR This instance has cluster support disabled)" in result["msg"]
    with ports.odd_server(b"*1\r\n:1\r\n") as odd:
        assert "does not answer as a node of a cluster does" in run_module("redis_cluster_info", url=f"redis://127.0.0.1:{odd}")["msg"]
    assert "most_nodes is 0: give a number from 1 to 10000" in run_module("redis_cluster_info", most_nodes=0)["msg"]
