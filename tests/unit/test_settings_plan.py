# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a declaration of settings would do to a server."""

from __future__ import annotations

import json

import pytest
from ansible_collections.aragora.redis.plugins.module_utils import _settings_plan as plans

REDIS_6 = {"server": {"redis_version": "6.2.5"}, "memory": {"used_memory": 5_000_000, "mem_not_counted_for_evict": 1_000_000}}
REDIS_7 = {"server": {"redis_version": "7.0.15"}}
VALKEY_8 = {"server": {"redis_version": "7.2.4", "server_name": "valkey", "valkey_version": "8.1.1"}}
VALKEY_9 = {"server": {"redis_version": "7.2.4", "server_name": "valkey", "valkey_version": "9.1.0"}}
CONFIG = {
    "maxmemory": "0", "maxmemory-policy": "noeviction", "databases": "16", "requirepass": "", "masterauth": "old-sesame",
    "replica-priority": "100", "slave-priority": "100", "hash-max-ziplist-entries": "512", "dir": "/data", "io-threads": "1",
    "disable-thp": "yes", "appendonly": "no",
}  # fmt: skip


def changes_of(wanted, config=None, info=None):
    return plans.make_plan(wanted, {**CONFIG, **(config or {})}, info or REDIS_6, local=True).changes


def test_only_what_means_something_else_is_changed():
    assert [change.name for change in changes_of({"maxmemory": "0gb", "appendonly": True, "slave-priority": "100"})] == ["appendonly"]


@pytest.mark.parametrize(
    ("asked", "on_server"),
    [("MaxMemory", "maxmemory"), ("primaryauth", "masterauth"), ("hash-max-listpack-entries", "hash-max-ziplist-entries")],
)
def test_a_setting_is_found_under_the_name_that_the_server_uses_and_reported_under_the_one_that_was_asked_for(asked, on_server):
    change = changes_of({asked: "77"})[0]
    assert (change.name, change.server_name) == (asked, on_server)


def test_two_names_of_one_setting_are_refused():
    with pytest.raises(ValueError, match="slave-priority and replica-priority are the same setting: give one of them"):
        changes_of({"slave-priority": 1, "replica-priority": 2})


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("maxmemroy", "did you mean maxmemory?"),
        ("maxmemory_policy", "did you mean maxmemory-policy?"),
        ("xyzzy", "CONFIG GET . lists what it knows"),
        ("maxmem*", "did you mean maxmemory?"),
        ("rename-command", "a line of the configuration file"),
        ("replicaof", "REPLICAOF"),
        ("user", "ACL SETUSER"),
    ],
)
def test_what_is_no_setting_is_named_with_a_hint(name, hint):
    with pytest.raises(ValueError, match=hint) as refusal:
        changes_of({name: "1"})
    assert str(refusal.value).startswith(name)


@pytest.mark.parametrize(
    ("name", "info", "config", "local", "reason"),
    [
        ("databases", REDIS_6, {}, True, "immutable"),
        ("maxmemory", REDIS_6, {}, True, None),
        ("disable-thp", REDIS_6, {}, True, None),
        ("disable-thp", REDIS_7, {}, True, "immutable"),
        ("io-threads", REDIS_7, {}, True, "immutable"),
        ("io-threads", VALKEY_8, {}, True, "immutable"),
        ("io-threads", VALKEY_9, {}, True, None),
        ("server_cpulist", REDIS_6, {}, True, "immutable"),
        ("dir", REDIS_6, {}, True, None),
        ("dir", REDIS_7, {"enable-protected-configs": "no"}, True, "protected"),
        ("dir", REDIS_7, {"enable-protected-configs": "yes"}, False, None),
        ("dir", REDIS_7, {"enable-protected-configs": "local"}, True, None),
        ("dbfilename", REDIS_7, {"enable-protected-configs": "local"}, False, "protected"),
    ],
)
def test_what_waits_for_a_restart_depends_on_the_server(name, info, config, local, reason):
    assert plans.restart_reason(name, config, info, local) == reason


