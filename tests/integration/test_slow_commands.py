# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""slow_commands.yml on every server of the matrix: plan, apply, once more, and back."""

from __future__ import annotations

import contextlib
import json

import pytest
import redis

from tests.lab import servers
from tests.lab.scenarios.acl import PASSWORD, as_user
from tests.lab.scenarios.connections import held
from tests.lab.scenarios.scenario import fill, load, pair

SLOW = "playbooks/slow_commands.yml"
APPLY = ("-e", "redis_remediation_mode=apply", "-e", "redis_guard_settled=0.5", "-e", "redis_guard_cooldown=0")
QUICK = ("-e", "redis_latency_seconds=1")
RULES = ("+@all", "-@admin", "-@dangerous", "+keys", "+flushdb", "+client")
WATCHED = ("slowlog-log-slower-than", "slowlog-max-len", "latency-monitor-threshold")


@pytest.fixture
def guarded(tmp_path):
    """What gives servers by URL a ledger."""
    return ("-e", "redis_guard_host=localhost", "-e", f"redis_guard_dir={tmp_path}/guard")


@contextlib.contextmanager
def shop(binary, rules=RULES, **directives):
    """(server, client) of an application that logs in as a user of its own and has called KEYS."""
    with servers.running(binary, slowlog_log_slower_than=0, **directives) as server:
        fill(server, 20_000, 10)
        with as_user(server, *rules, count=1) as (client,):
            client.client_setname("shop")
            for dummy in range(5):
                client.keys("session:*")
            yield server, client


def state_of(played):
    (row,) = played.report["timeline"]
    return row["state"]


def state(server):
    """All that a plan must not change."""
    config = server.client().config_get("*")
    users = server.client().execute_command("ACL", "LIST")
    return config, users, (server.folder / "redis.conf").read_text(), len(server.client().client_list())


def user_of(server):
    return next(line for line in server.client().execute_command("ACL", "LIST") if line.startswith(b"user shop "))


def may(client, *command):
    try:
        client.execute_command(*command)
    except redis.exceptions.NoPermissionError:
        return False
    return True


def text_of(played):
    return " ".join(played.output.split())


def test_plan_apply_once_more_and_back(binary, play, guarded, tmp_path):
    with shop(binary) as made:
        server, client = made
        with watching(server):
            server.client().config_set("slowlog-log-slower-than", 10_000)
            before, had = state(server), user_of(server)
            planned = play(SLOW, *guarded, *QUICK, REDIS_URL=server.url)
            assert (planned.status, state_of(planned)) == (0, "planned"), planned.output
            assert "takes KEYS, FLUSHALL, FLUSHDB, DEBUG, SHUTDOWN from the user shop" in text_of(planned)
            assert "KEYS session:* was called 5 times by shop" in text_of(planned)
            assert "instead: SCAN with MATCH and COUNT" in text_of(planned)
            assert "closes the MONITOR of forgotten" in text_of(planned)
            assert state(server) == before
            assert not (tmp_path / "guard").exists()

            done = play(SLOW, *APPLY, *guarded, *QUICK, REDIS_URL=server.url)
            assert (done.status, state_of(done)) == (0, "mitigated"), done.output
            assert "still there: slow_command_keys" in text_of(done), "the slow log remembers it for an hour"
            assert [may(client, "KEYS", "x"), may(client, "FLUSHDB"), may(client, "GET", "x")] == [False, False, True]
            assert "forgotten" not in [row["name"] for row in server.client().client_list()]
            assert {name: server.client().config_get(name)[name] for name in WATCHED} == {name: before[0][name] for name in WATCHED}
            assert json.loads((tmp_path / "guard" / "ledger.json").read_text())["pending"] == []
            assert (tmp_path / "guard" / f"taken-127.0.0.1-{server.port}.json").stat().st_mode & 0o777 == 0o600
            assert user_of(server).decode() in (server.folder / "redis.conf").read_text(), "it is kept over a restart"

            again = play(SLOW, *APPLY, *guarded, *QUICK, REDIS_URL=server.url)
            assert (again.status, state_of(again)) == (0, "nothing_to_do"), again.output

            back = play(
                SLOW, *APPLY, *guarded, "-e", "redis_latency_give_back=true", "-e", "redis_guard_cooldown=900", REDIS_URL=server.url
            )
            assert back.status == 0, back.output
            assert user_of(server) == had
            assert may(client, "KEYS", "x")
            more = play(SLOW, *APPLY, *guarded, "-e", "redis_latency_give_back=true", REDIS_URL=server.url)
            assert (more.status, state_of(more)) == (0, "nothing_to_do"), more.output


