# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers that replicate each other, on snapshots of real ones: who belongs together, and what none of them can tell alone."""

from __future__ import annotations

import copy
import functools
import json
from pathlib import Path

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis import engine
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.membership import Member, groups
from ansible_collections.aragora.redis.plugins.module_utils._snapshot import empty

FOLDER = Path(__file__).parent / "snapshots" / "groups"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))
IDS = [rule.id for rule in engine.GROUP_RULES]
RULES = {rule.id: rule for rule in engine.GROUP_RULES}


@functools.cache
def document(name):
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def snapshots(name):
    return copy.deepcopy(document(name)["snapshots"])


def judged(name, **inventory):
    return engine.diagnose_targets(snapshots(name), expected_replicas=document(name)["expected_replicas"], **inventory)


def told(diagnosed):
    return [[finding["id"] for finding in item["diagnosis"]["findings"] if finding["id"] in IDS] for item in diagnosed]


def finding(diagnosed, place, name):
    return next(found for found in diagnosed[place]["diagnosis"]["findings"] if found["id"] == name)


def members(*given):
    """Members of a run from (port, replication, group)."""
    made = []
    for port, replication, group in given:
        snapshot = empty("10.0.0.1", port, None, f"redis://10.0.0.1:{port}", local=False)
        made.append(Member(f"cache{port}", {**snapshot, "info": {"replication": replication}}, group))
    return made


def test_every_group_rule_has_a_snapshot_and_there_is_a_healthy_one():
    assert {name.partition("-")[0] for name in NAMES} == {*IDS, "healthy"}


@pytest.mark.parametrize("name", NAMES)
def test_it_is_told_of_whom_it_concerns_and_nothing_else_is(name):
    assert told(judged(name)) == document(name)["expected"]


@pytest.mark.parametrize("name", IDS)
def test_it_speaks_the_language_of_findings(name):
    diagnosed = judged(name)
    place = next(place for place, ids in enumerate(told(diagnosed)) if name in ids)
    found = finding(diagnosed, place, name)
    assert found["severity"] in RULES[name].severity.split("/")
    assert found["evidence"]
    assert found["title"].strip()
    assert not any("{" in line for line in [found["title"], *found["advice"]])
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("part", ["info", "config", "auth"])
def test_a_member_of_whom_nothing_is_known_is_no_reason_to_speak(name, part):
    blind = [{**snapshot, part: None} for snapshot in snapshots(name)]
    expected = document(name)["expected"]
    for found, known in zip(told(engine.diagnose_targets(blind)), expected):
        assert set(found) <= set(known)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("odd", [[], "odd", 7, {"replication": []}, {"replication": {"role": 7, "slave0": "x"}}], ids=repr)
def test_an_oddly_shaped_member_breaks_nothing(name, odd):
    first, *others = snapshots(name)
    engine.diagnose_targets([{**first, "info": odd}, *others])


@pytest.mark.parametrize("name", NAMES)
def test_judging_again_says_the_same_once(name):
    once = judged(name)
    assert engine.diagnose_groups(once) == once


def test_hosts_that_judged_themselves_are_judged_together_afterwards():
    alone = [engine.diagnose_targets([snapshot], [f"cache{place}"])[0] for place, snapshot in enumerate(snapshots("masters_many"))]
    assert told(alone) == [[], []]
    assert told(engine.diagnose_groups(alone)) == [["masters_many"], ["masters_many"]]


def test_both_histories_are_shown_and_which_was_forked_from_which():
    first, second = snapshots("masters_many")
    evidence = finding(judged("masters_many"), 0, "masters_many")["evidence"]["masters"]
    old, new = evidence.values()
    assert old["history"] == first["info"]["replication"]["master_replid"] == new["second_history"]
    assert new["history"] == second["info"]["replication"]["master_replid"] != old["history"]
    assert "second_history" not in old


def test_masters_in_groups_of_different_names_are_no_quarrel():
    first, second = snapshots("masters_many")
    apart = [
        *engine.diagnose_targets([first], ["a"], replication_group="shop"),
        *engine.diagnose_targets([second], ["b"], replication_group="staging"),
    ]
    assert told(engine.diagnose_groups(apart)) == [[], []]


def test_masters_that_only_share_the_name_of_their_group_are_two_masters():
    strangers = [snapshots("healthy")[0], snapshots("masters_many")[0]]
    strangers[0]["info"]["replication"].update(master_replid="a" * 40, master_replid2="0" * 40)
    strangers[0]["server"]["run_id"] = "b" * 40
    assert told(engine.diagnose_targets(strangers)) == [[], []]
    assert told(engine.diagnose_targets(strangers, replication_group="shop")) == [["masters_many"], ["masters_many"]]


