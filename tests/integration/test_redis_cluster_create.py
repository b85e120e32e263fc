# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_cluster_create on real nodes: made once, left alone ever after, and what is refused."""

from __future__ import annotations

import contextlib
import shutil
import sys

import pytest

from tests.lab import clusters, servers
from tests.lab.certificates import Authority
from tests.lab.servers import wait_for

PASSWORD = "createSecret-8be1"
CLI = shutil.which("redis-cli")
pytestmark = pytest.mark.skipif(CLI is None, reason="there is no redis-cli on this machine")


@pytest.fixture
def nodes():
    """Start so many nodes that are alone: ``nodes(binary, 6, …)``."""
    with contextlib.ExitStack() as stack:

        def start(binary, count, **options):
            common = {"cluster_enabled": "yes", "cluster_node_timeout": 1000, "repl_diskless_sync_delay": 0, **options}
            return [stack.enter_context(servers.running(binary, **common)) for dummy in range(count)]

        yield start


def places(members):
    return [f"127.0.0.1:{member.port}" for member in members]


def roles(members):
    return [member.client().info("replication")["role"] for member in members]


def test_made_once(binary, nodes, run_module):
    members = nodes(binary, 3, requirepass=PASSWORD, masterauth=PASSWORD)
    options = {"nodes": places(members), "replicas": 0, "login_password": PASSWORD}
    checked = run_module("redis_cluster_create", **options, _check_mode=True)
    assert (checked["changed"], checked["masters"]) == (True, 3), checked
    assert all(clusters.state(member)["cluster_known_nodes"] == "1" for member in members)
    made = run_module("redis_cluster_create", **options)
    assert (made["changed"], made["masters"]) == (True, 3), made
    assert "[OK] All 16384 slots covered." in made["check"]
    assert run_module("redis_cluster_create", **options)["changed"] is False


def test_left_alone_after_a_failover(nodes, run_module):
    members = nodes(servers.embedded(), 6)
    options = {"nodes": places(members)}
    assert run_module("redis_cluster_create", **options)["changed"]
    assert sorted(roles(members)) == ["master"] * 3 + ["slave"] * 3
    before = roles(members)
    members[before.index("slave")].client().execute_command("CLUSTER", "FAILOVER")
    wait_for(lambda: roles(members) != before and sorted(roles(members)) == sorted(before), "the two to change", clusters.PATIENCE)
    after = roles(members)
    assert run_module("redis_cluster_create", **options)["changed"] is False
    assert roles(members) == after


def test_by_tls_and_the_password_is_in_no_argument(nodes, run_module, tmp_path):
    binary = servers.matrix()["redis-7.0"]
    if binary is None:
        pytest.skip("redis-7.0 is not on this machine")
    authority = Authority(tmp_path)
    pair = authority.issue("server")
    ports = [servers.free_port() for dummy in range(3)]
    tls = {"tls_cert_file": pair.certificate, "tls_key_file": pair.key, "tls_ca_cert_file": authority.file, "tls_auth_clients": "no"}
    for port in ports:
        nodes(binary, 1, tls_port=port, tls_cluster="yes", tls_replication="yes", requirepass=PASSWORD, masterauth=PASSWORD, **tls)
    # A program that notes what it is given, and goes on as the real one.
    spy = tmp_path / "spy"
    spy.write_text(
        f"#!{sys.executable}\nimport os, sys\nopen({str(tmp_path / 'seen')!r}, 'a').write(repr(sys.argv))\nos.execv({CLI!r}, sys.argv)\n"
    )
    spy.chmod(0o755)
    members = [f"127.0.0.1:{port}" for port in ports]
    made = run_module(
        "redis_cluster_create", nodes=members, replicas=0, url=f"rediss://:{PASSWORD}@127.0.0.1", ca_certs=str(authority.file), cli=str(spy)
    )
    assert made["changed"], made
    seen = (tmp_path / "seen").read_text()
    assert "--cacert" in seen
    assert PASSWORD not in seen + str(made)


def test_what_is_refused_is_left_as_it_was(family_binary, nodes, run_module):
    members = nodes(family_binary, 3)
    full, *others = members
    full.client().config_set("cluster-require-full-coverage", "no")
    few = run_module("redis_cluster_create", nodes=places(members), _check_mode=True)
    assert "3 nodes are 1 masters with 1 replicas each: a cluster needs 3 masters, so give 6 nodes or fewer replicas" in few["msg"]
    twice = run_module("redis_cluster_create", nodes=[*places(members), *places(members)], _check_mode=True)
    assert f"127.0.0.1:{full.port} is named 2 times" in twice["msg"]
    with servers.running(family_binary) as plain:
        lone = run_module("redis_cluster_create", nodes=places([*others, plain]), replicas=0)
    assert f"127.0.0.1:{plain.port} is no node of a cluster, set cluster-enabled there (ERR" in lone["msg"]
    gone = run_module("redis_cluster_create", nodes=[*places(others), f"127.0.0.1:{plain.port}"], replicas=0)
    assert f"127.0.0.1:{plain.port} refuses connections" in gone["msg"]
    full.client().execute_command("CLUSTER", "ADDSLOTS", *range(16384))
    wait_for(lambda: clusters.state(full)["cluster_state"] == "ok", "it to serve")
    full.client().set("a", "1")
    mixed = run_module("redis_cluster_create", nodes=places(members), replicas=0)
    assert f"127.0.0.1:{others[0].port} is in no cluster, and 127.0.0.1:{full.port} is in one" in mixed["msg"]
    full.client().execute_command("CLUSTER", "DELSLOTS", *range(16384))
    holding = run_module("redis_cluster_create", nodes=places(members), replicas=0)
    assert f"127.0.0.1:{full.port} holds 1 keys: a cluster is made of empty nodes" in holding["msg"]
    assert all(clusters.state(member)["cluster_known_nodes"] == "1" for member in members)


def test_nodes_of_two_clusters_are_refused(family_binary, nodes, run_module):
    one, two = nodes(family_binary, 2)
    for member in (one, two):
        member.client().execute_command("CLUSTER", "ADDSLOTS", *range(16384))
    result = run_module("redis_cluster_create", nodes=places([one, two]), replicas=0)
    assert f"127.0.0.1:{two.port} is in another cluster than 127.0.0.1:{one.port}" in result["msg"]


def test_a_program_that_is_not_there_or_fails_is_a_sentence(family_binary, nodes, run_module):
    members = nodes(family_binary, 3, requirepass=PASSWORD)
    options = {"nodes": places(members), "replicas": 0, "login_password": PASSWORD}
    assert "cannot be started (No such file" in run_module("redis_cluster_create", cli="/no/such/program", **options)["msg"]
    assert "/bin/false --cluster create failed" in run_module("redis_cluster_create", cli="/bin/false", **options)["msg"]
    assert "wait_timeout is 0.0: give a number from 1 to 3600" in run_module("redis_cluster_create", wait_timeout=0, **options)["msg"]
