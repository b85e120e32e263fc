# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Sentinels publish, as it is read. The lines are those of real Sentinels."""

from __future__ import annotations

import re

import pytest
from ansible_collections.aragora.redis.plugins.module_utils import _sentinel_events
from hypothesis import given
from hypothesis import strategies as st

MASTER = {"master_name": "mymaster", "master_host": "10.0.0.1", "master_port": "6379"}
LINES = [
    ("+sdown", "master mymaster 10.0.0.1 6379", {"role": "master", "name": "mymaster", "host": "10.0.0.1", "port": "6379", **MASTER}),
    (
        "+odown", "master mymaster 10.0.0.1 6379 #quorum 2/2",
        {"role": "master", "name": "mymaster", "host": "10.0.0.1", "port": "6379", **MASTER, "details": "#quorum 2/2"},
    ),
    (
        "-sdown", "slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379",
        {"role": "slave", "name": "10.0.0.2:6379", "host": "10.0.0.2", "port": "6379", **MASTER},
    ),
    (
        "+sdown", "sentinel 0123456789abcdef0123456789abcdef01234567 10.0.0.3 26379 @ mymaster 10.0.0.1 6379",
        {"role": "sentinel", "name": "0123456789abcdef0123456789abcdef01234567", "host": "10.0.0.3", "port": "26379", **MASTER},
    ),
    (
        "+switch-master", "mymaster 10.0.0.1 6379 10.0.0.2 6380",
        {
            "role": "master", "name": "mymaster", "host": "10.0.0.2", "port": "6380", "old_host": "10.0.0.1", "old_port": "6379",
            "master_name": "mymaster", "master_host": "10.0.0.2", "master_port": "6380",
        },
    ),
    ("+tilt", "#tilt mode entered", {"details": "#tilt mode entered"}),
    ("+new-epoch", "7", {"details": "7"}),
    ("+vote-for-leader", "0123456789abcdef 7", {"details": "0123456789abcdef 7"}),
    (
        "+role-change", "slave ::1:6379 ::1 6379 @ mymaster ::1 6380 new reported role is master",
        {
            "role": "slave", "host": "::1", "port": "6379", "master_name": "mymaster", "master_host": "::1", "master_port": "6380",
            "details": "new reported role is master",
        },
    ),
]  # fmt: skip


@pytest.mark.parametrize(("channel", "line", "fields"), LINES, ids=[f"{channel} {line[:12]}" for channel, line, dummy in LINES])
def test_a_line_is_read(channel, line, fields):
    event = {"type": channel, **dict.fromkeys(_sentinel_events.FIELDS, ""), **fields}
    assert _sentinel_events.event(channel, line) == event
    assert _sentinel_events.event(channel.encode(), line.encode()) == event


@pytest.mark.parametrize("channel", ["__sentinel__:hello", "", "sdown", "+", "+SDOWN", "+sdown\n", b"\xff", None, 3], ids=repr)
def test_what_is_no_channel_of_a_sentinel_is_no_event(channel):
    assert _sentinel_events.event(channel, "master mymaster 10.0.0.1 6379") is None


@pytest.mark.parametrize("name", ["{{7*7}}", "{%x%}", "a;b", "$(touch)", "all,b", "a" * 300])
def test_a_hostile_name_is_left_out(name):
    event = _sentinel_events.event("+sdown", f"master {name} {name} {name}")
    assert event == {"type": "+sdown", **dict.fromkeys(_sentinel_events.FIELDS, ""), "role": "master"}


@given(
    st.sampled_from(["+sdown", "+switch-master", "-odown", "+x"]) | st.text() | st.binary() | st.none(),
    st.text()
    | st.binary()
    | st.none()
    | st.lists(st.sampled_from(["master", "slave", "@", "m", "10.0.0.1", "6379", "{{x}}"])).map(" ".join),
)
def test_it_never_raises_and_every_field_but_the_details_is_harmless(channel, line):
    event = _sentinel_events.event(channel, line)
    if event is not None:
        assert event.keys() == {"type", *_sentinel_events.FIELDS}
        assert all(re.fullmatch(r"[A-Za-z0-9_.:@+-]*", value) for name, value in event.items() if name != "details")
        assert event["details"].isprintable()
        assert not {"{", "}"} & set(event["details"])
        assert len(event["details"]) <= _sentinel_events.LONGEST


def test_what_several_tell_is_told_once_and_what_happens_twice_is_told_twice():
    heard = _sentinel_events.Heard(10)
    down, up = ({"type": kind, "name": "m", "details": ""} for kind in ("+sdown", "-sdown"))
    said = [(down, "a"), (down, "b"), (up, "a"), (down, "a"), (up, "b"), (down, "b"), (down, "c")]
    assert [heard.is_new(event, by, 0.0) for event, by in said] == [True, False, True, True, False, False, False]
    assert heard.is_new(down, "d", 10.1)


def test_the_details_do_not_tell_events_apart():
    heard = _sentinel_events.Heard(10)
    assert heard.is_new({"type": "+odown", "name": "m", "details": "#quorum 2/2"}, "a", 0)
    assert not heard.is_new({"type": "+odown", "name": "m", "details": "#quorum 3/2"}, "b", 0)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("10.0.0.1", ("10.0.0.1", 26379)), ("s1.example.com:5000", ("s1.example.com", 5000)), ("[::1]:26380", ("::1", 26380)),
        ("[::1]", ("::1", 26379)), ("::1", ("::1", 26379)),
    ],
)  # fmt: skip
def test_an_address_is_read(text, place):
    assert _sentinel_events.address(text) == place


@pytest.mark.parametrize("text", ["", "a b", "a:b", "a:0", "a:70000", "redis://a", {}], ids=repr)
def test_what_is_no_address_is_a_sentence(text):
    with pytest.raises(ValueError, match="sentinels: "):
        _sentinel_events.address(text)