def test_what_waits_is_no_change_and_the_rest_is():
    plan = plans.make_plan({"databases": 32, "maxmemory": "1gb"}, CONFIG, REDIS_6, local=True)
    assert [change.name for change in plan.changes] == ["maxmemory"]
    assert plans.resulting(plan) == {"databases": "16", "maxmemory": "1073741824"}
    assert plans.waiting_rows(plan) == [
        {
            "setting": "databases", "current": "16", "wanted": "32", "reason": "immutable",
            "message": "databases stays '16': it is only read when the server starts; "
            "give the server '32' on its command line or in its configuration file, and restart it",
        }
    ]  # fmt: skip


def test_what_already_has_its_value_does_not_wait():
    assert plans.waiting_rows(plans.make_plan({"databases": "16", "dir": "/data/"}, CONFIG, REDIS_7, local=True)) == []


@pytest.mark.parametrize(
    ("wanted", "config", "effect"),
    [
        ({"maxmemory": 3_999_999}, {}, "writes would be refused"),
        ({"maxmemory": 3_999_999, "maxmemory-policy": "allkeys-lru"}, {}, "keys would be evicted"),
        ({"maxmemory": 1_000_000}, {"maxmemory": "2000000"}, "writes would be refused"),
        ({"maxmemory-policy": "allkeys-lru"}, {"maxmemory": "2000000"}, "keys would be evicted"),
    ],
)
def test_a_limit_below_the_memory_in_use_is_refused_with_both_numbers(wanted, config, effect):
    config = {**CONFIG, **config}
    limit = wanted.get("maxmemory", config["maxmemory"])
    with pytest.raises(ValueError, match=rf"maxmemory {limit} is below the 4000000 bytes .* {effect} .*allow_eviction: true"):
        plans.check_eviction(changes_of(wanted, config), config, REDIS_6)


@pytest.mark.parametrize(
    ("wanted", "config"),
    [
        ({"maxmemory": 4_000_000}, {}),
        ({"maxmemory": 0}, {"maxmemory": "1000"}),
        ({"maxmemory": "2mb"}, {"maxmemory": "1000000"}),
        ({"maxmemory-policy": "allkeys-lru"}, {}),
        ({"maxmemory-policy": "noeviction"}, {"maxmemory": "1000", "maxmemory-policy": "allkeys-lru"}),
        ({"appendonly": True}, {"maxmemory": "1000", "maxmemory-policy": "allkeys-lru"}),
    ],
)
def test_what_evicts_nothing_more_than_before_is_allowed(wanted, config):
    changes = changes_of(wanted, config)
    plans.check_eviction(changes, {**CONFIG, **config}, REDIS_6)
    assert changes


def test_secrets_are_masked_wherever_they_are_shown():
    plan = plans.make_plan({"requirepass": "new-sesame", "masterauth": "newer-sesame"}, CONFIG, REDIS_6, local=True)
    shown = [plans.previous(plan.changes), plans.resulting(plan), plans.diff(plan.changes, "here"), plans.waiting_rows(plan)]
    assert len(plan.changes) == 2
    assert "sesame" not in json.dumps(shown)
    assert shown[0] == {"requirepass": "", "masterauth": "***"}
    assert shown[2]["before"] != shown[2]["after"]


def test_a_removed_secret_is_shown_as_removed():
    changes = changes_of({"masterauth": ""})
    assert plans.diff(changes, "here")["before"] == {"masterauth": "***"}
    assert plans.diff(changes, "here")["after"] == {"masterauth": ""}


def test_secret_values_are_found_in_any_case_and_shape():
    wanted = {"RequirePass": "a", "masterauth": 12345, "tls-key-file-pass": ["b"], "maxmemory": "1gb", "primaryauth": ""}
    assert plans.secret_values(wanted) == {"a", "12345", "b"}
    assert plans.leaves(wanted) == {"a", "12345", "b", "1gb", ""}