@contextlib.contextmanager
def watching(server):
    """A client that somebody forgot in MONITOR."""
    with held(server, 1, "forgotten") as (client,):
        client.connection.send_command("MONITOR")
        client.connection.read_response()
        yield


def test_what_does_not_hold_is_given_back(family_binary, play, guarded, tmp_path):
    with pair(family_binary, slowlog_log_slower_than=0) as members:
        master, replica = members
        with as_user(master, *RULES, count=1) as (client,):
            client.keys("session:*")
            had = user_of(master)
            # The replica hangs: the canary is never acknowledged, so nobody knows whether the group works.
            replica.pause()
            played = play(SLOW, *APPLY, *guarded, *QUICK, "-e", "redis_guard_verify_timeout=6", REDIS_URL=master.url)
            assert (played.status, state_of(played)) == (2, "escalated"), played.output
            assert "the old state is back" in played.output
            assert user_of(master) == had
    assert not list((tmp_path / "guard").glob("taken-*"))


def test_default_is_left_alone_until_the_loss_is_accepted(family_binary, play, guarded):
    with (
        servers.running(family_binary, slowlog_log_slower_than=0) as server,
        load(server, lambda client: client.keys("session:*"), pause=0.01),
    ):
        before = state(server)[:3]
        refused = play(SLOW, *APPLY, *guarded, *QUICK, REDIS_URL=server.url)
        assert (refused.status, state_of(refused)) == (2, "refused"), refused.output
        assert "give the application a user of its own" in text_of(refused)
        assert "redis_latency_accept_noperm=true" in text_of(refused)
        assert "instead: SCAN with MATCH" in text_of(refused)
        assert state(server)[:3] == before
        done = play(SLOW, *APPLY, *guarded, *QUICK, "-e", "redis_latency_accept_noperm=true", REDIS_URL=server.url)
        assert done.status == 0, done.output
        assert not may(server.client(), "KEYS", "x")


def test_an_administrator_is_left_alone_until_named(family_binary, play, guarded):
    with shop(family_binary, rules=("+@all",)) as (server, client):
        refused = play(SLOW, *APPLY, *guarded, *QUICK, REDIS_URL=server.url)
        assert (refused.status, state_of(refused)) == (2, "refused"), refused.output
        assert "the user shop may administer the server" in text_of(refused)
        assert may(client, "KEYS", "x")
        named = play(SLOW, *APPLY, *guarded, *QUICK, "-e", '{"redis_latency_users": ["shop"]}', REDIS_URL=server.url)
        assert named.status == 0, named.output
        assert not may(client, "KEYS", "x")


def test_who_is_not_known_yet_is_found_by_watching(family_binary, play, guarded):
    """The slow log is off: nobody knows who calls KEYS until it is watched."""
    with servers.running(family_binary, slowlog_log_slower_than=-1) as server:
        fill(server, 50_000, 10)
        server.client().execute_command("ACL", "SETUSER", "other", "on", f">{PASSWORD}", "~*", "+get")
        quiet = server.client(username="other", password=PASSWORD, single_connection_client=True)
        quiet.get("x")
        with as_user(server, *RULES, count=1) as (client,), load(server, lambda dummy: keys(client), pause=0.2):
            played = play(SLOW, *APPLY, *guarded, "-e", "redis_latency_seconds=3", REDIS_URL=server.url)
            assert played.status == 0, played.output
            assert not may(client, "KEYS", "x")
        quiet.close()
        assert server.client().config_get("slowlog-log-slower-than") == {"slowlog-log-slower-than": "-1"}


def keys(client):
    client.keys("session:*")


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ('{"redis_latency_seconds": 900}', "redis_latency_seconds is 900: give a number from 0 to 240"),
        ('{"redis_latency_users": "shop"}', "redis_latency_users is 'shop': give a list of names"),
        ('{"redis_latency_commands": ["keys *"]}', "give a list of commands, such as [keys, flushall]"),
    ],
)
def test_options_that_cannot_be_meant_are_a_sentence(family_binary, play, guarded, option, sentence):
    with shop(family_binary) as (server, client):
        played = play(SLOW, *APPLY, *guarded, "-e", option, REDIS_URL=server.url)
        assert played.status == 2
        assert sentence in text_of(played)
        assert may(client, "KEYS", "x")
