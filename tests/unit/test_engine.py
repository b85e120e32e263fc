# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a snapshot to ranked findings."""

from __future__ import annotations

import copy
import json
import shlex
from pathlib import Path

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.engine import RULES, diagnose, rank, redis_cli
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import SEVERITIES
from ansible_collections.aragora.redis.plugins.module_utils._failures import STATES
from ansible_collections.aragora.redis.plugins.module_utils._snapshot import empty
from hypothesis import given
from hypothesis import strategies as st

FOLDER = Path(__file__).parent / "snapshots"
# Taken from real servers (tests/lab/capture.py): an old and a new master with a replica, a replica, and one with KEYS in its slow log.
NAMES = ("healthy/master-redis-6.2", "healthy/master-valkey-9.1", "healthy/replica-redis-7.0", "slow_command_keys")
SNAPSHOTS = {name: json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))["snapshot"] for name in NAMES}


def _finding(name, severity="warning", explains=()):
    return {"id": name, "severity": severity, "explains": list(explains)}


def _ranked(*findings):
    return [(finding["id"], finding["severity"]) for finding in rank(list(findings))]


@pytest.mark.parametrize(
    ("findings", "expected"),
    [
        ([], []),
        ([_finding("a", "notice"), _finding("b", "critical"), _finding("c")], [("b", "critical"), ("c", "warning"), ("a", "notice")]),
        # Equal ones keep the order of the rules.
        ([_finding("b"), _finding("a"), _finding("c")], [("b", "warning"), ("a", "warning"), ("c", "warning")]),
        # A root cause lends nothing and takes the severity of what it explains.
        ([_finding("effect", "critical"), _finding("cause", "notice", ["effect"])], [("cause", "critical"), ("effect", "critical")]),
        ([_finding("effect", "notice"), _finding("cause", "critical", ["effect"])], [("cause", "critical"), ("effect", "notice")]),
        # What is explained stands after what is not, however severe it is.
        (
            [_finding("effect", "critical"), _finding("cause", "notice", ["effect"]), _finding("other", "notice")],
            [("cause", "critical"), ("other", "notice"), ("effect", "critical")],
        ),
        # Through others.
        (
            [_finding("c", "critical"), _finding("b", "warning", ["c"]), _finding("a", "notice", ["b"])],
            [("a", "critical"), ("b", "critical"), ("c", "critical")],
        ),
        # What is not there explains nothing.
        ([_finding("a", explains=["gone"])], [("a", "warning")]),
        ([_finding("a", explains=["a"])], [("a", "warning")]),
        # Circles: all of them are explained, and none is above what nobody explains.
        ([_finding("a", "notice", ["b"]), _finding("b", "critical", ["a"])], [("a", "critical"), ("b", "critical")]),
        (
            [_finding("a", "notice", ["b"]), _finding("b", "critical", ["a"]), _finding("c", "notice")],
            [("c", "notice"), ("a", "critical"), ("b", "critical")],
        ),
    ],
)
def test_findings_are_ranked_by_cause_and_severity(findings, expected):
    assert _ranked(*findings) == expected


def test_what_is_not_among_the_findings_is_not_explained():
    first, second = rank([_finding("a", explains=["b", "gone", "a"]), _finding("b")])
    assert (first["explains"], second["explains"]) == (["b"], [])


NAMES = [f"f{number}" for number in range(7)]


@st.composite
def _graphs(draw):
    names = draw(st.lists(st.sampled_from(NAMES), unique=True))
    return [_finding(name, draw(st.sampled_from(SEVERITIES)), draw(st.lists(st.sampled_from(NAMES), max_size=4))) for name in names]


@given(_graphs())
def test_any_graph_of_explanations_is_ranked(findings):
    given_severity = {finding["id"]: SEVERITIES.index(finding["severity"]) for finding in findings}
    ranked = rank(findings)
    assert {finding["id"] for finding in ranked} == set(given_severity)
    severity = {finding["id"]: SEVERITIES.index(finding["severity"]) for finding in ranked}
    explained = {name for finding in ranked for name in finding["explains"]}
    for finding in ranked:
        assert severity[finding["id"]] <= given_severity[finding["id"]]
        assert all(severity[finding["id"]] <= severity[name] for name in finding["explains"])
    assert [finding["id"] in explained for finding in ranked] == sorted(finding["id"] in explained for finding in ranked)


