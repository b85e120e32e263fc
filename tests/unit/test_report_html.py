# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTML page: what stands where, and that nothing a server says becomes markup."""

from __future__ import annotations

import copy
import importlib.util
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._report import charts, html, plots, remedy, style
from ansible_collections.aragora.redis.plugins.module_utils._report.tree import serialise

EVIL = (
    "</style></title></pre><script>alert(1)</script><img src=x onerror=alert(1)>\"' onmouseover='alert(1)\" <!-- ]]> &lt; "
    "\u202e\u2066\x1b[31m\0\r\n\ud800\ufffe javascript:alert(1)"
)
VOID = {"meta", "link", "wbr"}

AVAILABLE = {"state": "up", "reason": None, "error": "", "connect_ms": 0.4, "ping_ms": 0.3, "eta_seconds": None}
SERVER = {"product": "valkey", "version": "8.1.1", "mode": "standalone", "role": "slave"}
KEYSPACE: dict[str, Any] = {
    "keys_read": 1000,
    "keys": 5000,
    "complete": False,
    "database": 0,
    "bytes": 900_000,
    "unsure": ["it has missed giants"],
    "patterns": [
        {"pattern": "session:*", "percent": 70.0, "low": 60.0, "high": 80.0, "bytes": 630_000, "keys": 3000, "expiring_percent": 0.0},
        {"pattern": "page:*", "percent": 25.0, "low": 20.0, "high": 30.0, "bytes": 225_000, "keys": 1500, "expiring_percent": 100.0},
        {"pattern": "other keys", "percent": 5.0, "low": None, "high": None, "bytes": 45_000, "keys": 500, "expiring_percent": None},
    ],
}
SNAPSHOT: dict[str, Any] = {
    "info": {
        "server": {"uptime_in_seconds": 93_600},
        "memory": {"used_memory": 95_000_000, "used_memory_rss": 120_000_000, "maxmemory": 100_000_000, "maxmemory_policy": "noeviction"},
        "clients": {"connected_clients": 412, "maxclients": 10_000},
        "keyspace": {"db0": {"keys": 1000, "expires": 10}},
        "stats": {"keyspace_hits": 900, "keyspace_misses": 100},
        "commandstats": {"cmdstat_get": {"calls": 10, "usec": 500}, "cmdstat_config|get": {"calls": 1, "usec": 90}},
    },
    "rates": {"window_seconds": 1.0, "stats": {"total_commands_processed": 1200.0}, "commands": {"get": 900.0, "set": 0}},
    "clients": {"by_address": [{"name": "10.0.0.7", "connections": 40, "idle_over_hour": 30, "client_names": ["shop"]}]},
    "slowlog": {"groups": [{"command": "KEYS", "key_pattern": "cart:*", "count": 12, "total_us": 1_900_000}]},
    "latency": {"probe": {"p99": 1.2, "max": 3.4}},
}


