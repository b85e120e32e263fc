# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose turn it is in a walk over a group, who has had it, and what keeps everybody where they are."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.aragora.redis.plugins.module_utils import _valkey_config
from ansible_collections.aragora.redis.plugins.module_utils._plans import every

UNIT = {"name": "redis-server", "load_state": "loaded", "active_state": "active", "switched_off": None}
OPTIONS = {
    "young": 600,
    "max_lag_bytes": 100,
    "package": "redis-server",
    "candidate": "5:8.0.2-3",
    "asked": {"plan": ["b would become the master"]},
}


def member(role: str, **fields: Any) -> dict[str, Any]:
    replication = {"role": role, "master_link_status": "up"}
    if role == "master":
        replication = {"role": role, "master_repl_offset": 1000, "slave0": {"state": "online", "offset": 1000}}
    info = {"replication": replication, "persistence": {}, "memory": {"used_memory": 1}, "server": {"uptime_in_seconds": 5000}}
    return {
        "server": {"product": "redis", "version": "7.0.15", "mode": "standalone", "role": role}, "availability": {"state": "up"},
        "info": info, "config": {}, "denied": {}, "host": {"unit": UNIT, "disk": {"free_bytes": 10**9}}, **fields,
    }  # fmt: skip


def peers(*snapshots: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"name": name, "snapshot": snapshot} for name, snapshot in zip("abc", snapshots)]


def plan(snapshot, action="rolling_restart", group=None, **options):
    group = group or peers(member("master"), member("slave"))
    return every.plan(action, snapshot, {**OPTIONS, "peers": group, **options})


def test_a_replica_is_restarted():
    found = plan(member("slave"))
    assert (found["refused"], found["switch"], found["unit"], found["role"]) == ([], False, "redis-server", "slave")
    assert found["steps"] == ["restart (unit redis-server)", "wait until it follows its master"]


def test_a_master_hands_over_first():
    found = plan(member("master"))
    assert (found["switch"], found["steps"][0]) == (True, "b would become the master")


def test_who_was_started_has_had_its_turn():
    young = member("slave")
    young["info"]["server"]["uptime_in_seconds"] = 20
    assert "it was started 20 s ago" in plan(young)["idle"]
    assert plan(young, young=0)["steps"]


def test_nobody_grows_old_while_the_others_have_their_turns():
    first, now, master = member("slave"), member("slave"), member("master")
    for seen, seconds in ((first, 20), (now, 900)):
        seen["server"]["run_id"] = "mine"
        seen["info"]["server"]["uptime_in_seconds"] = seconds
    assert "it was started 20 s ago" in plan(now, group=peers(master, first))["idle"]


def test_who_has_the_release_has_had_its_turn():
    done = member("slave", server={"product": "redis", "version": "8.0.2", "mode": "standalone", "role": "slave"})
    assert plan(done, "rolling_upgrade")["idle"] == "nothing to do: it runs Redis 8.0.2"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"stopped": ["the walk has ended at b"]}, "the walk has ended at b"),
        ({"watched": ["they name different masters"]}, "they name different masters"),
        ({"group": peers(member("master"), member("master"))}, "2 masters are among a, b"),
        ({"group": peers(member("slave"))}, "0 masters"),
    ],
)
def test_what_keeps_everybody_where_they_are(options, said):
    found = plan(member("slave"), **options)
    assert said in found["refused"][0]
    assert found["steps"] == []


def test_a_replica_out_of_step_and_a_full_disk():
    behind, full = member("slave"), member("slave")
    behind["info"]["replication"]["master_link_status"] = "down"
    full["host"]["disk"]["free_bytes"] = 1
    full["info"]["memory"]["used_memory"] = 10**6
    refused = plan(member("slave"), group=peers(member("master"), behind, full))["refused"]
    assert [text[:2] for text in refused] == ["b:", "c:"]


def test_one_that_is_down_comes_first_and_alone():
    down = member("slave", availability={"state": "refused"}, info=None)
    down["host"] = {**down["host"], "unit": {**UNIT, "active_state": "inactive"}}
    group = peers(member("master"), down, member("slave"))
    assert plan(down, group=group)["steps"][0].startswith("start it, its turn was broken off; then restart")
    assert plan(member("slave"), group=group)["refused"] == ["b cannot be asked"]
    assert plan(member("slave"), group=group, mended=["b"])["refused"] == []


def test_a_master_that_nobody_can_follow():
    refused = plan(member("master"), asked={"refused": ["no replica can become the master"]})["refused"]
    assert refused == ["no switchover away from it: no replica can become the master"]


@pytest.mark.parametrize(
    ("version", "package", "candidate", "said"),
    [
        ("7.4.1", "valkey-server", "8.1.1+dfsg1-3+deb13u3", "a: Valkey 8.1.1 cannot read what Redis 7.4.1 writes: RDB version 12"),
        ("8.0.2", "redis-server", "5:7.0.15-1~deb12u7", "would be a downgrade"),
        ("7.0.15", "redis-server", "(none)", "apt knows no package redis-server"),
        ("7.0.15", "redis-server", "", "apt knows no package redis-server"),
    ],
)
def test_releases_that_cannot_be_had(version, package, candidate, said):
    seen = member("slave", server={"product": "redis", "version": version, "mode": "standalone", "role": "slave"})
    head = member("master", server=copy.deepcopy(seen["server"]))
    found = plan(seen, "rolling_upgrade", peers(head, seen), package=package, candidate=candidate)
    assert said in found["refused"][0]
    assert found["steps"] == []


def test_from_redis_to_valkey():
    found = plan(member("slave"), "rolling_upgrade", package="valkey-server", candidate="8.1.1+dfsg1-3+deb13u3")
    assert (found["refused"], found["product"], found["version"]) == ([], "valkey", "8.1.1")
    assert "to valkey 8.1.1" in found["steps"][0]
    seen = member("slave", config={"tls-key-file": "/etc/redis/key.pem"})
    assert "tls-key-file /etc/redis/key.pem" in plan(seen, "rolling_upgrade", package="valkey-server", candidate="8.1.1")["refused"][0]


def test_the_configuration_goes_to_the_places_of_valkey():
    redis = 'dir "/var/lib/redis"\npidfile /var/run/redis/redis-server.pid\nlogfile /var/log/redis/redis-server.log\nrequirepass "a b"\n'
    assert _valkey_config.as_valkey(redis).splitlines() == [
        "dir /var/lib/valkey", "pidfile /run/valkey/valkey-server.pid", "logfile /var/log/valkey/valkey-server.log", 'requirepass "a b"',
    ]  # fmt: skip
    own = "dir /data\n# dir /var/lib/redis\n"
    assert _valkey_config.as_valkey(own) == own
