# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guard's decisions, as functions of a ledger and a time."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from ansible_collections.aragora.redis.plugins.module_utils import _guard
from ansible_collections.aragora.redis.plugins.module_utils._guard import Limits, Request
from hypothesis import given
from hypothesis import strategies as st

NOW = 1_000_000.0
LIMITS = Limits()
FIRST = Request("cache1:6379", "shop", "restart", "run-1", "alice", risk="safe", findings=("process_down",))
GUARDED = replace(FIRST, action="tune_memory", risk="guarded", findings=("memory_limit_reached",))


def judged(ledger, request, limits=LIMITS, frozen=None, now=NOW):
    return _guard.verdict(ledger, request, limits, frozen, now)


def done(*requests, at=NOW, state="resolved"):
    """A ledger in which these were done one after the other, half a minute apart, the last one at this time."""
    ledger = _guard.empty()
    for place, request in enumerate(requests):
        then = at - 30 * (len(requests) - 1 - place)
        ledger = _guard.ended(_guard.begun(ledger, request, LIMITS, then), request, state, then + 1)
    return ledger


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (FIRST, ""),
        (GUARDED, "not_allowed"),
        (replace(GUARDED, named=True), ""),
        (replace(FIRST, risk="human", named=True), "human"),
    ],
)
def test_the_risk_decides_who_may(request_, reason):
    assert judged(_guard.empty(), request_).reason == reason


def test_a_freeze_stops_everything_and_says_its_reason():
    found = judged(_guard.empty(), replace(FIRST, named=True), frozen="migration until noon\n")
    assert (found.allowed, found.reason) == (False, "frozen")
    assert "migration until noon" in found.sentence


class TestLease:
    HELD = _guard.begun(_guard.empty(), FIRST, LIMITS, NOW)

    def test_another_run_on_the_same_server_is_told_who_is_there(self):
        found = judged(self.HELD, replace(FIRST, run_id="run-2", who="bob"), now=NOW + 10)
        assert (found.reason, found.retry_after) == ("leased", 291)
        assert "alice" in found.sentence

    def test_another_server_of_the_group_has_to_wait(self):
        assert judged(self.HELD, replace(FIRST, run_id="run-2", server="cache2:6379"), now=NOW + 10).reason == "group_leased"

    def test_another_group_does_not_care(self):
        assert judged(self.HELD, replace(FIRST, run_id="run-2", server="db:6379", group="db"), now=NOW + 10).allowed

    def test_it_ends_by_itself_when_its_run_was_killed(self):
        other = replace(FIRST, run_id="run-2", action="wait")
        assert not judged(self.HELD, other, now=NOW + LIMITS.lease - 1).allowed
        assert judged(self.HELD, other, now=NOW + LIMITS.lease + 1).allowed

    def test_it_is_given_back_at_the_end(self):
        assert _guard.ended(self.HELD, FIRST, "resolved", NOW + 5)["leases"] == {}

    def test_it_can_be_prolonged_by_its_run_only(self):
        longer = _guard.renewed(self.HELD, FIRST, LIMITS, NOW + 100)
        assert longer["leases"]["shop"]["until"] == NOW + 100 + LIMITS.lease
        with pytest.raises(ValueError, match="has passed to alice"):
            _guard.renewed(longer, replace(FIRST, run_id="run-2"), LIMITS, NOW + 101)

    def test_a_run_that_lost_it_does_not_take_away_that_of_another(self):
        theirs = _guard.begun(_guard.empty(), replace(FIRST, run_id="run-2"), LIMITS, NOW)
        assert _guard.ended(theirs, FIRST, "failed", NOW)["leases"]["shop"]["run_id"] == "run-2"


class TestHistory:
    LATER = replace(FIRST, run_id="later")

    def test_an_action_that_is_safe_is_guarded_the_second_time(self):
        ledger = done(FIRST)
        assert judged(ledger, self.LATER, now=NOW + 60).reason == "cooldown"
        assert judged(ledger, replace(self.LATER, named=True), now=NOW + 60).allowed

    def test_a_guarded_one_waits_even_when_it_is_named(self):
        later = replace(GUARDED, run_id="later", named=True)
        found = judged(done(GUARDED), later, now=NOW + 60)
        assert (found.reason, found.retry_after) == ("cooldown", 841)
        assert judged(done(GUARDED), later, now=NOW + 901).allowed

    def test_what_was_refused_or_had_nothing_to_do_does_not_count(self):
        for state in ("refused", "nothing_to_do"):
            assert judged(done(FIRST, state=state), self.LATER, now=NOW + 1).allowed

    def test_a_finding_that_comes_back_ends_in_a_person(self):
        ledger = done(*(replace(FIRST, run_id=f"run-{n}") for n in range(3)))
        found = judged(ledger, replace(self.LATER, named=True), now=NOW + 1000)
        assert found.reason == "breaker"
        assert "process_down, which comes back" in found.sentence

    def test_an_hour_has_an_end(self):
        ledger = done(*(replace(FIRST, run_id=f"run-{n}") for n in range(3)))
        assert judged(ledger, replace(self.LATER, named=True), now=NOW + 3601).allowed

    def test_there_is_a_most_of_actions_an_hour(self):
        ledger = done(*(replace(FIRST, run_id=f"run-{n}", action=f"a{n}", findings=()) for n in range(6)))
        found = judged(ledger, self.LATER, now=NOW + 60)
        assert (found.reason, found.counted["this_hour"]) == ("cap", 6)
        assert judged(ledger, self.LATER, now=NOW + 60 + found.retry_after).allowed

    def test_other_servers_are_not_counted(self):
        ledger = done(*(replace(FIRST, run_id=f"run-{n}") for n in range(6)))
        assert judged(ledger, replace(self.LATER, server="other:6379", group="other")).allowed


