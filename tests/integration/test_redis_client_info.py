# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_client_info against every server of the matrix."""

from __future__ import annotations

import contextlib

import pytest

from tests.lab import servers
from tests.lab.scenarios.connections import blocked, held


@pytest.fixture
def crowd(server):
    """Three connections of a shop, one subscriber, one MONITOR, one that waits."""
    with held(server, 3), contextlib.ExitStack() as stack:
        for name in ("news", "spy"):
            client = stack.enter_context(contextlib.closing(server.client(single_connection_client=True, client_name=name)))
            client.connection.send_command(*(["SUBSCRIBE", "news"] if name == "news" else ["MONITOR"]))
            client.connection.read_response()
        stack.enter_context(blocked(server, 1, name="worker"))
        yield server


def _connections(rows):
    return {row["name"]: row["connections"] for row in rows}


def test_everybody_but_the_module_is_counted_by_what_they_have_in_common(crowd, run_module):
    result = run_module("redis_client_info", url=crowd.url)
    assert result["changed"] is False
    assert result["connected"] == result["clients"]["total"]
    assert {"shop": 3, "news": 1, "spy": 1, "worker": 1}.items() <= _connections(result["by_name"]).items()
    assert "aragora.redis" not in _connections(result["by_name"])
    assert list(_connections(result["by_address"])) == ["127.0.0.1"]
    assert list(_connections(result["by_user"])) == ["default"]
    found = result["clients"]
    assert (found["blocked"], found["pubsub"], found["monitors"], found["replicas"], found["idle_over_hour"]) == (1, 1, 1, 0, 0)
    assert found["memory_bytes"] >= found["normal_memory_bytes"] > 0


def test_the_library_is_told_where_clients_tell_it(crowd, run_module):
    libraries = _connections(run_module("redis_client_info", url=crowd.url)["by_library"])
    assert all(name.startswith("redis-py") for name in libraries)
    assert bool(libraries) == ("lib-name" in str(crowd.client().execute_command("CLIENT", "INFO")))


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"names": ["shop"]}, {"shop"}),
        ({"flags": ["b"]}, {"worker"}),
        ({"flags": ["O", "P"]}, {"news", "spy"}),
        ({"users": ["nobody"]}, set()),
        ({"addresses": ["10.0.0.1"]}, set()),
        ({"addresses": ["127.0.0.1"], "names": ["news"]}, {"news"}),
        ({"min_idle": 3600}, set()),
    ],
)
def test_filters_choose(crowd, run_module, filters, names):
    result = run_module("redis_client_info", url=crowd.url, **filters)
    assert set(_connections(result["by_name"])) == names
    assert result["connected"] >= 6
    assert result["clients"]["total"] == sum(_connections(result["by_name"]).values())


def test_the_worst_come_first_and_no_more_than_asked_for(crowd, run_module):
    result = run_module("redis_client_info", url=crowd.url, worst=2)
    assert len(result["worst"]["memory"]) == 2
    assert result["worst"]["memory"][0]["memory_bytes"] >= result["worst"]["memory"][1]["memory_bytes"] > 0
    assert run_module("redis_client_info", url=crowd.url, worst=0)["worst"] == {"memory": [], "output": [], "idle": [], "age": []}


def test_check_mode_reads_all_the_same(crowd, run_module):
    result = run_module("redis_client_info", url=crowd.url, _check_mode=True, _diff=True)
    assert result["changed"] is False
    assert result["clients"]["total"] >= 6


def test_a_crowd_that_would_hold_the_server_is_not_listed(crowd, run_module):
    result = run_module("redis_client_info", url=crowd.url, limit=3)
    assert result["failed"]
    assert "clients and CLIENT LIST holds it" in result["msg"]
    assert "raise limit (3)" in result["msg"]
    assert not [name for name in crowd.client().info("commandstats") if "list" in name], "the server was asked all the same"


def test_what_the_user_may_not_do_is_named_with_what_to_grant(server, run_module):
    for rights, words in (("-client|list", "+client|list"), ("-info", "+info")):
        server.client().execute_command("ACL", "SETUSER", "ops", "reset", "on", ">Sesame", "~*", "+@all", *_rights(server, rights))
        result = run_module("redis_client_info", url=f"redis://ops:Sesame@{server.host}:{server.port}")
        assert result["failed"]
        assert words.partition("|")[0] in result["msg"]


def _rights(server, word):
    """Redis 6.2 can take a whole command away only."""
    old = str(server.client().info("server")["redis_version"]).startswith("6.")
    return [word.partition("|")[0] if old else word]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"limit": -1}, "limit is -1: give a number from 0"),
        ({"worst": 1001}, "worst is 1001: give a number from 0 to 1000"),
        ({"min_idle": -1}, "min_idle is -1"),
        ({"flags": ["blocked"]}, "flags names 'blocked': give single letters"),
    ],
)
def test_an_option_that_cannot_be_meant_is_a_sentence(run_module, options, sentence):
    result = run_module("redis_client_info", url="redis://127.0.0.1:1", **options)
    assert result["failed"]
    assert sentence in result["msg"]


def test_a_server_that_is_gone_is_a_sentence(run_module):
    result = run_module("redis_client_info", url=f"redis://127.0.0.1:{servers.free_port()}")
    assert result["failed"]
    assert result["availability"]["state"] == "refused"
