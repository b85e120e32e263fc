# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What restore plans, for snapshots of real servers; what differs from the snapshot stands in each case."""

from __future__ import annotations

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._plans import every

from tests.unit.test_plan_service import HOST, load

MASTER = "healthy/master-redis-7.0"
ALONE = {
    "clients.sentinels": 0,
    "info.replication.connected_slaves": 0,
    "info.keyspace": {},
    "info.persistence.aof_enabled": 0,
    "host": None,
}
KEYS = {"info.keyspace": {"db0": {"keys": 3, "expires": 0}, "db9": {"keys": 2, "expires": 0}}}
FAR = {"server.local": False}
FOUND = {"backup": {"file": "20261123T000000Z.rdb"}, "path": "/b/x.rdb", "sentence": "cache1/20261123T000000Z.rdb: 7 keys"}
TESTED = {"counted": {"db0": {"keys": 7, "expires": 2}}}
OF_LOOPBACK = {"role": "slave", "master_host": "127.0.0.1", "master_port": 1}
ACCEPT = {"accept_data_loss": True}


def plan(changes=None, **options):
    whole = {"found": FOUND, "tested": TESTED, "backup": True, "address": "", **options}
    return every.plan("restore", load(MASTER, {**ALONE, **(changes or {})}), whole)


def test_into_an_empty_server():
    found = plan()
    assert (found["refused"], found["backs_up"], found["address"]) == ([], False, "127.0.0.1")
    assert found["steps"][0].endswith("7 keys in place of 0")
    assert found["steps"][-1].startswith("2 of its keys have a TTL")


def test_what_is_there_is_told_and_kept_first():
    found = plan(KEYS, **ACCEPT)
    assert found["steps"][0] == "take a backup of what is there now: 5 keys (db0: 3, db9: 2)"
    assert found["backs_up"]
    assert not plan(KEYS, **ACCEPT, backup=False)["backs_up"]


def test_what_else_happens_is_told():
    steps = " ".join(plan({"info.replication.connected_slaves": 2, "info.persistence.aof_enabled": 1})["steps"])
    assert "its 2 replicas synchronise anew" in steps
    assert "its append-only file is written anew" in steps


@pytest.mark.parametrize(
    ("changes", "temporary"),
    [
        ({"auth": {"masterauth_set": False}}, {"masterauth": ""}),
        ({"auth": {"masterauth_set": True}}, {}),
        ({"auth": {"masterauth_set": True}, "config.tls-replication": "yes"}, {"tls-replication": "yes"}),
    ],
)
def test_what_is_set_for_a_while_is_known_before(changes, temporary):
    assert plan(changes)["temporary"] == temporary


@pytest.mark.parametrize(
    ("changes", "options", "words"),
    [
        (KEYS, {}, "it holds 5 keys (db0: 3, db9: 2), which would be replaced: to accept that: redis_restore_accept_data_loss=true"),
        ({"info.memory.number_of_functions": 1}, {}, "it holds 1 functions"),
        ({"availability.state": "loading"}, ACCEPT, "its state is loading"),
        ({"info.cluster": {"cluster_enabled": 1}}, ACCEPT, "a node of a cluster"),
        ({"info.replication": {"role": "slave", "master_host": "m", "master_port": 1}}, ACCEPT, "it is a replica: restore its master m:1"),
        ({"info.replication": {**OF_LOOPBACK, "master_link_status": "up"}}, ACCEPT, "it is a replica: restore its master 127.0.0.1:1"),
        ({"info.replication": {**OF_LOOPBACK, "master_link_status": "down"}}, ACCEPT, "a restore that was killed, make it a master again"),
        ({"clients.sentinels": 3}, ACCEPT, "SENTINEL REMOVE NAME on each"),
        (FAR, ACCEPT, "redis_restore_address"),
        ({**HOST, "host.container": {"name": "cache", "engine": "docker"}}, ACCEPT, "it runs in the container cache"),
        ({}, {"found": {"msg": "there is no backup in /b"}, "tested": {}}, "there is no backup in /b"),
        ({}, {"tested": {"msg": "the backup is not what its manifest says"}}, "the backup is not what its manifest says"),
        ({}, {"tested": {}}, "was not tested"),
    ],
)
def test_it_is_refused(changes, options, words):
    found = plan(changes, **options)
    assert any(words in text for text in found["refused"]), found["refused"]
    assert found["steps"] == []


@pytest.mark.parametrize("changes", [FAR, {**HOST, "host.container": {"name": "cache", "engine": "docker"}}])
def test_with_an_address_it_may_be_anywhere(changes):
    assert plan(changes, address="10.0.0.9")["refused"] == []
    assert plan(changes, address="10.0.0.9")["address"] == "10.0.0.9"
