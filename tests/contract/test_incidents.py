# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The incident suite: its files say what they must, and its table is that of its files."""

from __future__ import annotations

import pytest
from ansible_collections.aragora.redis.plugins.module_utils import _remedies
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis import engine

from tests.incidents import incident as suite
from tests.lab import servers

INCIDENTS = suite.every()
RULE_IDS = {rule.id for rule in (*engine.RULES, *engine.GROUP_RULES)}
README = (suite.FOLDER / "README.md").read_text(encoding="utf-8")

each = pytest.mark.parametrize("incident", INCIDENTS, ids=lambda incident: incident.name)


@each
def test_an_incident_expects_findings_that_there_are(incident):
    assert incident.first is None or incident.first in RULE_IDS
    assert set(incident.explains) <= RULE_IDS


@each
def test_an_incident_names_servers_of_the_matrix(incident):
    assert set(incident.servers) <= set(servers.matrix())
    assert incident.chosen(everywhere=False)


@each
def test_an_incident_that_is_mended_or_refused_names_an_action(incident):
    assert incident.mends is None or incident.mends in _remedies.ACTIONS
    assert incident.mends or not (incident.refuses or incident.holds)


@each
def test_an_incident_is_told_in_one_line(incident):
    assert "\n" not in incident.title


@each
def test_an_incident_stands_in_the_table_of_the_readme(incident):
    assert f"| {incident.number} | {incident.title} |" in README, "run python -m tests.incidents.run, then --readme"


def test_numbers_are_unique():
    numbers = [incident.number for incident in INCIDENTS]
    assert len(numbers) == len(set(numbers))
