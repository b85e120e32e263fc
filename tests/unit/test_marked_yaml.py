# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Items in a list of somebody else's file: everything else stays as it was."""

from __future__ import annotations

import re

import pytest
import yaml
from ansible_collections.aragora.redis.plugins.module_utils._marked_yaml import with_items
from hypothesis import given
from hypothesis import strategies as st

OURS = {"job_name": "ours", "labels": ["a: b # c", "{{ x }}"], "files": [{"a": 1, "yes": {}}, [2]]}
TEXTS = {
    "two spaces": "global: {}\na:\n  # - commented\n  - x: 1\n    y: [2]\nb: 1\n",
    "no spaces": "a:\n- x: 1\n  y:\n  - 2\nb: 1\n",
    "comments only": "a:\n  # - nothing\nb: 1\n",
    "at the end": "b: 1\na:\n    - 1\n",
    "empty": "a: []  # none\nb: 1\n",
    "none": "b: 1\n",
    "a document": '---\nb: 1\n"a":\n  - 1\n',
    "no end of line": "a:\n  - 1",
    "ends of lines of Windows": "global: {}\r\na:\r\n  - x: 1\r\n    y: [2]\r\nb: 1\r\n",
    "empty, of Windows": "a: []\r\nb: 1\r\n",
    "no end of a line that Python takes for one": 'a:\n  - "x\u2028y\u2029"\nb: "z\x85"\n',
}

ROUTES = [
    "route:\n  receiver: me\n  routes:\n  - receiver: x\nreceivers: [{name: me}]\n",
    "route:\n    routes:\n      - receiver: x\n        routes:\n          - receiver: y\n    receiver: me\nother: 1\n",
    "route:\n  # routes: none\n  receiver: me\n",
    "receivers:\n- name: me\nroute:\n  receiver: me\n",
]


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_ours_come_first_and_the_others_stay(text):
    done = with_items(text, "a", [OURS, 2], "mine")
    before, after = yaml.safe_load(text), yaml.safe_load(done)
    assert after == {**before, "a": [OURS, 2, *(before.get("a") or [])]}
    assert with_items(done, "a", [OURS, 2], "mine") == done
    # Where nothing had to be rewritten every line is still there.
    if "[]" not in text:
        assert with_items(done, "a", [], "mine").rstrip("\n") == text.rstrip("\n")
    assert ("\r" in text) == all(line.endswith("\r") for line in done.split("\n") if line)


@pytest.mark.parametrize("text", ROUTES)
def test_a_list_within_another_key(text):
    done = with_items(text, "route.routes", [OURS], "mine")
    before, after = yaml.safe_load(text), yaml.safe_load(done)
    assert after == {**before, "route": {**before["route"], "routes": [OURS, *before["route"].get("routes", [])]}}
    assert with_items(done, "route.routes", [OURS], "mine") == done
    assert with_items(done, "route.routes", [], "mine") == text


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_ours_may_come_last(text):
    done = with_items(text, "a", [OURS], "mine", last=True)
    before, after = yaml.safe_load(text), yaml.safe_load(done)
    assert after == {**before, "a": [*(before.get("a") or []), OURS]}
    assert with_items(done, "a", [OURS], "mine", last=True) == done


@pytest.mark.parametrize("text", ROUTES)
def test_around_the_routes_of_others(text):
    def around(given):
        return with_items(
            with_items(with_items(given, "route.routes", [], "last"), "route.routes", [1], "first"), "route.routes", [2], "last", last=True
        )

    done = around(text)
    before = yaml.safe_load(text)
    assert yaml.safe_load(done) == {**before, "route": {**before["route"], "routes": [1, *before["route"].get("routes", []), 2]}}
    assert around(done) == done
    assert with_items(with_items(done, "route.routes", [], "last"), "route.routes", [], "first") == text


def test_new_items_take_the_place_of_those_of_an_earlier_run():
    done = with_items(with_items(TEXTS["two spaces"], "a", [1, 2, 3], "mine"), "a", [4], "mine")
    assert yaml.safe_load(done)["a"][0] == 4
    assert len(yaml.safe_load(done)["a"]) == 2


@pytest.mark.parametrize(
    ("text", "path", "words"),
    [
        ("a: [1]\n", "a", "stands on one line"),
        ("a: {b: []}\n", "a.b", "stands on one line"),
        ("b: 1\n", "route.routes", "there is no 'route'"),
        ("---\na: []\n...\n", "a", "there are several documents"),
        ("a: []\n---\nb: 1\n", "a", "there are several documents"),
        ("a:\n  # BEGIN aragora.redis: mine\n  - 1\n", "a", "have to stand there once each"),
    ],
)
def test_what_it_does_not_understand_is_refused(text, path, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        with_items(text, path, [1], "mine")


VALUES = st.recursive(
    st.text(max_size=8) | st.integers() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=5,
)


@given(
    st.lists(VALUES, max_size=3), st.lists(VALUES, min_size=1, max_size=3), st.booleans(), st.dictionaries(st.sampled_from("bcd"), VALUES)
)
def test_whatever_stands_there_stays(theirs, ours, wide, others):
    before = {**others, "a": theirs}
    text = yaml.safe_dump(before, width=10_000, sort_keys=False, indent=4 if wide else 2, default_flow_style=False)
    assert yaml.safe_load(with_items(text, "a", ours, "mine")) == {**before, "a": [*ours, *theirs]}
