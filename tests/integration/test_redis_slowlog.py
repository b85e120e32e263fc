# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""redis_slowlog against every server of the matrix."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def busy(server):
    """A server that logs everything, with a few commands of two clients in its log."""
    with server.client(client_name="shop") as shop, server.client(client_name="worker") as worker:
        shop.config_set("slowlog-log-slower-than", 0)
        shop.slowlog_reset()
        shop.keys("session:*:cart")
        shop.set("user:ann@example.com", "TOP-SECRET")
        shop.hgetall("cart:1001")
        shop.hgetall("cart:1002")
        worker.eval("return #ARGV[1]", 1, "job:77", "TOP-SECRET")
        worker.eval("return 1", 0)
        shop.config_get("maxmemory")
        shop.config_set("slowlog-log-slower-than", 10_000_000)
        yield server


def _ids(result):
    return [entry["id"] for entry in result["entries"]]


def _commands(result):
    return {entry["command"] for entry in result["entries"]}


def test_reading_changes_nothing(busy, run_module):
    def logged():
        with busy.client() as client:
            return client.slowlog_get(128), client.config_get("slowlog-*")

    before = logged()
    result = run_module("redis_slowlog", url=busy.url)
    again = run_module("redis_slowlog", url=busy.url, _check_mode=True)
    assert result["changed"] is False
    assert again["changed"] is False
    assert logged() == before
    assert result["length"] == len(before[0])
    assert "previous" not in result
    assert result["thresholds"] == {"log_slower_than": 10_000_000, "log_slower_than_ms": 10_000.0, "max_len": 128}


def test_every_command_is_an_entry_newest_first(busy, run_module):
    result = run_module("redis_slowlog", url=busy.url)
    assert _ids(result) == sorted(_ids(result), reverse=True)
    assert result["last_id"] >= max(_ids(result))
    assert {"KEYS", "SET", "HGETALL", "EVAL"} <= _commands(result)
    newest = result["entries"][0]
    assert newest["age_seconds"] < 60
    assert newest["address"].startswith("127.0.0.1:")
    assert newest["duration_us"] >= 0


def test_keys_is_named_with_its_pattern_client_and_replacement(busy, run_module):
    result = run_module("redis_slowlog", url=busy.url)
    (group,) = [group for group in result["groups"] if group["command"] == "KEYS"]
    assert group["key_pattern"] == "session:*:cart"
    assert group["kind"] == "keyspace"
    assert group["complexity"].startswith("O(N)")
    assert group["instead"].startswith("SCAN")
    assert group["client_names"] == ["shop"]
    assert group["addresses"] == ["127.0.0.1"]


def test_keys_that_differ_in_their_number_are_one_group(busy, run_module):
    result = run_module("redis_slowlog", url=busy.url)
    (group,) = [group for group in result["groups"] if group["command"] == "HGETALL"]
    assert (group["key_pattern"], group["count"]) == ("cart:*", 2)
    assert 0 <= group["p50_us"] <= group["p95_us"] <= group["max_us"] <= group["total_us"]


def test_a_script_is_grouped_by_its_first_key(busy, run_module):
    result = run_module("redis_slowlog", url=busy.url, commands=["eval"])
    assert {(group["key_pattern"], group["kind"]) for group in result["groups"]} == {("job:*", "script"), ("", "script")}


def test_arguments_are_masked_unless_asked_for(busy, run_module):
    masked = run_module("redis_slowlog", url=busy.url)
    plain = run_module("redis_slowlog", url=busy.url, mask_arguments=False)
    assert "TOP-SECRET" not in json.dumps(masked)
    assert "example.com" not in json.dumps(masked)
    assert "return" not in json.dumps(masked["entries"])
    assert ["SET", "user:*", "***"] in [entry["arguments"] for entry in masked["entries"]]
    assert ["SET", "user:ann@example.com", "TOP-SECRET"] in [entry["arguments"] for entry in plain["entries"]]


