# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is counted of keys, how it is bounded, and what a sample tells."""

from __future__ import annotations

import json
import random
import string

import pytest
from ansible_collections.aragora.redis.plugins.module_utils import _globs, _keyspace
from ansible_collections.aragora.redis.plugins.module_utils._keyspace import MOST_PATTERNS, TTL_NAMES, Table
from ansible_collections.aragora.redis.plugins.module_utils._keyspace_estimate import Sample, share_of_bytes, total_bytes
from ansible_collections.aragora.redis.plugins.module_utils._keyspace_report import Counted, report
from hypothesis import given, settings
from hypothesis import strategies as st

NAMES = st.lists(st.tuples(st.binary(max_size=40), st.integers(0, 10**9)), max_size=200)


def filled(rows, **options):
    """A table of (name, size) or (name, size, type, ttl)."""
    table = Table(**options)
    whole = [(*row, "string", -1)[:4] if len(row) == 2 else row for row in rows]
    table.add([r[0] for r in whole], [r[2] for r in whole], [r[1] for r in whole], [r[3] for r in whole])
    return table


def told(table, total=None, complete=True, **options):
    counted = Counted(
        table, total or 0, complete, options.pop("denied", {}), options.pop("expected_bytes", None), options.pop("members", {})
    )
    return report(counted, options.get("most_patterns", 50), options.get("biggest", 10), options.get("mask", False))


def sums(table):
    return sum(row.keys for row in table.rows.values()), sum(row.bytes for row in table.rows.values())


def test_keys_are_counted_by_pattern_type_and_remaining_time():
    table = filled([(b"user:1", 100, "hash", -1), (b"user:22", 300, "hash", 59_999), (b"cart:7", 50, "list", 60_000)])
    user = table.rows["user:*"]
    assert (user.keys, user.bytes, user.squares, user.types) == (2, 400, 100_000, {"hash": 2})
    assert dict(zip(TTL_NAMES, user.ttl)) == {**dict.fromkeys(TTL_NAMES, 0), "never": 1, "under_1_minute": 1}
    assert table.rows["cart:*"].ttl[TTL_NAMES.index("under_1_hour")] == 1


def test_given_patterns_take_the_first_match_and_leave_the_rest_in_one():
    globs = ["user:1*", "user:*", "b[^a]d:?"]
    table = filled([(b"user:17", 1), (b"user:2", 1), (b"bed:1", 1), (b"bad:1", 1)], given=globs, place=_globs.matcher(globs))
    assert {name: row.keys for name, row in table.rows.items()} == {"user:1*": 1, "user:*": 1, "b[^a]d:?": 1, "*": 1}


@given(NAMES)
def test_nothing_is_lost_however_keys_are_called(rows):
    table = filled(rows)
    assert sums(table) == (len(rows), sum(size for dummy, size in rows))


def test_patterns_are_bounded_and_the_heavy_ones_survive():
    random.seed(7)
    words = ["".join(random.choices(string.ascii_lowercase, k=8)) for dummy in range(5_000)]
    table = filled([(b"session:%d" % number, 1_000) for number in range(500)])
    for word in words:
        filled_row = ([f"{word}:thing".encode(), f"app:{word}".encode()], ["string"] * 2, [10, 10], [-1, -1])
        table.add(*filled_row)
        assert len(table.rows) <= MOST_PATTERNS + 1
    assert sums(table) == (500 + 10_000, 500_000 + 100_000)
    assert table.rows["session:*"].keys == 500
    assert not table.rows["session:*"].merged
    assert table.rows["app:*"].merged
    assert len(table._known) <= _keyspace.MOST_SHAPES


def test_the_memory_of_what_is_known_is_bounded():
    table = Table()
    for start in range(0, 60_000, 1_000):
        keys = ["".join(random.choices(string.ascii_letters, k=30)).encode() for dummy in range(start, start + 1_000)]
        table.add(keys, ["string"] * 1_000, [1] * 1_000, [-1] * 1_000)
    assert len(table._known) <= _keyspace.MOST_SHAPES
    assert len(table.rows) <= MOST_PATTERNS + 1


