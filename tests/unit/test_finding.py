# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A snapshot as rules see it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.engine import RULES
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import (
    CAUSES,
    RISKS,
    SEVERITIES,
    Facts,
    Missing,
    above,
    percent,
)

SNAPSHOT: dict[str, Any] = {
    "availability": {"state": "up", "reason": None},
    "info": {"memory": {"used_memory": 5, "ratio": 1.5, "maxmemory": 0, "policy": "noeviction", "frag": "nan", "big": "inf"}},
    "config": {"maxclients": "10000", "save": "", "appendonly": "no"},
    "rates": {"window_seconds": 1.0, "errors": {"OOM": 2}, "stats": {"evicted_keys": 3}},
    "slowlog": {"groups": []},
    "clients": None,
}


@pytest.fixture
def facts():
    return Facts(SNAPSHOT, {"limit": 80.0}, "cache")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("availability.state", "up"),
        ("info.memory.maxmemory", 0),
        ("config.save", ""),
        ("slowlog.groups", []),
        ("info.memory", SNAPSHOT["info"]["memory"]),
    ],
)
def test_a_path_leads_to_its_value_even_when_that_is_nothing_much(facts, path, value):
    assert facts.get(path) == value


@pytest.mark.parametrize(
    "path", ["clients", "clients.total", "host.memory", "availability.reason", "availability.state.more", "info.memory.nothing", "", "."]
)
def test_a_path_that_leads_nowhere_is_missing_and_named(facts, path):
    with pytest.raises(Missing) as caught:
        facts.get(path)
    assert str(caught.value) == path
    assert facts.get_or(path, "default") == "default"


@pytest.mark.parametrize(("path", "value"), [("info.memory.used_memory", 5.0), ("info.memory.ratio", 1.5), ("config.maxclients", 10000.0)])
def test_a_number_is_one_whether_it_is_text_or_not(facts, path, value):
    assert facts.number(path) == value
    assert facts.integer(path) == int(value)


@pytest.mark.parametrize(
    "path",
    [
        "info.memory.policy",
        "info.memory.frag",
        "info.memory.big",
        "config.save",
        "config.appendonly",
        "info.memory",
        "slowlog.groups",
        "clients",
    ],
)
@pytest.mark.parametrize("kind", ["number", "integer"])
def test_what_is_no_number_is_missing(facts, path, kind):
    with pytest.raises(Missing) as caught:
        getattr(facts, kind)(path)
    assert str(caught.value) == path


def test_errors_that_did_not_occur_have_the_rate_zero_and_counters_that_are_not_there_have_none(facts):
    assert facts.rate("errors.OOM") == 2
    assert facts.rate("errors.MISCONF") == 0
    assert facts.rate("stats.evicted_keys") == 3
    with pytest.raises(Missing, match=r"rates\.stats\.sync_full"):
        facts.rate("stats.sync_full")


def test_without_a_window_there_is_no_rate():
    with pytest.raises(Missing, match=r"rates\.errors"):
        Facts({"rates": None}, {}, "store").rate("errors.OOM")


def test_limits_state_and_groups_are_read_by_their_names(facts):
    assert facts.limit("limit") == 80
    assert facts.state() == "up"
    assert facts.recent_groups() == []
    with pytest.raises(KeyError):
        facts.limit("no such threshold")


@pytest.mark.parametrize(("value", "severity"), [(79.9, None), (80, "warning"), (89.9, "warning"), (90, "critical"), (1000, "critical")])
def test_a_value_is_as_severe_as_the_highest_threshold_that_it_reaches(value, severity):
    assert above(value, 80, 90) == severity


@pytest.mark.parametrize(("part", "whole", "expected"), [(1, 3, 33.3), (0, 5, 0.0), (5, 5, 100.0), (5, 0, 0.0), (0, 0, 0.0), (3, 2, 150.0)])
def test_a_share_is_in_percent_with_one_decimal(part, whole, expected):
    assert percent(part, whole) == expected


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_uses_the_words_of_the_table(rule):
    assert rule.cause in CAUSES
    assert set(rule.risk.split("/")) <= set(RISKS)
    assert set(rule.severity.split("/")) <= set(SEVERITIES)
    assert rule.speaks_when
    assert rule.docs_url.startswith("https://")


def test_every_rule_has_an_id_of_its_own_and_explains_rules_that_exist():
    ids = [rule.id for rule in RULES]
    assert len(ids) == len(set(ids))
    assert {name for rule in RULES for name in rule.explains} <= set(ids)
    assert not [rule.id for rule in RULES if rule.id in rule.explains]