def test_secrets_of_commands_stay_hidden_even_when_arguments_are_asked_for(busy, run_module):
    with busy.client() as client:
        client.config_set("slowlog-log-slower-than", 0)
        client.execute_command("CONFIG", "SET", "masterauth", "TOP-SECRET")
        client.execute_command("ACL", "SETUSER", "guest", ">TOP-SECRET")
    result = run_module("redis_slowlog", url=busy.url, mask_arguments=False, commands=["CONFIG", "ACL"])
    assert {"CONFIG SET", "ACL SETUSER"} <= _commands(result)
    assert "TOP-SECRET" not in json.dumps(result)


@pytest.mark.parametrize(
    ("filters", "commands"),
    [
        ({"commands": ["keys"]}, {"KEYS"}),
        ({"commands": ["KEYS", "hgetall"]}, {"KEYS", "HGETALL"}),
        ({"commands": ["config"]}, {"CONFIG GET"}),
        ({"commands": ["config  get"]}, {"CONFIG GET"}),
        ({"commands": ["CONF"]}, set()),
        ({"client_names": ["worker"]}, {"EVAL"}),
        ({"client_names": ["worker"], "commands": ["KEYS"]}, set()),
        ({"client_names": ["nobody"]}, set()),
        ({"addresses": ["127.0.0.1"], "commands": ["KEYS"]}, {"KEYS"}),
        ({"addresses": ["127.0.0.2"]}, set()),
        ({"min_duration_ms": 60_000}, set()),
        ({"min_duration_ms": 0, "since_seconds": 3600, "commands": ["SET"]}, {"SET"}),
    ],
)
def test_filters_choose_what_is_returned(busy, run_module, filters, commands):
    result = run_module("redis_slowlog", url=busy.url, **filters)
    # The housekeeping of the clients of these tests comes and goes with the release of their library.
    assert _commands(result) - {"CLIENT SETINFO", "CLIENT SETNAME"} == commands
    assert {group["command"] for group in result["groups"]} == _commands(result)


def test_an_address_with_its_port_is_one_connection(busy, run_module):
    keys = run_module("redis_slowlog", url=busy.url, commands=["KEYS"])["entries"][0]
    result = run_module("redis_slowlog", url=busy.url, addresses=[keys["address"]])
    assert {"KEYS", "HGETALL"} <= _commands(result)
    assert "EVAL" not in _commands(result)


def test_since_id_returns_what_is_new(busy, run_module):
    first = run_module("redis_slowlog", url=busy.url)
    nothing = run_module("redis_slowlog", url=busy.url, since_id=first["last_id"])
    assert nothing["entries"] == []
    assert nothing["groups"] == []
    assert nothing["last_id"] == first["last_id"]
    with busy.client() as client:
        client.config_set("slowlog-log-slower-than", 0)
        client.smembers("tags")
    new = run_module("redis_slowlog", url=busy.url, since_id=first["last_id"])
    assert "SMEMBERS" in _commands(new)
    assert min(_ids(new)) > first["last_id"]


def test_a_log_that_ends_before_since_id_was_begun_after_a_restart(busy, run_module):
    result = run_module("redis_slowlog", url=busy.url, since_id=1_000_000)
    assert "KEYS" in _commands(result)
    assert result["last_id"] < 1_000_000


def test_limit_is_kept_and_what_it_left_is_said(busy, run_module):
    short = run_module("redis_slowlog", url=busy.url, limit=2)
    whole = run_module("redis_slowlog", url=busy.url)
    assert _ids(short) == _ids(whole)[:2]
    assert short["truncated"] is True
    assert whole["truncated"] is False
    assert run_module("redis_slowlog", url=busy.url, limit=2, since_id=_ids(whole)[2])["truncated"] is False
    assert run_module("redis_slowlog", url=busy.url, limit=0)["entries"] == []


def test_an_empty_log_is_no_trouble(server, run_module):
    result = run_module("redis_slowlog", url=server.url)
    assert (result["entries"], result["groups"], result["length"], result["last_id"]) == ([], [], 0, -1)
    assert run_module("redis_slowlog", url=server.url, since_id=7)["last_id"] == 7


