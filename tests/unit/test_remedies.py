# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of actions, and the plans that are made of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.aragora.redis.plugins.module_utils import _remedies
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis import engine
from ansible_collections.aragora.redis.plugins.module_utils._plans.every import PLANS

ROOT = Path(__file__).resolve().parents[2]
RISKS = {rule.id: rule.risk for rule in (*engine.RULES, *engine.GROUP_RULES)}


def finding(name, risk="guarded", severity="critical", explains=()):
    return {"id": name, "severity": severity, "title": name, "explains": list(explains), "remedy": _remedies.remedy(name, risk)}


@pytest.mark.parametrize("action", _remedies.ACTIONS.values(), ids=lambda action: action.name)
def test_an_action_has_its_role_its_playbook_and_its_plan(action):
    assert (ROOT / "playbooks" / f"{action.playbook}.yml").exists()
    assert {"act.yml", "undo.yml", f"{action.tasks_from}.yml"} <= {
        path.name for path in (ROOT / "roles" / action.role / "tasks").iterdir()
    } or (action.tasks_from != "main")
    # The fallback is planned by its module, on the application's host.
    assert action.name in PLANS or action.role == "redis_fallback"
    assert action.risk in ("safe", "guarded")


@pytest.mark.parametrize("name", sorted(_remedies.ANSWERS))
def test_only_findings_that_exist_are_answered(name):
    assert name in RISKS


def test_what_people_have_to_mend_has_no_remedy():
    assert _remedies.remedy("memory_limit_reached", "human") is None
    assert _remedies.remedy("not_redis", "guarded") is None


def test_what_people_have_to_mend_may_have_a_playbook_that_tells_them_more():
    found = finding("name_not_resolved", "human")
    assert (found["remedy"]["action"], found["remedy"]["risk"]) == ("check_network", "human")
    assert _remedies.ordered([found], ["check_network"]) == [], "nobody else calls it"
    (row,) = _remedies.left([], [found], "cache", "now")
    assert (row["state"], row["findings"]) == ("escalated", ["name_not_resolved"])


def test_an_action_is_planned_once_for_all_of_its_findings():
    rows = _remedies.ordered([finding("memory_limit_reached"), finding("memory_high"), finding("slow_script", "human")], [])
    assert [(row["action"], row["findings"], row["allowed"]) for row in rows] == [
        ("tune_memory", ["memory_limit_reached", "memory_high"], False)
    ]
    assert "redis_remediation_allow=[tune_memory]" in rows[0]["why"]
    assert _remedies.ordered([finding("memory_high")], ["tune_memory"])[0]["allowed"]


def test_what_is_safe_needs_no_permission():
    (row,) = _remedies.ordered([finding("process_down", "safe")], [])
    assert (row["risk"], row["allowed"]) == ("safe", True)


def test_a_permission_for_nothing_is_an_error():
    with pytest.raises(ValueError, match="there is no action 'tune_memroy': choose from"):
        _remedies.ordered([], ["tune_memroy"])


def test_what_can_wait_is_told_and_makes_no_run_fail():
    findings = [finding("overcommit_off")]
    rows = _remedies.left(_remedies.ordered(findings, []), findings, "cache1", "2026-01-01T00:00:00Z")
    assert [(row["action"], row["state"]) for row in rows] == [("prevent", "mitigated")]
    assert "redis_remediation_allow=[prevent]" in rows[0]["why"]


def test_what_is_left_is_refused_or_for_people_and_what_is_explained_is_not_told_twice():
    findings = [
        finding("memory_limit_reached"),
        finding("slow_script", "human", explains=("latency_probe_high",)),
        finding("latency_probe_high", "human"),
    ]
    rows = _remedies.left(_remedies.ordered(findings, []), findings, "cache1", "2026-01-01T00:00:00Z")
    assert [(row["action"], row["state"], row["findings"]) for row in rows] == [
        ("tune_memory", "refused", ["memory_limit_reached"]),
        ("people", "escalated", ["slow_script"]),
    ]


def test_what_only_will_hurt_is_not_escalated():
    findings = [finding("slow_script", "human", "warning")]
    assert [row["state"] for row in _remedies.left([], findings, "cache1", "now")] == ["mitigated"]


@pytest.mark.parametrize(
    "given",
    [["tune_memory", "restart"], "tune_memory,restart", " tune_memory, restart", "[tune_memory, restart]", '["tune_memory","restart"]'],
)
def test_actions_may_be_allowed_as_a_command_line_gives_them(given):
    assert _remedies.names(given) == ["tune_memory", "restart"]


@pytest.mark.parametrize("given", ["", "[]", [], None, ()])
def test_nothing_allows_nothing(given):
    assert _remedies.names(given) == []


def test_what_is_no_list_of_actions_is_a_sentence():
    with pytest.raises(ValueError, match="is no list of actions: choose from restart, wait"):
        _remedies.names({"tune_memory": True})


def test_an_action_is_named_by_its_whole_name():
    (row,) = _remedies.ordered([finding("server_loading", "safe")], _remedies.names("restart"))
    assert (row["allowed"], row["named"]) == (True, False)


def test_titles_are_harmless_in_what_is_left():
    row = {**finding("slow_script", "human"), "title": "by \x1b[2Jshop"}
    assert _remedies.left([], [row], "cache1", "now")[0]["why"] == "by \\x1b[2Jshop"
