# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The profile of an application: checked with sentences, completed by the one that it names, and the shipped ones are right."""

from __future__ import annotations

from pathlib import Path

import jmespath
import pytest
import yaml
from ansible_collections.aragora.redis.plugins.module_utils import _application
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.engine import RULES

PROFILES = sorted((Path(__file__).resolve().parents[2] / "roles/redis_application/files/profiles").glob("*.yml"))
EXPRESSIONS = {"readiness": ("ready", "redis", "reason"), "validation": ("works", "skipped", "required", "message"), "probe": ("works",)}


def shipped(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_a_shipped_profile_is_whole_and_its_findings_and_expressions_exist(path):
    whole = _application.complete(None, shipped(path))
    assert whole["url_variables"]
    assert whole["fallback"]["costs"]
    known = {rule.id for rule in RULES}
    assert {name for row in whole["impact"] for name in row["findings"]} <= known
    for section, keys in EXPRESSIONS.items():
        for key in keys:
            assert not whole[section][key] or jmespath.compile(whole[section][key])


def test_what_is_given_wins_key_by_key():
    base = {"unit": "aragora.service", "readiness": {"url": "http://127.0.0.1:8080/readyz", "ready": "status == 'ready'"}}
    whole = _application.complete({"readiness": {"url": "http://127.0.0.1:9090/ready"}, "instances": "2"}, base)
    assert whole["readiness"]["url"] == "http://127.0.0.1:9090/ready"
    assert whole["readiness"]["ready"] == "status == 'ready'"
    assert (whole["unit"], whole["instances"], whole["name"]) == ("aragora.service", 2, "aragora.service")


def test_of_nothing_given_everything_is_there_and_empty():
    whole = _application.complete(None)
    assert set(whole) == {*_application.SHAPE[""], *_application.SHAPE, "impact"} - {""}
    assert (whole["url_variables"], whole["fallback"]["variables"], whole["name"]) == ([], {}, "application")


def test_yaml_truth_is_a_word_in_an_environment_file():
    whole = _application.complete({"fallback": {"variables": {"SINGLE": True, "URL": None, "NUMBER": 3}}})
    assert whole["fallback"]["variables"] == {"SINGLE": "true", "URL": "", "NUMBER": "3"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("aragora", "give a mapping"),
        ({"unti": "a"}, "redis_application.unti is unknown: did you mean unit?"),
        ({"readiness": {"adress": "x"}}, "redis_application.readiness.adress is unknown: choose from"),
        ({"readiness": "x"}, "give a mapping of url"),
        ({"url_variables": "REDIS_URL"}, "give a list of texts"),
        ({"instances": -1}, "give a whole number"),
        ({"instances": 0}, "instances is 0"),
        ({"instances": True}, "give a whole number"),
        ({"journal": {"redis": ["("]}}, "no regular expression"),
        ({"fallback": {"variables": ["A=1"]}}, "give a mapping of names to texts"),
        ({"fallback": {"refused_where": {"A": "true"}}}, "give a mapping of names to lists"),
        ({"impact": [{"findings": ["process_down"]}]}, "give mappings of findings, keys and means"),
        ({"": {"a": 1}}, "is unknown"),
    ],
)
def test_what_cannot_be_meant_is_a_sentence(given, said):
    with pytest.raises(ValueError, match="redis_application") as raised:
        _application.complete(given)
    assert said in str(raised.value)