@given(_graphs())
def test_a_cause_stands_before_what_it_explains_unless_they_explain_each_other(findings):
    ranked = rank(findings)
    place = {finding["id"]: number for number, finding in enumerate(ranked)}
    explains = {finding["id"]: finding["explains"] for finding in ranked}

    def reaches(start, goal, seen=()):
        return any(name == goal or (name not in seen and reaches(name, goal, (*seen, name))) for name in explains[start])

    for cause, effects in explains.items():
        for effect in effects:
            assert place[cause] < place[effect] or reaches(effect, cause)


@pytest.mark.parametrize(
    ("server", "words"),
    [
        ({"host": "10.0.0.1", "port": 6379, "url": "redis://10.0.0.1:6379"}, "redis-cli -h 10.0.0.1 -p 6379"),
        ({"host": "::1", "port": 7, "url": "rediss://[::1]:7"}, "redis-cli -h ::1 -p 7 --tls"),
        ({"host": "c", "port": 1, "url": "redis://:***@c:1"}, "redis-cli -h c -p 1 --askpass"),
        ({"host": "c", "port": 1, "url": "redis://ops:***@c:1"}, "redis-cli -h c -p 1 --user ops --askpass"),
        ({"host": "c", "port": 1, "url": "redis://o%40ps%3A%20x:***@c:1"}, "redis-cli -h c -p 1 --user 'o@ps: x' --askpass"),
        ({"socket": "/run/my redis.sock", "url": "unix:///run/my redis.sock"}, "redis-cli -s '/run/my redis.sock'"),
        ({"socket": "/run/r@x.sock", "url": "unix:///run/r@x.sock"}, "redis-cli -s /run/r@x.sock"),
        ({"host": "c; rm -rf /", "port": 1, "url": "redis://c; rm -rf /:1"}, "redis-cli -h 'c; rm -rf /' -p 1"),
        ({"host": "c", "port": 1, "url": None}, "redis-cli -h c -p 1"),
        ({"host": None, "port": None, "url": ""}, "redis-cli"),
        ({}, "redis-cli"),
    ],
)
def test_redis_cli_is_called_with_the_address_and_never_with_the_password(server, words):
    assert redis_cli(server) == words


@given(st.text(min_size=1).filter(lambda text: "\x00" not in text))
def test_no_name_breaks_out_of_the_command_line(name):
    assert shlex.split(redis_cli({"host": name, "port": 1, "url": ""})) == ["redis-cli", "-h", name, "-p", "1"]
    assert shlex.split(redis_cli({"socket": name, "url": ""})) == ["redis-cli", "-s", name]


def test_the_advice_is_for_this_very_server():
    snapshot = empty("10.9.8.7", 6380, None, "redis://ops:***@10.9.8.7:6380", local=False)
    snapshot["availability"] = {**snapshot["availability"], "state": "busy", "reason": "function", "error": "BUSY"}
    (finding,) = diagnose(snapshot)["findings"]
    assert finding["id"] == "script_running"
    assert "$ redis-cli -h 10.9.8.7 -p 6380 --user ops --askpass function kill" in finding["advice"]
    assert "{cli}" not in json.dumps(finding)


def test_every_rule_of_an_empty_snapshot_is_silent_or_names_what_is_missing():
    result = diagnose(empty("cache", 6379, None, "redis://cache:6379", local=False))
    assert [finding["id"] for finding in result["findings"]] == ["not_examined"]
    assert result["workload"]["role"] == "store"
    missing = {row["id"]: row["missing"] for row in result["not_applicable"]}
    assert missing["memory_high"] == "info.memory.maxmemory"
    assert missing["clients_idle"] == "clients.total"
    assert missing["latency_probe_high"] == "latency.probe.p99"
    assert all(missing.values())
    assert set(missing) <= {rule.id for rule in RULES}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("local", [True, False])
