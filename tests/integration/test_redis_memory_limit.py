# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_memory_limit on every server of the matrix: in steps, watched, bounded, and back where it fails."""

from __future__ import annotations

import pytest

from tests.lab import servers
from tests.lab.scenarios.scenario import fill
from tests.lab.writer import lost, writer

MIB = 1024 * 1024
GENTLE = {"window": 0.1, "max_added_latency": 5_000}


@pytest.fixture
def cache(binary):
    """A cache with some 25 MiB of data."""
    with servers.running(binary, maxmemory="64mb", maxmemory_policy="allkeys-lru") as server:
        fill(server, 20_000, 1000)
        yield server


def limit(server):
    return int(server.client().config_get("maxmemory")["maxmemory"])


def test_it_is_lowered_in_steps_and_once(cache, run_module):
    options = {"url": cache.url, "maxmemory": "12mb", "accept_eviction": True, "persist": "rewrite", **GENTLE}
    looked = run_module("redis_memory_limit", _check_mode=True, **options)
    assert (looked["changed"], looked["maxmemory"], limit(cache)) == (True, 12 * MIB, 64 * MIB)
    first = run_module("redis_memory_limit", _diff=True, **options)
    assert first["diff"] == {"before": {"maxmemory": 64 * MIB}, "after": {"maxmemory": 12 * MIB}}
    assert (first["reached"], first["previous"], limit(cache)) == (True, {"maxmemory": str(64 * MIB)}, 12 * MIB)
    limits = [step["maxmemory"] for step in first["steps"]]
    assert limits == sorted(limits, reverse=True)
    assert 4 <= len(limits) <= 12, limits
    assert all(before - after <= 3 * MIB for before, after in zip(limits, limits[1:]))
    # It is full: who looks at it costs it a few keys more.
    assert 0 <= cache.client().info("stats")["evicted_keys"] - first["evicted"] < 200 < first["evicted"]
    assert "maxmemory 12mb" in (cache.folder / "redis.conf").read_text()
    again = run_module("redis_memory_limit", **options)
    assert (again["changed"], again["previous"], again["steps"]) == (False, {}, [])
    back = run_module("redis_memory_limit", url=cache.url, maxmemory="64mb")
    assert (back["changed"], back["reached"], limit(cache)) == (True, True, 64 * MIB)


def test_what_leaves_room_is_one_step_and_costs_nothing(cache, run_module):
    result = run_module("redis_memory_limit", url=cache.url, maxmemory="48mb", **GENTLE)
    assert (result["reached"], len(result["steps"]), result["evicted"]) == (True, 1, 0)
    assert result["persist_reason"] == "persist is none"


def test_a_loss_that_nobody_has_accepted_is_refused(cache, run_module):
    result = run_module("redis_memory_limit", url=cache.url, maxmemory="12mb")
    assert "so keys would be evicted" in result["msg"]
    cache.client().config_set("maxmemory-policy", "noeviction")
    result = run_module("redis_memory_limit", url=cache.url, maxmemory="12mb", accept_eviction=True)
    assert "under noeviction writes would be refused" in result["msg"]
    assert limit(cache) == 64 * MIB


def test_it_stops_at_the_keys_that_were_announced(cache, run_module):
    options = {"maxmemory": "5mb", "accept_eviction": True, "most_evicted": 4_000, **GENTLE}
    result = run_module("redis_memory_limit", url=cache.url, **options)
    assert (result["reached"], result["changed"]) == (False, True)
    assert "more than the 4,000 that were announced" in result["sentence"]
    assert 5 * MIB < limit(cache) == result["maxmemory"] < 64 * MIB
    assert cache.client().set("one more", "x")


def test_it_stops_where_nothing_more_can_be_evicted(cache, run_module):
    cache.client().config_set("maxmemory-policy", "volatile-lru")
    result = run_module("redis_memory_limit", url=cache.url, maxmemory="12mb", accept_eviction=True, **GENTLE)
    assert (result["reached"], result["evicted"]) == (False, 0)
    assert "nothing more can be evicted" in result["sentence"]
    assert limit(cache) == 64 * MIB, "the limit that held"
    assert cache.client().set("one more", "x")


def test_it_stops_where_clients_feel_it(family_binary, run_module):
    with servers.running(family_binary, maxmemory="64mb", maxmemory_policy="allkeys-lru") as server:
        fill(server, 20_000, 1000)
        # Somebody else keeps the server busy from the second step on, for half of the time.
        busy = server.client()
        script = "local n = 0; for i=1,8e6 do n = n + i end; return n"
        options = {"maxmemory": "12mb", "accept_eviction": True, "window": 0.3, "max_added_latency": 20}

        def hold():
            if limit(server) < 64 * MIB:
                busy.eval(script, 0)

        result = run_module("redis_memory_limit", _while=hold, url=server.url, **options)
        assert "because PING took" in result["sentence"]
        assert (result["reached"], limit(server)) == (False, result["maxmemory"])
        assert server.client().set("one more", "x")


def test_it_stops_when_the_time_is_over(cache, run_module):
    result = run_module(
        "redis_memory_limit", url=cache.url, maxmemory="5mb", accept_eviction=True, seconds=1, window=0.4, max_added_latency=5000
    )
    assert not result["reached"]
    assert "after 1 s" in result["sentence"] or "stay in use" in result["sentence"]
    assert 5 * MIB < limit(cache) == result["maxmemory"]


def test_a_file_that_cannot_be_written_puts_the_old_limit_back(cache, run_module):
    (cache.folder / "redis.conf").unlink()
    (cache.folder / "redis.conf").mkdir()
    result = run_module("redis_memory_limit", url=cache.url, maxmemory="48mb", persist="rewrite", **GENTLE)
    assert result["failed"]
    assert ("the old limit is back" in result["msg"], limit(cache)) == (True, 64 * MIB)


def test_no_acknowledged_write_is_lost_beyond_those_that_were_evicted(family_binary, run_module):
    with servers.running(family_binary, maxmemory="64mb", maxmemory_policy="allkeys-lru") as server:
        fill(server, 20_000, 1000)
        with writer(server) as acknowledged:
            servers.wait_for(lambda: len(acknowledged) > 500, "the writer to write")
            result = run_module("redis_memory_limit", url=server.url, maxmemory="14mb", accept_eviction=True, most_evicted=20_000, **GENTLE)
        assert result["reached"], result["sentence"]
        assert len(acknowledged) > 1_000
        evicted = server.client().info("stats")["evicted_keys"]
        survivors = server.client().dbsize()
        assert survivors + evicted == 20_000 + len(acknowledged), "every key is there, or was counted as evicted"
        assert len(lost(server, acknowledged)) <= evicted


@pytest.mark.parametrize(
    ("option", "value"), [("maxmemory", "much"), ("step_percent", 0), ("window", 0), ("seconds", 1e6), ("max_added_latency", -1)]
)
def test_options_that_cannot_be_meant_are_named(run_module, option, value):
    result = run_module("redis_memory_limit", **{"url": "redis://127.0.0.1:1", "maxmemory": "1gb", option: value})
    assert option in result["msg"]
