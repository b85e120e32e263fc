# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The raw conversation of a scan: packing, cutting replies, keeping the pace, keeping the state."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.aragora.redis.plugins.module_utils import _globs, _keyspace_state, _wire
from ansible_collections.aragora.redis.plugins.module_utils._keyspace_run import budget_of, check_options, keyspace_argument_spec
from ansible_collections.aragora.redis.plugins.module_utils._pace import LARGEST_BATCH, LEAST_REST, MOST_REST, SMALLEST_BATCH, Pace
from hypothesis import given
from hypothesis import strategies as st

OPTIONS = {name: option.get("default") for name, option in keyspace_argument_spec().items()}


def replies(data: bytes, step: int) -> _wire.Replies:
    """Replies that arrive in pieces of this length."""
    pieces = iter([data[start : start + step] for start in range(0, len(data), step)])
    return _wire.Replies(lambda: next(pieces))


@given(st.lists(st.binary(max_size=30), max_size=20), st.integers(1, 64))
def test_names_of_any_bytes_come_back_whole_in_pieces_of_any_length(keys, step):
    reply = b"*2\r\n$2\r\n17\r\n*%d\r\n" % len(keys) + b"".join(map(_wire.argument, keys))
    lines = b"+string\r\n:56\r\n$-1\r\n-ERR no\r\n"
    source = replies(lines + reply + b"$3\r\na\r\n\r\n" + lines, step)
    assert source.lines(4) == [b"+string", b":56", b"$-1", b"-ERR no"]
    assert source.scan() == (b"17", keys)
    assert source.text() == b"a\r\n"
    assert [source.text() for dummy in range(4)] == [b"+string", b":56", None, b"-ERR no"]


def test_an_error_of_scan_is_raised_in_the_servers_words():
    with pytest.raises(ValueError, match=r"^NOPERM no scan$"):
        replies(b"-NOPERM no scan\r\n", 100).scan()


def test_commands_are_packed_from_bytes():
    assert _wire.packed("SCAN", b"0", "COUNT", 10) == b"*4\r\n$4\r\nSCAN\r\n$1\r\n0\r\n$5\r\nCOUNT\r\n$2\r\n10\r\n"
    heads = [_wire.command_head("TYPE"), _wire.command_head("MEMORY", "USAGE")]
    expected = _wire.packed("TYPE", b"\xff\r\n") + _wire.packed("MEMORY", "USAGE", b"\xff\r\n")
    assert _wire.batch([b"\xff\r\n"], heads) == expected


@pytest.mark.parametrize(
    ("glob", "matching", "others"),
    [
        ("user:*", [b"user:", b"user:1\n2"], [b"xuser:1", b"user"]),
        ("h?llo", [b"hello", b"h\xffllo"], [b"hllo"]),
        ("h[ae]llo", [b"hello"], [b"hillo"]),
        ("h[^e]llo", [b"hallo"], [b"hello"]),
        ("h[!e]llo", [b"h!llo", b"hello"], [b"hallo"]),
        ("a\\*b", [b"a*b"], [b"axb"]),
        ("a.b", [b"a.b"], [b"axb"]),
        ("ä*", ["äpfel".encode()], [b"apfel"]),
    ],
)
def test_globs_mean_what_they_mean_to_redis(glob, matching, others):
    place = _globs.matcher([glob])
    assert [place(name) for name in matching] == [0] * len(matching)
    assert [place(name) for name in others] == [-1] * len(others)


def test_a_glob_of_many_stars_ends():
    assert _globs.matcher(["*a" * 30 + "b"])(b"a" * 4_000) == -1


def test_the_pace_slows_down_then_rests_then_gives_up_and_recovers():
    pace = Pace(1.0)
    for dummy in range(20):
        pace.note(0.1, 3.0)
    assert pace.batch < 100
    for dummy in range(20 * 20):
        pace.note(0.1, 3.0)
    assert (pace.batch, pace.rest, pace.exhausted) == (SMALLEST_BATCH, MOST_REST, True)
    for dummy in range(20 * 60):
        pace.note(0.1, 0.2)
    assert (pace.batch, pace.rest, pace.exhausted) == (LARGEST_BATCH, LEAST_REST, False)


def test_one_long_wait_is_enough_to_slow_down():
    pace = Pace(1.0)
    pace.note(0.1, 50.0)
    assert pace.batch == 50
    assert pace.report()["slowed"] == 1


def test_who_is_slow_without_us_is_not_slowed_down_for():
    pace = Pace(1.0)
    for dummy in range(100):
        pace.note(8.0, 8.3)
    assert pace.report()["slowed"] == 0


def test_a_pace_goes_on_where_another_stopped():
    pace, again = Pace(1.0), Pace(1.0)
    for busy in (0.2, 30.0, 0.4):
        pace.note(0.1, busy)
    again.from_json(json.loads(json.dumps(pace.to_json())))
    assert again.report() == pace.report()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"seconds": -1}, "seconds is -1"),
        ({"keys": -1}, "keys is -1"),
        ({"max_added_latency": float("nan")}, "max_added_latency is nan"),
        ({"biggest": 51}, "biggest is 51"),
        ({"most_patterns": 0}, "most_patterns is 0"),
        ({"slice_seconds": 0.5}, "slice_seconds is 0.5"),
        ({"patterns": ["a", ""]}, "patterns"),
        ({"patterns": ["a"] * 201}, "201 patterns"),
        ({"cursor": "17"}, "the cursor '17' cannot be read"),
        ({"cursor": "abc/0/x"}, "cannot be read"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(options, words):
    with pytest.raises(ValueError, match=words):
        check_options({**OPTIONS, **options})


def test_budgets_are_those_of_the_mode_unless_given():
    assert (budget_of(OPTIONS).seconds, budget_of(OPTIONS).keys) == (1.5, 100_000)
    full = budget_of({**OPTIONS, "mode": "full", "seconds": 0})
    assert (full.seconds, full.keys > 10**12) == (float("inf"), True)


def test_the_state_is_for_its_owner_only_and_goes_away(tmp_path):
    path = _keyspace_state.save({"a": 1}, None, str(tmp_path))
    assert _keyspace_state.save({"a": 2}, path, str(tmp_path)) == path
    assert _keyspace_state.load(path) == {"a": 2}
    assert Path(path).stat().st_mode & 0o777 == 0o600
    _keyspace_state.discard(path)
    _keyspace_state.discard(path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("trouble", ["name", "mode", "link", "text", "missing"])
def test_what_is_no_state_is_refused(tmp_path, trouble):
    path = Path(_keyspace_state.save({}, None, str(tmp_path)))
    if trouble == "name":
        path = path.rename(tmp_path / "other.json")
    elif trouble == "mode":
        path.chmod(0o644)
    elif trouble == "text":
        path.write_text("no JSON")
    elif trouble == "missing":
        path.unlink()
    else:
        path = path.with_name(_keyspace_state.PREFIX + "link.json")
        path.symlink_to(_keyspace_state.save({}, None, str(tmp_path)))
    with pytest.raises(ValueError, match="cannot be used"):
        _keyspace_state.load(str(path))
