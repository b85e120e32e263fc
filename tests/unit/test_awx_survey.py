# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Job templates and surveys of AWX, from playbooks and the options of roles."""

from __future__ import annotations

import pytest
from ansible_collections.aragora.redis.plugins.filter.awx_template import awx_template
from ansible_collections.aragora.redis.plugins.module_utils import _awx_survey, _playbooks

from tests.conftest import ROOT
from tests.lab import awx

NAMES = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))


@pytest.mark.parametrize(
    ("name", "spec", "expected"),
    [
        ("redis_x_a", {"type": "str"}, {"type": "text"}),
        ("redis_x_a", {"type": "path"}, {"type": "text"}),
        ("redis_x_a", {"type": "int", "default": 5}, {"type": "integer"}),
        ("redis_x_a", {"type": "float"}, {"type": "float"}),
        ("redis_x_a", {"type": "bool"}, {"type": "multiplechoice", "choices": "true\nfalse"}),
        ("redis_x_a", {"type": "str", "choices": ["a", "b"]}, {"type": "multiplechoice", "choices": "a\nb"}),
        ("redis_x_a", {"type": "list", "choices": ["a", "b"]}, {"type": "multiselect", "choices": "a\nb"}),
        ("redis_x_a", {"type": "str", "no_log": True}, {"type": "password"}),
        ("redis_x_password", {"type": "str"}, {"type": "password"}),
        ("redis_x_endpoint_url", {"type": "str"}, {"type": "password"}),
        ("redis_x_events_token", {"type": "str"}, {"type": "password"}),
        ("redis_application", {"type": "raw"}, {"type": "text"}),
    ],
)
def test_an_option_becomes_a_question(name, spec, expected):
    found = _awx_survey.question(name, "a", spec)
    assert {key: found.get(key) for key in expected} == expected
    assert found["required"] is False
    assert "default" not in found


@pytest.mark.parametrize("kind", ["dict", "list", "raw"])
def test_what_no_form_can_ask_for_is_not_asked(kind):
    assert _awx_survey.question("redis_x_a", "a", {"type": kind}) == {}


def test_what_holds_without_an_answer_is_told_beside_the_question():
    spec = {"type": "int", "default": 900, "description": ["Seconds, as O(redis_x_b) says, or V(0)."]}
    assert _awx_survey.question("redis_x_a", "a", spec)["question_description"] == (
        "Seconds, as redis_x_b says, or 0. Without an answer: 900."
    )


def test_a_label_is_the_name_without_that_of_the_role():
    assert _awx_survey.label("redis_replication_heal", "redis_replication_heal_accept_lost_writes") == "accept lost writes"


@pytest.mark.parametrize("name", NAMES)
def test_every_playbook_has_a_job_template_that_awx_takes(name):
    found = awx_template(name)
    assert found["playbook"] == f"playbooks/{name}.yml"
    assert found["description"]
    awx.check_survey(found["survey"])


@pytest.mark.parametrize("name", NAMES)
def test_the_mode_is_asked_first_where_there_is_one_and_nothing_else_has_a_default(name):
    questions = awx_template(name)["survey"]["spec"]
    plans = _playbooks.told((ROOT / "playbooks" / f"{name}.yml").read_text(encoding="utf-8"))[1]
    assert [row["variable"] for row in questions if "default" in row] == (["redis_remediation_mode"] if plans else [])
    assert not plans or questions[0]["choices"] == "plan\napply"


@pytest.mark.parametrize("name", NAMES)
def test_no_question_takes_a_secret_in_the_open(name):
    for row in awx_template(name)["survey"]["spec"]:
        assert row["type"] == "password" or not any(word in row["variable"] for word in ("password", "_url", "secret")), row


def test_the_variables_that_a_playbook_sets_itself_are_not_asked():
    assert "redis_service_planned" not in {row["variable"] for row in awx_template("restart")["survey"]["spec"]}


def test_the_playbook_says_which_roles_it_is_about():
    plays = [
        {"roles": ["aragora.redis.redis_a", {"role": "aragora.redis.redis_b", "redis_b_x": 1}], "vars": {"redis_c_y": 2}},
        {"tasks": [{"ansible.builtin.import_role": {"name": "aragora.redis.redis_guard", "tasks_from": "report"}}]},
    ]
    assert _playbooks.own(plays) == [("redis_a", "main"), ("redis_b", "main")]
    assert _playbooks.settled(plays) == {"redis_b_x", "redis_c_y"}
    assert _playbooks.told("---\n# Do it. Plans only, until it\n# is told; see roles/redis_a.\n- name: x\n") == ("Do it", True)


@pytest.mark.parametrize("name", ["../etc/passwd", "nothing_like_this"])
def test_a_name_of_no_playbook_is_an_error(name):
    with pytest.raises(Exception, match="has no playbook"):
        awx_template(name)


@pytest.mark.parametrize("name", NAMES)
def test_no_survey_shows_a_secret_or_gives_all_hosts_one_address(name):
    for asked in awx_template(name)["survey"]["spec"]:
        if any(word in asked["variable"] for word in ("password", "token", "secret")):
            assert asked["type"] == "password", asked["variable"]
            assert "default" not in asked
        # Those that stay are asked of one server.
        assert not asked["variable"].endswith("_address") or asked["variable"] in ("redis_network_address", "redis_restore_address")
