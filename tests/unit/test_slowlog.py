# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The slow log as entries and groups."""

from __future__ import annotations

import json

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._slowlog import (
    LONGEST_ARGUMENT,
    MOST_CLIENTS,
    entries,
    groups,
    matching,
    without_own,
)
from hypothesis import given
from hypothesis import strategies as st

NOW = 1_700_000_100


def _row(*words, number=1, at=NOW, duration=1000, address="10.0.0.1:5000", name="shop"):
    return [number, at, duration, list(words), address, name]


def _one(*words, mask=True):
    (entry,) = entries([_row(*words)], NOW, mask)
    return entry


@pytest.mark.parametrize(
    ("words", "command", "pattern", "shown"),
    [
        (["KEYS", "session:*"], "KEYS", "session:*", ["KEYS", "session:*"]),
        (["get", "user:1001"], "GET", "user:*", ["get", "user:*"]),
        (["SET", "user:1001", "s3cret"], "SET", "user:*", ["SET", "user:*", "***"]),
        (["MGET", "a:1", "b:2"], "MGET", "a:*", ["MGET", "a:*", "***"]),
        (["FLUSHALL"], "FLUSHALL", "", ["FLUSHALL"]),
        (["FLUSHALL", "ASYNC"], "FLUSHALL", "", ["FLUSHALL", "***"]),
        (["SCAN", "0", "MATCH", "x"], "SCAN", "", ["SCAN", "***", "***", "***"]),
        (["EVAL", "return 1", "0", "s3cret"], "EVAL", "", ["EVAL", "***", "***", "***"]),
        (["EVAL", "return 1", "1", "job:7", "s3cret"], "EVAL", "job:*", ["EVAL", "***", "***", "job:*", "***"]),
        (["FCALL", "f", "1", "job:7"], "FCALL", "job:*", ["FCALL", "***", "***", "job:*"]),
        (["EVAL", "return 1"], "EVAL", "", ["EVAL", "***"]),
        (["config", "get", "maxmemory"], "CONFIG GET", "", ["config", "get", "***"]),
        (["CONFIG"], "CONFIG", "", ["CONFIG"]),
        (["OBJECT", "ENCODING", "user:1"], "OBJECT ENCODING", "user:*", ["OBJECT", "ENCODING", "user:*"]),
        (["MEMORY", "USAGE", "user:1", "SAMPLES", "5"], "MEMORY USAGE", "user:*", ["MEMORY", "USAGE", "user:*", "***", "***"]),
        (["BITOP", "AND", "dest:1", "a", "b"], "BITOP", "dest:*", ["BITOP", "***", "dest:*", "***", "***"]),
        (["XGROUP", "CREATE", "stream:1", "g", "$"], "XGROUP CREATE", "stream:*", ["XGROUP", "CREATE", "stream:*", "***", "***"]),
        (["FT.SEARCH", "idx", "s3cret"], "FT.SEARCH", "", ["FT.SEARCH", "***", "***"]),
        (["GET", "ann@example.com"], "GET", "*", ["GET", "*"]),
        (["HSET", "h", *["x"] * 29, "... (5 more arguments)"], "HSET", "h", ["HSET", "h", *["***"] * 30]),
    ],
)
def test_an_entry_shows_the_command_and_the_pattern_of_its_key(words, command, pattern, shown):
    entry = _one(*words)
    assert (entry["command"], entry["key_pattern"], entry["arguments"]) == (command, pattern, shown)


@pytest.mark.parametrize("words", [["SET", "user:1001", "s3cret"], ["EVAL", "return 1", "0", "s3cret"], ["CONFIG", "GET", "maxmemory"]])
def test_arguments_are_shown_to_those_who_ask(words):
    assert _one(*words, mask=False)["arguments"] == words


@pytest.mark.parametrize(
    "words",
    [
        ["AUTH", "s3cret"],
        ["auth", "ops", "s3cret"],
        ["HELLO", "3", "AUTH", "ops", "s3cret"],
        ["ACL", "SETUSER", "ops", ">s3cret"],
        ["acl", "setuser", "ops", ">s3cret"],
        ["CONFIG", "SET", "requirepass", "s3cret"],
        ["config", "SET", "requirepass", "s3cret"],
        ["SENTINEL", "SET", "mymaster", "auth-pass", "s3cret"],
        ["SENTINEL", "CONFIG", "SET", "sentinel-pass", "s3cret"],
        ["MIGRATE", "10.0.0.2", "6379", "key", "0", "1000", "AUTH", "s3cret"],
        ["MODULE", "LOADEX", "/m.so", "CONFIG", "m.password", "s3cret"],
    ],
)
@pytest.mark.parametrize("mask", [True, False])
def test_a_secret_is_hidden_even_from_those_who_ask(words, mask):
    entry = _one(*words, mask=mask)
    assert "s3cret" not in json.dumps(entry)
    assert len(entry["arguments"]) == len(words)


