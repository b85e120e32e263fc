# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The comparison with an earlier report: what is compared, what is not, and how the past is told."""

from __future__ import annotations

import copy
import functools
import json
from pathlib import Path

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis import engine
from ansible_collections.aragora.redis.plugins.module_utils._previous import compared, digest
from hypothesis import given
from hypothesis import strategies as st

SNAPSHOTS = Path(__file__).parent / "snapshots"
SECOND = 1_000_000
HOUR = 3600 * SECOND


@functools.cache
def kept(name):
    return json.loads((SNAPSHOTS / f"{name}.json").read_text(encoding="utf-8"))["snapshot"]


def changed(snapshot, changes):
    snapshot = copy.deepcopy(snapshot)
    for path, value in changes.items():
        *parents, last = path.split(".")
        functools.reduce(dict.__getitem__, parents, snapshot)[last] = value
    return snapshot


def earlier(snapshot, microseconds=HOUR, **changes):
    """The digest of the same server before, with other numbers."""
    told = digest(json.dumps(changed(snapshot, {path.replace("__", "."): value for path, value in changes.items()})), "old.json")
    return {**told, "taken_usec": told["taken_usec"] - microseconds}


def findings(snapshot, *digests):
    found = engine.diagnose(compared(snapshot, digests), workload_role="store")["findings"]
    return {finding["id"]: finding for finding in found}


HEALTHY = kept("healthy/standalone-redis-8.2")
USED = HEALTHY["info"]["memory"]["used_memory"]


class TestForecast:
    @pytest.mark.parametrize(
        ("hours", "before", "severity"),
        [
            # 100 MiB allowed, about 10 in use.
            (1, USED - 2**20, None),
            (1, USED - 4 * 2**20, "warning"),
            (0.1, USED - 4 * 2**20, "critical"),
            (1, USED, None),
            (1, USED + 2**20, None),
            (0.1, USED - 1000, None),
        ],
    )
    def test_growth_decides(self, hours, before, severity):
        found = findings(HEALTHY, earlier(HEALTHY, int(hours * HOUR), info__memory__used_memory=before)).get("memory_forecast")
        assert (found and found["severity"]) == severity

    def test_a_server_that_was_started_since_is_not_compared(self):
        told = earlier(HEALTHY, info__memory__used_memory=1, server__run_id="f" * 40)
        assert compared(HEALTHY, [told])["previous"] is None

    @pytest.mark.parametrize("microseconds", [0, 59 * SECOND, -HOUR])
    def test_too_close_or_later_is_no_comparison(self, microseconds):
        assert compared(HEALTHY, [earlier(HEALTHY, microseconds)])["previous"] is None

    def test_without_an_earlier_report_it_is_not_applicable(self):
        missing = {row["id"]: row["missing"] for row in engine.diagnose(compared(HEALTHY, []))["not_applicable"]}
        assert missing["memory_forecast"] == "previous.seconds"

    def test_of_several_the_newest_counts(self):
        assert compared(HEALTHY, [earlier(HEALTHY, 5 * HOUR), earlier(HEALTHY), earlier(HEALTHY, 9 * HOUR)])["previous"]["seconds"] == 3600


class TestPast:
    @pytest.fixture
    def rejected(self):
        return changed(HEALTHY, {"info.stats.rejected_connections": 720})

    def test_what_rose_since_is_told_as_past_and_hurts_nobody_now(self, rejected):
        found = findings(rejected, earlier(HEALTHY))["clients_rejected"]
        assert found["severity"] == "warning"
        assert "since the report of" in found["title"]
        assert found["title"].endswith("; not now")
        assert found["evidence"]["rejected_per_second"] == 0.2
        assert found["evidence"]["since_report_of"]

    def test_what_rises_now_is_told_as_now(self, rejected):
        found = findings(changed(rejected, {"rates.stats.rejected_connections": 3.0}), earlier(HEALTHY))["clients_rejected"]
        assert found["severity"] == "critical"
        assert "since" not in found["title"]

    def test_a_report_of_last_week_says_nothing_of_today(self, rejected):
        assert "clients_rejected" not in findings(rejected, earlier(HEALTHY, 170 * HOUR))

    def test_without_a_window_the_report_is_witness_enough(self, rejected):
        assert "clients_rejected" in findings({**rejected, "rates": None}, earlier(HEALTHY))

    def test_the_past_of_one_rule_does_not_colour_the_next(self, rejected):
        told = findings(changed(rejected, {"rates.stats.evicted_keys": 5.0}), earlier(HEALTHY))
        assert "since" not in told["eviction_active"]["title"]


class TestFiles:
    @pytest.mark.parametrize(
        "text",
        [
            "", "{", "[]", "null", "7", '{"schema": 1}', '{"schema": 2, "server": {}, "info": {}}', '{"schema": 1, "server": 1}',
            '{"schema": 1, "server": {}, "info": []}', '{"schema": 1, "run_id": "x", "targets": []}', "[" * 100_000,
        ],
    )  # fmt: skip
    def test_what_is_no_snapshot_is_one_sentence(self, text):
        with pytest.raises(ValueError, match=r"^old[.]json is no (JSON|snapshot)") as error:
            digest(text, "old.json")
        assert "\n" not in str(error.value)

    @pytest.mark.parametrize("name", sorted(path.stem for path in SNAPSHOTS.glob("*.json")))
    def test_every_snapshot_can_be_compared_with(self, name):
        digest(json.dumps(kept(name)), name)

    @given(st.data())
    def test_a_damaged_one_never_makes_the_diagnosis_fail(self, data):
        told = earlier(HEALTHY)
        odd = st.sampled_from([None, "", "x", -1, 0, 2**70, 10**400, float("nan"), float("inf"), True, [], {}, {"calls": "x"}])
        section = data.draw(st.sampled_from(sorted(name for name, fields in told["info"].items() if fields)))
        for field in data.draw(st.lists(st.sampled_from(sorted(told["info"][section])), max_size=5)):
            told["info"][section] = {**told["info"][section], field: data.draw(odd)}
        if data.draw(st.booleans()):
            told[data.draw(st.sampled_from(["taken_usec", "info", "run_id"]))] = data.draw(odd)
        findings(HEALTHY, told)