@settings(max_examples=50)
@given(NAMES, NAMES)
def test_a_table_goes_on_where_another_stopped(first, second):
    at_once = filled(first + second)
    resumed = Table()
    resumed.from_json(json.loads(json.dumps(filled(first).to_json())))
    resumed.add([row[0] for row in second], ["string"] * len(second), [row[1] for row in second], [-1] * len(second))
    assert resumed.to_json() == at_once.to_json()


def test_the_biggest_are_kept_by_type_and_by_pattern_each_once():
    rows = [(b"s:%d" % number, number, "string", -1) for number in range(200)] + [(b"h:1", 5, "hash", 1)] * 3
    table = filled(rows)
    assert sorted(big[0] for big in table.rows["s:*"].biggest) == [197, 198, 199]
    assert sorted(big[0] for big in table.biggest["string"]) == list(range(150, 200))
    assert len(table.biggest["hash"]) == 1


def test_a_full_scan_is_exact():
    result = told(filled([(b"user:1", 100), (b"user:2", 300), (b"cart:1", 600)]))
    assert result["bytes"] == {"value": 1000, "low": 1000, "high": 1000}
    assert [(row["pattern"], row["key_count"], row["bytes"]["value"], row["bytes_percent"]) for row in result["patterns"]] == [
        ("cart:*", 1, 600, {"value": 60.0, "low": 60.0, "high": 60.0}),
        ("user:*", 2, 400, {"value": 40.0, "low": 40.0, "high": 40.0}),
    ]
    assert result["unsure"] == []


def test_an_empty_database_is_no_trouble():
    result = told(Table())
    assert (result["patterns"], result["biggest"], result["big_keys"], result["types"]) == ([], [], [], {})
    assert result["bytes"] == {"value": 0, "low": 0, "high": 0}


def test_what_is_beyond_the_patterns_shown_is_summed_up():
    result = told(filled([(b"a:1", 5), (b"b:1", 3), (b"c:1", 2)]), most_patterns=1)
    assert [row["pattern"] for row in result["patterns"]] == ["a:*"]
    assert result["others"] == {"patterns": 2, "key_count": 2, "bytes": 5}


def test_without_memory_usage_there_are_counts_and_no_bytes():
    result = told(filled([(b"a:1", 0), (b"a:2", 0)]), denied={"memory": "NOPERM"})
    assert (result["bytes"], result["patterns"][0]["bytes"], result["patterns"][0]["key_count"], result["biggest"]) == (None, None, 2, [])


@pytest.mark.parametrize(
    ("kind", "size", "members", "expected"),
    [
        ("string", 100_001, None, ["k:1"]),
        ("string", 100_000, None, []),
        ("hash", 10**6, 5_001, ["k:1"]),
        ("hash", 10**6, 5_000, []),
        ("set", 9, 1_001, ["k:1"]),
        ("zset", 10**6, None, []),
        ("stream", 10**9, 10**6, []),
    ],
)
def test_big_is_a_matter_of_bytes_for_strings_and_of_members_for_others(kind, size, members, expected):
    found = told(filled([(b"k:1", size, kind, -1)]), members={b"k:1": members} if members is not None else {})
    assert [big["key"] for big in found["big_keys"]] == expected


def test_masked_names_are_nowhere():
    names = [b"user:ann:mail", b"bob", b"session:8f14e45f-ceea-467f-a0e6-e0c1b7b5f3ff", b"order:77", b"order:78"]
    shown = json.dumps(told(filled([(name, 10) for name in names]), mask=True))
    assert not [secret for secret in ("ann", "bob", "8f14e45f", "77") if secret in shown]
    assert {row["pattern"] for row in told(filled([(name, 10) for name in names]), mask=True)["patterns"]} == {
        "user:*", "*", "session:*", "order:*",
    }  # fmt: skip


