# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_latency against every server of the matrix."""

from __future__ import annotations

import os
import signal

import pytest

from tests.lab import servers
from tests.lab.scenarios.latency import SPIN

THRESHOLD = "latency-monitor-threshold"


def _spin(server):
    """Hold the server for some milliseconds, as a slow command does."""
    server.client().eval(SPIN, 0, 1_000_000)


def _threshold(server):
    return server.client().config_get(THRESHOLD)[THRESHOLD]


@pytest.fixture
def spoiled(server):
    """A server that has recorded a slow command, with the latency monitor off again."""
    client = server.client()
    client.config_set(THRESHOLD, 1)
    servers.wait_for(lambda: (_spin(server), client.execute_command("LATENCY", "LATEST"))[1], "a latency event")
    client.config_set(THRESHOLD, 0)
    return server


def test_a_quiet_server_answers_fast_and_has_no_events(server, run_module):
    result = run_module("redis_latency", url=server.url, window=0.3)
    assert result["changed"] is False
    assert result["probe"]["samples"] >= 3
    assert 0 < result["probe"]["p50"] <= result["probe"]["p99"] <= result["probe"]["max"]
    assert (result["events"], result["reset"], result["monitor"], result["denied"]) == ({}, [], None, _no_histogram(server))


def test_without_a_window_there_is_no_probe(server, run_module):
    assert run_module("redis_latency", url=server.url, window=0)["probe"] == {"samples": 0}


def test_every_command_has_its_times_where_the_server_keeps_them(server, run_module):
    for number in range(100):
        server.client().set(f"key:{number}", "x")
    found = run_module("redis_latency", url=server.url, window=0)["histogram"]
    if _no_histogram(server):
        assert found is None
        return
    assert found["set"]["calls"] == 100
    assert 0 < found["set"]["p50_us"] <= found["set"]["p99_us"] < 1_000_000
    assert found["set"]["buckets"][-1][1] == 100


def test_the_snapshot_has_the_same_times(server, run_module):
    server.client().set("key", "x")
    latency = run_module("redis_info", url=server.url, gather_subset=["latency"], window=0)["snapshot"]["latency"]
    assert ("histogram" in latency) == (not _no_histogram(server))
    if "histogram" in latency:
        assert latency["histogram"]["set"]["calls"] == 1


def test_events_are_told_with_their_history(spoiled, run_module):
    event = run_module("redis_latency", url=spoiled.url, window=0)["events"]["command"]
    assert event["max_ms"] >= event["last_ms"] >= 1
    assert event["history"][-1] == {"at": event["at"], "ms": event["last_ms"]}


class TestReset:
    def test_events_are_forgotten_once_and_only_when_asked(self, spoiled, run_module):
        planned = run_module("redis_latency", url=spoiled.url, window=0, reset_events=True, _check_mode=True, _diff=True)
        assert (planned["changed"], planned["reset"]) == (True, ["command"])
        done = run_module("redis_latency", url=spoiled.url, window=0, reset_events=True, _diff=True)
        assert (done["changed"], done["reset"]) == (True, ["command"])
        assert done["diff"] == planned["diff"] == {"before": {"events": ["command"]}, "after": {"events": []}}
        assert done["events"]["command"]["history"]
        again = run_module("redis_latency", url=spoiled.url, window=0, reset_events=True)
        assert (again["changed"], again["reset"], again["events"]) == (False, [], {})

    def test_a_user_who_may_not_reads_on_but_cannot_reset(self, spoiled, run_module):
        spoiled.client().execute_command("ACL", "SETUSER", "ops", "on", ">Sesame", "~*", "+@all", "-latency")
        url = f"redis://ops:Sesame@{spoiled.host}:{spoiled.port}"
        result = run_module("redis_latency", url=url, window=0)
        assert result["events"] is None
        assert "NOPERM" in result["denied"]["events"]
        refused = run_module("redis_latency", url=url, window=0, reset_events=True, _check_mode=True)
        assert refused["failed"]
        assert "grant this user +latency|latest" in refused["msg"]


