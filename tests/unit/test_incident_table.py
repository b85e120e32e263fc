# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the incident suite makes of a report, and the tables that it prints and writes."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from tests.incidents import readme
from tests.incidents.incident import every
from tests.incidents.run import Result, counted, table, trouble

FOUND = Result("23", "i23_keys", "A client calls KEYS", "redis-6.2", "slow_command_keys", "slow_command_keys", right=True, seconds=2.0)
WRONG = replace(FOUND, server="valkey-9.1", found="cpu_saturated", right=False, seconds=4.0, note="found cpu_saturated")
SILENT = Result("41", "i41_quiet", "Healthy", "redis-6.2", None, None, right=True, seconds=3.0)
SKIPPED = replace(SILENT, server="redis-7.0", right=False, seconds=0.0, skipped=True, note="redis-7.0 is not on this machine")
INCIDENT = next(incident for incident in every() if incident.number == "15")


def finding(name, *explains, severity="critical"):
    return {"id": name, "severity": severity, "explains": list(explains)}


def target(reason=None):
    return {"availability": {"reason": reason}}


@pytest.mark.parametrize(
    ("changes", "loud", "reason", "said"),
    [
        ({}, [finding("memory_limit_reached", "writes_refused_memory")], None, ""),
        ({}, [finding("memory_limit_reached")], None, "does not explain writes_refused_memory"),
        ({}, [finding("memory_high"), finding("memory_limit_reached")], None, "found memory_high, memory_limit_reached"),
        ({}, [], None, "found nothing"),
        ({"first": None, "explains": ()}, [], None, ""),
        ({"first": None, "explains": ()}, [finding("memory_high")], None, "found memory_high"),
        ({"first": "a", "explains": (), "only": True}, [finding("a"), finding("b")], None, "also found b"),
        ({"first": "a", "explains": (), "reason": "expired"}, [finding("a")], "expired", ""),
        ({"first": "a", "explains": (), "reason": "expired"}, [finding("a")], "unknown_ca", "the reason is unknown_ca, not expired"),
    ],
)
def test_a_report_is_right_when_the_cause_comes_first(changes, loud, reason, said):
    assert trouble(replace(INCIDENT, **changes), target(reason), loud) == said


def test_found_and_silent_are_counted_apart_and_the_skipped_are_not():
    assert counted([FOUND, WRONG, SILENT, SKIPPED]) == {
        "found": 1, "incidents": 2, "silent": 1, "healthy": 1, "mended": 0, "remedies": 0, "skipped": 1,
        "seconds": {"median": 3.0, "max": 4.0},
    }  # fmt: skip


def test_the_printed_table_ends_with_the_sum():
    lines = table([FOUND, WRONG, SILENT, SKIPPED], 12.3).splitlines()
    assert "found 1 of 2 · silent 1 of 1 · mended 0 of 0 · diagnosis 3.0 s (longest 4.0 s) · skipped 1 · 12 s in all" in lines[-1]
    assert any(line.startswith("FAIL") and line.endswith("found cpu_saturated") for line in lines)


def test_what_was_found_at_the_second_attempt_only_is_told():
    assert "at the 2nd attempt; before: found b" in table([replace(FOUND, attempts=2, missed="found b")], 1)


def test_the_readme_names_the_servers_and_those_that_were_missed():
    keys = replace(INCIDENT, number="23", name="i23_keys", title="A client calls KEYS", first="slow_command_keys", explains=(), mends=None)
    row = readme.table([keys], [asdict(FOUND), asdict(WRONG)]).splitlines()[2]
    assert row == "| 23 | A client calls KEYS | `slow_command_keys` | redis-6.2, **not valkey-9.1** | 4.0 |  |  |"


@pytest.mark.parametrize("incident", every(), ids=lambda incident: incident.name)
def test_one_server_of_each_family_is_chosen_and_all_of_them_on_demand(incident):
    chosen = incident.chosen(everywhere=False)
    assert set(chosen) <= set(incident.eligible) == set(incident.chosen(everywhere=True))
    assert len({name.partition("-")[0] for name in chosen}) == len(chosen)
