# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the rules make of the keys, beyond the states that were captured: intervals, limits, and what is not known."""

from __future__ import annotations

import copy
import functools
import json
import shlex
from pathlib import Path

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis import engine, keyspace_facts, workload
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts

SNAPSHOTS = Path(__file__).parent / "snapshots"


def changed(name, role=None, **values):
    """(findings by id, rules that are not applicable) of a captured server with other values, ``__`` for the dots of their paths."""
    snapshot = copy.deepcopy(json.loads((SNAPSHOTS / f"{name}.json").read_text(encoding="utf-8"))["snapshot"])
    for path, value in values.items():
        *parents, last = path.split("__")
        functools.reduce(dict.__getitem__, parents, snapshot)[last] = value
    found = engine.diagnose(snapshot, None, role)
    return {finding["id"]: finding for finding in found["findings"]}, {row["id"]: row["missing"] for row in found["not_applicable"]}


def share(value, low, high=100.0):
    return {"value": value, "low": low, "high": high}


def big(kind, size, members=None, pattern="cart:*"):
    return {"key": pattern, "pattern": pattern, "type": kind, "bytes": size, "members": members, "ttl_seconds": 60}


class TestIntervals:
    @pytest.mark.parametrize(("low", "speaks"), [(51.0, True), (50.0, False), (20.0, False)])
    def test_what_never_expires_is_told_where_its_lower_bound_says_so(self, low, speaks):
        found, dummy = changed("keys_without_ttl", keyspace__ttl__never_bytes_percent=share(80.0, low))
        assert ("keys_without_ttl" in found) is speaks

    @pytest.mark.parametrize(("low", "speaks"), [(51.0, True), (50.0, False)])
    def test_a_pattern_dominates_where_its_lower_bound_says_so(self, low, speaks):
        rows = json.loads((SNAPSHOTS / "pattern_dominates.json").read_text(encoding="utf-8"))["snapshot"]["keyspace"]["patterns"]
        rows[0]["bytes_percent"] = share(80.0, low)
        found, dummy = changed("pattern_dominates", keyspace__patterns=rows)
        assert ("pattern_dominates" in found) is speaks

    def test_an_estimate_says_that_it_is_one_how_much_was_read_and_why_it_is_unsure(self):
        sampled = {"keyspace__complete": False, "keyspace__keys_total": 500_000, "keyspace__unsure": ["it has missed giants"]}
        found, dummy = changed("keys_without_ttl", keyspace__ttl__never_bytes_percent=share(80.0, 70.0, 90.0), **sampled)
        finding = found["keys_without_ttl"]
        assert finding["title"].startswith("About 80 % of the memory of a session store never expires")
        assert (finding["evidence"]["keys_read"], finding["evidence"]["keys_total"]) == (20_500, 500_000)
        assert finding["evidence"]["is_estimate"] is True
        assert finding["evidence"]["unsure"] == ["it has missed giants"]
        assert (finding["evidence"]["percent_at_least"], finding["evidence"]["percent_at_most"]) == (70.0, 90.0)


class TestWhatIsNoComplaint:
    def test_a_cache_that_evicts_all_keys_needs_no_ttl(self):
        settings = {"info__memory__maxmemory_policy": "allkeys-lru", "info__memory__maxmemory": 2**30}
        assert "keys_without_ttl" not in changed("keys_without_ttl", "cache", **settings)[0]
        assert "keys_without_ttl" in changed("keys_without_ttl", "session", **settings)[0]
        assert "keys_without_ttl" in changed("keys_without_ttl", "cache", **{**settings, "info__memory__maxmemory": 0})[0]

    @pytest.mark.parametrize("role", ["store", "queue"])
    def test_the_keys_of_a_store_are_there_to_stay(self, role):
        assert "keys_without_ttl" not in changed("keys_without_ttl", role)[0]

    def test_shares_of_little_mean_nothing(self):
        little = {"value": 9 * 2**20, "low": 9 * 2**20, "high": 9 * 2**20}
        assert not {"keys_without_ttl", "pattern_dominates"} & set(changed("keys_without_ttl", keyspace__bytes=little)[0])

    def test_the_rest_of_the_keys_is_no_pattern(self):
        rows = json.loads((SNAPSHOTS / "pattern_dominates.json").read_text(encoding="utf-8"))["snapshot"]["keyspace"]["patterns"]
        rows[0]["pattern"] = "*"
        assert "pattern_dominates" not in changed("pattern_dominates", keyspace__patterns=rows)[0]

    def test_one_big_key_without_a_ttl_is_told_as_a_big_key_only(self):
        found, dummy = changed("big_keys", "session")
        assert "big_keys" in found
        assert "keys_without_ttl" not in found


