# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_replication on real servers: it makes replicas and masters, waits, and refuses what would lose data or fight Sentinel."""

from __future__ import annotations

import json

import pytest

from tests.lab import sentinels, servers
from tests.lab.certificates import Authority

PLANTED = "open-sesame-7f3a"
QUICK = {"repl_diskless_sync_delay": 0}


@pytest.fixture
def pair(family_binary):
    """Two servers that know nothing of each other."""
    with servers.running(family_binary, **QUICK) as one, servers.running(family_binary, **QUICK) as other:
        yield one, other


def follow(master, **more):
    return {"role": "replica", "master_host": master.host, "master_port": master.port, "wait_timeout": 20, **more}


def role_of(server):
    return server.client().info("replication")["role"]


def test_check_change_again_and_back(binary, run_module):
    with servers.running(binary, requirepass=PLANTED, **QUICK) as master, servers.running(binary, **QUICK) as server:
        master.client().set("a", "1")
        wanted = follow(master, master_password=PLANTED)
        checked = run_module("redis_replication", url=server.url, _check_mode=True, _diff=True, **wanted)
        assert checked["changed"] is True, checked
        assert (role_of(server), server.client().config_get("masterauth")["masterauth"]) == ("master", "")

        changed = run_module("redis_replication", url=server.url, _diff=True, **wanted)
        assert (changed["changed"], changed["persisted"]) == (True, True), changed
        assert changed["diff"] == checked["diff"]
        assert changed["diff"]["after"] == {"replication": f"replica of 127.0.0.1:{master.port}", "masterauth": "*** (changed)"}
        assert server.client().get("a") == b"1"
        assert f"replicaof 127.0.0.1 {master.port}" in (server.folder / "redis.conf").read_text().replace("slaveof", "replicaof")

        by_name = run_module("redis_replication", url=server.url, **{**wanted, "master_host": "localhost"})
        assert (by_name["changed"], by_name["persist_reason"]) == (False, "nothing was changed")

        back = run_module("redis_replication", url=server.url, role="master")
        assert (back["changed"], back["previous"]["role"], role_of(server)) == (True, "replica", "master")
        assert run_module("redis_replication", url=server.url, role="master")["changed"] is False
        assert PLANTED not in json.dumps([checked, changed, by_name, back])


def test_data_that_the_master_lacks_is_not_thrown_away(pair, run_module):
    master, server = pair
    server.client().set("own", "1")
    for check_mode in (True, False):
        refused = run_module("redis_replication", url=server.url, _check_mode=check_mode, **follow(master))
        assert "would be wiped" in refused["msg"]
        assert "accept_data_loss" in refused["msg"]
    assert (role_of(server), server.client().get("own")) == ("master", b"1")
    taken = run_module("redis_replication", url=server.url, **follow(master, accept_data_loss=True))
    assert (taken["changed"], server.client().get("own")) == (True, None)


def test_a_server_goes_back_to_a_master_that_has_all_of_its_data(pair, run_module):
    master, server = pair
    master.client().set("a", "1")
    run_module("redis_replication", url=server.url, **follow(master))
    run_module("redis_replication", url=server.url, role="master")
    # Promoted, it has a history of its own: what it holds is not compared key by key.
    refused = run_module("redis_replication", url=server.url, **follow(master))
    assert "would be wiped" in refused["msg"]
    # The other way round there is nothing to lose: it has followed this history up to the end.
    turned = run_module("redis_replication", url=master.url, **follow(server))
    assert (turned["changed"], master.client().get("a")) == (True, b"1")


def test_nobody_follows_itself_or_its_own_replica(pair, run_module):
    master, server = pair
    run_module("redis_replication", url=server.url, **follow(master))
    assert "which follows it" in run_module("redis_replication", url=master.url, **follow(server))["msg"]
    assert "is the server itself" in run_module("redis_replication", url=master.url, **follow(master))["msg"]
    assert role_of(master) == "master"


