# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What migrate_to_sentinel, add_replica and remove_replica would do, and what they refuse."""

from __future__ import annotations

import pytest
from ansible_collections.aragora.redis.plugins.module_utils import _group_master
from ansible_collections.aragora.redis.plugins.module_utils._plans import every

ADDRESSES = {"one": "10.0.0.1", "two": "10.0.0.2", "three": "10.0.0.3", "four": "10.0.0.4", "five": "10.0.0.5"}


def member(name, follows=None, *, keys=0, replicas=0, knows=None, down=False):
    """A member; its Sentinel watches ``one`` and knows those others, where it has one."""
    section = {"role": "slave", "master_host": ADDRESSES[follows], "master_port": 6379} if follows else {"role": "master"}
    info = {"replication": {**section, "connected_slaves": replicas}, "keyspace": {"db0": {"keys": keys}} if keys else {}}
    others = [{"ip": ADDRESSES[other], "port": 6379, "flags": ["slave"]} for other in knows or []]
    watched = {"sentinel": {"masters": [{"name": "mymaster", "ip": ADDRESSES["one"], "port": 6379, "runid": "", "replicas": others}]}}
    server = {"availability": {"state": "refused" if down else "up"}, "info": None if down else info}
    return {"name": name, "address": ADDRESSES[name], "port": 6379, "server": server, "sentinel": None if knows is None else watched}


def plan(action, *members, config=None, auth=True, **options):
    snapshot = {
        "availability": {"state": "up"},
        "info": {**members[0]["server"]["info"], "memory": {"used_memory": 10 * 1024 * 1024}},
        "config": {"port": "6379", "bind": "127.0.0.1 -::1", "tls-port": "0", **(config or {})},
        "auth": {"requirepass_set": auth},
    }
    found = _group_master.choose(members, "mymaster", "")
    given = {"members": list(members), "group": found, "name": "mymaster", "port": 6379, "tls": False, "bind": "10.0.0.1 127.0.0.1 -::1"}
    names = [row["name"] for row in members]
    return every.plan(action, snapshot, {**given, "min_replicas": 1, "sentinels": names, "leaving": "", **options})


LONE = (member("one", keys=5), member("two", down=True), member("three"))
GROUP = (
    member("one", replicas=2, knows=["two", "three"]),
    member("two", "one", knows=["two", "three"]),
    member("three", "one", knows=["two", "three"]),
)
FOUR = (member("one", replicas=3, knows=["two", "three", "four"]), *GROUP[1:], member("four", "one", knows=["two", "three"]))


def test_a_lone_master_is_not_restarted():
    found = plan("migrate_to_sentinel", *LONE)
    assert (found["refused"], found["hosts"]) == ([], ["two", "three"])
    assert found["steps"][0] == "one stays the master and is not restarted"
    assert "make two, three its replicas" in found["steps"][1]
    assert "5 keys (10.0 MiB in memory)" in found["steps"][1]


@pytest.mark.parametrize(
    ("members", "options", "expected"),
    [
        (LONE, {"auth": False}, "the master has no password"),
        (LONE, {"config": {"port": "6380"}}, "port 6380 for plain connections"),
        (LONE, {"tls": True}, "port 0 for TLS"),
        (LONE, {"config": {"bind": "10.9.9.9"}}, "listens on 10.9.9.9"),
        (LONE, {"config": {"bind": "*"}}, "listens on *"),
        ((member("one", replicas=1), member("two", "one"), member("three", keys=1)), {}, "three hold data of their own"),
        ((member("one", keys=1), member("two", keys=1), member("three")), {}, "one, two hold data"),
        ((*GROUP, member("four")), {}, "it is a group, and add_replica adds to it"),
    ],
)
def test_what_would_lock_out_clients_or_lose_data_is_refused(members, options, expected):
    found = plan("migrate_to_sentinel", *members, **options)
    assert expected in "; ".join(found["refused"])
    assert found["steps"] == []


def test_a_wider_listener_locks_nobody_out():
    assert plan("migrate_to_sentinel", *LONE, config={"bind": "10.9.9.9"}, bind="*")["refused"] == []


def test_a_group_that_is_complete_has_nothing_to_do():
    for action in ("migrate_to_sentinel", "add_replica"):
        found = plan(action, *GROUP)
        assert (found["steps"], found["refused"]) == ([], [])
        assert found["idle"]


@pytest.mark.parametrize(("history", "refused"), [("b" * 40, True), ("a" * 40, False)])
def test_a_host_that_follows_a_stranger_is_not_in_the_group(history, refused):
    stray = member("four", "five", knows=["two", "three"])
    stray["server"]["info"]["replication"]["master_replid"] = history
    own = member("one", replicas=2, knows=["two", "three"])
    own["server"]["info"]["replication"]["master_replid"] = "a" * 40
    found = plan("add_replica", own, *GROUP[1:], stray)
    assert any("four follows 10.0.0.5:6379, which is none of these hosts" in sentence for sentence in found["refused"]) is refused


def test_a_new_host_joins():
    found = plan("add_replica", *GROUP, member("four"))
    assert (found["refused"], found["hosts"]) == ([], ["four"])
    assert found["steps"][-1] == "have Sentinels on four watch it as well"
    assert "migrate_to_sentinel" in plan("add_replica", *LONE)["refused"][0]


def test_a_replica_leaves_and_is_forgotten():
    found = plan("remove_replica", *FOUR, leaving="four")
    assert found["refused"] == []
    assert "stop and disable the server on four" in found["steps"][0]
    assert found["sentinels"] == ["one"]
    gone = (FOUR[0], *GROUP[1:], member("four", down=True))
    assert plan("remove_replica", *gone, leaving="four")["steps"][0].startswith("have the Sentinels on one forget it")
    assert plan("remove_replica", *GROUP, member("four", down=True), leaving="four")["idle"]


@pytest.mark.parametrize(
    ("members", "leaving", "config", "expected"),
    [
        (FOUR, "one", {}, "fail over first"),
        (GROUP, "three", {}, "there would be 2, and a group needs 3"),
        (FOUR, "four", {"min-replicas-to-write": "3"}, "its writes would stop"),
        ((*FOUR[:3], member("four", "two", knows=[])), "two", {}, "four replicate from two"),
        (FOUR[:2], "two", {"min-replicas-to-write": "0"}, "two is the last replica"),
        ((*FOUR, {**member("five"), "server": None}), "five", {}, "five has no server of the group"),
    ],
)
def test_who_is_needed_stays(members, leaving, config, expected):
    found = plan("remove_replica", *members, leaving=leaving, config=config)
    assert expected in "; ".join(found["refused"])


def test_a_host_that_is_gone_for_good_is_known_by_its_address():
    found = plan("remove_replica", *FOUR[:3], leaving="four", leaving_address=ADDRESSES["four"])
    assert (found["refused"], found["sentinels"]) == ([], ["one"])
    assert len(found["steps"]) == 1


def test_who_leaves_has_to_be_named():
    with pytest.raises(ValueError, match="redis_sentinel_leaving is ''"):
        plan("remove_replica", *GROUP)


def test_a_sentinel_that_is_a_host_of_its_own_stays():
    guards = [{**row, "name": f"{row['name']}-guard", "server": None} for row in FOUR]
    servers = [{**row, "sentinel": None} for row in FOUR]
    found = plan("remove_replica", *servers, *guards, leaving="four", sentinels=[row["name"] for row in guards])
    assert (found["refused"], found["sentinels"]) == ([], ["one-guard", "two-guard", "three-guard"][:1])
    assert found["steps"][0] == "stop and disable the server on four; its data stays where it is"
