# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sentinels, clusters and lost links beyond the captured states: who watches whom, and what is said in which words."""

from __future__ import annotations

import copy
import functools
import json
from pathlib import Path

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis import engine
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.membership import Member, with_sentinels

FOLDER = Path(__file__).parent / "snapshots"


@functools.cache
def _document(name):
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def snapshot(name):
    return copy.deepcopy(_document(name)["snapshot"])


def group(name):
    return copy.deepcopy(_document(f"groups/{name}")["snapshots"])


def findings(taken, **inventory):
    """{id: finding} of each server of a run."""
    judged = engine.diagnose_targets(taken, **inventory)
    return [{found["id"]: found for found in item["diagnosis"]["findings"]} for item in judged]


def seats(taken, names=()):
    members = [Member(str(place), one, dict(names).get(place)) for place, one in enumerate(taken)]
    return [[place for place, dummy in found] for found in with_sentinels(members)]


def masters_of(taken):
    return taken["sentinel"]["masters"]


def other_shop(taken):
    """The same servers under other ids and addresses: another deployment, whose master is called mymaster, too."""
    text = json.dumps(taken)
    for digit in range(10):
        text = text.replace(f"{digit:040d}", f"{digit + 50:040d}").replace(f"{digit + 10:040d}", f"{digit + 60:040d}")
    text = text.replace(": 63", ": 73").replace(":63", ":73")
    return json.loads(text)


class TestWhoWatchesWhom:
    """Sentinels join the group of their master, and make one of nothing else."""

    def test_a_master_its_replicas_and_their_sentinels_are_one_group(self):
        assert seats(group("healthy-sentinels")) == [[0, 1, 2, 3, 4, 5]]

    def test_sentinels_that_watch_the_same_are_compared_also_without_it(self):
        assert seats(group("sentinel_disagree")[2:]) == [[0, 1]]
        assert [list(found) for found in findings(group("sentinel_disagree")[2:])][1][0] == "sentinel_disagree"

    def test_two_deployments_with_the_usual_name_are_two(self):
        first = group("healthy-sentinels")
        assert seats([*first, *other_shop(first)]) == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]]
        assert seats([*first[3:], *other_shop(first)[3:]]) == [[0, 1, 2], [3, 4, 5]]

    def test_a_sentinel_that_watches_two_masters_does_not_make_them_one(self):
        first = group("healthy-sentinels")
        second = other_shop(first)
        both = first[3]
        masters_of(both).extend({**master, "name": "other"} for master in masters_of(second[3]))
        taken = [first[0], second[0], both]
        assert seats(taken) == [[0, 2], [1, 2]]
        assert "masters_many" not in findings(taken)[0]

    def test_a_sentinel_with_the_name_of_a_group_belongs_to_that(self):
        taken = group("healthy-sentinels")
        assert seats([taken[0], taken[3]], {1: "staging"}.items()) == [[0], [1]]
        assert seats([taken[0], taken[3]], {0: "shop", 1: "shop"}.items()) == [[0, 1]]

    def test_a_sentinel_that_watches_nothing_is_alone(self):
        lonely = snapshot("healthy/sentinel-valkey-9.1")
        lonely["sentinel"]["masters"] = []
        assert seats([lonely]) == [[0]]
        assert findings([lonely]) == [{}]

    @pytest.mark.parametrize(
        "odd", [None, [], 7, {"masters": 7}, {"masters": [7]}, {"masters": [{"replicas": 7, "flags": None}]}], ids=repr
    )
    def test_an_oddly_shaped_sentinel_breaks_nothing(self, odd):
        taken = group("healthy-sentinels")
        taken[3]["sentinel"] = odd
        assert len(findings(taken)) == 6

    @pytest.mark.parametrize("name", ["sentinel_disagree", "replicas_missing-failover"])
    def test_judging_again_says_the_same(self, name):
        once = engine.diagnose_targets(group(name))
        assert engine.diagnose_groups(once) == once


