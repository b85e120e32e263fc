# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_memory_purge on every server of the matrix: what was freed is given back, where the allocator can."""

from __future__ import annotations

import pytest

from tests.lab import servers
from tests.lab.scenarios.scenario import fill

MIB = 1024 * 1024


@pytest.fixture
def emptied(binary):
    """A server that has freed nearly all of 60 MiB."""
    with servers.running(binary) as server:
        fill(server, 60, MIB)
        client = server.client()
        servers.wait_for(lambda: client.info("memory")["used_memory_rss"] > 50 * MIB, "the server to see its memory")
        client.delete(*[f"key:{number}" for number in range(60)])
        yield server


def is_jemalloc(server):
    return "jemalloc" in server.client().info("memory")["mem_allocator"]


def test_it_gives_back_once_what_was_freed(emptied, run_module):
    result = run_module("redis_memory_purge", url=emptied.url, _diff=True)
    assert result["supported"] == is_jemalloc(emptied)
    assert result["given_back_bytes"] == max(0, result["before_bytes"] - result["after_bytes"])
    assert result["changed"] == (result["supported"] and result["given_back_bytes"] >= MIB)
    again = run_module("redis_memory_purge", url=emptied.url)
    assert (again["changed"], again.get("failed", False)) == (False, False)


def test_check_mode_gives_nothing_back(emptied, run_module):
    result = run_module("redis_memory_purge", url=emptied.url, _check_mode=True)
    assert (result["before_bytes"], result["given_back_bytes"]) == (result["after_bytes"], 0)
    assert ("may be given back" in result["sentence"]) == is_jemalloc(emptied)


def test_another_allocator_is_told_and_left_alone(run_module):
    binary = servers.matrix()["valkey-9.1"]
    with servers.running(binary) as server:
        before = server.client().info("commandstats")
        result = run_module("redis_memory_purge", url=server.url)
        assert (result["changed"], result["supported"]) == (False, False)
        assert "a restart does" in result["sentence"]
        assert "cmdstat_memory|purge" not in {*before, *server.client().info("commandstats")}


def test_a_user_who_may_not(server, run_module):
    if not is_jemalloc(server):
        pytest.skip("it has another allocator, so it is not asked")
    server.client().execute_command("ACL", "SETUSER", "app", "on", ">secret", "~*", "+@all", "-memory")
    result = run_module("redis_memory_purge", url=server.url, login_user="app", login_password="secret")
    assert "MEMORY PURGE" in result["msg"]