def test_reset_returns_everything_and_empties_the_log_once(busy, run_module):
    foreseen = run_module("redis_slowlog", url=busy.url, reset=True, _check_mode=True, _diff=True)
    done = run_module("redis_slowlog", url=busy.url, reset=True, limit=1, _diff=True)
    again = run_module("redis_slowlog", url=busy.url, reset=True, _diff=True)
    assert [foreseen["changed"], done["changed"], again["changed"]] == [True, True, False]
    assert {"KEYS", "SET", "HGETALL", "EVAL"} <= _commands(foreseen)
    assert _ids(done) == _ids(foreseen)
    assert done["diff"] == foreseen["diff"]
    assert done["diff"]["before"]["entries"] == len(done["entries"])
    assert done["diff"]["after"]["entries"] == 0
    assert again["diff"]["before"] == again["diff"]["after"]
    assert again["entries"] == []
    with busy.client() as client:
        assert client.slowlog_len() == 0


def test_reset_changes_nothing_when_only_its_own_commands_are_logged(server, run_module):
    with server.client() as client:
        client.config_set("slowlog-log-slower-than", 0)
    first = run_module("redis_slowlog", url=server.url, reset=True)
    assert first["changed"] is True
    for check_mode in (False, True, False):
        again = run_module("redis_slowlog", url=server.url, reset=True, _check_mode=check_mode)
        assert again["changed"] is False
        assert again["entries"] == []
        assert again["length"] > 0


def test_its_own_commands_take_no_place_from_others(server, run_module):
    with server.client() as client:
        client.config_set("slowlog-log-slower-than", 0)
        client.keys("*")
    result = run_module("redis_slowlog", url=server.url, limit=1)
    assert len(result["entries"]) == 1
    assert result["entries"][0]["client_name"] != "aragora.redis"


def test_reset_gives_the_new_entries_only_with_since_id(busy, run_module):
    seen = run_module("redis_slowlog", url=busy.url)
    result = run_module("redis_slowlog", url=busy.url, reset=True, since_id=seen["last_id"])
    assert result["changed"] is True
    assert result["entries"] == []
    assert result["last_id"] == seen["last_id"]


def test_thresholds_are_checked_changed_kept_and_put_back(server, run_module):
    wanted = {"log_slower_than": 500, "max_len": 1000}
    original = {"log_slower_than": 10_000, "max_len": 128}

    def settings():
        with server.client() as client:
            return {name: int(client.config_get(f"slowlog-{name.replace('_', '-')}").popitem()[1]) for name in wanted}

    foreseen = run_module("redis_slowlog", url=server.url, _check_mode=True, _diff=True, **wanted)
    assert foreseen["changed"] is True
    assert foreseen["diff"] == {"before": original, "after": wanted}
    assert settings() == original
    done = run_module("redis_slowlog", url=server.url, _diff=True, **wanted)
    assert done["diff"] == foreseen["diff"]
    assert done["changed"] is True
    assert done["previous"] == original
    assert done["thresholds"] == {**wanted, "log_slower_than_ms": 0.5}
    assert settings() == wanted
    again = run_module("redis_slowlog", url=server.url, **wanted)
    assert again["changed"] is False
    assert again["previous"] == wanted
    back = run_module("redis_slowlog", url=server.url, **done["previous"])
    assert back["changed"] is True
    assert settings() == original


@pytest.mark.parametrize(("value", "milliseconds"), [(-1, None), (0, 0.0), (2**63 - 1, (2**63 - 1) / 1000)])
def test_the_ends_of_the_scale_are_settings_too(server, run_module, value, milliseconds):
    done = run_module("redis_slowlog", url=server.url, log_slower_than=value)
    again = run_module("redis_slowlog", url=server.url, log_slower_than=value)
    assert done["changed"] is True
    assert done["previous"] == {"log_slower_than": 10_000, "max_len": 128}
    assert done["thresholds"] == {"log_slower_than": value, "log_slower_than_ms": milliseconds, "max_len": 128}
    assert again["changed"] is False