def test_a_long_argument_is_cut():
    assert _one("SET", "k", "x" * 500, mask=False)["arguments"][2] == "x" * LONGEST_ARGUMENT


def test_a_key_with_control_characters_cannot_write_to_a_terminal():
    entry = _one("GET", "a\x1b[2Jb\r\nc\x00\u202e\u2028d")
    assert entry["key_pattern"].isprintable()
    assert all(word.isprintable() for word in entry["arguments"])


def test_an_entry_tells_its_age_by_the_servers_clock():
    assert entries([_row("GET", "k", at=NOW - 60)], NOW)[0]["age_seconds"] == 60
    assert entries([_row("GET", "k", at=NOW + 60)], NOW)[0]["age_seconds"] == 0


@pytest.mark.parametrize("row", [[], [1], [1, 2, 3], [1, 2, 3, []], [1, 2, 3, None]])
def test_a_row_without_a_command_is_left_out(row):
    assert entries([row], NOW) == []


def test_a_row_of_an_old_server_has_no_client():
    (entry,) = entries([[1, NOW, 5, ["GET", "k"]]], NOW)
    assert (entry["address"], entry["client_name"]) == ("", "")


def test_groups_take_one_command_on_one_pattern_together():
    rows = [_row("GET", f"user:{n}", number=n, duration=n * 100) for n in range(1, 101)] + [_row("KEYS", "*", duration=9_999_999)]
    keys, gets = groups(entries(rows, NOW))
    assert (keys["command"], keys["count"], keys["kind"]) == ("KEYS", 1, "keyspace")
    assert keys["instead"].startswith("SCAN")
    assert {name: gets[name] for name in ("command", "key_pattern", "count", "total_us", "p50_us", "p95_us", "max_us")} == {
        "command": "GET", "key_pattern": "user:*", "count": 100, "total_us": 505_000, "p50_us": 5000, "p95_us": 9500, "max_us": 10_000,
    }  # fmt: skip
    assert gets["addresses"] == ["10.0.0.1"]
    assert gets["client_names"] == ["shop"]


def test_groups_name_the_most_frequent_clients_first_and_not_all():
    rows = [_row("GET", "k", address=f"10.0.0.{n}:1", name=f"c{n}") for n in range(1, 9) for dummy in range(n)]
    (group,) = groups(entries(rows, NOW))
    assert group["client_names"] == ["c8", "c7", "c6", "c5", "c4"]
    assert len(group["addresses"]) == MOST_CLIENTS


def test_clients_without_a_name_are_no_name():
    (group,) = groups(entries([_row("GET", "k", name="", address="")], NOW))
    assert (group["addresses"], group["client_names"]) == ([], [])


def test_an_unknown_command_has_an_unknown_cost():
    (group,) = groups(entries([_row("FT.SEARCH", "idx")], NOW))
    assert (group["complexity"], group["instead"]) == ("unknown", None)


def test_no_entries_are_no_groups():
    assert groups([]) == []


ROWS = st.lists(
    st.builds(
        lambda words, duration, name: _row(*words, duration=duration, name=name),
        st.lists(st.text(), min_size=1, max_size=5),
        st.integers(0, 2**40),
        st.text(max_size=5),
    ),
    max_size=20,
)


@given(ROWS, st.booleans())
def test_groups_lose_no_entry_and_no_time(rows, mask):
    found = entries(rows, NOW, mask)
    grouped = groups(found)
    assert len(found) == len(rows) == sum(group["count"] for group in grouped)
    assert sum(row[2] for row in rows) == sum(group["total_us"] for group in grouped)
    assert all(group["p50_us"] <= group["p95_us"] <= group["max_us"] <= group["total_us"] for group in grouped)
    totals = [group["total_us"] for group in grouped]
    assert totals == sorted(totals, reverse=True)


