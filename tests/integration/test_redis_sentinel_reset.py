# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_sentinel_reset: who is gone is forgotten, and nothing is where that would harm."""

from __future__ import annotations

import pytest

from tests.lab import sentinels
from tests.lab.sentinels import NAME, PATIENCE, master_of
from tests.lab.servers import wait_for


@pytest.fixture
def watched(family_binary):
    with sentinels.watched(family_binary, replicas=1, sentinels=3) as group:
        yield group


def misses(guard, kind, number):
    rows = map(sentinels.flat, guard.client().execute_command("SENTINEL", kind, NAME))
    return sum("s_down" in row["flags"] for row in rows) == number


def test_who_is_gone_is_forgotten_and_the_others_are_found_again(watched, run_module):
    first, second, third = watched.sentinels
    keep = {"url": first.url, "master_name": NAME, "keep_sentinels": 1, "keep_replicas": 1}
    quiet = run_module("redis_sentinel_reset", **keep)
    assert (quiet["changed"], quiet["forgotten"]) == (False, [])
    third.stop()
    wait_for(lambda: misses(first, "SENTINELS", 1), "the first Sentinel to miss the third", PATIENCE)
    planned = run_module("redis_sentinel_reset", _check_mode=True, **keep)
    assert (planned["changed"], planned["forgotten"]) == (True, [f"127.0.0.1:{third.port}"])
    assert master_of(first)["num-other-sentinels"] == "2"
    refused = run_module("redis_sentinel_reset", **{**keep, "keep_sentinels": 2})
    assert "reaches 1 other Sentinels of mymaster, not 2" in refused["msg"]
    done = run_module("redis_sentinel_reset", **keep)
    assert done["changed"], done
    assert (master_of(first)["num-other-sentinels"], master_of(first)["num-slaves"]) == ("1", "1")
    assert run_module("redis_sentinel_reset", **keep)["changed"] is False
    # A Sentinel that does not reach the master would not find its replicas again. No failover ends that meanwhile.
    for guard in (first, second):
        guard.client().execute_command("SENTINEL", "SET", NAME, "quorum", 3)
    watched.master.pause()
    wait_for(lambda: "s_down" in master_of(second)["flags"], "the second Sentinel to miss the master", PATIENCE)
    harmful = run_module("redis_sentinel_reset", **{**keep, "url": second.url})
    assert harmful["failed"]
    assert "mend the master first" in harmful["msg"]


def test_the_old_master_is_not_forgotten_while_the_new_one_has_no_replica(watched, run_module):
    first, dummy, third = watched.sentinels
    third.stop()
    wait_for(lambda: misses(first, "SENTINELS", 1), "the first Sentinel to miss the third", PATIENCE)
    watched.master.pause()
    wait_for(lambda: master_of(first)["port"] == str(watched.replicas[0].port), "the failover", PATIENCE)
    # Of a replica that was just heard of, a Sentinel knows neither that it is there nor that it is gone: for half a minute here.
    first.client().execute_command("SENTINEL", "SET", NAME, "down-after-milliseconds", 30_000)
    wait_for(lambda: master_of(first)["flags"] == "master", "the end of the failover", PATIENCE)
    refused = run_module("redis_sentinel_reset", url=first.url, master_name=NAME, keep_replicas=1)
    assert refused["failed"], refused
    assert f"reaches 0 replicas of {NAME}, not 1" in refused["msg"]
    assert [sentinels.flat(row)["port"] for row in first.client().execute_command("SENTINEL", "REPLICAS", NAME)] == [
        str(watched.master.port)
    ]


def test_a_master_that_it_does_not_watch_is_an_error(watched, run_module):
    result = run_module("redis_sentinel_reset", url=watched.sentinels[0].url, master_name="other")
    assert "No such master" in result["msg"]