class TestBigKeys:
    @pytest.mark.parametrize(
        ("found", "severity"),
        [
            (big("string", 100_000), None),
            (big("string", 100_001), "notice"),
            (big("string", 1_000_001), "warning"),
            (big("hash", 500_000, 5_000), None),
            (big("hash", 500_000, 5_001), "notice"),
            (big("hash", 500_000, 50_001), "warning"),
            (big("list", 50_000, 1_001), "notice"),
            (big("zset", 50_000, 10_001), "warning"),
            (big("hash", 11 * 2**20, 3), "warning"),
            (big("stream", 11 * 2**20, 100), "warning"),
            (big("stream", 9 * 2**20, 1_000_000), None),
            (big("ReJSON-RL", 11 * 2**20), "warning"),
            (big("set", 11 * 2**20), "warning"),  # the length is not known
        ],
    )
    def test_each_type_has_its_own_measure(self, found, severity):
        told, dummy = changed("big_keys", keyspace__big_keys=[], keyspace__biggest_by_type={found["type"]: [found]})
        assert told.get("big_keys", {}).get("severity") == severity

    def test_ten_mebibytes_are_nothing_to_a_server_of_gigabytes(self):
        found = {"keyspace__big_keys": [], "keyspace__biggest_by_type": {"stream": [big("stream", 11 * 2**20)]}}
        assert "big_keys" not in changed("big_keys", info__memory__used_memory=2 * 2**30, **found)[0]

    def test_the_worst_is_named_first_by_its_pattern_and_never_by_its_name(self):
        listed = [big("hash", 900_000, 6_000), big("zset", 400_000, 20_000, "board:*"), big("hash", 800_000, 5_500)]
        found, dummy = changed("big_keys", keyspace__big_keys=listed, keyspace__biggest_by_type={})
        assert found["big_keys"]["title"] == "3 keys are too big, the biggest is a sorted set of 20,000 members (391 KiB), board:*"
        assert "key" not in found["big_keys"]["evidence"]["biggest"][0]

    def test_the_database_that_was_read_is_the_one_to_look_at(self):
        advice = changed("big_keys", keyspace__db=3)[0]["big_keys"]["advice"]
        assert all(" -n 3 " in line for line in advice if line.startswith("$ "))

    def test_a_slow_command_is_told_with_the_size_of_what_it_reads(self):
        found, dummy = changed("slow_command_big_reply", keyspace={"big_keys": [big("set", 3_000_000, 50_000, "followers:*")]})
        assert found["slow_command_big_reply"]["evidence"]["biggest_key"] == {"type": "set", "members": 50_000, "bytes": 3_000_000}


class TestWhatIsNotKnown:
    @pytest.mark.parametrize(
        ("field", "rules"),
        [
            ("ttl", {"keys_without_ttl"}),
            ("type", {"big_keys"}),
            ("memory", {"keys_without_ttl", "big_keys", "pattern_dominates"}),
        ],
    )
    def test_what_this_user_may_not_ask_is_missing_and_no_finding(self, field, rules):
        found, missing = changed("keys_without_ttl", keyspace__denied={field: "NOPERM"})
        assert {name for name in missing if missing[name].startswith("keyspace")} == rules
        assert not rules & set(found)

    def test_a_user_who_may_not_read_keys_only_is_no_complaint(self):
        words = "10.0.0.1:6379 refuses SCAN (NOPERM this user has no permissions to run the 'scan' command)"
        assert "permission_denied" not in changed("healthy/standalone-redis-7.0", keyspace=None, denied={"keyspace": words})[0]
        both = {"keyspace": words, "config": "NOPERM"}
        assert "permission_denied" in changed("healthy/standalone-redis-7.0", keyspace=None, denied=both)[0]


