# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as one HTML file: the answer first, then a server after the other, the sickest first.

It opens from anywhere and asks nobody for anything: no script, no request, its style inside, its charts as SVG.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import SEVERITIES
from ansible_collections.aragora.redis.plugins.module_utils._report import charts, order, timeline, treemap
from ansible_collections.aragora.redis.plugins.module_utils._report.facts import facts
from ansible_collections.aragora.redis.plugins.module_utils._report.html_finding import badge, finding
from ansible_collections.aragora.redis.plugins.module_utils._report.style import CSS
from ansible_collections.aragora.redis.plugins.module_utils._report.text import clean, human_duration
from ansible_collections.aragora.redis.plugins.module_utils._report.tree import el, fold, serialise

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
NO_PYGAL = "Charts need pygal where the report is written: pip install pygal"
# Charts are drawn for the sickest servers of a fleet; hundreds of them would be slow to make, to load and to look at.
MOST_DRAWN = 20
PRODUCTS = {"redis": "Redis", "valkey": "Valkey"}
# What the server calls its roles, in today's words.
ROLES = {"slave": "replica"}


def render(document: dict[str, Any], snapshots: Mapping[str, Mapping[str, Any]]) -> str:
    """The page for ``report.json`` (see ARCHITECTURE) and the snapshots by target name; a target may have none."""
    targets = order.worst_first(document.get("targets") or [])
    answer = order.headline(document)
    body = el(
        "body",
        el("header", el("p", "Redis diagnosis", class_="kicker"), el("p", _when(document), class_="when"), class_="top"),
        el("main", _answer(document, answer, targets), what_was_done(document), _fleet(targets), _servers(targets, snapshots)),
        el("footer", el("p", "Run ", el("code", clean(document.get("run_id"), 80)), f" · made {_when(document)} by aragora.redis")),
    )
    return page(f"{clean(answer['title'], 120)} – Redis diagnosis", body)


def page(title: str, body: ET.Element) -> str:
    """A page that stands alone, in the style of the report."""
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=POLICY),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("meta", name="referrer", content="no-referrer"),
        el("meta", name="robots", content="noindex"),
        # Without it browsers ask the web server for an icon.
        el("link", rel="icon", href="data:,"),
        el("title", title),
    )
    style = ET.SubElement(head, "style")
    style.text = CSS
    return serialise(el("html", head, body, lang="en"))


def _when(document: Mapping[str, Any]) -> str:
    """``2026-01-02T03:04:05Z`` as people read it; it is UTC."""
    text = clean(document.get("generated_at"), 40)
    return f"{text[:10]} {text[11:16]} UTC" if len(text) >= 16 and text[10] == "T" else text


def _answer(document: Mapping[str, Any], answer: Mapping[str, Any], targets: list[dict[str, Any]]) -> ET.Element:
    """Why is Redis failing? In one sentence, with the servers where it holds."""
    anchors = {str(target.get("name")): f"#server-{place}" for place, target in enumerate(targets, 1)}
    links: list[ET.Element | str] = []
    for name in answer["targets"][:5]:
        links += [", " if links else "on ", el("a", clean(name, 80), href=anchors.get(name))]
    if len(answer["targets"]) > 5:
        links.append(f" and {len(answer['targets']) - 5} more")
    if answer["more"]:
        links.append(f"{' · ' if links else ''}{_plural(answer['more'], 'other root cause')} below")
    summary = document.get("summary") or {}
    counts = [
        el(
            "li",
            el("strong", str(count)),
            f" {severity}{'' if count == 1 or severity == 'critical' else 's'}",
            class_=None if count else "none",
        )
        for severity in SEVERITIES
        for count in [summary.get(severity) or 0]
    ]
    return el(
        "section",
        badge(answer["severity"]),
        el("h1", clean(answer["title"], 500)),
        el("p", links, class_="where") if links else None,
        el("ul", counts, class_="counts", aria_label="Findings by severity"),
        class_=f"answer {answer['severity']}",
    )


def what_was_done(document: Mapping[str, Any]) -> ET.Element | None:
    """What was done, or would be, in the order in which it happened."""
    items = []
    for row in timeline.rows(document):
        said = el("span", row["said"], class_=f"badge {row['colour']}")
        what = el("p", el("strong", row["action"]), f" on {row['target']}", f" for {', '.join(row['findings'])}" if row["findings"] else "")
        more = [el("p", text, class_="note") for text in [*row["steps"], *([row["why"]] if row["why"] else [])]]
        items.append(el("li", said, el("div", what, more, el("time", row["time"], class_="note"))))
    return el("section", el("h2", "What was done"), el("ol", items), class_="fleet timeline") if items else None


def _fleet(targets: list[dict[str, Any]]) -> ET.Element | None:
    """All servers in a list, the sickest first; one alone needs none."""
    if len(targets) < 2:
        return None
    rows = []
    for place, target in enumerate(targets, 1):
        found = target.get("findings") or []
        said = clean(found[0].get("title"), 200) if found else _state(target)
        link = el("a", clean(target.get("name"), 80), href=f"#server-{place}")
        rows.append(el("li", badge(order.health(target)), el("div", link, el("span", said, class_="note"))))
    return el("nav", el("h2", "Servers"), el("ol", rows), class_="fleet", aria_label="Servers")


def _servers(targets: list[dict[str, Any]], snapshots: Mapping[str, Mapping[str, Any]]) -> list[ET.Element]:
    return [
        _server(place, target, snapshots.get(str(target.get("name"))) or {}, order.is_ill(target) or len(targets) == 1, place <= MOST_DRAWN)
        for place, target in enumerate(targets, 1)
    ]


