# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hostile text made harmless, and numbers in people's units."""

from __future__ import annotations

import json
import sys
import unicodedata
from xml.etree import ElementTree as ET

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._report import order, units
from ansible_collections.aragora.redis.plugins.module_utils._report.text import (
    clean,
    exact_number,
    human_bytes,
    human_duration,
    human_number,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("user:1:cart", "user:1:cart"),
        ("Größe 漢字 🦊", "Größe 漢字 🦊"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("a\r\nb\tc\0", r"a\x0d\x0ab\x09c\x00"),
        ("\x9b31m", r"\x9b31m"),
        ("exe\u202egnp", r"exe\u202egnp"),
        ("a\u2066b\u200bc\ufeffd\u2028e", r"a\u2066b\u200bc\ufeffd\u2028e"),
        ("\U000e0041", r"\U000e0041"),
        ("\ud800x\udfff", "\ufffdx\ufffd"),
        ("\ufffe\U0001ffff", r"\ufffe\U0001ffff"),
        ("e" + "\u0301" * 5, "e" + "\u0301" * 3 + r"\u0301\u0301"),
        ("<script>&\"'", "<script>&\"'"),
        (None, "None"),
        (12, "12"),
        ("", ""),
    ],
)
def test_what_cannot_be_seen_is_shown_and_the_rest_stays(text, shown):
    assert clean(text) == shown


def test_no_character_of_unicode_gets_through_that_hides_controls_or_breaks_xml():
    every = [chr(code) for code in range(sys.maxunicode + 1)]
    through = {character for character in every if clean(character) == character}
    assert not [character for character in through if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    ET.fromstring(f"<a>{''.join(sorted(through - set('<&')))}</a>")  # noqa: S314 - our own text


@pytest.mark.parametrize(("text", "longest"), [("x" * 5_000_000, 20), ("\x1b" * 5_000_000, 20), ("\ud800" * 99, 98)])
def test_a_huge_text_is_cut_to_its_length_with_an_ellipsis(text, longest):
    shown = clean(text, longest=longest)
    assert len(shown) == longest
    assert shown.endswith("…")


def test_a_text_of_just_the_length_is_not_cut():
    assert clean("x" * 20, longest=20) == "x" * 20


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (1536, "1.5 KiB"), (1024**2 - 1, "1 MiB"), (102_970_000, "98.2 MiB"),
        (1024**3, "1 GiB"), (-2048, "-2 KiB"), (10**30, "867361737988 EiB"), (float("nan"), "nan"),
    ],
)  # fmt: skip
def test_bytes_are_told_in_binary_units(value, shown):
    assert human_bytes(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"), (9999, "9,999"), (10_000, "10 k"), (12_345, "12.3 k"), (999_999, "1 M"), (1_234_567, "1.23 M"), (0.123456, "0.12"),
        (0.00012, "0.00012"), (1151.3, "1,151"), (12.34, "12.3"), (-12_345, "-12.3 k"), (float("inf"), "inf"),
    ],
)  # fmt: skip
def test_numbers_are_told_with_three_digits(value, shown):
    assert human_number(value) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 s"), (0.00032, "320 µs"), (0.0019, "1.9 ms"), (1.5, "1.5 s"), (60, "1 min"), (250, "4 min 10 s"), (3600, "1 h"),
        (86_400 + 7200, "1 d 2 h"), (86_405, "1 d"), (-90, "−1 min 30 s"), (float("nan"), "nan"),
    ],
)  # fmt: skip
def test_durations_are_told_in_two_units_at_most(seconds, shown):
    assert human_duration(seconds) == shown


def test_exact_numbers_keep_every_digit():
    assert [exact_number(value) for value in (1_234_567, 0.1 + 0.2, 5.0, -1)] == ["1,234,567", "0.3", "5", "-1"]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("used_memory", 102_970_000, ("98.2 MiB", "102,970,000")),
        ("memory_bytes", 512, ("512 B", "")),
        ("maxmemory", 0, ("no limit", "0")),
        ("maxmemory_policy", "noeviction", ("noeviction", "")),
        ("mem_fragmentation_ratio", 1.5, ("1.5", "")),
        ("mem_fragmentation_bytes", 2048, ("2 KiB", "2,048")),
        ("used_percent", 98.25, ("98.25 %", "")),
        ("oom_errors_per_second", 12_345.0, ("12.3 k/s", "")),
        ("max_us", 1900, ("1.9 ms", "1,900 µs")),
        ("ping_ms", 0.3, ("300 µs", "0.3 ms")),
        ("slowest_ms", 2.293, ("2.29 ms", "")),
        ("uptime_seconds", 5, ("5 s", "")),
        ("number_of_cached_scripts", 2000, ("2,000", "")),
        ("persistence", True, ("yes", "")),
        ("host", None, ("–", "")),
        ("state", "up\x00", (r"up\x00", "")),
        ("overcommit_memory", 0, ("0", "")),
    ],
)
def test_the_name_of_a_field_tells_its_unit(field, value, words):
    assert units.words(field, value) == words


def finding(name: str, *explains: str, severity: str = "warning") -> dict[str, object]:
    return {"id": name, "severity": severity, "explains": list(explains), "title": name}


def names(nodes: list[order.Node]) -> object:
    return [[node[0]["id"], *names(node[1])] for node in nodes]


@pytest.mark.parametrize(
    ("findings", "tree"),
    [
        ([], []),
        ([finding("a", "b"), finding("b", "c"), finding("c")], [["a", ["b", ["c"]]]]),
        ([finding("a", "b", "c"), finding("b", "c"), finding("c")], [["a", ["b", ["c"]]]]),
        ([finding("a", "x"), finding("b", "x"), finding("x")], [["a", ["x"]], ["b"]]),
        ([finding("a", "b"), finding("b", "a")], [["a", ["b"]]]),
        ([finding("a", "a", "gone")], [["a"]]),
    ],
)
def test_every_finding_stands_once_below_what_explains_it(findings, tree):
    assert names(order.nested(findings)) == tree


def test_servers_are_told_worst_first_and_one_that_cannot_be_used_is_never_healthy():
    up, down = {"state": "up"}, {"state": "refused"}
    targets = [
        {"name": "fine", "availability": up, "findings": []},
        {"name": "warned", "availability": up, "findings": [finding("a")]},
        {"name": "gone", "availability": down, "findings": []},
    ]
    assert [target["name"] for target in order.worst_first(targets)] == ["gone", "warned", "fine"]


def test_the_headline_is_the_most_severe_root_cause_and_says_where_else_it_holds():
    causes = [
        {"target": "a", "id": "slow", "severity": "warning", "title": "It is slow"},
        {"target": "b", "id": "full", "severity": "critical", "title": "It is full"},
        {"target": "c", "id": "full", "severity": "critical", "title": "It is full too"},
        {"target": "c", "id": "monitor", "severity": "notice", "title": "The monitor is off"},
    ]
    found = order.headline(json.loads(json.dumps({"targets": [], "summary": {"root_causes": causes}})))
    assert found == {"severity": "critical", "title": "It is full", "targets": ["b", "c"], "more": 1}