class TestFailover:
    """What a failover would find, and what it has left."""

    def test_the_report_after_a_failover_says_so_and_names_the_lost_server(self):
        found = findings(group("replicas_missing-failover"))[0]["replicas_missing"]
        assert found["title"] == "1 of 2 replicas are online after a failover to this server"
        assert found["evidence"]["expected_by"] == "Sentinel"
        assert len(found["evidence"]["lost"]) == 1

    def test_a_sentinel_that_leads_a_failover_is_no_quarrel(self):
        taken = group("sentinel_disagree")
        masters_of(taken[2])[0]["flags"].append("failover_in_progress")
        assert "sentinel_disagree" not in findings(taken)[3]

    def test_a_server_with_two_addresses_is_one(self):
        taken = group("healthy-sentinels")
        masters_of(taken[4])[0]["ip"] = "10.0.0.7"
        assert "sentinel_disagree" not in findings(taken)[4]

    @pytest.mark.parametrize(
        ("watched", "changes", "expected"),
        [
            (3, {}, "warning"),
            (3, {"connected_slaves": 1}, "notice"),
            (0, {}, None),
        ],
    )
    def test_the_clients_of_a_master_tell_that_it_is_watched(self, watched, changes, expected):
        master = group("split_brain_window")[0]
        master["clients"]["sentinels"] = watched
        master["info"]["replication"].update(changes)
        found = findings([master])[0].get("split_brain_window")
        assert (found and found["severity"]) == expected

    def test_who_watches_a_master_is_unknown_without_its_clients(self):
        master = {**group("split_brain_window")[0], "clients": None}
        missing = {row["id"]: row["missing"] for row in engine.diagnose_targets([master])[0]["diagnosis"]["not_applicable"]}
        assert missing["split_brain_window"] == "clients.sentinels"
        assert "split_brain_window" in findings([master, *group("split_brain_window")[3:]])[0]

    def test_a_lone_master_that_sentinels_watch_lacks_replicas_and_not_sentinels(self):
        lone = snapshot("no_high_availability")
        assert set(findings([lone])[0]) & {"no_high_availability", "replicas_missing"} == {"no_high_availability"}
        lone["clients"]["sentinels"] = 3
        assert set(findings([lone])[0]) & {"no_high_availability", "replicas_missing"} == {"replicas_missing"}

    def test_writes_that_need_a_replica_ask_for_one(self):
        lone = snapshot("no_high_availability")
        lone["config"]["min-replicas-to-write"] = "1"
        assert findings([lone])[0]["replicas_missing"]["evidence"]["expected_by"] == "min-replicas-to-write"

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"slave-priority": 0}, "priority 0"),
            ({"flags": ["slave", "s_down", "disconnected"]}, "down"),
            ({"master-link-down-time": 3_600_000}, "cut off for 3600 s"),
            ({}, None),
        ],
    )
    def test_why_a_replica_is_no_candidate_is_told(self, changes, reason):
        guard = snapshot("healthy/sentinel-valkey-9.1")
        for replica in masters_of(guard)[0]["replicas"]:
            replica.update(changes)
        found = findings([guard])[0].get("no_failover_candidate")
        assert (found and set(found["evidence"]["mymaster"].values()) - {2}) == ({reason} if reason else None)

    def test_one_candidate_is_enough(self):
        guard = snapshot("healthy/sentinel-valkey-9.1")
        masters_of(guard)[0]["replicas"][0]["slave-priority"] = 0
        assert findings([guard]) == [{}]

    def test_a_master_none_of_whose_replicas_is_in_step_has_no_candidate(self):
        master = group("healthy-sentinels")[0]
        for name in ("slave0", "slave1"):
            master["info"]["replication"][name]["lag"] = 90
        assert "no_failover_candidate" in findings([master])[0]
        master["info"]["replication"]["slave0"]["lag"] = 0
        assert "no_failover_candidate" not in findings([master])[0]


@pytest.mark.parametrize(("others", "expected"), [(0, "warning"), (1, "warning"), (2, None), (3, "notice"), (4, None)])
def test_sentinels_are_three_at_least_and_an_odd_number(others, expected):
    guard = snapshot("healthy/sentinel-valkey-9.1")
    masters_of(guard)[0]["num-other-sentinels"] = others
    found = findings([guard])[0].get("sentinels_few")
    assert (found and found["severity"]) == expected


@pytest.mark.parametrize(("milliseconds", "speaks"), [(900, False), (1001, True)])
def test_a_master_may_be_a_replica_for_a_moment(milliseconds, speaks):
    guard = snapshot("sentinel_master_is_replica")
    masters_of(guard)[0]["role-reported-time"] = milliseconds
    assert ("sentinel_master_is_replica" in findings([guard])[0]) is speaks


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("OK 3 usable Sentinels. Quorum and failover authorization can be reached", "Wait: the Sentinels have a quorum"),
        ("NOQUORUM 1 usable Sentinels.", "promote nobody"),
        (None, "Where Sentinels watch the group, wait"),
    ],
)
def test_whether_to_wait_for_the_sentinels_hangs_on_their_quorum(text, words):
    replicas = group("master_missing")
    guard = snapshot("healthy/sentinel-valkey-9.1")
    master = masters_of(guard)[0]
    master["replicas"][0]["runid"] = replicas[0]["server"]["run_id"]
    master["quorum_check"] = text and {"ok": text.startswith("OK"), "text": text}
    assert words in findings([*replicas, guard])[0]["master_missing"]["advice"][0]


