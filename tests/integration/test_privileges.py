# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The users that the collection logs in as, on every server of the matrix: nothing that they need is denied, nothing else is granted."""

from __future__ import annotations

import pytest
from ansible_collections.aragora.redis.plugins.module_utils import _privileges

from tests.incidents import users
from tests.lab import clusters, sentinels, servers
from tests.lab.scenarios.scenario import pair
from tests.lab.servers import wait_for

PASSWORD = "Sesame-7391"
# What only the replica of a cluster, a server that a function keeps busy, and one that Sentinels watch is asked for; the contract test
# finds it in the code.
RARE = {"readonly", "function|stats", "role"}


def release_of(server):
    info = server.client().info("server")
    product = "valkey" if "valkey_version" in info else "redis"
    major, minor, *dummy = str(info.get("valkey_version", info["redis_version"])).split(".")
    return product, (int(major), int(minor))


def declared(run_module, server, user, actions=None):
    """The way to the server as a user whose rules are those of the table."""
    rules = _privileges.rules(user, *release_of(server), actions)
    made = run_module("redis_acl", url=server.url, name=user, rules=rules, passwords=[PASSWORD])
    assert not made.get("failed"), made
    again = run_module("redis_acl", url=server.url, name=user, rules=rules, passwords=[PASSWORD])
    assert not again["changed"], "the server understands the rules as the table means them"
    return {"url": server.url, "login_user": user, "login_password": PASSWORD}


def used(server):
    """What was called since the statistics were reset, as ACL rules write it."""
    return {name.removeprefix("cmdstat_") for name in server.client().info("commandstats")}


def denied(server):
    """What was refused, and to whom."""
    return [(entry["object"], entry["username"]) for entry in server.client(decode_responses=True).acl_log()]


@pytest.fixture
def filled(binary):
    """A server with a key of each type, and a node of a cluster."""
    with servers.running(binary, cluster_enabled="yes") as node, servers.running(binary) as server:
        client = server.client()
        client.set("text:1", "x")
        client.hset("hash:1", "a", 1)
        client.rpush("list:1", "a")
        client.sadd("set:1", "a")
        client.zadd("zset:1", {"a": 1})
        client.xadd("stream:1", {"a": 1})
        client.config_set("latency-monitor-threshold", 1)
        client.execute_command("EVAL", "local n = 0; for i = 1, 3000000 do n = n + i end; return n", 0)
        client.config_resetstat()
        yield server, node


def test_all_that_reads_works_as_ops_diagnose_and_uses_all_that_it_may(filled, run_module):
    server, node = filled
    way = declared(run_module, server, "ops_diagnose")
    server.client().config_resetstat()
    snapshot = run_module("redis_info", **way, window=0.1, gather_subset=["all", "keyspace"])["snapshot"]
    assert snapshot["denied"] == {}
    assert snapshot["keyspace"]["keys_read"] == 6
    assert snapshot["acl"]["whoami"] == "ops_diagnose"
    for name in ("redis_slowlog", "redis_latency", "redis_client_info", "redis_wait", "redis_keyspace"):
        result = run_module(name, **way)
        assert not result.get("failed"), result
        assert "NOPERM" not in str(result.get("denied")), result
    beside = declared(run_module, node, "ops_diagnose")
    assert run_module("redis_info", **beside, window=0)["snapshot"]["denied"] == {}
    assert not run_module("redis_cluster_info", **beside).get("failed")
    assert denied(server) + denied(node) == []
    told = used(server) | used(node)
    granted = {rule[1:] for rule in _privileges.rules("ops_diagnose", *release_of(server)) if rule.startswith("+")}
    if release_of(server)[0] == "redis" and release_of(server)[1] < (7, 0):
        granted = {name.partition("|")[0] for name in granted}
    assert granted - told - RARE == set()


@pytest.mark.parametrize("call", [("SET", "a", "b"), ("GET", "text:1"), ("CONFIG", "SET", "timeout", "1"), ("ACL", "LIST"), ("KEYS", "*")])
def test_ops_diagnose_changes_nothing_and_reads_no_value(family_binary, run_module, call):
    with servers.running(family_binary) as server:
        declared(run_module, server, "ops_diagnose")
        with pytest.raises(Exception, match="permissions"):
            server.client(username="ops_diagnose", password=PASSWORD).execute_command(*call)


@pytest.mark.parametrize("call", [("SET", "a", "b"), ("GET", "text:1"), ("FLUSHALL",), ("KEYS", "*"), ("SCAN", "0"), ("SHUTDOWN",)])
def test_ops_remediate_touches_no_key_but_the_canary(family_binary, run_module, call):
    with servers.running(family_binary) as server:
        way = declared(run_module, server, "ops_remediate")
        assert not run_module("redis_wait", **way, role="master", canary=True).get("failed")
        assert denied(server) == []
        with pytest.raises(Exception, match="permissions"):
            server.client(username="ops_remediate", password=PASSWORD).execute_command(*call)


AS_REMEDIATE = {"login_user": "ops_remediate", "login_password": users.PASSWORD}


def test_a_switchover_needs_no_more_than_its_action_is_granted(binary, run_module):
    with users.standing("failover"), pair(binary) as (master, replica):
        options = {"url": replica.url, "candidate": f"127.0.0.1:{replica.port}", "patience": 10, **AS_REMEDIATE}
        wait_for(lambda: not run_module("redis_failover", _check_mode=True, **options)["refused"], "nothing to speak against it")
        done = run_module("redis_failover", **options)
        assert done.get("mode") == "plain", done
        assert denied(master) + denied(replica) == []


def test_a_switchover_under_sentinel_needs_no_more_either(family_binary, run_module):
    with users.standing("failover"), sentinels.watched(family_binary) as group:
        way = {"sentinels": [f"127.0.0.1:{group.sentinels[0].port}"], "service_name": sentinels.NAME}
        done = run_module("redis_failover", **way, cooldown=0, patience=10, **AS_REMEDIATE)
        assert done.get("changed"), done
        assert [entry for server in (group.master, *group.replicas) for entry in denied(server)] == []


def test_a_switchover_in_a_cluster_needs_no_more_either(family_binary, run_module):
    with users.standing("failover"), clusters.clustered(family_binary) as cluster:
        done = run_module("redis_failover", url=cluster.masters[0].url, **AS_REMEDIATE)
        assert done.get("mode") == "cluster", done
        assert denied(cluster.masters[0]) + denied(cluster.replicas[0][0]) == []