def test_a_wrong_password_is_found_before_anything_is_changed(family_binary, run_module):
    with servers.running(family_binary, requirepass=PLANTED) as master, servers.running(family_binary) as server:
        refused = run_module("redis_replication", url=server.url, **follow(master, master_password="wrong"))
        assert "nothing was changed" in refused["msg"]
        assert (role_of(server), server.client().config_get("masterauth")["masterauth"]) == ("master", "")


def test_the_old_master_and_login_come_back_where_the_new_one_gives_no_data(family_binary, run_module):
    with servers.running(family_binary, **QUICK) as old, servers.running(family_binary, **QUICK) as server:
        run_module("redis_replication", url=server.url, **follow(old, master_user="first", master_password=""))
        # A user that may look and not replicate.
        with servers.running(family_binary) as master:
            master.client().execute_command("ACL", "SETUSER", "looker", "on", f">{PLANTED}", "+info", "+ping")
            wanted = follow(master, master_user="looker", master_password=PLANTED, wait_timeout=2)
            failed = run_module("redis_replication", url=server.url, **wanted)
        assert f"is no replica of 127.0.0.1:{master.port} in step: after 2 s" in failed["msg"]
        assert f"it is replica of 127.0.0.1:{old.port} again" in failed["msg"]
        section = server.client().info("replication")
        assert (section["role"], section["master_port"]) == ("slave", old.port)
        assert server.client().config_get("masteruser")["masteruser"] == "first"


def test_what_sentinel_watches_is_left_to_it(family_binary, run_module):
    with sentinels.watched(family_binary, replicas=1, sentinels=1) as group, servers.running(family_binary, **QUICK) as other:
        replica = group.replicas[0]
        refused = run_module("redis_replication", url=replica.url, **follow(other))
        assert "is watched by Sentinel (127.0.0.1)" in refused["msg"]
        assert run_module("redis_replication", url=replica.url, **follow(group.master))["changed"] is False
        address = f"127.0.0.1:{group.sentinels[0].port}"
        told = run_module("redis_replication", url=replica.url, role="master", ask_sentinels=[address])
        assert address in told["msg"]
        accepted = run_module("redis_replication", url=replica.url, role="master", sentinel_watched="accept", _check_mode=True)
        assert accepted["changed"] is True


def test_a_node_of_a_cluster_is_refused(family_binary, run_module):
    with servers.running(family_binary, cluster_enabled="yes") as node:
        assert "CLUSTER REPLICATE" in run_module("redis_replication", url=node.url, role="master")["msg"]


def test_a_server_without_a_configuration_file_says_that_it_forgets(family_binary, run_module):
    with servers.running(family_binary, **QUICK) as master, servers.running(family_binary, config_file=False) as server:
        result = run_module("redis_replication", url=server.url, **follow(master))
        assert (result["changed"], result["persisted"]) == (True, False)
        assert "without a configuration file" in result["persist_reason"]


def test_over_tls(run_module, tmp_path):
    binary = servers.matrix()[servers.SYSTEM[0]]
    if binary is None:
        pytest.skip("no server with TLS on this machine")
    authority = Authority(tmp_path)
    files = authority.issue("server")
    tls = {
        "port": 0, "tls_cert_file": files.certificate, "tls_key_file": files.key, "tls_ca_cert_file": authority.file,
        "tls_replication": "yes", "tls_auth_clients": "no", **QUICK,
    }  # fmt: skip
    ports = servers.free_port(), servers.free_port()
    with servers.running(binary, wait=False, tls_port=ports[0], **tls), servers.running(binary, wait=False, tls_port=ports[1], **tls):
        way = {"url": f"rediss://127.0.0.1:{ports[1]}", "ca_certs": str(authority.file)}
        run_module("redis_wait", **way)
        result = run_module("redis_replication", role="replica", master_host="127.0.0.1", master_port=ports[0], wait_timeout=20, **way)
        assert (result["changed"], result.get("msg")) == (True, None)
