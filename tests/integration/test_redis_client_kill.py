# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_client_kill against every server of the matrix."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest
import redis

from tests.lab import servers
from tests.lab.scenarios.connections import blocked, held
from tests.lab.scenarios.scenario import pair

# Idle time is told in whole seconds.
IDLE = 2


def wait_until_idle(server, count, name="shop", seconds=IDLE):
    """Wait until so many connections of that name have been idle for so long."""

    def idle():
        return [row for row in listed(server, name) if int(row["idle"]) >= seconds]

    servers.wait_for(lambda: len(idle()) >= count, f"{count} idle connections")


def listed(server, name="shop"):
    return [row for row in server.client().client_list() if row["name"] == name]


def test_check_kill_again(server, run_module):
    options = {"url": server.url, "names": ["shop"], "min_idle": IDLE}
    with held(server, 3), held(server, 1, name="till"):
        wait_until_idle(server, 3)
        would = run_module("redis_client_kill", **options, _check_mode=True, _diff=True)
        assert would["changed"] is True
        assert len(would["killed"]) == 3
        assert would["diff"]["before"].count(" shop idle for ") == 3
        assert len(listed(server)) == 3, "check mode has closed connections"
        done = run_module("redis_client_kill", **options)
        assert done["changed"] is True
        assert {row["id"] for row in done["killed"]} == {row["id"] for row in would["killed"]}
        assert done["spared"] == []
        assert listed(server) == []
        assert len(listed(server, "till")) == 1
        again = run_module("redis_client_kill", **options)
        assert (again["changed"], again["killed"]) == (False, [])


def test_no_more_than_asked_for_and_the_longest_idle_first(server, run_module):
    with held(server, 2) as old:
        wait_until_idle(server, 2)
        with held(server, 3):
            wait_until_idle(server, 5, seconds=1)
            done = run_module("redis_client_kill", url=server.url, names=["shop"], min_idle=1, most=2)
            assert [row["name"] for row in done["killed"]] == ["shop", "shop"]
            assert len(listed(server)) == 3
            assert not {client.connection._sock.getsockname()[1] for client in old} & {
                int(row["addr"].rpartition(":")[2]) for row in listed(server)
            }


def test_whoever_is_not_ordinary_is_spared_unless_asked_for(server, run_module):
    """One that subscribes, one that runs MONITOR, one inside MULTI, one that waits, one that is a Sentinel's."""
    with contextlib.ExitStack() as stack:
        for name, command in (
            ("news", ["SUBSCRIBE", "news"]),
            ("spy", ["MONITOR"]),
            ("till", ["MULTI"]),
            ("sentinel-0123abcd-cmd", ["PING"]),
        ):
            client = stack.enter_context(contextlib.closing(server.client(single_connection_client=True, client_name=name)))
            client.connection.send_command(*command)
            client.connection.read_response()
        stack.enter_context(blocked(server, 1, name="worker"))
        stack.enter_context(held(server, 1))
        for name in ("news", "till", "worker", "shop", "sentinel-0123abcd-cmd"):
            wait_until_idle(server, 1, name=name)
        options = {"url": server.url, "addresses": ["127.0.0.1"], "min_idle": IDLE}
        assert {row["name"] for row in run_module("redis_client_kill", **options)["killed"]} >= {"shop"}
        assert all(listed(server, name) for name in ("news", "spy", "till", "worker", "sentinel-0123abcd-cmd"))
        for kind, name in (("monitor", "spy"), ("subscriber", "news"), ("blocked", "worker"), ("transaction", "till")):
            done = run_module("redis_client_kill", **options, also=[kind])
            assert [row["name"] for row in done["killed"]] == [name]
        assert listed(server, "sentinel-0123abcd-cmd")


