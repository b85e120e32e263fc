# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is believed of a message of Alertmanager."""

from __future__ import annotations

import re

import jinja2
import pytest
import yaml
from ansible_collections.aragora.redis.plugins.module_utils import _alerts, _event_alerts, _remedies
from hypothesis import given
from hypothesis import strategies as st
from jinja2.nativetypes import NativeEnvironment

from tests.lab.eda import EXAMPLE, ROOT, TOKEN, alert, message

WELL = {
    "name": "RedisHighMemory", "status": "firing", "severity": "critical", "host": "cache1", "port": "6379", "group": "",
    "finding": "memory_high",
}  # fmt: skip


def test_an_alert_of_our_monitoring_is_taken_and_nothing_but_its_words():
    assert _event_alerts.alerts(message(alert("cache1", note="{{ 1 }}"))) == [WELL]


def test_the_same_alert_of_the_same_server_counts_once_and_another_status_is_another_alert():
    rows = [alert("cache1"), alert("cache1"), alert("cache1", status="resolved"), alert("cache2")]
    assert [(row["host"], row["status"]) for row in _event_alerts.alerts(message(*rows))] == [
        ("cache1", "firing"), ("cache1", "resolved"), ("cache2", "firing"),
    ]  # fmt: skip


def test_a_server_has_one_lane_and_all_servers_together_have_eight():
    hosts = [f"cache{number}" for number in range(500)]
    lanes = [_event_alerts.lane(host) for host in hosts]
    assert lanes == [_event_alerts.lane(host) for host in hosts]
    assert len(set(lanes)) == _event_alerts.LANES == 8
    assert max(map(lanes.count, lanes)) < 500 / 8 * 1.5


FORGED_HOSTS = [
    "{{ lookup('pipe', 'touch /tmp/x') }}", "{% if 1 %}a{% endif %}", "all", "ALL", "ungrouped", "localhost", "cache1:!x", "cache1,cache2",
    "cache*", "cache[1:3]", "~cache.*", "!cache1", "&cache1", "@file", "../..", "/etc/passwd", "cache1\n", "cache1\nall", "cache 1", "",
    "-e", ".", "a" * 254, "cáche", "cache1\x00", None, 1, True, ["cache1"], {"a": 1}, 1.5,
]  # fmt: skip


@pytest.mark.parametrize("host", FORGED_HOSTS, ids=repr)
def test_what_is_no_name_of_a_host_is_no_alert(host):
    assert _event_alerts.alerts(message(alert(host))) == []


@pytest.mark.parametrize(
    "name", ["Watchdog", "redisunavailable", "RedisX; rm", "", None, 3, ["RedisUnavailable"], "Redis" + "a" * 61, "Redis\n"], ids=repr
)
def test_a_name_that_is_none_of_ours_is_no_alert(name):
    assert _event_alerts.alerts(message(alert("cache1", name))) == []


@pytest.mark.parametrize(
    "field", [{"status": "pending"}, {"status": None}, {"status": []}, {"severity": "page"}, {"severity": {}}], ids=repr
)
def test_a_word_of_another_list_is_no_alert(field):
    assert _event_alerts.alerts(message(alert("cache1", **field))) == []


@pytest.mark.parametrize("label", ["redis_port", "redis_group", "finding"])
@pytest.mark.parametrize("value", ["{{ x }}", "a b", "x" * 65, 7, None, []], ids=repr)
def test_a_label_that_only_tells_more_is_left_out_where_its_shape_is_wrong(label, value):
    (row,) = _event_alerts.alerts(message(alert("cache1", **{label: value})))
    assert "" in (row["port"], row["group"], row["finding"])
    assert "{{" not in str(row)


