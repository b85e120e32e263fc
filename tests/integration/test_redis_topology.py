# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory plugin redis_topology over real Sentinels and clusters, by ansible-inventory and by a playbook."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time

import pytest
import yaml
from ansible_collections.aragora.redis.plugins.module_utils._topology import group_name

from tests.conftest import ROOT, environment_of_a_user
from tests.lab import clusters, ports, sentinels, servers
from tests.lab.certificates import Authority
from tests.lab.servers import wait_for

PASSWORD = "topologySecret-4d1e"
GUARDS_PASSWORD = "sentinelSecret-77ab"
# Start of ansible-inventory on a loaded machine.
OVERHEAD = 15


@pytest.fixture
def topology(tmp_path):
    """Write a configuration file and list its inventory: ``topology(sentinels=[…])`` returns (groups, host variables, output)."""

    def read(*words, **options):
        path = tmp_path / "x.redis_topology.yml"
        path.write_text(yaml.safe_dump({"plugin": "aragora.redis.redis_topology", **options}))
        command = ["ansible-inventory", "-i", str(path), "--list", "-vvv", *words]
        variables = {
            **environment_of_a_user(),
            "SECRET": PASSWORD,
            "GUARDS_SECRET": GUARDS_PASSWORD,
            "ANSIBLE_HOME": str(tmp_path / "home"),
        }
        done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=60, check=False)
        listed = plain(json.loads(done.stdout[done.stdout.index("{\n") :]))
        output = done.stdout + done.stderr
        assert "Traceback" not in output
        meta = listed.pop("_meta")["hostvars"]
        return {name: set(group.get("hosts", [])) for name, group in listed.items()}, meta, " ".join(output.split())

    return read