class TestCluster:
    """Slots on the move: what one node can know."""

    def test_a_move_that_may_be_under_way_is_a_notice(self):
        found = findings([snapshot("cluster_slot_stuck")])[0]["cluster_slot_stuck"]
        assert found["severity"] == "notice"
        assert "since when, a cluster does not say" in found["title"]

    @pytest.mark.parametrize("flags", ["master,fail", "master,noaddr", None])
    def test_a_move_to_a_node_that_is_gone_is_stuck(self, flags):
        node = snapshot("cluster_slot_stuck")
        target = node["cluster"]["moving_slots"][0]["to"]
        nodes = node["cluster"]["nodes"]
        node["cluster"]["nodes"] = [one for one in nodes if flags or one["address"] != target]
        for one in nodes:
            one["flags"] = flags.split(",") if flags and one["address"] == target else one["flags"]
        found = findings([node])[0]["cluster_slot_stuck"]
        assert (found["severity"], found["title"].split(",")[0]) == ("warning", "The move of 1 slot(s) cannot end")

    def test_a_node_that_fails_explains_the_cluster_that_is_down(self):
        node = snapshot("cluster_slots_failing")
        node["cluster"]["info"]["cluster_state"] = "fail"
        first = engine.diagnose(node)["findings"][0]
        assert (first["id"], first["severity"]) == ("cluster_slots_failing", "critical")
        assert "cluster_down" in first["explains"]
        # This node is no replica of it: nothing can be done here.
        assert first["remedy"] is None

    @pytest.mark.parametrize(
        ("flags", "action"), [("slave,fail", None), ("master", None), ("master,fail?", "failover"), ("master,fail", "failover")]
    )
    def test_a_replica_whose_master_is_gone_can_take_its_place(self, flags, action):
        node = snapshot("cluster_slots_failing")
        node["cluster"]["info"]["cluster_state"] = "fail"
        me = next(row for row in node["cluster"]["nodes"] if "myself" in row["flags"])
        lost = next(row for row in node["cluster"]["nodes"] if "fail" in row["flags"])
        me.update(flags=["myself", "slave"], master_id=lost["id"], slots=[])
        lost.update(flags=flags.split(","), slots=[] if "slave" in flags else lost["slots"])
        found = findings([node])[0]
        assert [(found[name]["remedy"] or {}).get("action") for name in ("cluster_down", "cluster_slots_failing")] == [action, action]


LINES = [
    ("Error condition on socket for SYNC: Connection refused", "it does not reach the master"),
    ("Timeout connecting to the MASTER...", "it does not reach the master"),
    ("MASTER timeout: no data nor PING received...", "it does not reach the master"),
    ("Unable to AUTH to MASTER: -WRONGPASS invalid username-password pair or user is disabled.", "the master refuses its password"),
    ("Unable to AUTH to PRIMARY: -WRONGPASS invalid username-password pair or user is disabled.", "the master refuses its password"),
    ("Unexpected reply to PSYNC from master: -NOAUTH Authentication required.", "the master refuses its password"),
    (
        "Master is currently unable to PSYNC but should be in the future: -NOMASTERLINK Can't SYNC while not connected with my master",
        "its master is itself a replica without a master",
    ),
    ("Master is currently unable to PSYNC but should be in the future: -LOADING Redis is loading", "the master is loading its data set"),
    ("I/O error trying to sync with MASTER: connection lost", "the master broke off the copy"),
    ("Failed trying to load the MASTER synchronization DB from disk", "it cannot store or load the copy"),
    ("Background saving started by pid 7", ""),
]


class TestLostLink:
    """Why a link is down, by the log of the replica's host."""

    @pytest.mark.parametrize(("line", "meaning"), LINES)
    def test_the_log_says_why(self, line, meaning):
        replica = snapshot("replication_link_down")
        replica["host"]["log"]["lines"] = [{"age_seconds": None, "by": "log", "text": text} for text in ("something else", line)]
        title = engine.diagnose(replica)["findings"][0]["title"]
        assert title.partition(" is down")[2].startswith(f": {meaning}" if meaning else "")
        assert meaning or title.endswith("is down")

    def test_what_was_said_before_the_last_copy_does_not_count(self):
        replica = snapshot("replication_link_down")
        texts = ("Error condition on socket for SYNC: Connection refused", "MASTER <-> REPLICA sync: Finished with success")
        replica["host"]["log"]["lines"] = [{"age_seconds": None, "by": "log", "text": text} for text in texts]
        assert engine.diagnose(replica)["findings"][0]["title"].endswith("is down")

    @pytest.mark.parametrize(
        ("state", "meaning"),
        [("loading", "the master is loading its data set"), ("refused", "the master refuses connections"), ("up", ""), ("tls", "")],
    )
    def test_the_state_of_the_master_says_why_where_it_is_in_the_run(self, state, meaning):
        replica = {**snapshot("replication_link_down"), "host": None}
        master = copy.deepcopy(replica)
        master["server"]["port"] = replica["info"]["replication"]["master_port"]
        master["info"], master["availability"]["state"] = None, state
        once = engine.diagnose_targets([replica, master])
        title = once[0]["diagnosis"]["findings"][0]["title"]
        assert title.partition(" is down")[2] == (f": {meaning}" if meaning else "")
        assert engine.diagnose_groups(once) == once

    def test_a_sentinel_that_misses_the_master_too_says_so(self):
        replica = {**snapshot("replication_link_down"), "host": None}
        guard = snapshot("healthy/sentinel-valkey-9.1")
        guard["server"]["port"] = 26379
        info = replica["info"]["replication"]
        masters_of(guard)[0].update(ip=info["master_host"], port=info["master_port"], flags=["s_down", "master"])
        found = findings([replica, guard])[0]["replication_link_down"]
        assert found["title"].endswith("is down: Sentinel does not reach the master either")
        assert found["evidence"]["missed_by"] == ["127.0.0.1:26379"]
