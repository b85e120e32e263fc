# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys that are called what nobody should call a key, through the whole of diagnose.yml: terminal, JSON, Markdown and HTML."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from tests.lab import servers

DIAGNOSE = "playbooks/diagnose.yml"
ALLOWED = {
    "html", "head", "meta", "link", "title", "style", "body", "header", "footer", "main", "section", "nav", "p", "h1", "h2", "h3", "h4",
    "h5", "h6", "span", "strong", "a", "ul", "ol", "li", "div", "dl", "dt", "dd", "details", "summary", "pre", "code", "table", "thead",
    "tbody", "tr", "th", "td", "wbr", "figure", "figcaption", "svg", "g", "rect", "text", "line",
}  # fmt: skip
HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
# Each with a word of its own that nobody else says, so that it is known whether the name came through.
NAMES = [
    b"\x1b[31m\x1b]0;owned\x07\x1b[2Jansi:%d",
    b"line\r\nTASK [owned] ***\r\n:%d",
    b"</style></script><script>document.title='owned'</script><img/src=x/onerror=alert(1)>:%d",
    b"](http://evil.example) ![x](http://evil.example/p.png) @everyone | a | b |\n# owned:%d",
    b"{{ lookup('pipe', 'touch /tmp/owned') }}{%% raw %%}:%d",
    b"$(touch /tmp/owned) `touch /tmp/owned` ' ; \" {cli} {host}:%d",
    "turn\u202earound\u2066\u200b\ufeff:%d".replace("%d", "").encode() + b":%d",
    b"\xff\xfe\x00\x80\xc3(:%d",
    b"\xed\xa0\x80surrogate:%d",
    b"",
    b"   ",
    b"*",
    b"__proto__:%d",
    b"deep:" * 2000 + b"%d",
]
LONG = 2 * 1024 * 1024


class Tags(HTMLParser):
    """The names of the elements of a page, and of the attributes that could run something."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes = set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, dummy in attrs if name.startswith("on") or name in ("src", "style", "srcdoc")}


@pytest.fixture(params=["many", "one"])
def hostile(binary, request):
    """A server of such keys, in their tens each or in one dominating pattern, some of them big."""
    with servers.running(binary, maxmemory="300mb", maxmemory_policy="volatile-lru") as server, server.client() as client:
        client.config_set("slowlog-log-slower-than", -1)
        for name in NAMES if request.param == "many" else NAMES[2:3]:
            for number in range(20 if b"%d" in name else 1):
                called = name % number if b"%d" in name else name
                client.set(called, b"x" * 1_200_000)
        client.hset(b"\r\n\x1b[5mhash", mapping={str(field): "x" for field in range(60_000)})
        client.set(b"n" * LONG, "x")
        client.set(b"\xf0\x9f\x92\xa9" * (LONG // 4), b"x" * 2_000_000)
        client.set(b"\x00" * LONG, b"x" * 2_000_000)
        yield server


def test_no_name_breaks_or_enters_what_people_read(hostile, play):
    played = play(DIAGNOSE, "-vvv", "-e", "redis_diagnosis_keyspace=sample", REDIS_URL=hostile.url)
    assert played.status == 0, played.output[-3000:]
    assert "Traceback" not in played.output
    assert "big_keys" in played.ids()
    folder = (played.reports / "latest").resolve()
    written = {path.suffix: path.read_text(encoding="utf-8") for path in folder.iterdir() if path.is_file()}
    snapshot = json.loads(next((folder / "snapshots").iterdir()).read_text(encoding="utf-8"))
    # Names of megabytes may keep others waiting: then the sample ends early.
    assert snapshot["keyspace"]["keys_read"] > 0
    assert snapshot["denied"] == {}

    for name, text in {**written, "terminal": played.output}.items():
        assert not HIDDEN.search(text.replace("\r\n", "\n")), (name, HIDDEN.search(text))
        assert len(text) < 1_000_000, name
    assert max(map(len, _strings(played.report))) < 5000
    assert "\nTASK [owned]" not in played.output
    found = Tags(written[".html"])
    assert found.tags <= ALLOWED
    assert not found.attributes
    section = written[".md"].partition("Memory by key pattern")[2]
    assert not [bad for bad in ("<script", "](http", "@everyone", "://evil", "\n# owned") if bad in section]
    rows = [line for line in section.splitlines() if line.startswith("| ") and " MiB in " in line]
    assert rows
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {5}


def test_no_command_of_the_advice_runs_what_a_key_is_called(hostile, play):
    played = play(DIAGNOSE, REDIS_URL=hostile.url)
    commands = [line for finding in played.report["targets"][0]["findings"] for line in finding["advice"] if line.startswith("$ ")]
    scans = [line for line in commands if "--scan --pattern" in line]
    assert scans
    assert not [line for line in scans if re.search(r"[`$;&<>{}\\]", line[2:])]


def test_a_full_scan_of_them_is_told_the_same_way(hostile, play):
    played = play(DIAGNOSE, "-e", "redis_diagnosis_keyspace=full", REDIS_URL=hostile.url)
    assert played.status == 0, played.output[-3000:]
    assert not HIDDEN.search(played.output)


def _strings(value):
    if isinstance(value, dict):
        return [text for key, item in value.items() for text in (key, *_strings(item))]
    if isinstance(value, list):
        return [text for item in value for text in _strings(item)]
    return [value] if isinstance(value, str) else []