def plain(value):
    """Without the marks of text that is not trusted."""
    if isinstance(value, dict):
        return plain(value["__ansible_unsafe"]) if "__ansible_unsafe" in value else {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def place(*members):
    return [f"127.0.0.1:{member.port}" for member in members]


def names(*members):
    return {f"127.0.0.1-{member.port}" for member in members}


def env(name):
    return f"{{{{ lookup('ansible.builtin.env', '{name}') }}}}"


def down(guard):
    """Whether a replica of the group is down in the eyes of this Sentinel."""
    return any(replica["is_sdown"] for replica in guard.client().sentinel_slaves("mymaster"))


class TestSentinels:
    def test_groups_and_roles_follow_a_failover_and_passwords_stay_references(self, topology):
        options = {"login_password": env("SECRET"), "sentinel_password": GUARDS_PASSWORD}
        with sentinels.watched(servers.embedded(), requirepass=PASSWORD, masterauth=PASSWORD) as watched:
            for guard in watched.sentinels:
                guard.client().execute_command("SENTINEL", "CONFIG", "SET", "sentinel-pass", GUARDS_PASSWORD)
                guard.client().execute_command("ACL", "SETUSER", "default", "resetpass", f">{GUARDS_PASSWORD}")
                guard.options["requirepass"] = GUARDS_PASSWORD
            groups, variables, output = topology(sentinels=place(watched.sentinels[0]), **options)
            everybody = names(watched.master, *watched.replicas)
            assert groups["redis"] == everybody
            assert groups["redis_master"] == names(watched.master)
            assert groups["redis_replicas"] == names(*watched.replicas)
            assert groups["redis_sentinels"] == names(*watched.sentinels)
            assert groups["redis_group_mymaster"] == everybody | names(*watched.sentinels)
            master = variables[names(watched.master).pop()]
            run_id = watched.master.client().info("server")["run_id"]
            facts = {"role": "master", "port": watched.master.port, "master_name": "mymaster", "run_id": run_id, "quorum": 2}
            assert master["redis_topology"] == {**facts, "flags": ["master"]}
            assert master["redis_connection"] == {"login_port": watched.master.port, "login_password": env("SECRET")}
            assert variables[names(watched.sentinels[1]).pop()]["redis_connection"] == {"login_port": watched.sentinels[1].port}
            assert (master["redis_group"], master["ansible_host"]) == ("mymaster", "127.0.0.1")
            assert "sentinel_password in " in output
            assert "is plain text and is not handed on" in output
            assert PASSWORD not in output
            assert GUARDS_PASSWORD not in output
            promoted = watched.failover()
            wait_for(lambda: all(down(guard) for guard in watched.sentinels), "all Sentinels to see that it is down", sentinels.PATIENCE)
            groups, variables, dummy = topology(sentinels=place(*watched.sentinels), **options)
            assert groups["redis_master"] == names(promoted)
            assert groups["redis"] == everybody, "one that is down is there, too"
            assert "s_down" in variables[names(watched.master).pop()]["redis_topology"]["flags"]

    def test_a_master_whose_name_is_a_template_is_text(self, family_binary, topology, tmp_path):
        name, proof = "{{lookup('pipe','touch${IFS}PROOF')}}", tmp_path / "proof"
        name = name.replace("PROOF", str(proof))
        with servers.running(family_binary) as master, sentinels.sentinel(family_binary, master, 1) as guard:
            guard.client().execute_command("SENTINEL", "MONITOR", name, "127.0.0.1", master.port, 1)
            composed = {"compose": {"shown": "redis_topology.watches"}, "keyed_groups": [{"key": "redis_topology.master_name"}]}
            groups, variables, dummy = topology(sentinels=place(guard), **composed)
            assert all(group == group_name(group) for group in groups)
            assert sum(group.startswith("redis_group_") for group in groups) == 2
            (both,) = (variables[guard] for guard in groups["redis_sentinels"])
            assert both["shown"] == both["redis_topology"]["watches"] == ["mymaster", name]
            unknown = topology(sentinels=place(guard), service_names=["shop"])[2]
        assert not proof.exists()
        assert "no Sentinel knows a master named 'shop': they watch 'mymaster', '{{lookup" in unknown

    def test_by_tls_with_passwords_of_the_vault(self, tmp_path):
        binary = servers.matrix()["redis-7.0"]
        if binary is None:
            pytest.skip("redis-7.0 is not on this machine")
        authority = Authority(tmp_path)
        pair = authority.issue("server")
        tls = {"tls_cert_file": pair.certificate, "tls_key_file": pair.key, "tls_ca_cert_file": authority.file, "tls_auth_clients": "no"}
        (tmp_path / "password").write_text("vault")
        encrypt = ["ansible-vault", "encrypt_string", "--vault-password-file", str(tmp_path / "password"), GUARDS_PASSWORD]
        vaulted = subprocess.run(encrypt, capture_output=True, text=True, check=True, env=environment_of_a_user(), timeout=30).stdout
        port = servers.free_port()
        with (
            servers.running(binary) as master,
            sentinels.sentinel(binary, master, 1, tls_port=port, requirepass=GUARDS_PASSWORD, **tls),
        ):
            path = tmp_path / "x.redis_topology.yaml"
            path.write_text(
                f"plugin: aragora.redis.redis_topology\nsentinels: ['127.0.0.1:{port}']\nsentinel_tls: true\n"
                f"ca_certs: '{authority.file}'\nsentinel_password: {vaulted}"
            )
            command = ["ansible-inventory", "-i", str(path), "--list", "--vault-password-file", str(tmp_path / "password")]
            done = subprocess.run(command, cwd=ROOT, env=environment_of_a_user(), capture_output=True, text=True, timeout=60, check=False)
        assert GUARDS_PASSWORD not in done.stdout + done.stderr
        variables = plain(json.loads(done.stdout)["_meta"]["hostvars"])
        guard = variables[f"127.0.0.1-{port}"]["redis_connection"]
        assert (guard["tls"], guard["login_port"], guard["ca_certs"]) == (True, port, str(authority.file))
        assert "__ansible_vault" in guard["login_password"]
        assert variables[names(master).pop()]["redis_connection"] == {"login_port": master.port, "ca_certs": str(authority.file)}


class TestClusters:
    def test_shards_are_groups_and_a_node_that_is_down_stays(self, family_binary, topology):
        with clusters.clustered(family_binary) as cluster:
            groups, variables, dummy = topology(cluster=place(cluster.nodes[4]))
            assert groups["redis"] == names(*cluster.nodes)
            assert groups["redis_master"] == names(*cluster.masters)
            for master, replicas in zip(cluster.masters, cluster.replicas):
                told = variables[names(master).pop()]["redis_topology"]
                assert told["node_id"] == clusters.node_id(master)
                assert groups[f"redis_{told['shard']}"] == names(master, *replicas)
                assert told["slots"] == [f"{told['shard'].partition('_')[2]}-{told['slots'][0].partition('-')[2]}"]
            cluster.masters[0].stop()
            heir = cluster.replicas[0][0]
            wait_for(lambda: heir.client().info("replication")["role"] == "master", "the replica to take over", clusters.PATIENCE)
            wait_for(lambda: any(",fail " in line for line in clusters.lines(cluster.masters[1])), "all to know", clusters.PATIENCE)
            composed = {
                "groups": {"ill": "'fail' in redis_topology.flags"},
                "keyed_groups": [{"prefix": "is", "key": "redis_topology.role"}],
            }
            seeds = place(cluster.masters[0], cluster.masters[1])
            groups, variables, output = topology(cluster=seeds, cluster_name="shop", compose={"x": "redis_topology.port + 1"}, **composed)
            assert groups["redis_shop_shard_0"] == names(heir)
            assert groups["ill"] == names(cluster.masters[0])
            assert names(heir) < groups["is_master"]
            assert variables[names(heir).pop()]["redis_group"] == "shop_shard_0"
            assert variables[names(heir).pop()]["x"] == heir.port + 1
            assert f"127.0.0.1:{cluster.masters[0].port} refuses connections" in output

    def test_a_playbook_runs_on_it(self, play, tmp_path):
        with clusters.clustered(servers.embedded(), requirepass=PASSWORD, masterauth=PASSWORD) as cluster:
            config = {"cluster": place(cluster.nodes[0]), "login_password": env("SECRET")}
            config["compose"] = {"ansible_connection": "'local'"}
            text = yaml.safe_dump({"plugin": "aragora.redis.redis_topology", **config})
            (tmp_path / "x.redis_topology.yml").write_text(text)
            inventory = ["-i", str(tmp_path / "x.redis_topology.yml")]
            words = ["-vvv", "-e", "redis_diagnosis_host=false", "-e", "ansible_python_interpreter={{ansible_playbook_python}}"]
            played = play("playbooks/diagnose.yml", *inventory, *words, SECRET=PASSWORD)
        assert played.status == 0, played.output
        targets = {target["name"]: target["availability"]["state"] for target in played.report["targets"]}
        assert targets == dict.fromkeys(names(*cluster.nodes), "up")
        assert "masters_many" not in [finding for number in range(len(targets)) for finding in played.ids(number)]
        assert PASSWORD not in played.output

    def test_nodes_of_two_clusters_are_not_mixed(self, family_binary, topology):
        with servers.running(family_binary, cluster_enabled="yes") as one, servers.running(family_binary, cluster_enabled="yes") as two:
            one.client().execute_command("CLUSTER", "ADDSLOTS", *range(16384))
            wait_for(lambda: clusters.state(one)["cluster_state"] == "ok", "the cluster to be ok")
            groups, dummy, output = topology(cluster=place(two, one))
        assert groups["redis"] == names(one), "a node that has never met another is found by the address of its seed"
        assert f"127.0.0.1:{two.port} is in another cluster than 127.0.0.1:{one.port}, or in none" in output


class TestWhoeverDoesNotAnswer:
    def test_a_silent_seed_costs_its_time_out_once(self, family_binary, topology):
        with contextlib.ExitStack() as stack:
            silent = [stack.enter_context(ports.silent_port()) for dummy in range(4)]
            node = stack.enter_context(servers.running(family_binary, cluster_enabled="yes"))
            started = time.monotonic()
            seeds = [f"127.0.0.1:{port}" for port in silent] + place(node)
            groups, dummy, output = topology(cluster=seeds, connect_timeout=1, timeout=1)
            assert time.monotonic() - started < OVERHEAD
        assert groups["redis"] == names(node)
        assert output.count("; it is left out") == 4

    def test_nobody_is_one_sentence(self, family_binary, topology):
        with servers.running(family_binary) as server, ports.odd_server(b"*1\r\n:1\r\n") as odd:
            for kind, word in (("sentinels", "Sentinel"), ("cluster", "node of the cluster")):
                groups, dummy, output = topology(**{kind: [*place(server), f"127.0.0.1:{odd}", f"127.0.0.1:{servers.free_port()}"]})
                assert "redis" not in groups
                assert f"no {word} answers: 127.0.0.1:{server.port} is no {word}, or does not let this user ask (ERR" in output
                assert f"127.0.0.1:{odd} does not answer as a {word} does; 127.0.0.1:" in output

    def test_what_cannot_be_meant_is_a_sentence(self, topology):
        assert "there is nobody to ask: give sentinels or cluster" in topology()[2]
        assert "the Sentinel 'a/b' cannot be read: give host or host:port" in topology(sentinels=["a/b"])[2]
        assert "timeout is 0.0: give seconds between 0 and 300" in topology(sentinels=["a"], timeout=0)[2]


def test_the_cache_answers_until_it_is_flushed(family_binary, topology, tmp_path):
    cache = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(tmp_path / "cache")}
    with servers.running(family_binary, cluster_enabled="yes", requirepass=PASSWORD) as node:
        config = {"cluster": place(node), "login_password": env("SECRET"), **cache}
        first, variables, dummy = topology(**config)
    assert topology(**config)[:2] == (first, variables)
    kept = [path.read_text() for path in (tmp_path / "cache").iterdir()]
    assert PASSWORD not in "".join(kept)
    assert variables[names(node).pop()]["redis_connection"]["login_password"] == env("SECRET")
    flushed, dummy, output = topology("--flush-cache", **config)
    assert "redis" not in flushed
    assert "no node of the cluster answers" in output


def test_another_file_is_not_its_own(tmp_path):
    path = tmp_path / "hosts.yml"
    path.write_text("plugin: aragora.redis.redis_topology\ncluster: ['127.0.0.1:1']\n")
    variables = {**environment_of_a_user(), "ANSIBLE_INVENTORY_ENABLED": "aragora.redis.redis_topology", "HOME": os.environ.get("HOME", "")}
    done = subprocess.run(
        ["ansible-inventory", "-i", str(path), "--list"], cwd=ROOT, env=variables, capture_output=True, text=True, timeout=60, check=False
    )
    assert "Unable to parse" in done.stderr
    assert "refuses connections" not in done.stderr