class TestStormToCome:
    """The latency monitor sees a storm that is over; the TTLs tell of the next one."""

    def storm(self, soon, *, never=20.0, expired=0.0, total=400_000, read=20_000, complete=False):
        keyspace = {
            "keys_read": read, "keys_total": total, "complete": complete, "denied": {},
            "ttl": {"percent": {"never": never, "under_1_minute": soon, "under_1_hour": 100 - never - soon}},
        }  # fmt: skip
        stats = json.loads((SNAPSHOTS / "healthy/standalone-redis-7.0.json").read_text(encoding="utf-8"))["snapshot"]["rates"]["stats"]
        return changed("healthy/standalone-redis-7.0", keyspace=keyspace, rates__stats={**stats, "expired_keys": expired})

    def test_a_quarter_of_the_keys_in_one_minute_is_a_storm(self):
        found, dummy = self.storm(40.0)
        assert found["expire_storm"]["title"] == "160,000 keys expire within the next minute"
        assert found["expire_storm"]["evidence"]["percent_of_keys_with_ttl_at_least"] > 45
        assert "expire_storm" not in self.storm(18.0)[0]

    def test_keys_that_always_live_for_seconds_are_none(self):
        assert "expire_storm" not in self.storm(80.0, expired=320_000 / 60)[0]

    def test_few_keys_are_none_and_few_that_were_read_prove_nothing(self):
        assert "expire_storm" not in self.storm(80.0, total=9_000, read=9_000, complete=True)[0]
        assert "expire_storm" not in self.storm(22.0, read=100)[0]
        assert "expire_storm" in self.storm(22.0, read=100, complete=True, total=400_000)[0]

    @pytest.mark.parametrize("part", ["keyspace", "rates"])
    def test_without_either_the_latency_monitor_decides_alone(self, part):
        assert "expire_storm" in changed("expire_storm", **{part: None})[0]
        found, missing = changed("healthy/standalone-redis-7.0", **{part: None})
        assert "expire_storm" not in {**found, **missing}


class TestNamesTellTheRole:
    def rows(self, *found):
        return {"patterns": [{"pattern": pattern, "bytes_percent": {"low": low}} for pattern, low in found]}

    def role(self, keyspace, policy="noeviction"):
        return workload.judged_as({"info": {"memory": {"maxmemory_policy": policy}}, "keyspace": keyspace})["role"]

    @pytest.mark.parametrize(
        ("pattern", "role"),
        [
            ("session:*", "session"),
            ("spring:session:sessions:*", "session"),
            ("PHPREDIS_SESSION:*", "session"),
            ("sess:*", "session"),
            ("app:cache:page:*", "cache"),
            ("obsession:*", "store"),
            ("*", "store"),
        ],
    )
    def test_a_word_of_the_name(self, pattern, role):
        assert self.role(self.rows((pattern, 85.0))) == role

    def test_of_almost_all_the_memory(self):
        assert self.role(self.rows(("session:*", 79.0))) == "store"
        assert self.role(self.rows(("session:*", 45.0), ("sess:*", 40.0))) == "session"

    def test_what_is_done_and_configured_tells_more(self):
        assert self.role(self.rows(("session:*", 90.0)), "allkeys-lru") == "cache"

    @pytest.mark.parametrize("odd", [None, {}, [], "odd", {"patterns": None}, {"patterns": [None]}, {"patterns": [{"pattern": 5}]}])
    def test_a_part_that_is_not_understood_tells_nothing(self, odd):
        assert self.role(odd) == "store"


@pytest.mark.parametrize(
    "pattern", ["session:*", "a'b", "$(reboot)", "`id`", "{cli}", "a\\x1b[31m", "x; rm -rf /", "--eval", "ключ:*", "a b", "…", "[a-z]?"]
)
def test_a_pattern_is_one_harmless_word_of_a_command(pattern):
    words = shlex.split(keyspace_facts.see_names(Facts({}, {}, "store"), pattern)[0][2:].partition(" | ")[0])
    assert words[:3] == ["{cli}", "--scan", "--pattern"]
    assert len(words) == 4
    assert not set(words[3]) & set("$`'{}\\[]?; ")
