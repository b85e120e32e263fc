# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_sentinel_move: a Sentinel that names a replica watches the true master, or what it watched before."""

from __future__ import annotations

import contextlib

import pytest

from tests.lab import sentinels, servers
from tests.lab.scenarios.scenario import pair
from tests.lab.sentinels import NAME, PATIENCE, master_of
from tests.lab.servers import wait_for

PASSWORD = "planted-password-72"
KEPT = ("quorum", "down-after-milliseconds", "failover-timeout", "parallel-syncs")


@pytest.fixture
def place(family_binary):
    """(master, replica, two Sentinels that watch the replica)."""
    with pair(family_binary, requirepass=PASSWORD, masterauth=PASSWORD) as (master, replica), contextlib.ExitStack() as stack:
        lines = f"parallel-syncs {NAME} 3"
        guards = [stack.enter_context(sentinels.sentinel(family_binary, replica, 2, lines)) for dummy in range(2)]
        wait_for(lambda: all(master_of(guard)["num-other-sentinels"] == "1" for guard in guards), "the Sentinels to meet", PATIENCE)
        long = 2 * sentinels.DOWN_AFTER_MS
        wait_for(lambda: all(sentinels.says_replica_for(guard) > long for guard in guards), "the Sentinels to see a replica", PATIENCE)
        yield master, replica, guards


def settings(guard):
    return {name: master_of(guard)[name] for name in KEPT}


def port(guard):
    return int(master_of(guard)["port"])


def test_one_after_the_other_watches_the_true_master(place, run_module):
    master, replica, guards = place
    for guard in guards:
        options = {"url": guard.url, "master_name": NAME, "host": "127.0.0.1", "port": master.port, "keep_sentinels": 1}
        before = settings(guard)
        assert run_module("redis_sentinel_move", _check_mode=True, **options)["changed"]
        assert port(guard) == replica.port
        done = run_module("redis_sentinel_move", **options)
        assert done.get("changed"), done
        assert (port(guard), settings(guard)) == (master.port, before)
        assert f"auth-pass {NAME} {PASSWORD}" in (guard.folder / "redis.conf").read_text().replace('"', "")
        assert run_module("redis_sentinel_move", **options)["changed"] is False
    assert master.client().info("replication")["role"] == "master"


def test_what_it_watched_comes_back(place, run_module):
    master, replica, (guard, dummy) = place
    options = {"url": guard.url, "master_name": NAME, "host": "127.0.0.1", "port": master.port, "keep_sentinels": 2, "wait_timeout": 5}
    before = settings(guard)
    failed = run_module("redis_sentinel_move", **options)
    assert f"it watches 127.0.0.1:{replica.port} as before" in failed["msg"]
    assert (port(guard), settings(guard)) == (replica.port, before)
    assert f"auth-pass {NAME} {PASSWORD}" in (guard.folder / "redis.conf").read_text().replace('"', "")
    wait_for(lambda: master_of(guard)["role-reported"] == "slave", "the login to be back", PATIENCE)


def test_it_stays_where_anything_speaks_against_it(place, family_binary, run_module):
    master, replica, (guard, dummy) = place
    options = {"url": guard.url, "master_name": NAME, "host": "127.0.0.1"}
    with servers.running(family_binary, requirepass="another") as stranger:
        assert "does not open the new master" in run_module("redis_sentinel_move", port=stranger.port, **options)["msg"]
    with servers.running(family_binary, replicaof=f"127.0.0.1 {master.port}", requirepass=PASSWORD, masterauth=PASSWORD) as other:
        assert "says that it is no master" in run_module("redis_sentinel_move", port=other.port, **options)["msg"]
    with sentinels.sentinel(family_binary, master, 1) as right:
        wait_for(lambda: master_of(right)["role-reported"] == "master", "the Sentinel to see a master", PATIENCE)
        well = run_module("redis_sentinel_move", **{**options, "url": right.url, "port": replica.port})
        assert "goes on watching it" in well["msg"]
    assert port(guard) == replica.port