def test_every_state_but_up_is_said_by_exactly_one_rule(state, local):
    snapshot = empty("cache", 6379, None, "redis://cache:6379", local=local)
    snapshot["availability"] = {**snapshot["availability"], "state": state, "error": "text"}
    findings = [finding["id"] for finding in diagnose(snapshot)["findings"]]
    assert len(findings) == 1
    assert (findings == ["not_examined"]) == (state == "up"), "a server of which nothing is known is never healthy"


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_a_real_snapshot_is_judged_into_plain_data(name):
    snapshot = copy.deepcopy(SNAPSHOTS[name])
    result = diagnose(snapshot)
    assert snapshot == SNAPSHOTS[name], "judging must not change what is judged"
    assert json.loads(json.dumps(result)) == result
    ids = [finding["id"] for finding in result["findings"]]
    assert len(ids) == len(set(ids))
    assert not set(ids) & {row["id"] for row in result["not_applicable"]}
    assert diagnose(json.loads(json.dumps(snapshot))) == result


@pytest.mark.parametrize("name", SNAPSHOTS)
@pytest.mark.parametrize("part", ["config", "rates", "slowlog", "clients", "latency", "acl"])
@pytest.mark.parametrize("value", [None, {}])
def test_a_part_that_could_not_be_read_makes_rules_inapplicable_and_nothing_up(name, part, value):
    whole, result = diagnose(SNAPSHOTS[name]), diagnose({**SNAPSHOTS[name], part: value})
    missing = {row["id"]: row["missing"] for row in result["not_applicable"]}
    assert any(path.startswith(part) for path in missing.values())
    assert {finding["id"] for finding in result["findings"]} <= {finding["id"] for finding in whole["findings"]}


def _paths(value, prefix=()):
    if isinstance(value, dict):
        for key, item in value.items():
            yield (*prefix, key), item
            yield from _paths(item, (*prefix, key))


def _crash(snapshot):
    """What breaks the diagnosis, in words; None when nothing does."""
    try:
        diagnose(snapshot)
    except Exception as error:
        return repr(error)
    return None


def _without(snapshot, path, replacement):
    changed = copy.copy(snapshot)
    place = changed
    for name in path[:-1]:
        place[name] = copy.copy(place[name])
        place = place[name]
    if replacement is KeyError:
        del place[path[-1]]
    else:
        place[path[-1]] = replacement
    return changed


@pytest.mark.parametrize("name", SNAPSHOTS)
@pytest.mark.parametrize("replacement", [KeyError, None, "", "nan", "many", -1], ids=repr)
def test_no_field_that_is_missing_or_odd_breaks_the_diagnosis(name, replacement):
    snapshot = SNAPSHOTS[name]
    # A mapping or a list may be missing, but is never text.
    paths = [path for path, value in _paths(snapshot) if replacement in (KeyError, None) or not isinstance(value, (dict, list))]
    assert {".".join(path): error for path in paths if (error := _crash(_without(snapshot, path, replacement)))} == {}


@pytest.mark.parametrize(
    ("overrides", "role", "sentence"),
    [({"no_such_threshold": 1}, None, "no_such_threshold"), (None, "database", "'database' is unknown"), ([1], None, "thresholds")],
)
def test_an_option_that_cannot_be_meant_is_a_sentence(overrides, role, sentence):
    with pytest.raises(ValueError, match=sentence):
        diagnose(SNAPSHOTS["healthy/master-redis-6.2"], overrides, role)


def test_a_replica_refuses_no_write_for_want_of_its_own_replicas():
    healthy = SNAPSHOTS["healthy/replica-redis-7.0"]
    config, info = {**healthy["config"], "min-replicas-to-write": "1"}, healthy["info"]
    replication = {**info["replication"], "min_slaves_good_slaves": 0}
    replica = {**healthy, "config": config, "info": {**info, "replication": replication}}
    assert "writes_refused_replicas" not in {finding["id"] for finding in diagnose(replica)["findings"]}
    master = {**replica, "info": {**info, "replication": {**replication, "role": "master"}}}
    assert "writes_refused_replicas" in {finding["id"] for finding in diagnose(master)["findings"]}