def test_replicas_and_masters_are_never_closed(binary, run_module):
    with pair(binary, repl_ping_replica_period=3600) as (master, replica):
        for server, flag in ((master, "S"), (replica, "M")):
            run_module("redis_client_kill", url=server.url, addresses=["127.0.0.1"], min_idle=1, also=["monitor", "subscriber", "blocked"])
            assert [row for row in server.client().client_list() if flag in row["flags"]]


def test_a_writer_beside_them_loses_nothing(server, run_module):
    """A thousand acknowledged writes a second by the same user, library, address and name, while its idle brothers are closed."""
    acknowledged, errors, stop = [], [], threading.Event()

    def write():
        # No second try: a connection that is closed would show.
        with contextlib.closing(server.client(single_connection_client=True, client_name="shop", retry=None)) as client:
            try:
                while not stop.is_set():
                    begun, many = time.monotonic(), range(len(acknowledged), len(acknowledged) + 100)
                    for number in many:
                        client.set(f"order:{number}", number)
                        acknowledged.append(number)
                    stop.wait(max(0.0, 0.08 - (time.monotonic() - begun)))
            except redis.RedisError as error:
                errors.append(error)

    with held(server, 60):
        wait_until_idle(server, 60)
        writer = threading.Thread(target=write)
        begun = time.monotonic()
        writer.start()
        try:
            servers.wait_for(lambda: len(acknowledged) > 500, "the writer")
            done = run_module("redis_client_kill", url=server.url, names=["shop"], users=["default"], min_idle=IDLE)
            at_the_end = len(acknowledged)
            servers.wait_for(lambda: len(acknowledged) > at_the_end + 200, "writes after the kill")
        finally:
            stop.set()
            writer.join(20)
        rate = len(acknowledged) / (time.monotonic() - begun)
    assert len(done["killed"]) == 60
    assert errors == []
    assert rate > 500, "the machine is too slow for this to mean anything"
    client = server.client()
    assert client.dbsize() == len(acknowledged)
    assert client.mget([f"order:{number}" for number in acknowledged]) == [str(number).encode() for number in acknowledged]


def test_whoever_comes_alive_is_spared(server, run_module):
    """All connections begin to work while they are closed one after the other: those not reached by then stay."""
    with held(server, 100) as clients:
        wait_until_idle(server, 100)
        first = {row["id"] for row in listed(server)}
        woken = threading.Event()

        def wake():
            if len(listed(server)) < 100 and not woken.is_set():
                for client in reversed(clients[50:]):
                    with contextlib.suppress(redis.RedisError, OSError):
                        client.execute_command("PING")
                woken.set()

        done = run_module("redis_client_kill", url=server.url, names=["shop"], min_idle=IDLE, _while=wake)
        assert len(done["killed"]) + len(done["spared"]) == 100
        # Those that were closed may be here again, as others.
        assert {int(row["id"]) for row in listed(server) if row["id"] in first} == {row["id"] for row in done["spared"]}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "nobody is named: give addresses, users, libraries or names"),
        ({"names": [""]}, "names holds an empty text"),
        ({"names": ["shop"], "min_idle": 0}, "min_idle is 0: give a number from 1"),
        ({"names": ["shop"], "most": 0}, "most is 0: give a number from 1 to 1000"),
        ({"names": ["shop"], "also": ["replica"]}, "value of also must be one or more of"),
    ],
)
def test_an_option_that_cannot_be_meant_is_a_sentence(run_module, options, sentence):
    result = run_module("redis_client_kill", **{"url": "redis://127.0.0.1:1", "min_idle": 60, **options})
    assert result["failed"]
    assert sentence in result["msg"]


def test_what_the_user_may_not_do_is_named(server, run_module):
    server.client().execute_command("ACL", "SETUSER", "ops", "reset", "on", ">Sesame", "~*", "+@all", "-client")
    result = run_module("redis_client_kill", url=f"redis://ops:Sesame@{server.host}:{server.port}", names=["shop"], min_idle=60)
    assert result["failed"]
    assert "refuses CLIENT LIST" in result["msg"]
