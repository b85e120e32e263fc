# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every rule on snapshots of real servers: it speaks, it is silent, and it says which input is missing.

The snapshots are made by ``python -m tests.lab.capture`` from the table in tests/lab/scenarios.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import json
import re
from pathlib import Path

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis import engine, thresholds, workload
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import CAUSES, RISKS, Facts, Missing
from ansible_collections.aragora.redis.plugins.module_utils._snapshot import Snapshot
from hypothesis import given, settings
from hypothesis import strategies as st

SNAPSHOTS = Path(__file__).parent / "snapshots"
RULES = {rule.id: rule for rule in engine.RULES}
HEALTHY = sorted(path.stem for path in (SNAPSHOTS / "healthy").glob("*.json"))
CAPTURED = sorted(path.stem for path in SNAPSHOTS.glob("*.json"))
# Their evidence is what the server or the network said, and addresses, not how much.
SPOKEN = {"exposed_without_password", *(rule.id for rule in (*engine.availability.RULES, *engine.process.RULES))}
# What did not occur is not listed: its absence is an answer.
NOTHING_OCCURRED = ("rates.errors.", "rates.commands.")
# Of a time-out of which the reason is not known, port_filtered tells.
SOMEBODY_ELSE_SPEAKS = {("host_unreachable", "availability.reason")}
ODD: tuple[object, ...] = (
    None,
    "",
    "odd",
    "-1",
    "nan",
    "inf",
    -1,
    0,
    2**70,
    float("nan"),
    float("inf"),
    True,
    [],
    {},
    [None],
    {"odd": None},
    ["odd"],
)

every_rule = pytest.mark.parametrize("rule", list(RULES))
every_healthy_server = pytest.mark.parametrize("name", HEALTHY)


@functools.cache
def document(name):
    return json.loads((SNAPSHOTS / f"{name}.json").read_text(encoding="utf-8"))


def diagnosis(name):
    kept = document(name)
    return engine.diagnose(copy.deepcopy(kept["snapshot"]), kept.get("overrides"), kept.get("role"))


def finding(rule):
    return next((found for found in diagnosis(rule)["findings"] if found["id"] == rule), None)


def facts(name, without=()):
    """What a rule sees of a captured server, without the values at some paths."""
    kept = document(name)
    snapshot = copy.deepcopy(kept["snapshot"])
    role = workload.judged_as(snapshot, kept.get("role"))["role"]
    for path in without:
        *parents, last = path.split(".")
        functools.reduce(lambda place, step: (place.get(step) if isinstance(place, dict) else None) or {}, parents, snapshot).pop(
            last, None
        )
    return Facts(snapshot, thresholds.merged(kept.get("overrides")), role)


def paths_read(rule):
    """The paths that a rule looks at in the snapshot where it speaks, and that are there."""
    seen = facts(rule)
    RULES[rule].judge(seen)
    return [path for path in dict.fromkeys(seen.read) if facts(rule).get_or(path, None) is not None]


def judged(rule, without):
    """(verdict, the missing path, the paths read) of a rule on its own snapshot without the values at some paths."""
    seen = facts(rule, without=without)
    try:
        return RULES[rule].judge(seen), None, seen.read
    except Missing as missing:
        return None, str(missing), seen.read


def facts_told(value):
    """The numbers, and what is yes or no, anywhere in the evidence."""
    if isinstance(value, dict):
        return [number for item in value.values() for number in facts_told(item)]
    if isinstance(value, list):
        return [number for item in value for number in facts_told(item)]
    return [value] if isinstance(value, (int, float)) else []


def test_every_rule_has_a_snapshot_and_every_snapshot_a_rule():
    assert set(CAPTURED) == set(RULES)


def test_what_was_changed_after_a_capture_or_judged_by_other_limits_says_why():
    assert not [name for name in CAPTURED if (document(name)["adjusted"] or document(name)["overrides"]) and not document(name)["why"]]


def test_no_snapshot_tells_of_the_machine_it_was_taken_on():
    for path in SNAPSHOTS.rglob("*.json"):
        assert not re.search(r"/tmp/|/[h]ome/|/[r]oot|site-packages|Sesame|Simsim", path.read_text(encoding="utf-8")), path


