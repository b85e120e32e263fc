# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_flush on every server of the matrix: what it names is gone, and nothing else is, whoever writes meanwhile."""

from __future__ import annotations

import pytest

from tests.lab import servers
from tests.lab.scenarios.scenario import fill, pair
from tests.lab.writer import lost, writer

BY_PATTERN = {"by": "pattern", "pattern": "session:*", "db": 0, "most_keys": 100_000}


def test_under_load_it_loses_nothing_but_what_it_named(server, run_module):
    fill(server, 20_000, 20, prefix="session:")
    fill(server, 20_000, 20, prefix="cart:")
    client = server.client()
    client.set(b"session:\xff\r\n", "1")
    client.set("Session:1", "1")
    with writer(server) as acknowledged:
        servers.wait_for(lambda: len(acknowledged) > 100, "the writer to write")
        done = run_module("redis_flush", url=server.url, **BY_PATTERN)
    assert (done["deleted"], done["stopped_because"]) == (20_001, "end"), done
    assert lost(server, acknowledged) == []
    assert next(client.scan_iter("session:*", count=50_000), None) is None
    assert client.exists("Session:1") == 1
    assert sum(1 for dummy in client.scan_iter("cart:*", count=5_000)) == 20_000
    assert done["latency"]["busy"]["samples"] > 0
    again = run_module("redis_flush", url=server.url, **BY_PATTERN)
    assert (again["changed"], again["deleted"]) == (False, 0)


def test_check_mode_deletes_nothing(family_binary, run_module):
    with servers.running(family_binary) as server:
        fill(server, 100, 20, prefix="session:")
        looked = run_module("redis_flush", url=server.url, _check_mode=True, **BY_PATTERN)
        assert (looked["changed"], looked["deleted"], server.client().dbsize()) == (True, 0, 100)
        other = run_module("redis_flush", url=server.url, _check_mode=True, **{**BY_PATTERN, "pattern": "none:*"})
        assert other["changed"] is False


def test_it_stops_before_more_is_gone_than_anybody_knew(family_binary, run_module):
    with servers.running(family_binary) as server:
        fill(server, 1_000, 20, prefix="session:")
        done = run_module("redis_flush", url=server.url, **{**BY_PATTERN, "most_keys": 500})
        assert done["stopped_because"] == "most_keys"
        assert 0 < done["deleted"] <= 500
        assert server.client().dbsize() == 1_000 - done["deleted"]


def test_one_database_goes_and_the_others_stay(server, run_module):
    for db in (0, 3):
        server.client(db=db).mset({"a": 1, "b": 2})
    refused = run_module("redis_flush", url=server.url, by="db", db=3, most_keys=1)
    assert "db3 of" in refused["msg"]
    looked = run_module("redis_flush", url=server.url, by="db", db=3, most_keys=2, _check_mode=True)
    assert (looked["changed"], server.client(db=3).dbsize()) == (True, 2)
    done = run_module("redis_flush", url=server.url, by="db", db=3, most_keys=2)
    assert (done["changed"], done["deleted"]) == (True, 2)
    assert (server.client(db=3).dbsize(), server.client().dbsize()) == (0, 2)
    again = run_module("redis_flush", url=server.url, by="db", db=3, most_keys=2)
    assert again["changed"] is False


def test_a_replica_is_refused(family_binary, run_module):
    with pair(family_binary) as (master, replica):
        master.client().set("session:1", "1")
        assert "flush its master" in run_module("redis_flush", url=replica.url, **BY_PATTERN)["msg"]


def test_a_user_who_may_not_delete(family_binary, run_module):
    with servers.running(family_binary) as server:
        server.client().set("session:1", "1")
        server.client().execute_command("ACL", "SETUSER", "app", "on", ">secret", "~*", "+@all", "-unlink")
        done = run_module("redis_flush", url=server.url, login_user="app", login_password="secret", **BY_PATTERN)
        assert (done["stopped_because"], done["deleted"], server.client().dbsize()) == ("refused", 0, 1)
        assert "UNLINK" in done["error"].upper()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"pattern": "*"}, "stands for every key"),
        ({"pattern": "?*"}, "stands for every key"),
        ({"pattern": ""}, "is empty"),
        ({"by": "db"}, "leave one of them out"),
        ({"most_keys": -1}, "most_keys"),
        ({"seconds": 0}, "seconds"),
    ],
)
def test_what_cannot_be_meant(run_module, options, words):
    assert words in run_module("redis_flush", url="redis://127.0.0.1:1", **{**BY_PATTERN, **options})["msg"]
