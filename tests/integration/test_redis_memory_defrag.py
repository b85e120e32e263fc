# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_memory_defrag on every server of the matrix: for a while, within bounds, and off again."""

from __future__ import annotations

import contextlib

import pytest

from tests.lab import servers
from tests.lab.scenarios.scenario import DEFRAGMENTING, JEMALLOC, fill
from tests.lab.writer import lost, writer

MIB = 1024 * 1024
QUICK = {"window": 0.1, "max_added_latency": 5_000, "seconds": 20}


@contextlib.contextmanager
def fragmented(name):
    """A server of which every second value was deleted."""
    binary = servers.matrix()[name]
    if binary is None:
        pytest.skip(f"{name} is not on this machine")
    with servers.running(binary) as server:
        fill(server, 200_000, 200)
        client = server.client()
        for start in range(0, 200_000, 2000):
            client.delete(*[f"key:{number}" for number in range(start, start + 2000, 2)])
        if name in JEMALLOC:
            servers.wait_for(lambda: client.info("memory")["allocator_frag_bytes"] > 11 * MIB, "the server to see its fragmentation")
        yield server


def settings(server):
    return server.client().config_get("*defrag*")


@pytest.mark.parametrize("name", DEFRAGMENTING)
def test_it_tidies_up_and_is_off_again(name, run_module):
    with fragmented(name) as server, writer(server) as acknowledged:
        before = settings(server)
        looked = run_module("redis_memory_defrag", url=server.url, _check_mode=True)
        assert (looked["changed"], looked["good"], settings(server)) == (True, False, before)
        result = run_module("redis_memory_defrag", url=server.url, _diff=True, **QUICK)
        assert (result["changed"], result["good"]) == (True, True), result
        assert result["after"]["allocator_frag_bytes"] < result["before"]["allocator_frag_bytes"] - 5 * MIB
        assert settings(server) == before
        again = run_module("redis_memory_defrag", url=server.url, **QUICK)
        assert (again["changed"], "is not fragmented" in again["sentence"]) == (False, True)
        assert len(acknowledged) > 500
        assert lost(server, list(acknowledged)) == []


@pytest.mark.parametrize("name", sorted({*servers.matrix()} - {*DEFRAGMENTING}))
def test_a_build_that_cannot_is_told_and_left_as_it_was(name, run_module):
    with fragmented(name) as server:
        before = settings(server)
        result = run_module("redis_memory_defrag", url=server.url, **QUICK)
        assert (result["changed"], result["supported"], settings(server)) == (False, False, before)
        assert "annot defragment" in result["sentence"]


@pytest.mark.parametrize("name", DEFRAGMENTING)
def test_clients_that_wait_for_it_have_it_do_less_and_then_stop(name, run_module):
    with fragmented(name) as server:
        before = settings(server)
        busy = server.client()

        def hold():
            if busy.config_get("activedefrag")["activedefrag"] == "yes":
                # It must not be done before anybody has felt it.
                busy.config_set("active-defrag-ignore-bytes", 1024 * MIB)
                busy.eval("local n = 0; for i=1,8e6 do n = n + i end; return n", 0)

        result = run_module("redis_memory_defrag", _while=hold, url=server.url, cpu_percent=2, window=0.2, max_added_latency=20)
        assert "stopped because PING took" in result["sentence"]
        # This one was set from beside, perhaps after the module had put it back.
        ours = {"active-defrag-ignore-bytes": ""}
        assert {**settings(server), **ours} == {**before, **ours}


def test_a_module_that_is_ended_leaves_it_off(run_module):
    with fragmented(DEFRAGMENTING[0]) as server:
        before = settings(server)
        client = server.client()

        def end(process):
            if client.config_get("activedefrag")["activedefrag"] == "yes":
                process.terminate()

        result = run_module("redis_memory_defrag", _beside=end, url=server.url, ratio=1, window=0.1, seconds=30)
        assert "interrupted by SIGTERM; its settings are as they were" in result["msg"]
        assert settings(server) == before


@pytest.mark.parametrize(
    ("option", "value"), [("ratio", 0), ("seconds", 0), ("cpu_percent", 100), ("window", 0), ("max_added_latency", -1)]
)
def test_options_that_cannot_be_meant_are_named(run_module, option, value):
    result = run_module("redis_memory_defrag", **{"url": "redis://127.0.0.1:1", option: value})
    assert option in result["msg"]