@every_rule
def test_it_speaks_where_it_should(rule):
    found = finding(rule)
    assert found
    assert found["title"].strip()
    assert not re.search(r"\b(None|nan|inf)\b", found["title"])
    assert found["evidence"]
    assert rule in SPOKEN or facts_told(found["evidence"])


@every_rule
def test_it_is_as_severe_as_documented(rule):
    assert RULES[rule].judge(facts(rule)).severity in RULES[rule].severity.split("/")


@every_rule
def test_it_advises_with_commands_that_can_be_pasted(rule):
    advice = finding(rule)["advice"]
    assert advice
    assert not [line for line in advice if re.search(r"\{\w*\}", line) or not line.strip()]
    assert not [line for line in advice if line.lstrip().startswith("$") and not line.startswith("$ ")]


@every_rule
def test_it_is_silent_on_healthy_servers_that_show_what_it_looks_at(rule):
    def silent(name):
        try:
            return RULES[rule].judge(facts(f"healthy/{name}")) is None
        except Missing:
            return False

    assert any(silent(name) for name in HEALTHY)


@every_rule
def test_without_its_inputs_it_says_which_one_is_missing(rule):
    removed = paths_read(rule)
    for dummy in range(3):
        verdict, missing, read = judged(rule, removed)
        if missing:
            break
        # One sign may stand in for another, but in the end something is missing.
        assert verdict
        removed = [*removed, *read]
    assert missing == read[-1]


@every_rule
def test_no_single_missing_input_makes_it_pass_in_silence(rule):
    inputs = [path for path in paths_read(rule) if not path.startswith(NOTHING_OCCURRED) and (rule, path) not in SOMEBODY_ELSE_SPEAKS]
    outcomes = {path: judged(rule, [path]) for path in inputs}
    assert not [path for path, (verdict, missing, dummy) in outcomes.items() if not verdict and not missing]


@every_rule
def test_it_trips_over_no_real_server(rule):
    for name in (*CAPTURED, *(f"healthy/{name}" for name in HEALTHY)):
        with contextlib.suppress(Missing):
            RULES[rule].judge(facts(name))


@every_rule
def test_it_is_described_completely(rule):
    described = RULES[rule]
    assert described.cause in CAUSES
    assert described.risk in RISKS
    assert described.speaks_when
    assert described.docs_url.startswith("https://redis.io/docs/")
    assert set(described.explains) <= set(RULES) - {rule}


@every_healthy_server
def test_a_healthy_server_is_left_in_peace(name):
    found = diagnosis(f"healthy/{name}")["findings"]
    assert {finding["id"] for finding in found} <= set(document(f"healthy/{name}")["expected"])
    assert {finding["severity"] for finding in found} <= {"notice"}


@pytest.mark.parametrize("kind", ["stock", "standalone", "logged", "master", "replica", "cluster", "sentinel"])
def test_every_kind_of_healthy_server_was_captured_on_every_server_of_the_matrix(kind):
    names = [name for name in HEALTHY if name.startswith(f"{kind}-")]
    assert {document(f"healthy/{name}")["server"] for name in names} == {
        "redis-6.2", "redis-7.0", "redis-8.0", "redis-8.2", "valkey-8.1", "valkey-9.1",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("snapshot", "root", "explained"),
    [
        ("eviction_impossible", "eviction_impossible", "memory_limit_reached"),
        ("memory_limit_reached", "memory_limit_reached", "writes_refused_memory"),
        ("slow_command_keys", "slow_command_keys", "slow_commands_frequent"),
        ("clients_leaking", "clients_leaking", "clients_high"),
        ("save_failing", "save_failing", "writes_refused_persistence"),
        ("replication_auth_mismatch", "replication_auth_mismatch", "replication_link_down"),
        ("replica_serves_nothing", "replication_link_down", "replica_serves_nothing"),
        ("replication_lagging", "replication_lagging", "no_failover_candidate"),
        ("expire_storm", "expire_storm", "expiry_behind"),
        ("cpu_saturated", "cpu_saturated", "latency_probe_high"),
        ("startup_failed", "startup_failed", "process_down"),
        ("startup_failed", "startup_failed", "crash_loop"),
        ("killed_by_oom", "killed_by_oom", "process_down"),
    ],
)
def test_the_root_cause_comes_first_and_explains_the_rest(snapshot, root, explained):
    first = diagnosis(snapshot)["findings"][0]
    assert first["id"] == root
    assert explained in first["explains"]


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("writes_refused_replicas", {"rates.errors": {}, "info.replication.role": "slave"}),
        ("writes_refused_replicas", {"rates.errors": {}, "config.min-replicas-max-lag": "0"}),
        ("replication_auth_mismatch", {"config.masteruser": "replica"}),
        ("latency_probe_high", {"latency.probe": {"samples": 95, "p50": 0.1, "p95": 0.3, "p99": 24.0, "max": 24.0}}),
        ("replica_buffers_large", {"info.memory.mem_clients_slaves": 9 * 2**20}),
    ],
)
def test_it_is_silent_about_what_only_looks_alike(rule, changes):
    seen = facts(rule)
    for path, value in changes.items():
        *parents, last = path.split(".")
        functools.reduce(dict.__getitem__, parents, seen.snapshot)[last] = value
    assert RULES[rule].judge(seen) is None


