# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the table of alerts to a rule file."""

from __future__ import annotations

import re

import pytest
from ansible_collections.aragora.redis.plugins.module_utils import _alert_table, _alerts
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis import engine, finding
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.thresholds import THRESHOLDS

RULES = {rule.id: rule for rule in (*engine.RULES, *engine.GROUP_RULES)}
NAMES = [alert.name for alert in _alert_table.ALERTS]
each = pytest.mark.parametrize("alert", _alert_table.ALERTS, ids=lambda alert: alert.name)
every_rule = pytest.mark.parametrize("rule", _alerts.rules()["groups"][0]["rules"], ids=lambda rule: rule["alert"])


@each
def test_an_alert_names_a_finding_and_is_no_worse_than_it(alert):
    severities = {severity for severity, dummy in alert.levels}
    assert severities <= set(finding.SEVERITIES)
    assert alert.finding in RULES
    assert {limit for dummy, limit in alert.levels if limit} <= THRESHOLDS.keys()


@every_rule
def test_a_rule_carries_what_automation_needs(rule):
    assert rule["labels"].keys() == {"severity", "finding"}
    assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
    assert "$labels.redis_host" in rule["annotations"]["summary"]
    assert rule["annotations"]["runbook_url"].endswith(f"#{rule['alert'].lower()}")


@every_rule
def test_a_rule_is_whole_and_looks_at_our_servers_only(rule):
    text = rule["expr"] + rule["annotations"]["description"]
    assert set(re.findall(r"\$\{?(\w+)", text)) <= {"labels", "value"}
    selectors = re.findall(r"(?:redis_\w+|\bup)\{([^}]*)\}", rule["expr"])
    assert selectors
    assert all('redis_host!=""' in selector for selector in selectors)


@every_rule
def test_nothing_is_divided_by_a_limit_that_may_be_none(rule):
    for divisor in re.findall(
        r"/\s*(\(?)redis_(?:memory_max_bytes|config_maxclients|total_system_memory_bytes)\{[^}]*\}( > 0)?", rule["expr"]
    ):
        assert divisor == ("(", " > 0")


def test_names_are_unique_and_those_of_the_runbook_are_there():
    assert len(NAMES) == len(set(NAMES))
    assert {"RedisUnavailable", "RedisHighMemory", "RedisHighLatency", "RedisConnectionsHigh"} <= set(NAMES)


def test_every_name_of_aragora_has_one_of_ours():
    assert {name for name, dummy in _alert_table.ARAGORA.values()} <= set(NAMES)


def test_limits_are_those_of_the_diagnosis_and_can_be_changed():
    def of_memory(**options):
        return [
            rule["expr"].split(">= ")[1].split()[0]
            for rule in _alerts.rules(**options)["groups"][0]["rules"]
            if rule["alert"] == "RedisHighMemory"
        ]

    assert of_memory() == ["80", "90"]
    assert of_memory(thresholds={"memory_high_warning_percent": 70}) == ["70", "90"]


def test_waits_and_names_that_are_not_wanted():
    rules = _alerts.rules(waits={"RedisUnavailable": "5s"}, without=["RedisEvicting"], docs="https://wiki/redis")["groups"][0]["rules"]
    assert next(rule for rule in rules if rule["alert"] == "RedisUnavailable")["for"] == "5s"
    assert "RedisEvicting" not in {rule["alert"] for rule in rules}
    assert rules[0]["annotations"]["runbook_url"] == "https://wiki/redis#redisunavailable"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"thresholds": {"memory": 1}}, "threshold 'memory' is unknown"),
        ({"waits": {"RedisDown": "1m"}}, "no alert 'RedisDown'"),
        ({"without": ["RedisDown"]}, "no alert 'RedisDown'"),
        ({"waits": {"RedisUnavailable": "soon"}}, "give a number with its unit"),
        ({"waits": {"RedisUnavailable": "\u0663m"}}, "give a number with its unit"),
        ({"waits": {"RedisUnavailable": "9" * 30 + "d"}}, "give a number with its unit"),
        ({"caches": '"} or vector(1)'}, "pattern of names of policies"),
        ({"caches": "*"}, "pattern of names of policies"),
    ],
)
def test_what_cannot_be_meant_is_refused(options, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        _alerts.rules(**options)