def _server(place: int, target: Mapping[str, Any], snapshot: Mapping[str, Any], is_open: bool, drawn: bool) -> ET.Element:
    """The block of one server: state, findings, facts, and what is not known."""
    anchor, severity = f"server-{place}", order.health(target)
    return el(
        "section",
        el("header", badge(severity), el("h2", clean(target.get("name"), 120), id=f"{anchor}-name")),
        _state_line(target),
        _findings(target),
        _patterns(target, is_open),
        _facts(snapshot, is_open, drawn),
        _gaps(target),
        class_=f"server {severity}",
        id=anchor,
        aria_labelledby=f"{anchor}-name",
    )


def _state(target: Mapping[str, Any]) -> str:
    """``up``, or why not: ``busy (script)``."""
    availability = target.get("availability") or {}
    reason = availability.get("reason")
    return clean(str(availability.get("state")).replace("_", " "), 40) + (f" ({clean(reason, 40).replace('_', ' ')})" if reason else "")


def _state_line(target: Mapping[str, Any]) -> list[ET.Element]:
    availability, server, workload = (target.get(name) or {} for name in ("availability", "server", "workload"))
    product, version = server.get("product"), server.get("version")
    role = ROLES.get(str(server.get("role")), server.get("role"))
    said = [
        _state(target),
        f"{PRODUCTS.get(product, clean(product, 20))} {clean(version or '', 40)}".strip() if product else None,
        " ".join(clean(word, 30) for word in (server.get("mode"), role) if word) or None,
        *_timings(availability),
        f"judged as a {clean(workload['role'], 20)}: {clean(workload.get('why') or 'given', 120)}" if workload.get("role") else None,
    ]
    line = el("ul", [el("li", words, class_=None if index else "state") for index, words in enumerate(said) if words], class_="chips")
    # Where a rule spoke, its evidence holds the server's words.
    error = "" if target.get("findings") else clean(availability.get("error") or "", 1000)
    return [
        el("p", el("code", clean(target.get("url") or "", 300)), class_="url"),
        line,
        *([el("p", error, class_="error")] if error else []),
    ]


def _timings(availability: Mapping[str, Any]) -> list[str]:
    named = (("connects in", "connect_ms", 1000), ("first answer in", "ping_ms", 1000), ("loaded in", "eta_seconds", 1))
    return [
        f"{label} {human_duration(value / per_second)}"
        for label, field, per_second in named
        for value in [availability.get(field)]
        if isinstance(value, (int, float))
    ]


def _findings(target: Mapping[str, Any]) -> list[ET.Element]:
    """Root causes with what they explain; the first and the critical ones are open, notices are folded together."""
    nodes = order.nested(target.get("findings") or [])
    urgent = [node for node in nodes if node[0].get("severity") != "notice"]
    notices = [node for node in nodes if node[0].get("severity") == "notice"]
    shown = [finding(node, 3, is_open=index == 0 or node[0].get("severity") == "critical") for index, node in enumerate(urgent)]
    if not nodes:
        return [el("p", "No rule found anything wrong." if order.health(target) == order.HEALTHY else "No rule spoke.", class_="calm")]
    if notices:
        label = f"{_plural(len(notices), 'notice')}, worth knowing"
        shown.append(fold(label, [finding(node, 3) for node in notices], class_="group"))
    return shown


def _patterns(target: Mapping[str, Any], is_open: bool) -> ET.Element | None:
    known = target.get("keyspace")
    if not known:
        return None
    return fold("Memory by key pattern", el("div", treemap.section(known), class_="patterns"), is_open=is_open, class_="group")


def _facts(snapshot: Mapping[str, Any], is_open: bool, wanted: bool) -> ET.Element | None:
    known = facts(snapshot)
    drawn = charts.charts(snapshot) if wanted and snapshot and charts.available() else []
    if not known and not drawn:
        return None
    tiles = [el("div", el("dt", label), el("dd", value, el("span", note, class_="note") if note else None)) for label, value, note in known]
    missing = None if charts.available() else el("p", NO_PYGAL, class_="note")
    return fold(
        "Facts and charts",
        el("dl", tiles, class_="tiles"),
        el("div", drawn, class_="charts") if drawn else None,
        missing,
        is_open=is_open,
        class_="group",
    )


def _gaps(target: Mapping[str, Any]) -> list[ET.Element]:
    """What could not be read, and which rules could not be judged for want of what."""
    denied = {clean(part, 80): clean(words, 500) for part, words in (target.get("denied") or {}).items()}
    missing: dict[str, list[str]] = {}
    skipped = target.get("not_applicable") or []
    for rule in skipped:
        missing.setdefault(clean(rule.get("missing"), 120), []).append(clean(rule.get("id"), 80).replace("_", " "))
    rules = {name: ", ".join(sorted(ids)) for name, ids in sorted(missing.items())}
    return [
        *_listing(f"{_plural(len(denied), 'part')} could not be read", denied),
        *_listing(f"{_plural(len(skipped), 'rule')} could not be judged", rules, "By the input that they miss:"),
    ]


def _listing(label: str, terms: Mapping[str, str], note: str | None = None) -> list[ET.Element]:
    """A folded list of terms; none where there are no terms."""
    if not terms:
        return []
    rows = [el("div", el("dt", term), el("dd", words)) for term, words in terms.items()]
    return [fold(label, el("p", note, class_="note") if note else None, el("dl", rows, class_="gaps"), class_="group")]


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