@pytest.mark.parametrize(
    "part", ["info", "config", "rates", "slowlog", "clients", "latency", "acl", "auth", "cluster", "memory", "sentinel"]
)
@pytest.mark.parametrize("name", [*CAPTURED, *(f"healthy/{name}" for name in HEALTHY)])
def test_a_part_that_was_refused_is_no_error(name, part):
    snapshot = {**document(name)["snapshot"], part: None}
    result = engine.diagnose(snapshot)
    assert {entry["missing"].partition(".")[0] for entry in result["not_applicable"]} <= set(Snapshot.__annotations__)


@settings(max_examples=500, deadline=None, derandomize=True)
@given(st.data())
def test_no_snapshot_however_odd_makes_the_diagnosis_fail(data):
    name = data.draw(st.sampled_from([*CAPTURED, *(f"healthy/{name}" for name in HEALTHY)]))
    snapshot = copy.deepcopy(document(name)["snapshot"])
    for dummy in range(data.draw(st.integers(1, 5))):
        spoil(data, snapshot)
    result = engine.diagnose(snapshot, document(name).get("overrides"), document(name).get("role"))
    assert {*(found["id"] for found in result["findings"]), *(entry["id"] for entry in result["not_applicable"])} <= set(RULES)
    assert all(entry["missing"] for entry in result["not_applicable"])


def spoil(data, snapshot):
    """Take one value out of a snapshot, or put something odd into its place, at any depth."""
    place = snapshot
    while True:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], (dict, list)) or not place[key] or data.draw(st.integers(0, 3)) == 0:
            break
        place = place[key]
    if data.draw(st.booleans()):
        place[key] = copy.deepcopy(data.draw(st.sampled_from(ODD)))
    else:
        del place[key]


@pytest.mark.parametrize("overrides", [{"no_such_limit": 1}, {"memory_limit_percent": "much"}, {"memory_limit_percent": -1}])
def test_limits_that_cannot_be_meant_are_refused(overrides):
    with pytest.raises(ValueError, match="threshold"):
        engine.diagnose(document("memory_limit_reached")["snapshot"], overrides)


LIMITS = {
    "maxmemory": ("info.memory.maxmemory", 2**20, r"(\d+)mb"),
    "maxclients": ("config.maxclients", 1, r"(\d+)"),
    "repl-backlog-size": ("config.repl-backlog-size", 1, r"(\d+)"),
    "active-expire-effort": ("config.active-expire-effort", 1, r"(\d+)"),
}


@pytest.mark.parametrize("name", CAPTURED)
def test_no_advice_lowers_a_limit(name):
    seen = facts(name)
    for found in diagnosis(name)["findings"]:
        for line in found["advice"]:
            for setting, (path, unit, pattern) in LIMITS.items():
                number = re.search(rf"config set {setting} {pattern}", line)
                if number:
                    assert int(number.group(1)) * unit > seen.number_or(path, 0), f"{found['id']}: {line}"


def test_no_advice_types_a_password_into_a_shell():
    for name in CAPTURED:
        for found in diagnosis(name)["findings"]:
            assert not [line for line in found["advice"] if line.startswith("$ ") and re.search("requirepass|masterauth", line)]
