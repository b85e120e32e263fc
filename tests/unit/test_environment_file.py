# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Environment files are read as systemd reads them, and what is written reads back."""

from __future__ import annotations

import pytest
from ansible_collections.aragora.redis.plugins.module_utils import _environment_file
from hypothesis import given
from hypothesis import strategies as st

TEXTS = st.text(st.characters(blacklist_characters="\n\r\0", blacklist_categories=["Cs"]), max_size=40)


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("", {}),
        ("A=1\nB=2\n", {"A": "1", "B": "2"}),
        ("A=1\nA=2", {"A": "2"}),
        ("# no\n; no\n\nA=1 ", {"A": "1"}),
        ("# goes on \\\nA=1\nB=2", {"B": "2"}),
        ("A=", {"A": ""}),
        ("A=one two  three  ", {"A": "one two  three"}),
        ("A='one two '", {"A": "one two "}),
        ('A="one \\" $two \\n"', {"A": 'one " $two \\n'}),
        ('A="one\ntwo"\nB=3', {"A": "one\ntwo", "B": "3"}),
        ("A=one\\\ntwo\nB=3", {"A": "onetwo", "B": "3"}),
        ("A=p\\#q#r", {"A": "p#q#r"}),
        ("no assignment\nA=1", {"A": "1"}),
        ("1A=1\nexport B=2\nC=3", {"C": "3"}),
        ("A=redis://:p%40ss@h:6379/0?x=1&y=2", {"A": "redis://:p%40ss@h:6379/0?x=1&y=2"}),
    ],
)
def test_a_file_is_read(text, variables):
    assert _environment_file.parse(text) == variables


@given(TEXTS)
def test_what_is_written_reads_back(value):
    assert _environment_file.parse(_environment_file.line("A", value)) == {"A": value}


@given(st.text(max_size=200))
def test_no_text_is_an_error(text):
    assert isinstance(_environment_file.parse(text), dict)


@pytest.mark.parametrize(("name", "value"), [("A B", "1"), ("", "1"), ("A", "1\n2")])
def test_what_no_file_can_hold_is_a_sentence(name, value):
    with pytest.raises(ValueError, match="cannot stand in an environment file"):
        _environment_file.line(name, value)


def test_files_win_over_settings_of_the_unit_and_later_files_over_earlier_ones():
    own = _environment_file.from_unit('A=1 "B=two words" C=3')
    assert _environment_file.effective(own, [{"A": "2"}, {"A": "3", "D": "4"}]) == {"A": "3", "B": "two words", "C": "3", "D": "4"}


@pytest.mark.parametrize(("word", "true"), [("true", True), ("1", True), ("Yes", True), ("0", False), ("", False), (None, False)])
def test_words_that_switch_something_on(word, true):
    assert _environment_file.is_true(word) is true


@pytest.mark.parametrize(
    ("text", "value", "after"),
    [
        ("", "5", "A=5\n"),
        ("B=1", "5", "B=1\nA=5\n"),
        ("# A=1\nA=1\nB=secret # x\r\n", "5", "# A=1\nA=5\nB=secret # x\r\n"),
        (" A = 1\nA=2\n", "5", " A = 1\nA=5\n"),
        ("A=1\nB=2\nA=3", None, "B=2\n"),
        ("B=2\n", None, "B=2\n"),
    ],
)
def test_one_variable_is_changed_and_every_other_byte_stays(text, value, after):
    assert _environment_file.changed(text, "A", value) == after


@pytest.mark.parametrize("text", ['A="1\n2"\n', "A=1\\\n2\n", 'B="\nA=1"\n'])
def test_what_one_line_cannot_change_is_left_to_people(text):
    with pytest.raises(ValueError, match="set it by hand"):
        _environment_file.changed(text, "A", "5")
