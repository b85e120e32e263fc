# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a server is used for, as its own numbers tell."""

from __future__ import annotations

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.workload import ROLES, judged_as


def _snapshot(policy="noeviction", *, keys=100, expires=0, calls=None, aof=0, save=None):
    return {
        "info": {
            "memory": {"maxmemory_policy": policy},
            "keyspace": {"db0": {"keys": keys, "expires": expires}},
            "commandstats": {f"cmdstat_{name}": {"calls": count} for name, count in (calls or {}).items()},
            "persistence": {"aof_enabled": aof},
        },
        "config": None if save is None else {"save": save},
    }


@pytest.mark.parametrize("role", ROLES)
def test_a_role_that_is_given_wins(role):
    assert judged_as(_snapshot("allkeys-lru"), role) == {"role": role, "why": "given"}


@pytest.mark.parametrize("role", ["caches", "CACHE", " "])
def test_an_unknown_role_is_named_with_the_known_ones(role):
    with pytest.raises(ValueError, match="cache, store, queue, session") as caught:
        judged_as(_snapshot(), role)
    assert f"'{role}'" in str(caught.value)


@pytest.mark.parametrize("snapshot", [{}, {"info": None}, {"info": {}}, {"info": {"memory": {}}}])
def test_where_nothing_is_known_no_key_may_be_lost(snapshot):
    assert judged_as(snapshot)["role"] == "store"


@pytest.mark.parametrize(
    ("snapshot", "role"),
    [
        (_snapshot(), "store"),
        (_snapshot(keys=0), "store"),
        (_snapshot("allkeys-lru"), "cache"),
        (_snapshot("allkeys-random", calls={"blpop": 100}), "queue"),
        (_snapshot("volatile-lru"), "cache"),
        (_snapshot("volatile-lru", calls={"xreadgroup": 30, "xadd": 70}), "queue"),
        (_snapshot(calls={"brpop": 20, "lpush": 80}), "queue"),
        (_snapshot(calls={"brpop": 19, "lpush": 81}), "store"),
        (_snapshot(calls={"brpop": 20, "lpush": 80, "ping": 9000, "info": 9000, "config|get": 900, "auth": 9}), "queue"),
        (_snapshot(calls={"brpop": 20, "lpush": 80, "config": 9000, "slowlog": 9000, "client": 900, "latency": 9}), "queue"),
        (_snapshot(expires=80), "session"),  # nothing is known of "save"
        (_snapshot(expires=80, save=""), "cache"),
        (_snapshot(expires=79), "store"),
        (_snapshot(expires=80, aof=1), "session"),
        (_snapshot(expires=100, save="3600 1"), "session"),
        (_snapshot(expires=100, save=""), "cache"),
    ],
)
def test_policy_commands_and_ttls_tell_the_role(snapshot, role):
    found = judged_as(snapshot)
    assert found["role"] == role
    assert found["why"]


def test_keys_of_all_databases_count():
    snapshot = _snapshot(keys=10, expires=10)
    snapshot["info"]["keyspace"]["db1"] = {"keys": 90, "expires": 0}
    assert judged_as(snapshot)["role"] == "store"


@pytest.mark.parametrize("odd", [5, "calls", None, {}, {"calls": "many"}, {"keys": "many", "expires": None}])
def test_a_line_that_is_no_record_tells_nothing(odd):
    snapshot = _snapshot(calls={"brpop": 20, "lpush": 80})
    snapshot["info"]["commandstats"]["cmdstat_odd"] = odd
    snapshot["info"]["keyspace"]["odd"] = odd
    assert judged_as(snapshot)["role"] == "queue"
    del snapshot["info"]["commandstats"]
    assert judged_as(snapshot)["role"] == "store"