def test_reset_and_thresholds_go_together(busy, run_module):
    done = run_module("redis_slowlog", url=busy.url, reset=True, log_slower_than=0, max_len=0)
    assert done["changed"] is True
    assert "KEYS" in _commands(done)
    again = run_module("redis_slowlog", url=busy.url, reset=True, log_slower_than=0, max_len=0)
    assert again["changed"] is False


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"log_slower_than": -2}, ["log_slower_than is -2", "from -1"]),
        ({"max_len": -1}, ["max_len is -1", "from 0"]),
        ({"max_len": 2**63}, [f"max_len is {2**63}"]),
        ({"limit": -1}, ["limit is -1", "100000"]),
        ({"since_id": -2}, ["since_id is -2"]),
        ({"since_seconds": 0}, ["since_seconds is 0", "from 1"]),
        ({"min_duration_ms": -0.5}, ["min_duration_ms is -0.5"]),
        ({"min_duration_ms": "nan"}, ["min_duration_ms is nan"]),
        ({"reset": True, "commands": ["KEYS"]}, ["reset", "leave commands away"]),
        ({"reset": True, "min_duration_ms": 5}, ["reset", "leave min_duration_ms away"]),
        ({"timeout": 0}, ["timeout is 0"]),
    ],
)
def test_what_cannot_be_meant_is_refused_with_one_sentence(busy, run_module, options, words):
    result = run_module("redis_slowlog", url=busy.url, **options)
    assert result["failed"] is True
    assert "\n" not in result["msg"]
    assert all(word in result["msg"] for word in words), result["msg"]
    with busy.client() as client:
        assert client.slowlog_len() > 0


@pytest.fixture
def as_user(busy, run_module):
    """Run the module as a user with just these permissions."""

    def run(permissions, **options):
        with busy.client() as client:
            client.execute_command("ACL", "SETUSER", "watcher", "reset", "on", ">pw", "~*", *permissions)
        return run_module("redis_slowlog", url=busy.url, login_user="watcher", login_password="pw", **options)

    return run


def test_a_user_who_may_read_the_log_only_reads_it(as_user):
    result = as_user(["+ping", "+slowlog|get"])
    assert result["changed"] is False
    assert "KEYS" in _commands(result)
    assert result["thresholds"] is None


@pytest.mark.parametrize(
    ("permissions", "options", "refused"),
    [
        (["+ping", "+config"], {}, "SLOWLOG GET"),
        (["+ping", "+slowlog"], {"log_slower_than": 5}, "CONFIG GET"),
        (["+ping", "+slowlog"], {"reset": True}, "MULTI"),
        (["+ping", "+slowlog|get", "+multi", "+exec"], {"reset": True}, "SLOWLOG RESET"),
        (["+ping", "+slowlog", "+config|get", "+multi", "+exec"], {"reset": True, "log_slower_than": 5}, "CONFIG SET"),
        (["+ping", "+slowlog", "+config", "+multi"], {"log_slower_than": 5}, "EXEC"),
    ],
)
def test_what_the_acl_refuses_is_one_sentence_and_nothing_is_changed(busy, as_user, permissions, options, refused):
    with busy.client() as client:
        before = client.slowlog_len(), client.config_get("slowlog-*")
    result = as_user(permissions, **options)
    assert result["failed"] is True
    assert result["msg"].startswith(f"127.0.0.1:{busy.port} refuses {refused} (")
    assert "NOPERM" in result["msg"]
    assert result["msg"].endswith(f"grant this user +{refused.replace(' ', '|').lower()}")
    assert "\n" not in result["msg"]
    with busy.client() as client:
        assert (client.slowlog_len(), client.config_get("slowlog-*")) == before


def test_a_client_name_that_looks_like_ours_hides_only_housekeeping(busy, run_module):
    with busy.client(client_name="aragora.redis") as client:
        client.config_set("slowlog-log-slower-than", 0)
        client.keys("hidden:*")
        client.config_set("slowlog-log-slower-than", 10_000_000)
    result = run_module("redis_slowlog", url=busy.url, commands=["KEYS"])
    assert "hidden:*" in {entry["key_pattern"] for entry in result["entries"]}


def test_a_server_that_is_not_there_is_one_sentence(run_module):
    result = run_module("redis_slowlog", url="redis://:hunter2@127.0.0.1:1")
    assert result["failed"] is True
    assert "127.0.0.1:1 refuses connections" in result["msg"]
    assert "hunter2" not in json.dumps(result)
