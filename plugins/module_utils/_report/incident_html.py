# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The incident as one HTML file, in the style of the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from ansible_collections.aragora.redis.plugins.module_utils._report.html import page, what_was_done
from ansible_collections.aragora.redis.plugins.module_utils._report.html_finding import badge, finding
from ansible_collections.aragora.redis.plugins.module_utils._report.order import nested
from ansible_collections.aragora.redis.plugins.module_utils._report.text import clean
from ansible_collections.aragora.redis.plugins.module_utils._report.tree import el


def render(document: Mapping[str, Any]) -> str:
    """The page for the document of ``incident.build``."""
    body = el(
        "body",
        el("header", el("p", "Redis incident", class_="kicker"), el("p", _when(document["generated_at"]), class_="when"), class_="top"),
        el(
            "main",
            _answer(document),
            _listed("What it means to users", document["impact"]),
            _listed("What is open", document["open_points"]),
            _listed("What the fallback costs", document["costs"]),
            what_was_done(document),
            _told(document["told"]),
            _numbers(document["numbers"]),
            _findings(document["findings"]),
        ),
        el(
            "footer",
            el("p", "Run ", el("code", clean(document["run_id"], 80)), f" · made {_when(document['generated_at'])} by aragora.redis"),
        ),
    )
    return page(f"{clean(document['title'], 120)} – Redis incident", body)


def _answer(document: Mapping[str, Any]) -> ET.Element:
    """What, where and since when."""
    where = f"on {clean(document['server'], 80)} since {_when(document['since'])}"
    used = f" · used by {clean(document['application'], 60)}" if document["application"] else ""
    severity = document["severity"]
    return el("section", badge(severity), el("h1", clean(document["title"], 500)), el("p", where, used, class_="where"),
              class_=f"answer {severity}")  # fmt: skip


def _listed(head: str, lines: Sequence[Any]) -> ET.Element | None:
    return el("section", el("h2", head), el("ul", [el("li", clean(line, 500)) for line in lines]), class_="fleet said") if lines else None


def _told(told: Sequence[Mapping[str, Any]]) -> ET.Element | None:
    """Who knows of it, and who does not."""
    items = []
    for row in told:
        said = el("span", "told" if row["sent"] else "not told", class_=f"badge {'healthy' if row['sent'] else 'warning'}")
        why = el("span", clean(row["error"], 200), class_="note") if row["error"] else None
        items.append(el("li", said, el("div", el("strong", clean(row["name"], 80)), f" ({clean(row['audience'], 20)})", why)))
    return el("section", el("h2", "Who was told"), el("ol", items), class_="fleet") if items else None


def _numbers(numbers: Sequence[Mapping[str, str]]) -> ET.Element | None:
    rows = [el("tr", el("th", row["label"], scope="row"), el("td", row["before"] or "–"), el("td", row["after"] or "–")) for row in numbers]
    head = el("thead", el("tr", el("td", ""), el("th", "before", scope="col"), el("th", "now", scope="col")))
    table = el("div", el("table", head, el("tbody", rows)), class_="wide", tabindex="0")
    return el("section", el("h2", "Before and now"), table, class_="fleet") if rows else None


def _findings(findings: Sequence[dict[str, Any]]) -> ET.Element:
    shown = [finding(node, 3, is_open=index == 0) for index, node in enumerate(nested(findings))]
    return el("section", el("h2", "Findings"), shown or el("p", "No rule spoke.", class_="calm"), class_="server")


def _when(iso: str) -> str:
    return f"{iso[:10]} {iso[11:16]} UTC"