class Page(HTMLParser):
    """The page as its parser sees it: elements with their attributes and ancestors, and texts with theirs."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None], tuple[str, ...]]] = []
        self.texts: list[tuple[str, tuple[str, ...]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), tuple(self.open)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((data, tuple(self.open)))

    @property
    def shape(self) -> list[tuple[str, list[str]]]:
        """Elements with the names of their attributes, whatever is in them."""
        return [(tag, sorted(attributes)) for tag, attributes, dummy in self.elements]

    def said(self, *inside: str) -> str:
        """The text within elements of these names."""
        return " ".join(text for text, ancestors in self.texts if all(tag in ancestors for tag in inside))


def finding(name: str = "full", severity: str = "critical", **others: Any) -> dict[str, Any]:
    return {
        "id": name, "severity": severity, "cause": "memory_limit", "title": f"It is {name}", "evidence": {"used_memory": 102_970_000},
        "explains": [], "advice": ["Make room.", "$ redis-cli config set maxmemory 2gb     # within RAM"], "remedy": None,
        "docs_url": "https://redis.io/docs/", **others,
    }  # fmt: skip


def target(name: str = "cache-1", *findings: dict[str, Any], **others: Any) -> dict[str, Any]:
    return {
        "name": name, "url": f"redis://ops:***@{name}:6379", "availability": AVAILABLE, "server": SERVER, "findings": list(findings),
        "workload": {"role": "store", "why": "maxmemory-policy is noeviction"}, "not_applicable": [], "denied": {}, **others,
    }  # fmt: skip


def document(*targets: dict[str, Any]) -> dict[str, Any]:
    roots = [
        {"target": one["name"], **{k: one["findings"][0][k] for k in ("id", "severity", "title")}} for one in targets if one["findings"]
    ]
    counts = {
        severity: sum(found["severity"] == severity for one in targets for found in one["findings"])
        for severity in ("critical", "warning", "notice")
    }
    return {
        "schema": 1, "generated_at": "2026-03-01T03:12:44Z", "run_id": "7f3a9c1e", "targets": list(targets),
        "summary": {**counts, "by_cause": {}, "root_causes": roots},
    }  # fmt: skip


def rendered(*targets: dict[str, Any], snapshot: dict[str, Any] | None = None) -> Page:
    return Page(html.render(document(*targets), {one["name"]: snapshot or {} for one in targets if snapshot is not None}))


def spoiled(value: Any, evil: str, keys: bool = False) -> Any:
    """The same data with every text replaced, and the names of fields too where they come from servers."""
    if isinstance(value, dict):
        return {f"{evil}{key}" if keys else key: spoiled(item, evil, keys) for key, item in value.items()}
    if isinstance(value, list):
        return [spoiled(item, evil, keys) for item in value]
    return evil if isinstance(value, str) else value


def hostile_page(evil: str) -> Page:
    """A page where every place that a server, a user or an inventory can fill is filled with one text."""
    found = finding(
        title=evil, cause=evil, advice=[evil, f"$ {evil}"], docs_url=evil,
        evidence={evil: evil, "list": [evil], "records": [{evil: evil}], "deep": {"a": {"b": {"c": {"d": [evil]}}}}},
        remedy={"action": evil, "playbook": evil, "extra_vars": {evil: evil, "more": [evil]}, "risk": evil},
    )  # fmt: skip
    ill = target(
        evil, found, url=evil, server=spoiled(SERVER, evil), workload={"role": evil, "why": evil}, denied={evil: evil},
        availability={**AVAILABLE, "state": evil, "reason": evil, "error": evil}, not_applicable=[{"id": evil, "missing": evil}],
        keyspace=spoiled(KEYSPACE, evil),
    )  # fmt: skip
    mute = target("mute", availability={**AVAILABLE, "state": "refused", "error": evil})
    snapshot = spoiled(copy.deepcopy(SNAPSHOT), evil)
    snapshot["info"]["commandstats"] = spoiled(SNAPSHOT["info"]["commandstats"], evil, keys=True)
    snapshot["rates"]["commands"] = {evil: 5.0}
    made = {**document(ill, mute), "run_id": evil, "generated_at": evil}
    return Page(html.render(made, {evil: snapshot}))


def test_hostile_text_makes_no_element_and_no_attribute():
    tame, wild = hostile_page("tame"), hostile_page(EVIL)
    assert wild.shape == tame.shape
    assert not {tag for tag, dummy, dummy in wild.elements} & {"script", "img", "iframe", "object", "embed", "form", "base"}
    assert not [name for dummy, names in wild.shape for name in names if name.startswith("on") or name == "style"]


def test_hostile_text_is_shown_as_what_it_is_and_nothing_hidden_is_left():
    said = hostile_page(EVIL).said()
    assert "<script>alert(1)</script>" in said
    assert r"\u202e\u2066\x1b[31m\x00\x0d\x0a" in said
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]", said)


def test_a_page_of_megabytes_of_text_stays_small():
    assert len(" ".join(text for text, dummy in hostile_page("x<" * 500_000).texts)) < 250_000


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "https://a\u202eb", "", "ftp://x", " https://x"]
)
def test_only_web_addresses_become_links(url):
    page = rendered(target("a", finding(docs_url=url)))
    assert [attributes["href"] for tag, attributes, dummy in page.elements if tag == "a" and not attributes["href"].startswith("#")] == []


def test_the_page_refers_to_nothing_outside_and_says_so_to_the_browser():
    text = html.render(document(target("a", finding())), {"a": SNAPSHOT})
    page = Page(text)
    policy = [attributes for tag, attributes, dummy in page.elements if tag == "meta" and "http-equiv" in attributes]
    assert policy[0]["content"].startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")
    loading = [(tag, name) for tag, names in page.shape for name in names if name in ("src", "srcset", "xlink:href", "xmlns", "action")]
    assert loading == []
    assert [attributes["href"] for tag, attributes, dummy in page.elements if tag == "link"] == ["data:,"]
    assert not re.search(r"url\(|@import|expression\(", text)
    links = [attributes for tag, attributes, dummy in page.elements if tag == "a" and not attributes["href"].startswith("#")]
    assert [(link["href"], "noreferrer" in link["rel"]) for link in links] == [("https://redis.io/docs/", True)]


def test_what_is_explained_stands_below_what_explains_it_and_once():
    page = rendered(target("a", finding("full", explains=["refused"]), finding("refused"), finding("tls")))
    titles = [
        (text, ancestors.count("details")) for text, ancestors in page.texts if text.startswith("It is") and ancestors[-1] in ("h3", "h4")
    ]
    assert titles == [("It is full", 1), ("It is refused", 2), ("It is tls", 1)]


def test_notices_are_folded_together_and_the_root_cause_is_open():
    page = rendered(target("a", finding("full"), finding("off", "notice"), finding("old", "notice")))
    folds = [("open" in attributes, ancestors.count("details")) for tag, attributes, ancestors in page.elements if tag == "details"]
    assert folds == [(True, 0), (False, 0), (False, 1), (False, 1)]
    assert "2 notices, worth knowing" in page.said("summary")


def test_the_first_heading_is_the_answer_of_the_whole_run():
    slow = finding("slow", "warning", title="It is slow")
    page = rendered(target("a", slow), target("b", finding()), target("c", finding()))
    assert page.said("h1") == "It is full"
    assert page.said("h2").split()[0:2] == ["Servers", "b"]
    assert [text for text, ancestors in page.texts if ancestors[-2:] == ("p", "a")][:2] == ["b", "c"]
    assert "1 other root cause below" in page.said("main")


@pytest.mark.parametrize(
    ("targets", "answer"),
    [
        ([], "No server was looked at"),
        ([target("a")], "Nothing is wrong with the server"),
        ([target("a"), target("b", finding("off", "notice"))], "Nothing is wrong with the 2 servers"),
        ([target("a", availability={"state": "timeout"}), target("b")], "1 of 2 servers cannot be used"),
    ],
)
def test_a_run_without_root_causes_has_an_answer_too(targets, answer):
    assert rendered(*targets).said("h1") == answer


def test_a_server_that_cannot_be_reached_needs_no_snapshot():
    gone = target("a", server={}, workload=None, availability={"state": "refused", "reason": "no_socket", "error": "Connection refused"})
    page = rendered(gone)
    assert "refused (no socket)" in page.said("li")
    assert "Connection refused" in page.said("section")
    assert "Critical" in page.said("header")


def test_bytes_are_told_for_people_with_the_exact_number_beside_them():
    page = rendered(target("a", finding(evidence={"used_memory": 102_970_000, "worst": [{"address": "10.0.0.7", "memory_bytes": 2048}]})))
    assert page.said("table").replace(" ", "").startswith("used_memory98.2MiB102,970,000worst")
    assert "2 KiB" in page.said("table")


def test_commands_stand_alone_so_that_they_can_be_copied():
    remedy = {"action": "tune_memory", "playbook": "tune_memory", "extra_vars": {"redis_group": "shop"}, "risk": "guarded"}
    page = rendered(target("a", finding(remedy=remedy)))
    commands = "".join(text for text, ancestors in page.texts if "code" in ancestors and "pre" in ancestors)
    assert commands == "redis-cli config set maxmemory 2gb" + "ansible-playbook aragora.redis.tune_memory -e redis_group=shop"
    assert "# within RAM" in page.said("pre")


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({}, ""),
        ({"redis_group": "shop"}, " -e redis_group=shop"),
        ({"a": "x y"}, """ -e '{"a": "x y"}'"""),
        ({"a": ["x"], "b": True}, """ -e '{"a": ["x"]}' -e '{"b": true}'"""),
        ({"a": "$(reboot)'"}, """ -e '{"a": "$(reboot)'"'"'"}'"""),
    ],
)
def test_a_remedy_is_quoted_for_the_shell(variables, words):
    assert remedy.remedy_command({"playbook": "p", "extra_vars": variables}) == f"ansible-playbook aragora.redis.p{words}"


def test_what_could_not_be_read_or_judged_is_listed_by_its_reason():
    missing = [
        {"id": "swapping", "missing": "info.memory"},
        {"id": "big_keys", "missing": "keyspace"},
        {"id": "full", "missing": "info.memory"},
    ]
    page = rendered(target("a", denied={"config": "NOPERM"}, not_applicable=missing))
    assert "1 part could not be read" in page.said("summary")
    assert "3 rules could not be judged" in page.said("summary")
    assert "full, swapping" in page.said("dd")


def test_charts_are_drawn_from_the_snapshot_and_can_be_read_aloud():
    pytest.importorskip("pygal")
    page = rendered(target("a"), snapshot=SNAPSHOT)
    drawn = [attributes for tag, attributes, dummy in page.elements if tag == "svg"]
    assert [svg["aria-label"].partition(":")[0] for svg in drawn] == [
        "Memory", "Commands by time", "Commands by rate", "Slow commands", "Clients by address",
    ]  # fmt: skip
    assert {svg["role"] for svg in drawn} == {"img"}
    assert "CONFIG GET 90 µs in 1 · 15 %" in drawn[1]["aria-label"]
    assert "10.0.0.7 (shop): 40, 30 idle" in page.said("svg", "title")


@pytest.mark.parametrize("amount", [1, 10**20, 1e-9])
def test_bars_share_one_scale_whatever_the_size_of_the_numbers(amount):
    pytest.importorskip("pygal")
    rows = tuple(plots.Row(str(share), "", (("bar", amount * share), ("quiet", amount * share))) for share in (1, 0.5, 0.25))
    drawn = Page(serialise(charts.draw(plots.Plot("t", rows))))
    widths = {kind: [] for kind in ("bar", "quiet")}
    for tag, attributes, dummy in drawn.elements:
        if tag == "rect" and attributes["class"] in widths:
            widths[attributes["class"]].append(float(attributes["width"]))
    assert widths == {kind: [pytest.approx(charts.WIDTH / part, abs=0.1) for part in (2, 4, 8)] for kind in widths}


@pytest.mark.parametrize("snapshot", [{}, {"info": None, "clients": None}, {"info": {"memory": {"used_memory": "many", "maxmemory": -1}}}])
def test_without_data_there_is_no_chart(snapshot):
    assert plots.plots(snapshot) == []


def test_without_pygal_the_page_says_in_one_line_what_charts_need(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *others: None if name == "pygal" else find(name, *others))
    page = rendered(target("a"), snapshot=SNAPSHOT)
    assert html.NO_PYGAL in page.said("p")
    assert "svg" not in {tag for tag, dummy in page.shape}
    assert "90.6 MiB" in page.said("dd")


def test_memory_by_pattern_is_a_picture_and_the_same_as_a_table():
    page = rendered(target("a", keyspace=KEYSPACE))
    assert "Memory by key pattern" in page.said("summary")
    assert "Estimated from 1,000 of 5,000 keys. It has missed giants" in page.said("figcaption")
    drawn = next(attributes for tag, attributes, dummy in page.elements if tag == "svg")
    assert drawn["role"] == "img"
    assert drawn["aria-label"] == "Memory by key pattern: session:* 70 % (60–80); page:* 25 % (20–30); other keys 5 %"
    assert "session:*: 70 % (60–80), 615 KiB in 3,000 keys, none expires" in page.said("svg", "title")
    assert "session:* 70 % (60–80) 615 KiB in 3,000 keys none expires" in page.said("table")
    kinds = [attributes["class"] for tag, attributes, dummy in page.elements if tag == "rect"]
    assert kinds == ["tile lasting", "tile ending", "tile unknown"]


def test_without_pygal_there_is_a_treemap_all_the_same(monkeypatch):
    monkeypatch.setattr(charts, "available", lambda: False)
    assert "svg" in {tag for tag, dummy in rendered(target("a", keyspace=KEYSPACE), snapshot=SNAPSHOT).shape}


def test_the_page_has_a_language_one_first_heading_and_skips_no_level():
    page = rendered(target("a", finding(explains=["b"]), finding("b")), target("c"), snapshot=SNAPSHOT)
    levels = [int(tag[1]) for tag, dummy in page.shape if re.fullmatch("h[1-6]", tag)]
    assert page.elements[0][:2] == ("html", {"lang": "en"})
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(levels, levels[1:]))


def brightness(colour: str) -> float:
    """Relative luminance as WCAG defines it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", [style.LIGHT, style.DARK], ids=["light", "dark"])
def test_every_text_has_the_contrast_that_wcag_asks_for(theme):
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", theme))
    tones = ("critical", "warning", "notice", "healthy")
    pairs = [(text, ground) for text in ("text", "muted", "link") for ground in ("ground", "card", "raised")]
    pairs += [(text, f"{tone}-ground") for tone in tones for text in (tone, "text", "muted", "link")]
    pairs += [("card", tone) for tone in tones] + [("code", "code-ground"), ("prompt", "code-ground")]
    contrasts = {}
    for pair in pairs:
        dark, light = sorted(brightness(colours[name]) for name in pair)
        contrasts[pair] = (light + 0.05) / (dark + 0.05)
    assert {pair: round(contrast, 2) for pair, contrast in contrasts.items() if contrast < 4.5} == {}
