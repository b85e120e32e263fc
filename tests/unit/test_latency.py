# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Percentiles, and the replies of the LATENCY commands."""

from __future__ import annotations

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._latency import events, histogram, history, percentile, summary
from hypothesis import given
from hypothesis import strategies as st

VALUES = st.lists(st.floats(0, 1e6), min_size=1, max_size=50)


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([7], 0, 7),
        ([7], 50, 7),
        ([7], 100, 7),
        ([1, 2], 50, 1),
        ([2, 1, 3], 50, 2),
        ([4, 3, 2, 1], 75, 3),
        (range(1, 101), 99, 99),
        (range(1, 101), 95, 95),
        (range(1, 101), 100, 100),
        (range(1, 11), 99, 10),
    ],
)
def test_a_percentile_is_the_nearest_rank(values, percent, expected):
    assert percentile(list(values), percent) == expected


def test_nothing_has_no_percentile():
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


@given(VALUES, st.integers(0, 100))
def test_a_percentile_is_one_of_the_values_and_as_many_lie_below_it(values, percent):
    found = percentile(values, percent)
    assert found in values
    assert sum(value <= found for value in values) >= percent / 100 * len(values)


@given(VALUES)
def test_percentiles_grow(values):
    ordered = [percentile(values, percent) for percent in (0, 50, 95, 99, 100)]
    assert ordered == sorted(ordered)
    assert ordered[0] == min(values)
    assert ordered[-1] == max(values)


def test_a_probe_is_summed_up_in_milliseconds():
    assert summary([0.1234, 5.6789, 0.2]) == {"samples": 3, "p50": 0.2, "p95": 5.679, "p99": 5.679, "max": 5.679}


def test_a_probe_without_samples_says_so():
    assert summary([]) == {"samples": 0}


def test_latency_events_are_known_by_name():
    reply = [["command", 1700000000, 12, 340], ["aof-fsync-always", 1700000001, 5, 6]]
    assert events(reply) == {
        "command": {"at": 1700000000, "last_ms": 12, "max_ms": 340},
        "aof-fsync-always": {"at": 1700000001, "last_ms": 5, "max_ms": 6},
    }


@pytest.mark.parametrize("reply", [[], [[]], [["command"]], [["command", 1, 2]]])
def test_an_event_that_is_cut_short_is_left_out(reply):
    assert events(reply) == {}


def test_newer_servers_tell_more_about_an_event():
    assert events([["command", 1, 2, 3, 40, 5]]) == {"command": {"at": 1, "last_ms": 2, "max_ms": 3}}


# As Redis 7.0 writes them.
ROWS = ["get", ["calls", 100, "histogram_usec", [1, 40, 2, 98, 16, 100]], "config|get", ["calls", 1, "histogram_usec", [33, 1]]]
STATS = {"latencystats": {"latency_percentiles_usec_get": {"p50": 1.003, "p99": 9.023, "p99.9": 11.0}}}


def test_percentiles_of_a_command_are_those_of_the_server():
    assert histogram(ROWS, STATS)["get"] == {"calls": 100, "p50_us": 1.003, "p99_us": 9.023, "buckets": [[1, 40], [2, 98], [16, 100]]}


def test_without_them_they_are_the_bounds_of_buckets():
    found = histogram(ROWS, {})
    assert (found["get"]["p50_us"], found["get"]["p99_us"]) == (2, 16)
    assert (found["config|get"]["p50_us"], found["config|get"]["p99_us"]) == (33, 33)


def test_without_a_histogram_the_statistics_of_the_server_are_enough():
    info = {**STATS, "commandstats": {"cmdstat_get": {"calls": 7}}}
    assert histogram([], info) == {"get": {"calls": 7, "p50_us": 1.003, "p99_us": 9.023, "buckets": []}}


@pytest.mark.parametrize("info", [{}, {"latencystats": None}, {"latencystats": {"other": {"p50": 1}}}])
def test_nothing_is_known_of_no_command(info):
    assert histogram([], info) == {}


def test_percentiles_that_the_server_does_not_keep_come_from_the_buckets():
    found = histogram(ROWS, {"latencystats": {"latency_percentiles_usec_get": {"p99.9": 11.0}}})["get"]
    assert (found["p50_us"], found["p99_us"]) == (2, 16)


def test_the_history_of_an_event_is_told_in_its_order():
    assert history([[1700000000, 12], [1700000001, 340], [1]]) == [{"at": 1700000000, "ms": 12}, {"at": 1700000001, "ms": 340}]


@given(st.lists(st.tuples(st.integers(1, 2**40), st.integers(0, 1000)), max_size=12))
def test_percentiles_of_any_histogram_are_bounds_and_grow(steps):
    total, bounds = 0, []
    for bound, calls in sorted(steps):
        total += calls
        bounds += [bound, total]
    found = histogram(["get", ["calls", total, "histogram_usec", bounds]], {})["get"]
    assert (found["p50_us"] is None) == (not bounds)
    if bounds:
        assert found["p50_us"] <= found["p99_us"] <= bounds[-2]