@given(st.lists(st.text(min_size=1), min_size=2, max_size=6), st.sampled_from(["SET", "EVAL", "CONFIG", "ACL", "NO.SUCH"]))
def test_a_masked_entry_holds_nothing_but_its_name_its_pattern_and_stars(words, command):
    entry = _one(command, *words)
    own = len(entry["command"].split(" ", 1))
    assert set(entry["arguments"][own:]) <= {"***", entry["key_pattern"]}


FOUND = entries(
    [
        _row("KEYS", "*", number=4, at=NOW - 10, duration=50_000, address="10.0.0.1:5000", name="shop"),
        _row("CONFIG", "GET", "*", number=3, at=NOW - 100, duration=20_000, address="[::1]:5001", name=""),
        _row("CONFIG", "SET", "x", "y", number=2, at=NOW - 1000, duration=10_000, address="/run/r.sock:0", name="ops"),
        _row("GET", "k", number=1, at=NOW - 10_000, duration=1000, address="10.0.0.1:5002", name="shop"),
    ],
    NOW,
)


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ({}, [4, 3, 2, 1]),
        ({"commands": ["keys", "GET"]}, [4, 1]),
        ({"commands": ["config"]}, [3, 2]),
        ({"commands": [" Config   get "]}, [3]),
        ({"commands": ["CONF"]}, []),
        ({"commands": ["G"]}, []),
        ({"min_duration_ms": 20}, [4, 3]),
        ({"min_duration_ms": 0.0}, [4, 3, 2, 1]),
        ({"min_duration_ms": 49.9999}, [4]),
        ({"min_duration_ms": float("inf")}, []),
        ({"since_seconds": 100}, [4, 3]),
        ({"since_seconds": 99}, [4]),
        ({"client_names": ["shop"]}, [4, 1]),
        ({"client_names": ["sho"]}, []),
        ({"client_names": [""]}, [3]),
        ({"addresses": ["10.0.0.1"]}, [4, 1]),
        ({"addresses": ["10.0.0.1:5002"]}, [1]),
        ({"addresses": ["::1", "/run/r.sock"]}, [3, 2]),
        ({"addresses": ["10.0.0"]}, []),
        ({"addresses": ["10.0.0.1"], "client_names": ["shop"], "commands": ["GET"], "min_duration_ms": 1}, [1]),
    ],
)
def test_every_filter_must_let_an_entry_pass(filters, ids):
    assert [entry["id"] for entry in matching(FOUND, **filters)] == ids


OURS = "aragora.redis"


@pytest.mark.parametrize(
    "words",
    [
        ["CLIENT", "SETNAME", OURS],
        ["SELECT", "0"],
        ["TIME"],
        ["SLOWLOG", "GET", "256"],
        ["SLOWLOG", "RESET"],
        ["CONFIG", "GET", "slowlog-max-len"],
        ["CONFIG", "SET", "slowlog-max-len", "5"],
    ],
)
def test_our_housekeeping_is_left_out_and_that_of_others_is_not(words):
    assert without_own([_row(*words, name=OURS)], OURS) == []
    assert len(without_own([_row(*words, name="shop")], OURS)) == 1


@pytest.mark.parametrize("words", [["KEYS", "*"], ["INFO", "everything"], ["CONFIG", "SET", "maxmemory", "1"], ["CONFIG", "GET", "*"]])
def test_our_own_work_is_slow_like_any_other(words):
    assert len(without_own([_row(*words, name=OURS)], OURS)) == 1


def test_a_greeting_before_the_name_is_known_by_its_address():
    rows = [
        _row("CLIENT", "SETNAME", OURS, number=2, address="10.0.0.9:1", name=OURS),
        _row("PING", number=1, address="10.0.0.9:1", name=""),
    ]
    assert without_own(rows, OURS) == []
    other = _row("PING", number=3, address="10.0.0.9:2", name="")
    assert without_own([other, *rows], OURS) == [other]


def test_a_unix_socket_is_no_address_of_ours():
    other = _row("PING", number=2, address="/run/r.sock:0", name="")
    assert without_own([other, _row("TIME", number=1, address="/run/r.sock:0", name=OURS)], OURS) == [other]


@pytest.mark.parametrize("row", [[], [1, NOW, 5, ["PING"]]])
def test_a_row_that_names_no_client_is_nobodys(row):
    assert without_own([row], OURS) == [row]