@pytest.mark.parametrize(
    "odd", [None, [], "x", 3, {}, {"alerts": None}, {"alerts": {}}, {"alerts": [None, 3, [], {}, {"labels": []}]}], ids=repr
)
def test_a_message_that_is_none_has_no_alerts(odd):
    assert _event_alerts.alerts(odd) == []


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
labels = st.dictionaries(st.sampled_from(["alertname", "severity", "redis_host", "redis_port", "redis_group", "finding"]), anything)
rows = st.lists(
    st.fixed_dictionaries({"labels": labels, "status": st.sampled_from(["firing", "resolved"]) | anything}) | anything, max_size=4
)


@given(anything | st.fixed_dictionaries({"alerts": rows}))
def test_it_never_raises_and_everything_that_comes_out_is_harmless(odd):
    for row in _event_alerts.alerts(odd):
        assert row.keys() == WELL.keys()
        assert all(isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_.:-]{0,253}", value) for value in row.values())


@given(st.text())
def test_whatever_host_is_taken_is_a_plain_word(host):
    for row in _event_alerts.alerts(message(alert(host))):
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,252}", row["host"])
        assert row["host"].lower() not in ("all", "ungrouped", "localhost")


def test_a_message_of_any_length_is_read_to_a_bound():
    assert len(_event_alerts.alerts(message(*(alert(f"cache{place}") for place in range(3_000))))) == _event_alerts.MOST


def test_every_alert_of_the_monitoring_is_taken_and_the_example_names_such_ones_only():
    known = [rule for group in _alerts.rules({})["groups"] for rule in group["rules"]]
    for rule in known:
        labels = {"redis_host": "cache1", "redis_port": "6379", "redis_group": "shop", "alertname": rule["alert"], **rule["labels"]}
        (row,) = _event_alerts.alerts({"alerts": [{"status": "firing", "labels": labels}]})
        assert (row["name"], row["finding"], row["group"]) == (rule["alert"], rule["labels"]["finding"], "shop")
    example = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    assert set(example["redis_events_plan"]) <= {rule["alert"] for rule in known}
    assert set(example["redis_events_allow"]) <= set(_remedies.ACTIONS)


def test_what_is_folded_into_a_run_is_older_than_the_run():
    """An alert that another one of its server has hidden: its fault was there when the run began, unless it is only counted."""
    (rules,) = yaml.safe_load((EXAMPLE.parent / "rulebooks" / "redis_alerts.yml").read_text(encoding="utf-8"))
    assert {rule["throttle"]["once_within"] for rule in rules["rules"]} == {"30 seconds"}
    waits = {rule["alert"]: rule["for"] for rule in _alerts.rules()["groups"][0]["rules"]}
    assert {name for name, wait in waits.items() if not re.fullmatch(r"[1-9][0-9]*[mh]", wait)} == {
        "RedisRestarting", "RedisConnectionsRejected", "RedisWritesRefusedMemory", "RedisWritesRefusedPersistence",
        "RedisWritesRefusedReplicas", "RedisFullResyncs",
    }  # fmt: skip


def token(given):
    """The token of the webhook, rendered as ansible-rulebook does it."""
    path = ROOT / "extensions" / "eda" / "rulebooks" / "redis_alerts.yml"
    written = yaml.safe_load(path.read_text(encoding="utf-8"))[0]["sources"][0]["eda.builtin.webhook"]["token"]
    return NativeEnvironment(undefined=jinja2.StrictUndefined).from_string(written).render(given)


@pytest.mark.parametrize("well", [TOKEN, int(TOKEN), "\"'{{1}}'\"0123456789"])
def test_a_token_stays_the_text_that_it_is(well):
    assert token({"REDIS_EVENTS_TOKEN": well}) == str(well)


@pytest.mark.parametrize("useless", ["", "short", "0123456789abcdef\n", "0123456789 abcdef", " " * 20])
def test_a_token_that_no_request_could_show_starts_nothing(useless):
    with pytest.raises(jinja2.UndefinedError, match="'REDIS_EVENTS_TOKEN_of_16_or_more_characters_without_spaces' is undefined"):
        token({"REDIS_EVENTS_TOKEN": useless})