class TestMonitor:
    @pytest.mark.parametrize("before", ["0", "250"])
    def test_it_is_on_for_a_while_and_then_as_it_was(self, server, run_module, before):
        server.client().config_set(THRESHOLD, before)
        seen = set()

        def watch():
            seen.add(_threshold(server))
            _spin(server)

        result = run_module("redis_latency", url=server.url, monitor={"threshold": 1, "seconds": 1}, _while=watch, _diff=True)
        assert "1" in seen
        assert _threshold(server) == before
        assert result["changed"] is False
        assert result["diff"]["before"] == result["diff"]["after"]
        found = result["monitor"]
        assert (found["previous"], found["switched"], found["restored"], found["reason"]) == (int(before), True, True, None)
        assert "command" in found["events"]
        assert "command" in result["events"]

    def test_check_mode_leaves_it_alone_and_says_what_it_would_do(self, server, run_module):
        seen = set()
        monitor = {"threshold": 1, "seconds": 30}
        result = run_module(
            "redis_latency", url=server.url, window=0.5, monitor=monitor, _check_mode=True, _while=lambda: seen.add(_threshold(server))
        )
        assert seen == {"0"}
        assert result["changed"] is False
        assert result["monitor"] == {
            **monitor, "previous": 0, "switched": False, "restored": None, "reason": None, "events": [],
        }  # fmt: skip

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
    def test_a_module_that_is_ended_puts_it_back(self, server, run_module, number):
        def end(process):
            if _threshold(server) == "1":
                os.kill(process.pid, number)

        result = run_module("redis_latency", url=server.url, monitor={"threshold": 1, "seconds": 30}, _beside=end)
        assert result["failed"]
        assert result["msg"] == f"interrupted by {number.name}; the latency monitor is as it was"
        assert result["changed"] is False
        assert _threshold(server) == "0"

    def test_a_connection_that_breaks_is_made_again_to_put_it_back(self, server, run_module):
        def cut():
            if _threshold(server) == "1":
                server.client().execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

        result = run_module("redis_latency", url=server.url, monitor={"threshold": 1, "seconds": 30}, _while=cut)
        assert result["failed"]
        assert "the latency monitor is as it was" in result["msg"]
        assert _threshold(server) == "0"

    def test_a_server_that_is_gone_is_told_with_what_to_do(self, server, run_module):
        def end():
            if server.process.poll() is None and _threshold(server) == "1":
                server.stop()

        result = run_module("redis_latency", url=server.url, monitor={"threshold": 1, "seconds": 30}, _while=end)
        assert result["failed"]
        assert f"set {THRESHOLD} to 0 yourself" in result["msg"]
        assert result["changed"] is True
        assert result["monitor"]["restored"] is False

    def test_what_somebody_else_sets_meanwhile_stays(self, server, run_module):
        def interfere():
            if _threshold(server) == "1":
                server.client().config_set(THRESHOLD, 77)

        result = run_module("redis_latency", url=server.url, monitor={"threshold": 1, "seconds": 1}, _while=interfere)
        assert _threshold(server) == "77"
        assert (result["changed"], result["monitor"]["restored"], result["monitor"]["now"]) == (False, False, 77)
        assert "somebody has set" in result["monitor"]["reason"]

    @pytest.mark.parametrize("right", ["config|get", "config|set"])
    def test_a_user_who_may_not_set_it_is_told_what_to_grant(self, server, run_module, right):
        old = str(server.client().info("server")["redis_version"]).startswith("6.")
        taken = "config" if old else right
        server.client().execute_command("ACL", "SETUSER", "ops", "on", ">Sesame", "~*", "+@all", f"-{taken}")
        url = f"redis://ops:Sesame@{server.host}:{server.port}"
        result = run_module("redis_latency", url=url, monitor={"threshold": 1, "seconds": 1})
        assert result["failed"]
        assert f"grant this user +{'config|get' if old else right}" in result["msg"]
        assert (result["changed"], _threshold(server)) == (False, "0")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"window": -1}, "window is -1.0: give a number from 0 to 600"),
        ({"monitor": {"threshold": 0, "seconds": 1}}, "monitor.threshold is 0: give a number from 1"),
        ({"monitor": {"threshold": 1, "seconds": 0}}, "monitor.seconds is 0.0: give a number from 0.1 to 600"),
        ({"monitor": {"threshold": 1}}, "seconds"),
    ],
)
def test_an_option_that_cannot_be_meant_is_a_sentence(run_module, options, sentence):
    result = run_module("redis_latency", url="redis://127.0.0.1:1", **options)
    assert result["failed"]
    assert sentence in result["msg"]


def _no_histogram(server):
    """What redis_latency says is denied of a server without histograms (Redis 6.2); {} of the others."""
    if str(server.client().info("server")["redis_version"]).startswith("6."):
        return {"histogram": "ERR Unknown subcommand or wrong number of arguments for 'HISTOGRAM'. Try LATENCY HELP."}
    return {}
