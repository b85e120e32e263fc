# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which member of a group is its master."""

from __future__ import annotations

import pytest
from ansible_collections.aragora.redis.plugins.module_utils import _group_master

NUMBERS = {"one": 1, "two": 2, "three": 3}


def member(name, follows=None, *, replicas=0, keys=0, state="up", watches=None, run_id=None):
    """A member as the role sees it; ``follows`` is a member's name, ``watches`` the address that its Sentinel names."""
    replication = {"role": "slave", "master_host": address(follows), "master_port": 6379} if follows else {"role": "master"}
    info = {
        "server": {"run_id": run_id or name},
        "replication": {**replication, "connected_slaves": replicas},
        "keyspace": {"db0": {"keys": keys}} if keys else {},
    }
    masters = [{"name": "mymaster", "ip": watches, "port": 6379, "runid": "one-before"}]
    return {
        "name": name,
        "address": address(name),
        "port": 6379,
        "server": {"availability": {"state": state}, "info": info if state == "up" else None},
        "sentinel": {"sentinel": {"masters": masters}} if watches else None,
    }


def address(name):
    return f"10.0.0.{NUMBERS.get(name, 9)}"


@pytest.mark.parametrize(
    ("members", "initial", "expected"),
    [
        # Nothing replicates yet.
        ([member("one"), member("two")], "", "one"),
        ([member("one"), member("two")], "two", "two"),
        ([member("one"), member("two")], "four", "is none of the servers"),
        ([member("one"), member("two", keys=5)], "", "two"),
        ([member("one", keys=5), member("two", keys=5)], "", "one, two hold data"),
        ([member("one", keys=5), member("two", keys=5)], "two", "two"),
        ([member("one", state="refused"), member("two", state="refused")], "", "one"),
        # One server under two names, by its address or by its run id.
        ([member("one"), {**member("two"), "address": "10.0.0.1"}], "", "one and two are one server (10.0.0.1:6379)"),
        ([member("one", keys=5), member("two", keys=5, run_id="one")], "one", "one and two are one server (10.0.0.1:6379)"),
        # A group without Sentinels: what was asked for at first does not count any more.
        ([member("one", "two"), member("two", replicas=1)], "one", "two"),
        ([member("one", replicas=1), member("two", replicas=1)], "", "two masters"),
        ([member("one", state="refused"), member("two", "one")], "", "one is the master (the others follow it) and cannot be used"),
        ([member("one"), member("two", "nobody")], "", "follow 10.0.0.9:6379, which is none of the hosts"),
        # Sentinels know better than a master that has just come back.
        ([member("one", watches="10.0.0.2"), member("two", replicas=1, watches="10.0.0.2")], "one", "two"),
        ([member("one", watches="10.0.0.1"), member("two", "one", watches="10.0.0.2")], "", "different masters"),
        ([member("one", watches="10.0.0.9"), member("two")], "", "name 10.0.0.9:6379 as the master"),
        ([member("one", watches="10.0.0.9", run_id="one-before"), member("two")], "", "one"),
        ([member("one", state="refused", watches="10.0.0.1"), member("two", "one")], "", "wait for the failover"),
        # The package's own file says nothing.
        ([member("one", watches="127.0.0.1"), member("two", replicas=1)], "", "two"),
    ],
)
def test_who_is_the_master(members, initial, expected):
    found = _group_master.choose(members, "mymaster", initial)
    if expected in NUMBERS:
        assert (found["master"], found["address"], found["refused"]) == (expected, address(expected), [])
    else:
        assert expected in found["refused"][0]


def test_sentinels_on_hosts_of_their_own_are_asked_too():
    guard = {**member("guard", watches="10.0.0.2"), "server": None}
    assert _group_master.choose([member("one"), member("two"), guard], "mymaster", "")["master"] == "two"
