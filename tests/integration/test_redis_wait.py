# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_wait on every server of the matrix: what it waits for, and what it says when that does not come."""

from __future__ import annotations

import pytest

from tests.lab import servers
from tests.lab.scenarios.scenario import pair
from tests.lab.servers import wait_for


def test_a_healthy_master_with_a_canary(server, run_module):
    result = run_module("redis_wait", url=server.url, role="master", canary=True)
    assert (result.get("failed"), result["missing"], result["role"]) == (None, [], "master")
    assert server.client().dbsize() == 0, "the canary is gone"


def test_check_mode_looks_once_and_writes_nothing(server, run_module):
    before = server.client().info("commandstats").get("cmdstat_set", {}).get("calls", 0)
    result = run_module("redis_wait", url=server.url, canary=True, settled=30, _check_mode=True)
    assert (result.get("failed"), result["looks"]) == (None, 1)
    assert server.client().info("commandstats").get("cmdstat_set", {}).get("calls", 0) == before


def test_a_server_that_never_comes_is_named(run_module):
    result = run_module("redis_wait", url=f"redis://127.0.0.1:{servers.free_port()}", wait_timeout=1)
    assert result["failed"]
    assert "refused" in result["msg"]
    assert 0.9 <= result["waited"] < 5


def test_a_server_that_starts_meanwhile_is_waited_for(binary, run_module):
    port = servers.free_port()
    started = []

    def start():
        if not started:
            started.append(servers.running(binary, port=port))
            started[0].__enter__()

    try:
        result = run_module("redis_wait", url=f"redis://127.0.0.1:{port}", role="master", wait_timeout=20, _while=start)
    finally:
        for server in started:
            server.__exit__(None, None, None)
    assert not result.get("failed"), result


def test_a_pair_in_step(binary, run_module):
    with pair(binary) as (master, replica):
        assert not run_module("redis_wait", url=master.url, role="master", replicas=1, max_lag_bytes=10_000, canary=True).get("failed")
        assert not run_module("redis_wait", url=replica.url, role="replica", max_lag_bytes=10_000).get("failed")
        few = run_module("redis_wait", url=master.url, replicas=2, wait_timeout=0.5)
        assert few["missing"] == ["1 of 2 replicas are online"]
        wrong = run_module("redis_wait", url=replica.url, role="master", wait_timeout=0.5)
        assert wrong["missing"] == ["its role is slave, not master"]
        replica.pause()
        silent = run_module("redis_wait", url=master.url, replicas=1, canary=True, wait_timeout=2)
        assert "0 of 1 replicas have acknowledged a write" in silent["msg"]


def test_a_full_master_refuses_the_canary_in_its_own_words(binary, run_module):
    with servers.running(binary, maxmemory="100kb", maxmemory_policy="noeviction") as server:
        result = run_module("redis_wait", url=server.url, canary=True, wait_timeout=0.5)
    assert "it refuses a write: OOM" in result["msg"]


def test_a_node_of_a_cluster_gets_a_canary_of_its_own_slots(binary, run_module):
    with servers.running(binary, cluster_enabled="yes") as node:
        down = run_module("redis_wait", url=node.url, cluster_ok=True, wait_timeout=0.5)
        assert "the state of the cluster is fail, 0 of 16384 slots are served" in down["msg"]
        client = node.client()
        client.execute_command("CLUSTER", "ADDSLOTS", *range(16384))
        wait_for(lambda: "ok" in str(client.execute_command("CLUSTER INFO")["cluster_state"]), "the cluster")
        assert not run_module("redis_wait", url=node.url, cluster_ok=True, canary=True).get("failed")


def test_what_holds_for_a_moment_only_has_not_settled(server, run_module):
    result = run_module("redis_wait", url=server.url, settled=1, wait_timeout=10)
    assert not result.get("failed")
    assert result["waited"] >= 1


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"wait_timeout": -1}, "wait_timeout is -1: give a number from 0 to 86400"),
        ({"settled": 61}, "settled is 61 s, longer than wait_timeout (60 s)"),
        ({"role": "replica", "canary": True}, "a canary is written to a master"),
    ],
)
def test_what_cannot_be_meant_is_a_sentence(run_module, options, sentence):
    assert sentence in run_module("redis_wait", **options)["msg"]
