# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What flush plans: how much, with which doubt, and what it refuses."""

from __future__ import annotations

import pytest
from ansible_collections.aragora.redis.plugins.module_utils import _flush
from ansible_collections.aragora.redis.plugins.module_utils._plans import every

from tests.unit.test_plan_service import load

MASTER = "healthy/master-redis-7.0"
SIZE = {"value": 900, "low": 800, "high": 1_000}
IMPACT = [{"keys": ["session:*"], "means": "users have to log in again"}, {"keys": ["cart:*"], "means": "carts are empty"}]


def seen(number=10, read=100, total=100, complete=True):
    row = {"pattern": "session:*", "keys_read": number, "bytes": SIZE}
    found = {"complete": complete, "keys_total": total, "keys_read": read, "bytes": {**SIZE, "value": 5_000}}
    return {"keyspace": {**found, "patterns": [row] if number else []}}


def plan(changes=None, **options):
    whole = {"pattern": "session:*", "seen": seen(), "servers": 1, "backup": True, "workload_role": "cache", **options}
    return every.plan("flush", load(MASTER, changes), whole)


def test_a_pattern_of_a_cache():
    found = plan(impact=IMPACT)
    assert (found["refused"], found["backs_up"]) == ([], True)
    assert found["flush"] == {"by": "pattern", "pattern": "session:*", "db": 0, "most_keys": 15}
    assert found["steps"][0] == "take a backup first, and delete nothing without one"
    assert found["steps"][1].startswith("delete 10 keys that match session:* in db0, which hold about 900 bytes (800 to 1,000), in batches")
    assert found["steps"][2:] == ["for users: users have to log in again (session:*)"]


def test_one_database_with_all_that_it_means():
    found = plan(impact=IMPACT, pattern="", db="3", backup=False)
    assert found["flush"] == {"by": "db", "pattern": "", "db": 3, "most_keys": 150}
    assert found["steps"][0] == "take no backup: what is deleted is gone"
    assert "delete 100 keys that are in db3" in found["steps"][1]
    assert len(found["steps"]) == 4


def test_an_estimate_says_so_and_its_upper_end_counts():
    found = plan(seen=seen(read=1_000, number=100, total=10_000, complete=False))
    assert found["steps"][1].startswith("delete about 1,000 keys (")
    assert "an estimate from a sample" in found["steps"][1]
    assert 1_500 < found["flush"]["most_keys"] < 2_500


def test_what_a_sample_has_not_seen_may_be_there():
    found = plan(seen=seen(number=0, read=1_000, total=100_000, complete=False))
    assert found["steps"][1].startswith("delete about 0 keys (0 to 300)")
    nothing = plan(seen=seen(number=0))
    assert (nothing["steps"], nothing["idle"]) == ([], "nothing to do: no keys match session:* in db0")


@pytest.mark.parametrize("role", ["store", "session", "queue"])
def test_what_cannot_be_made_anew_is_refused(role):
    (text,) = plan(workload_role=role)["refused"]
    assert text.startswith(f"it is used as a {role} (given), so 10 keys")
    assert "redis_flush_accept_data_loss=true" in text
    assert plan(workload_role=role, accept_data_loss=True)["steps"]


@pytest.mark.parametrize(
    ("changes", "options", "words"),
    [
        ({}, {"servers": 2}, "2 servers were chosen, and a flush is for one"),
        ({"info.replication": {"role": "slave", "master_host": "m", "master_port": 1}}, {}, "flush its master m:1"),
        ({"availability.state": "busy"}, {}, "its state is busy"),
        ({}, {"seen": {"msg": "10.0.0.1:6379 refuses SCAN"}}, "10.0.0.1:6379 refuses SCAN"),
    ],
)
def test_it_is_refused(changes, options, words):
    assert words in plan(changes, **options)["refused"][0]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"pattern": "*"}, "give its number and no pattern"),
        ({"pattern": "**"}, "stands for every key"),
        ({"pattern": "", "db": ""}, "nothing says what is to be flushed"),
        ({"db": "all"}, "redis_flush_db is 'all'"),
    ],
)
def test_what_cannot_be_meant(options, words):
    with pytest.raises(ValueError, match=words):
        plan(**options)


@pytest.mark.parametrize(
    ("pattern", "glob", "may"),
    [("session:*", "session:*", True), ("s*", "session:a", True), ("session:*", "cart:*", False), ("*:a", "x", True)],
)
def test_patterns_that_may_mean_the_same_key(pattern, glob, may):
    assert _flush.overlaps(pattern, glob) is may