@pytest.mark.parametrize(
    "name", [b"a\x1b[31mred", b"line\nfeed", b"\xff\xfe\x00", "turn\u202earound".encode(), b"<script>alert(1)</script>"]
)
def test_hostile_names_are_shown_as_harmless_text(name):
    result = told(filled([(name, 10)]))
    shown = [result["biggest"][0]["key"], result["patterns"][0]["pattern"]]
    assert all(text.isprintable() for text in shown), shown


def test_a_name_of_a_megabyte_is_cut():
    table = filled([(b"blob:" + b"x" * 10**6, 10)])
    result = told(table)
    assert len(result["biggest"][0]["key"]) <= 200
    assert len(result["patterns"][0]["pattern"]) <= 120
    assert len(json.dumps(table.to_json())) < 5_000


def test_giants_in_a_sample_are_said():
    rows = [(b"k:%d" % number, 100) for number in range(1_000)] + [(b"giant:1", 10**6)]
    result = told(filled(rows), total=100_000, complete=False, expected_bytes=10**9)
    assert len(result["unsure"]) == 2
    assert "giants" in result["unsure"][0]
    assert "not explained" in result["unsure"][1]
    assert told(filled(rows), total=1_001, expected_bytes=10**9)["unsure"] == []


def population(rng, skew):
    """(pattern, size) of 40,000 keys: ordinary patterns, a rare one, one with sizes that differ."""
    weights = {"a": 0.5, "b": 0.3, "c": 0.15, "rare": 0.02, "skewed": 0.03}
    names = rng.choices(list(weights), list(weights.values()), k=40_000)
    sizes = {"a": lambda: 100 + rng.randrange(50), "b": lambda: rng.choice([60, 90, 2_000]), "c": lambda: 500, "rare": lambda: 3_000}
    sizes["skewed"] = lambda: int(rng.lognormvariate(6, skew))
    return [(name, sizes[name]()) for name in names]


@pytest.mark.parametrize(("read", "skew"), [(400, 0.5), (2_000, 1.0), (10_000, 1.2), (1_000, 1.5)])
def test_intervals_hold_the_truth_in_95_of_100_samples(read, skew):
    rng = random.Random(read)
    everything = population(rng, skew)
    truth = {name: sum(size for own, size in everything if own == name) for name in ("a", "b", "c", "rare", "skewed")}
    held = {"bytes": 0, "share": 0}
    trials = 300
    for dummy in range(trials):
        part = rng.sample(everything, read)
        sample = Sample(read, len(everything), sum(size for dummy, size in part), sum(size * size for dummy, size in part))
        for name, true in truth.items():
            own = [size for other, size in part if other == name]
            known = len(own), sum(own), sum(size * size for size in own)
            found, share = total_bytes(sample, *known), share_of_bytes(sample, *known)
            held["bytes"] += found.low <= true <= found.high
            held["share"] += share.low <= true / sum(truth.values()) <= share.high
    assert held["bytes"] / trials / len(truth) > 0.94
    assert held["share"] / trials / len(truth) > 0.94


@given(st.lists(st.integers(0, 10**7), min_size=1, max_size=60), st.integers(0, 10**6), st.integers(0, 60))
def test_an_interval_is_around_its_value_and_never_below_what_was_read(sizes, unread, own):
    part = sizes[:own]
    sample = Sample(len(sizes), len(sizes) + unread, sum(sizes), sum(size * size for size in sizes))
    known = len(part), sum(part), sum(size * size for size in part)
    found, share = total_bytes(sample, *known), share_of_bytes(sample, *known)
    assert found.low <= found.value + 1e-6
    assert found.value <= found.high + 1e-6
    assert found.low >= sum(part) * (1 - 1e-9)
    assert 0 <= share.low <= share.value + 1e-9
    assert share.value - 1e-9 <= share.high <= 1 + 1e-9
