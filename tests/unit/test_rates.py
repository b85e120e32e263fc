# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Counters as change per second."""

from __future__ import annotations

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._rates import CPU, STATS, between
from hypothesis import given
from hypothesis import strategies as st


def _info(**sections):
    return sections


def _calls(**calls):
    return {f"cmdstat_{name}": {"calls": count} for name, count in calls.items()}


def test_a_counter_is_its_change_per_second():
    before = _info(stats={"evicted_keys": 100, "expired_keys": 7}, cpu={"used_cpu_user": 1.5})
    after = _info(stats={"evicted_keys": 110, "expired_keys": 7}, cpu={"used_cpu_user": 2.5})
    rates = between(before, after, 4, {})
    assert rates["window_seconds"] == 4
    assert rates["stats"] == {"evicted_keys": 2.5, "expired_keys": 0}
    assert rates["cpu"] == {"used_cpu_user": 0.25}


@pytest.mark.parametrize("name", STATS)
def test_a_counter_that_went_backwards_has_no_rate(name):
    rates = between(_info(stats={name: 10}), _info(stats={name: 9}), 1, {})
    assert name not in rates["stats"]


def test_after_a_restart_nothing_is_negative():
    def reading(stats, cpu, oom, delayed, **calls):
        return _info(
            stats=dict.fromkeys(STATS, stats),
            cpu=dict.fromkeys(CPU, cpu),
            commandstats=_calls(**calls),
            errorstats={"errorstat_OOM": {"count": oom}},
            persistence={"aof_delayed_fsync": delayed},
        )

    before, after = reading(1000, 9.5, 9, 3, get=1000, set=5), reading(1, 0.5, 1, 0, get=1, set=7)
    assert between(before, after, 1, {}) == {"window_seconds": 1, "stats": {}, "cpu": {}, "commands": {"set": 2}, "errors": {}}


def test_a_gauge_is_no_rate():
    assert between(_info(stats={"instantaneous_ops_per_sec": 1}), _info(stats={"instantaneous_ops_per_sec": 5}), 1, {})["stats"] == {}


def test_our_own_commands_are_taken_off():
    before = _info(stats={"total_commands_processed": 100}, commandstats=_calls(ping=10, info=1, get=5))
    after = _info(stats={"total_commands_processed": 122}, commandstats=_calls(ping=30, info=2, get=6))
    rates = between(before, after, 1, {"ping": 20, "info": 1})
    assert rates["stats"]["total_commands_processed"] == 1
    assert rates["commands"] == {"get": 1}


def test_what_is_ours_never_makes_a_rate_negative():
    before = _info(stats={"total_commands_processed": 100}, commandstats=_calls(ping=10))
    after = _info(stats={"total_commands_processed": 101}, commandstats=_calls(ping=11))
    rates = between(before, after, 1, {"ping": 50})
    assert rates["stats"]["total_commands_processed"] == 0
    assert rates["commands"] == {}


def test_a_command_and_an_error_that_are_new_count_from_zero():
    after = _info(commandstats=_calls(**{"config|get": 3}), errorstats={"errorstat_OOM": {"count": 4}})
    rates = between(_info(commandstats={}, errorstats={}), after, 2, {})
    assert rates["commands"] == {"config|get": 1.5}
    assert rates["errors"] == {"OOM": 2}


def test_delayed_fsyncs_are_a_rate_of_their_own():
    rates = between(_info(persistence={"aof_delayed_fsync": 1}), _info(persistence={"aof_delayed_fsync": 3}), 1, {})
    assert rates["aof_delayed_fsync"] == 2


@pytest.mark.parametrize(
    "odd",
    [
        {"cmdstat_x": 5},
        {"cmdstat_x": "calls"},
        {"cmdstat_x": {"usec": 1}},
        {"cmdstat_x": {"calls": "many"}},
        {"cmdstat_x": {}},
    ],
)
def test_a_line_that_is_no_record_of_calls_is_left_out(odd):
    rates = between(_info(commandstats=_calls(get=1)), _info(commandstats={**odd, **_calls(get=2)}), 1, {})
    assert rates["commands"] == {"get": 1}
    errors = {name.replace("cmdstat", "errorstat"): value for name, value in odd.items()}
    assert between(_info(errorstats=errors), _info(errorstats=errors), 1, {})["errors"] == {}


def test_a_counter_that_is_text_has_no_rate():
    assert between(_info(stats={"evicted_keys": 1}), _info(stats={"evicted_keys": "nan"}), 1, {})["stats"] == {}


def test_without_readings_there_are_no_rates():
    assert between({}, {}, 1, {}) == {"window_seconds": 1, "stats": {}, "cpu": {}, "commands": {}, "errors": {}}


COUNTERS = st.dictionaries(st.sampled_from(STATS), st.integers(0, 2**63))


@given(COUNTERS, COUNTERS, st.floats(0.001, 60), st.integers(0, 100))
def test_no_rate_is_ever_negative(before, after, seconds, own):
    rates = between(_info(stats=before), _info(stats=after), seconds, {"ping": own})
    assert all(rate >= 0 for rate in rates["stats"].values())
    assert set(rates["stats"]) == {name for name in after if after[name] >= before.get(name, 0)}


def test_time_spent_in_commands():
    def told(**usec):
        return {"commandstats": {f"cmdstat_{name}": {"calls": 1, "usec": spent} for name, spent in usec.items()}}

    assert between(told(get=100), told(get=400_100, keys=100_000), 2, {})["command_seconds"] == 0.25
    assert "command_seconds" not in between(told(get=100), told(get=50), 2, {}), "the counters began anew"