def test_a_master_that_is_asked_by_two_names_is_one_master():
    master = snapshots("healthy")[0]
    twice = engine.diagnose_targets([master, copy.deepcopy(master)], names=["by name", "by address"])
    assert told(twice) == [[], []]


def test_evidence_of_many_masters_has_an_end():
    crowd = [copy.deepcopy(snapshots("masters_many")[0]) for dummy in range(40)]
    for place, snapshot in enumerate(crowd):
        snapshot["server"]["run_id"] = f"{place:040}"
    found = finding(engine.diagnose_targets(crowd), 0, "masters_many")
    assert found["title"].startswith("40 masters")
    assert len(found["evidence"]["masters"]) == 10


def test_the_lost_link_is_explained_by_the_lost_master():
    found = finding(judged("master_missing"), 0, "master_missing")
    assert "replication_link_down" in found["explains"]


def test_a_replica_alone_does_not_know_that_the_group_has_no_master():
    assert told(engine.diagnose_targets(snapshots("master_missing")[:1])) == [[]]


@pytest.mark.parametrize(("expected", "found"), [(None, [[], []]), ("", [[], []]), (1, [[], []]), ("2", [["replicas_missing"], []])])
def test_replicas_are_missed_only_where_their_number_is_known(expected, found):
    assert told(engine.diagnose_targets(snapshots("healthy"), expected_replicas=expected)) == found


def test_what_a_rule_would_have_to_know_is_named():
    missing = {row["id"]: row["missing"] for row in engine.diagnose_targets(snapshots("healthy")[:1])[0]["diagnosis"]["not_applicable"]}
    assert missing["replicas_missing"] == "redis_expected_replicas"
    assert missing["masters_many"] == missing["settings_differ"] == "another server of its group"
    together = engine.diagnose_targets(snapshots("healthy"), expected_replicas=1)
    assert not [row for item in together for row in item["diagnosis"]["not_applicable"] if row["id"] in IDS]


@pytest.mark.parametrize("number", ["two", -1, 1.5, "²"])
def test_a_number_of_replicas_that_is_none_is_a_sentence(number):
    with pytest.raises(ValueError, match="redis_expected_replicas is"):
        engine.diagnose_targets([], expected_replicas=number)


def test_settings_are_told_with_both_values():
    evidence = finding(judged("settings_differ"), 1, "settings_differ")["evidence"]["settings"]
    assert set(evidence) == {"maxmemory", "maxmemory-policy"}
    assert sorted(evidence["maxmemory"].values()) == ["104857600", "52428800"]


MASTER = {"role": "master", "master_replid": "a" * 40, "master_replid2": "0" * 40}
OTHER = {"role": "master", "master_replid": "b" * 40, "master_replid2": "0" * 40}
PROMOTED = {"role": "master", "master_replid": "c" * 40, "master_replid2": "a" * 40}
LOST = {"role": "slave", "master_host": "10.0.0.1", "master_port": 1, "master_replid": "d" * 40}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], []),
        ([(1, MASTER, None), (2, OTHER, None)], [[0], [1]]),
        ([(1, MASTER, None), (2, PROMOTED, None)], [[0, 1]]),
        ([(1, MASTER, "x"), (2, OTHER, "x")], [[0, 1]]),
        ([(1, MASTER, "x"), (2, PROMOTED, "y")], [[0], [1]]),
        ([(1, MASTER, "x"), (2, PROMOTED, None)], [[0], [1]]),
        ([(1, MASTER, None), (2, LOST, None)], [[0, 1]]),
        ([(3, LOST, None), (2, {**LOST, "master_replid": "e" * 40}, None)], [[0, 1]]),
        ([(1, {}, None), (2, {}, None)], [[0], [1]]),
        ([(1, MASTER, None), (2, OTHER, None), (3, PROMOTED, None)], [[0, 2], [1]]),
    ],
)
def test_who_replicates_whom_says_who_belongs_together(given, expected):
    assert groups(members(*given)) == expected


def test_loopback_is_no_name_where_several_machines_have_it():
    replica = {**LOST, "master_host": "127.0.0.1"}
    here = Member("a", {**empty("127.0.0.1", 1, None, "", local=True), "info": {"replication": MASTER}})
    there = Member("b", {**empty("127.0.0.1", 1, None, "", local=True), "info": {"replication": replica}})
    assert groups([here, there]) == [[0], [1]]
