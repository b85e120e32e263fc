# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has changed between two reports."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._report import changes

SNAPSHOT = json.loads((Path(__file__).parent / "snapshots" / "pattern_dominates.json").read_text(encoding="utf-8"))["snapshot"]
HOUR = 3_600_000_000
CONFIG = {"maxmemory": "104857600", "maxmemory-policy": "noeviction", "requirepass": "***", "save": ""}


def finding(name, severity="warning"):
    return {"id": name, "severity": severity, "title": name.replace("_", " ").capitalize()}


def side(*findings, snapshot=SNAPSHOT, state="up", drift=(), name="cache"):
    target = {"name": name, "findings": list(findings), "availability": {"state": state}}
    return {"targets": [target], "snapshots": {name: snapshot}, "drift": {name: list(drift)} if drift else {}}


def later(**memory):
    """The same server an hour later."""
    snapshot = copy.deepcopy(SNAPSHOT)
    snapshot["info"]["server"]["server_time_usec"] += HOUR
    snapshot["info"]["memory"].update(memory)
    return snapshot


def told(before, after):
    return [(row["kind"], row["severity"], row["sentence"]) for row in changes.compare(before, after)]


def test_what_is_as_it_was_is_no_change():
    both = side(finding("memory_high"), drift=["maxmemory is 1, declared is 2"])
    assert told(both, {**both, "snapshots": {"cache": later()}}) == []


def test_findings_that_are_new_worse_or_gone():
    before = side(finding("memory_high"), finding("clients_high"), finding("old_notice", "notice"))
    after = side(finding("memory_high", "critical"), finding("big_keys"), finding("some_notice", "notice"))
    assert told(before, after) == [
        ("finding", "critical", "Memory high (memory_high): critical now, it was a warning"),
        ("finding", "warning", "Big keys (big_keys)"),
        ("finding", "notice", "no longer: Clients high (clients_high)"),
    ]


def test_of_a_server_that_is_down_nothing_is_called_mended():
    assert told(side(finding("memory_high")), side(finding("process_down", "critical"), state="refused")) == [
        ("finding", "critical", "Process down (process_down)")
    ]


def test_servers_that_come_and_go():
    assert told(side(name="a"), side(name="b")) == [
        ("server", "warning", "it was in the last report and is not in this one"),
        ("server", "notice", "it is new in this report"),
    ]


def test_growth_is_told_with_how_long_the_memory_will_last():
    used = SNAPSHOT["info"]["memory"]["used_memory"]
    more = 20 * 1024 * 1024
    ((kind, dummy, sentence),) = told(side(), side(snapshot=later(used_memory=used + more, maxmemory=used + 3 * more)))
    assert kind == "growth"
    assert "its memory grew by 20 MiB" in sentence
    assert "in 1 h, to" in sentence
    assert sentence.endswith("maxmemory is full in 2 h")
    assert told(side(), side(snapshot=later(used_memory=used + more // 2))) == []


def test_a_new_pattern_is_told_where_it_counts():
    before = later()
    gone = before["keyspace"]["patterns"].pop(0)["pattern"]
    ((kind, dummy, sentence),) = told(side(snapshot=before), side(snapshot=later()))
    assert (kind, sentence.startswith(f"new keys {gone}: about")) == ("pattern", True)
    small = later()
    small["keyspace"]["patterns"].append({**small["keyspace"]["patterns"][0], "pattern": "rare:*", "keys_percent": 0.2})
    small["keyspace"]["patterns"][-1]["bytes_percent"] = {"value": 0.3}
    assert told(side(), side(snapshot=small)) == []


@pytest.mark.parametrize(
    ("calls", "usec", "restarted", "expected"),
    [
        (1000, 1_000_000, False, ["HGETALL takes 1000 µs a call, it was 100 µs (1000 calls)"]),
        (50, 50_000, False, []),
        (1000, 150_000, False, []),
        (1000, 1_000_000, True, ["HGETALL takes 550 µs a call, it was 100 µs (2000 calls)"]),
    ],
)
def test_a_command_is_slower_by_what_was_counted_since(calls, usec, restarted, expected):
    before, after = later(), later()
    before["info"]["commandstats"] = {"cmdstat_hgetall": {"calls": 1000, "usec": 100_000}, "cmdstat_scan": {"calls": 1000, "usec": 1000}}
    now = {"calls": 1000 + calls, "usec": 100_000 + usec}
    after["info"]["commandstats"] = {"cmdstat_hgetall": now, "cmdstat_scan": {"calls": 9000, "usec": 90_000_000}}
    if restarted:
        after["server"]["run_id"] = "another"
    assert [sentence for kind, dummy, sentence in told(side(snapshot=before), side(snapshot=after)) if kind == "command"] == expected


def test_a_part_that_is_missing_is_not_compared():
    bare = {"info": None, "keyspace": None, "server": {}}
    assert told(side(snapshot=bare), side()) == []
    assert told(side(), side(snapshot=bare)) == []


class TestDrift:
    def drift(self, **wanted):
        return changes.drift({**SNAPSHOT, "config": CONFIG}, {name.replace("_", "-"): value for name, value in wanted.items()})

    def test_settings_are_compared_by_their_meaning(self):
        assert self.drift(maxmemory="100mb", maxmemory_policy="NOEVICTION", save="") == []

    def test_what_differs_is_told_with_both_values(self):
        assert self.drift(maxmemory="200mb") == ["maxmemory is 104857600, declared is 209715200"]

    def test_a_setting_that_does_not_exist_and_a_secret_are_told(self):
        assert self.drift(maxmemmory="1gb")[0].startswith("maxmemmory cannot be compared with what is declared: ")
        assert self.drift(requirepass="secret-7") == ["requirepass cannot be compared with what is declared: reports hold no secrets"]

    def test_what_may_not_be_read_is_told(self):
        assert "CONFIG GET is not answered" in changes.drift({"config": None}, {"maxmemory": "1gb"})[0]
        assert changes.drift({"config": None}, {}) == []

    def test_a_drift_is_told_when_it_begins_and_when_it_ends(self):
        line = "maxmemory is 1, declared is 2"
        assert told(side(), side(drift=[line])) == [("drift", "warning", line)]
        assert told(side(drift=[line]), side()) == [("drift", "notice", f"no longer: {line}")]


def test_the_message_has_all_changes_and_obeys_nobody():
    found = changes.compare(side(), side(finding("[click](http://evil)\x1b[31m", "critical"), finding("b")))
    words = changes.words(found, "20260101T000000Z-1")
    assert words["title"] == "Redis report: 2 changes on 1 server"
    assert "\x1b" not in words["body"]
    assert "](http" not in words["body"]
