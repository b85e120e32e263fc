# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the incident suite makes of a report, and the tables that it prints and writes."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from tests.incidents import readme
from tests.incidents.incident import every
from tests.incidents.run import Result, counted, table, trouble, unrefused

FOUND = Result("23", "i23_keys", "A client calls KEYS", "redis-6.2", "slow_command_keys", "slow_command_keys", right=True, seconds=2.0)
WRONG = replace(FOUND, server="valkey-9.1", found="cpu_saturated", right=False, seconds=4.0, note="found cpu_saturated")
SILENT = Result("41", "i41_quiet", "Healthy", "redis-6.2", None, None, right=True, seconds=3.0)
SKIPPED = replace(SILENT, server="redis-7.0", right=False, seconds=0.0, skipped=True, note="redis-7.0 is not on this machine")
MENDED = replace(FOUND, mended=True, mended_seconds=20.0, kept=True, written=9000)
LOST = replace(MENDED, server="valkey-9.1", right=False, kept=False, note="7 keys were lost: b'a' is gone")
REFUSED = Result("57", "i57_cooldown", "Again", "valkey-9.1", None, right=True, refuses="the next may come", refused=True)
INCIDENT = next(incident for incident in every() if incident.number == "15")
REFUSAL = next(incident for incident in every() if incident.number == "57")


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


def row(state, why="", action="tune_memory"):
    return {"action": action, "state": state, "why": why, "steps": []}


@pytest.mark.parametrize(
    ("rows", "status", "said"),
    [
        ([row("refused", "done 60 s ago; the next may come 840 s from now")], 2, ""),
        ([row("escalated", "done 1 s ago; the next may come then"), row("nothing_to_do")], 2, ""),
        ([row("refused", "done 60 s ago; the next may come 840 s from now")], 0, "the playbook ended with 0"),
        ([row("refused", "frozen")], 2, "tune_memory was refused for another reason: frozen"),
        ([row("resolved")], 0, "tune_memory was not refused, but resolved"),
        ([row("refused", "the next may come"), row("resolved")], 2, "tune_memory was not refused, but refused, resolved"),
        ([row("nothing_to_do")], 0, "tune_memory was not refused, but nothing_to_do"),
        ([row("refused", "the next may come", "restart")], 2, "tune_memory was not refused, but not tried"),
    ],
)
def test_a_refusal_is_right_when_nothing_was_done_and_it_says_why(rows, status, said):
    assert unrefused(REFUSAL, {"timeline": rows, "exit_status": status}) == said


def test_found_silent_and_refused_are_counted_apart_and_the_skipped_are_not():
    assert counted([FOUND, WRONG, SILENT, SKIPPED, REFUSED, MENDED, LOST]) == {
        "found": 2, "incidents": 4, "silent": 1, "healthy": 1, "mended": 2, "remedies": 2, "kept": 1, "refused": 1, "refusals": 1,
        "skipped": 1, "seconds": {"median": 2.0, "max": 4.0},
    }  # fmt: skip


def test_the_printed_table_ends_with_the_sum():
    lines = table([MENDED, WRONG, SILENT, SKIPPED, REFUSED, LOST], 12.3).splitlines()
    sums = "found 1 of 3 · silent 1 of 1 · mended 2 of 2 · kept 1 of 2 · refused 1 of 1"
    assert lines[-1] == f"{sums} · diagnosis 2.5 s (longest 4.0 s) · skipped 1 · 12 s in all"
    assert lines[1].endswith("slow_command_keys, mended after 20.0 s, kept with 9000 writes")
    assert any(line.startswith("FAIL") and "7 keys were lost" in line for line in lines)
    assert any(line.startswith("FAIL") and line.endswith("found cpu_saturated") for line in lines)


def test_what_was_found_at_the_second_attempt_only_is_told():
    assert "at the 2nd attempt; before: found b" in table([replace(FOUND, attempts=2, missed="found b")], 1)


def test_the_readme_names_the_servers_and_those_that_were_missed():
    keys = replace(INCIDENT, number="23", name="i23_keys", title="A client calls KEYS", first="slow_command_keys", explains=(), mends=None)
    line = readme.table([keys], [asdict(FOUND), asdict(WRONG)]).splitlines()[2]
    assert line == "| 23 | A client calls KEYS | `slow_command_keys` | redis-6.2, **not valkey-9.1** | 4.0 |  |  |  |  |"


def test_the_readme_tells_what_was_kept_and_what_was_refused():
    keys = replace(INCIDENT, number="23", name="i23_keys", title="A client calls KEYS", first="slow_command_keys", explains=())
    lines = readme.table([keys], [asdict(MENDED)]).splitlines()
    assert lines[2].endswith("| redis-6.2 | 2.0 | `tune_memory` | 20.0 | yes |  |")
    assert {line.count("|") for line in lines[:3]} == {10}
    assert readme.table([keys], [asdict(MENDED), asdict(LOST)]).splitlines()[2].endswith("| **no** |  |")
    again = readme.table([replace(REFUSAL, title="Again")], [asdict(REFUSED)]).splitlines()[2]
    assert again == "| 57 | Again |  | valkey-9.1 |  |  |  |  | `tune_memory`: s ago; the next may come |"


@pytest.mark.parametrize("incident", every(), ids=lambda incident: incident.name)
def test_one_server_of_each_family_is_chosen_and_all_of_them_on_demand(incident):
    chosen = incident.chosen(everywhere=False)
    assert set(chosen) <= set(incident.eligible) == set(incident.chosen(everywhere=True))
    assert len({name.partition("-")[0] for name in chosen}) == len(chosen)