RESTORE = {"id": "a1", "server": "cache1:6379", "settings": {"slowlog-max-len": "128"}, "due": NOW + 900, "run_id": "run-1"}


class TestPending:
    def test_what_is_due_has_to_be_put_back(self):
        ledger = _guard.with_restore(_guard.begun(_guard.empty(), FIRST, LIMITS, NOW), RESTORE, NOW)
        assert _guard.overdue(ledger, "cache1:6379", "other", NOW + 10) == []
        assert [row["id"] for row in _guard.overdue(ledger, "cache1:6379", "other", NOW + 901)] == ["a1"]

    def test_what_a_killed_run_has_left_is_overdue_when_its_lease_is(self):
        ledger = _guard.with_restore(_guard.begun(_guard.empty(), FIRST, LIMITS, NOW), RESTORE, NOW)
        assert _guard.overdue(ledger, "cache1:6379", "other", NOW + LIMITS.lease + 1)
        assert not _guard.overdue(ledger, "cache1:6379", "run-1", NOW + LIMITS.lease + 1), "a run does not undo its own work"

    def test_the_older_of_two_knows_the_lasting_value(self):
        ledger = _guard.with_restore(_guard.empty(), RESTORE, NOW)
        newer = {**RESTORE, "id": "b2", "settings": {"slowlog-max-len": "1024", "slowlog-log-slower-than": "10000"}}
        both = _guard.with_restore(ledger, newer, NOW)["pending"]
        assert [row["settings"] for row in both] == [{"slowlog-max-len": "128"}, {"slowlog-log-slower-than": "10000"}]

    def test_it_is_struck_out_by_its_name_and_server(self):
        ledger = _guard.with_restore(_guard.empty(), RESTORE, NOW)
        assert _guard.without_restores(ledger, "other:6379", ["a1"], NOW)["pending"]
        assert not _guard.without_restores(ledger, "cache1:6379", ["a1"], NOW)["pending"]


@pytest.mark.parametrize(
    "odd", [None, [], {}, {"schema": "1"}, {"schema": 1}, {"schema": 1, "entries": {}, "leases": {}, "pending": []},
            {"schema": 1, "entries": [1], "leases": {}, "pending": []}, {"schema": 2, "entries": [], "leases": {}, "pending": []},
            {"schema": 1, "entries": [{}], "leases": {}, "pending": []}, {"schema": 1, "entries": [], "leases": {"a": {}}, "pending": []},
            {"schema": 1, "entries": [], "leases": {}, "pending": [{"server": "cache1:6379", "due": "soon"}]}],
)  # fmt: skip
def test_what_is_no_ledger_is_a_sentence(odd):
    with pytest.raises(ValueError, match=r"^its? "):
        _guard.checked(odd)


def test_an_outcome_that_is_none_is_a_sentence():
    with pytest.raises(ValueError, match="outcome is 'fine'"):
        _guard.ended(_guard.empty(), FIRST, "fine", NOW)


def test_an_action_that_was_broken_off_counts_as_failed():
    ledger = _guard.begun(_guard.empty(), FIRST, LIMITS, NOW)
    assert _guard.ended(ledger, replace(FIRST, run_id="x"), "resolved", NOW + 3700)["entries"][0]["state"] == "failed"


steps = st.lists(
    st.tuples(
        st.sampled_from(["begin", "end", "renew", "pending"]),
        st.sampled_from(["r1", "r2", "r3"]),
        st.sampled_from(["s1", "s2"]),
        st.integers(0, 900),
    ),
    max_size=30,
)


@given(steps)
def test_no_two_runs_ever_act_on_one_group_at_once(given_steps):
    ledger, now, acting = _guard.empty(), NOW, {}
    for what, run, server, passed in given_steps:
        now += passed
        acting = {name: until for name, until in acting.items() if until > now}
        request = Request(server, "shop", "restart", run, run, risk="safe", named=True)
        if what == "begin" and judged(ledger, request, Limits(hourly=99), now=now).allowed:
            assert not set(acting) - {run}
            ledger = _guard.begun(ledger, request, LIMITS, now)
            acting[run] = now + LIMITS.lease
        elif what == "end":
            ledger = _guard.ended(ledger, request, "resolved", now)
            acting.pop(run, None)
        elif what == "renew" and run in acting:
            ledger = _guard.renewed(ledger, request, LIMITS, now)
            acting[run] = now + LIMITS.lease
        elif what == "pending":
            ledger = _guard.with_restore(ledger, {"id": run, "server": server, "settings": {run: "1"}, "due": now, "run_id": run}, now)
        assert _guard.checked(json.loads(json.dumps(ledger)))
