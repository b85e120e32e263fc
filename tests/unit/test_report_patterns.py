# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Memory by key pattern: what is told of a snapshot, and how it is drawn."""

from __future__ import annotations

import copy
import itertools
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._report import markdown, patterns, terminal, treemap
from ansible_collections.aragora.redis.plugins.module_utils._report.document import build
from hypothesis import given
from hypothesis import strategies as st

CAPTURED = Path(__file__).parent / "snapshots" / "keys_without_ttl.json"
ROOM = (0, 0, treemap.WIDTH, treemap.HEIGHT)


@pytest.fixture
def snapshot():
    return json.loads(CAPTURED.read_text(encoding="utf-8"))["snapshot"]


def report(snapshot):
    diagnosis = {"findings": [], "not_applicable": [], "workload": {"role": "store", "why": "given"}}
    return build([{"name": "cache", "snapshot": snapshot, "diagnosis": diagnosis}], "run", "2026-03-01 03:12:44 UTC")


def texts(document):
    return "\n".join(line for line, dummy in terminal.lines(document)), markdown.render(document)


def test_every_form_of_the_report_tells_patterns_shares_and_ttls(snapshot):
    document = report(snapshot)
    assert [row["pattern"] for row in document["targets"][0]["keyspace"]["patterns"]] == ["session:*", "user:*"]
    shown, written = texts(document)
    assert "memory by key pattern, all 20.5 k keys:" in shown
    assert "    session:*  99.6 %  20.6 MiB in 20 k keys  none expires" in shown
    assert "| session:\\* | 99.6 % | 20.6 MiB in 20 k keys | none expires |" in written


def test_an_estimate_is_told_with_its_interval_and_what_makes_it_unsure(snapshot):
    found = snapshot["keyspace"]
    found.update({"complete": False, "keys_total": 10**6, "unsure": ["it has missed giants"]})
    found["patterns"][0]["bytes_percent"] = {"value": 72.4, "low": 68.2, "high": 76.1}
    for text in texts(report(snapshot)):
        assert "estimated from 20.5 k of 1 M keys" in text
        assert "it has missed giants" in text
        assert "68–76" in text


def test_what_belongs_to_no_pattern_and_what_is_not_listed_are_other_keys(snapshot):
    row = snapshot["keyspace"]["patterns"][0]
    sizes = [40.0, *[2.0] * 20]
    snapshot["keyspace"]["patterns"] = [
        {**row, "pattern": "*" if size > 2 else f"p{place}:*", "bytes_percent": {"value": size, "low": size, "high": size}, "key_count": 10}
        for place, size in enumerate(sizes)
    ]
    rows = patterns.summary(snapshot)["patterns"]
    assert len(rows) == patterns.MOST_ROWS + 1
    assert (rows[-1]["pattern"], rows[-1]["percent"]) == ("other keys", 76.0)
    assert sum(row["percent"] for row in rows) == pytest.approx(100)


def test_little_is_not_worth_the_lines_of_a_terminal(snapshot):
    snapshot["keyspace"]["bytes"]["value"] = 1000
    assert "memory by key pattern" not in texts(report(snapshot))[0]


@pytest.mark.parametrize("path", ["keyspace", "keyspace.bytes", "keyspace.patterns"])
@pytest.mark.parametrize("odd", [None, {}, [], "odd", 5, [None], [{"pattern": 5}]])
def test_without_sizes_there_is_no_section(snapshot, path, odd):
    *parents, last = path.split(".")
    place = snapshot[parents[0]] if parents else snapshot
    place[last] = odd
    assert report(snapshot)["targets"][0]["keyspace"] is None
    assert "key pattern" not in "".join(texts(report(snapshot)))


@pytest.mark.parametrize(
    "evil", ["\x1b[31mred", "<script>x</script>", "a|b\n| c |", "\u202eturned", "@everyone", "x" * 100_000, "[a](http://b)"]
)
def test_hostile_patterns_do_no_harm(snapshot, evil):
    snapshot["keyspace"]["patterns"][0]["pattern"] = evil
    snapshot["keyspace"]["complete"], snapshot["keyspace"]["unsure"] = False, [evil]
    shown, written = texts(report(snapshot))
    assert all(len(line) <= 100 for line in shown.splitlines())
    assert len(written) < 5000
    for text in (shown, written):
        assert not {"\x1b", "\u202e"} & set(text)
    assert not [bad for bad in ("<script", "@everyone", "[a](", "://") if bad in written.split("Memory by key pattern")[1]]
    assert all(line.count(" | ") == 3 for line in written.splitlines() if line.startswith("| ") and "key" in line)


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=13))
def test_tiles_fill_the_room_in_their_proportion_and_never_overlap(amounts):
    amounts = sorted(amounts, reverse=True)
    places = treemap.squarified(amounts, ROOM)
    area = treemap.WIDTH * treemap.HEIGHT
    assert sum(width * height for dummy, dummy, width, height in places) == pytest.approx(area, rel=1e-3)
    for amount, (x, y, width, height) in zip(amounts, places):
        assert width * height == pytest.approx(area * amount / sum(amounts), rel=1e-3, abs=1e-2)
        assert x >= -1e-6
        assert y >= -1e-6
        assert x + width <= treemap.WIDTH + 1e-3
        assert y + height <= treemap.HEIGHT + 1e-3
    for (x, y, width, height), (u, v, across, down) in itertools.combinations(places, 2):
        assert min(x + width, u + across) - max(x, u) < 1e-3 or min(y + height, v + down) - max(y, v) < 1e-3


def test_words_on_tiles_have_room_there(snapshot):
    row = patterns.summary(snapshot)["patterns"][0]
    rows = [copy.deepcopy({**row, "pattern": "a-long-pattern-of-keys:*", "percent": share}) for share in (50, 25, 12, 6, 3, 2, 1, 0.6, 0.4)]
    for tile in treemap.draw(rows).iter("g"):
        box = tile.find("rect")
        right, bottom = float(box.get("x")) + float(box.get("width")), float(box.get("y")) + float(box.get("height"))
        for text in tile.iter("text"):
            assert float(text.get("x")) + len(text.text) * treemap.CHARACTER <= right
            assert float(text.get("y")) <= bottom
        assert ET.tostring(tile.find("title")).startswith(b"<title>a-long-pattern-of-keys:*: ")
