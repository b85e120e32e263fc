# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The clock of an incident, as functions of a ledger and a time."""

from __future__ import annotations

import json

import pytest
from ansible_collections.aragora.redis.plugins.module_utils import _guard, _guard_incidents
from hypothesis import given
from hypothesis import strategies as st

NOW = 1_000_000.0
CACHE = "cache1:6379"


def opened(*findings, ledger=None, now=NOW):
    return _guard_incidents.opened(ledger or _guard.empty(), CACHE, findings or ("process_down",), now)


def seen(ledger, now, deadline=900, again=3600):
    return _guard_incidents.seen(ledger, CACHE, deadline, again, now)


def test_a_second_look_does_not_start_the_clock_again():
    twice = opened("process_down", "replica_down", ledger=opened(), now=NOW + 600)
    assert twice["incidents"] == {CACHE: {"since": NOW, "findings": ["process_down", "replica_down"], "escalated_at": None}}
    assert seen(twice, NOW + 600)["seconds_left"] == 300
    assert opened("replica_down", ledger=twice, now=NOW + 700) == twice


def test_it_is_due_when_the_deadline_is_over():
    assert not seen(opened(), NOW + 899)["due"]
    found = seen(opened(), NOW + 900)
    assert found["due"]
    assert found["sentence"] == "the incident began 15 min ago, its deadline is over"


def test_people_who_were_told_are_told_again_only_after_a_while():
    told = _guard_incidents.escalated(opened(), CACHE, NOW + 900)
    soon = seen(told, NOW + 1000)
    assert (soon["due"], soon["again_in"]) == (False, 3500)
    assert "was escalated 1 min 40 s ago; people are told again in 58 min 20 s (3500 s)" in soon["sentence"]
    assert seen(told, NOW + 900 + 3600)["due"]


def test_a_new_incident_begins_where_the_old_one_was_closed():
    closed = _guard_incidents.closed(_guard_incidents.escalated(opened(), CACHE, NOW + 900), CACHE)
    assert closed == _guard.empty()
    assert seen(closed, NOW) is None
    assert seen(opened(ledger=closed, now=NOW + 5000), NOW + 5000)["seconds_left"] == 900


def test_servers_have_incidents_of_their_own():
    both = _guard_incidents.opened(opened(), "other:6379", ["server_hung"], NOW + 5)
    assert list(_guard_incidents.closed(both, CACHE)["incidents"]) == ["other:6379"]


def test_nothing_is_escalated_that_is_not_open():
    with pytest.raises(ValueError, match="no incident of cache1:6379 is open"):
        _guard_incidents.escalated(_guard.empty(), CACHE, NOW)


def test_a_clock_that_was_set_back_silences_nobody_for_longer():
    told = _guard_incidents.escalated(opened(), CACHE, NOW)
    found = seen(told, NOW - 86_400)
    assert (found["seconds_left"], found["again_in"]) == (900, 3600)


def test_ledgers_with_and_without_incidents_are_ledgers():
    assert _guard.checked(_guard.empty())
    assert _guard.checked(json.loads(json.dumps(opened())))


@pytest.mark.parametrize("odd", [[], {"a": 1}, {"a": {}}, {"a": {"since": "noon"}}])
def test_what_are_no_incidents_is_a_sentence(odd):
    with pytest.raises(ValueError, match="its incidents"):
        _guard.checked({**_guard.empty(), "incidents": odd})


def test_the_other_decisions_keep_the_incidents():
    request = _guard.Request(CACHE, "shop", "restart", "run-1", "alice", risk="safe")
    ledger = _guard.begun(opened(), request, _guard.Limits(), NOW)
    assert _guard.ended(ledger, request, "resolved", NOW + 5)["incidents"] == opened()["incidents"]


@given(st.integers(0, 10_000), st.integers(0, 2_000), st.integers(0, 5_000))
def test_it_is_due_or_says_how_long_it_is_not(age, deadline, again):
    found = seen(_guard_incidents.escalated(opened(), CACHE, NOW), NOW + age, deadline, again)
    assert found["due"] == (found["seconds_left"] == 0 and found["again_in"] == 0)
    assert found["due"] == (age >= deadline and age >= again)
