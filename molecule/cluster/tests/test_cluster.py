# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One cluster that every node agrees on, with the roles that the failover has left, and closed to whoever has no password."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
import testinfra

NODES = [f"node{number}" for number in range(1, 7)]
# As in the inventory.
LOGIN = 'molecule "quoted" \\ secret'


def host(name):
    return testinfra.get_host(f"docker://molecule-cluster-{name}")


def redis(name, words):
    return host(name).check_output(f"REDISCLI_AUTH='{LOGIN}' redis-cli {words}")


@pytest.mark.parametrize("name", NODES)
def test_a_node_takes_the_cluster_for_whole(name):
    assert {"cluster_state:ok", "cluster_slots_ok:16384", "cluster_known_nodes:6", "cluster_size:3"} <= set(
        redis(name, "cluster info").split()
    )


@pytest.mark.parametrize("name", NODES)
def test_a_second_run_has_left_the_roles_of_the_failover(name):
    assert redis(name, "role").split()[0] == host(name).file("/run/role").content_string.strip()
    assert host(name).file("/run/role").content_string.strip() == "slave" or not host(name).file("/run/victim").exists


def test_a_master_was_lost():
    assert sum(host(name).file("/run/victim").exists for name in NODES) == 1


@pytest.mark.parametrize("name", NODES)
def test_who_has_no_password_learns_nothing(name):
    config = host(name).file("/etc/redis/redis.conf")
    assert (config.user, config.mode) == ("redis", 0o640)
    assert "NOAUTH" in host(name).check_output("redis-cli cluster nodes")
    assert redis(name, "config get maxmemory").split()[1] == str(64 * 1024 * 1024)


@pytest.mark.parametrize("name", NODES)
def test_it_starts_with_the_host(name):
    assert host(name).service("redis-server").is_enabled
    assert host(name).service("redis-server").is_running


def test_the_inventory_plugin_finds_its_shards(tmp_path):
    address = host("node3").check_output("hostname -I").split()[0]
    path = tmp_path / "x.redis_topology.yml"
    login = "{{ lookup('ansible.builtin.env', 'LOGIN') }}"
    path.write_text(json.dumps({"plugin": "aragora.redis.redis_topology", "cluster": [address], "login_password": login}))
    variables = {**os.environ, "LOGIN": LOGIN}
    command = ["ansible-inventory", "-i", str(path), "--list"]
    done = subprocess.run(
        command, cwd=os.environ["MOLECULE_PROJECT_DIRECTORY"], env=variables, capture_output=True, text=True, check=True, timeout=60
    )
    groups = json.loads(done.stdout)
    assert f"{address}-6379" in groups["redis"]["hosts"]
    assert {name: len(groups[name]["hosts"]) for name in groups if "_shard_" in name} == dict.fromkeys(
        ("redis_shard_0", "redis_shard_5461", "redis_shard_10923"), 2
    )
    assert LOGIN not in done.stdout + done.stderr
