# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One finding as HTML: what it is, what to do, the numbers that say so, and below it what it explains."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from ansible_collections.aragora.redis.plugins.module_utils._report.order import Node
from ansible_collections.aragora.redis.plugins.module_utils._report.remedy import remedy_command
from ansible_collections.aragora.redis.plugins.module_utils._report.text import clean
from ansible_collections.aragora.redis.plugins.module_utils._report.tree import Child, el, fold
from ansible_collections.aragora.redis.plugins.module_utils._report.units import words

MOST_ROWS = 50
DEEPEST = 3
LONGEST_COMMAND = 4000
OPTION = re.compile(r"(?<= )(--?[\w-]{1,30})(?= |$)")
SIGNS = {"critical": "■", "warning": "▲", "notice": "●", "healthy": "✓"}
RISKS = {
    "safe": "safe: may run by itself",
    "guarded": "guarded: runs only where it is allowed by name",
    "human": "a person has to do it",
}


def badge(severity: str) -> ET.Element:
    """The severity as a word and a sign, so that it does not take colour to see it."""
    return el("span", el("span", SIGNS.get(severity, "●"), aria_hidden="true"), f" {severity.capitalize()}", class_=f"badge {severity}")


def finding(node: Node, level: int, is_open: bool = False) -> ET.Element:
    """A finding and what it explains, to unfold; ``level`` is that of its heading."""
    found, explained = node
    severity = str(found.get("severity"))
    head: list[Child] = [badge(severity), " ", el(f"h{min(level, 6)}", clean(found.get("title"), 500))]
    family = [finding(child, level + 1) for child in explained]
    return fold(
        head,
        el(
            "div",
            [el("p", f"For its users: {clean(words, 500)}.", class_="impact") for words in found.get("impact") or []],
            advice(found.get("advice") or []),
            _remedy(found.get("remedy")),
            evidence(found.get("evidence") or {}),
            el("p", "Rule ", el("code", clean(found.get("id"), 80)), f" · {_spaced(found.get('cause'))}", _docs(found), class_="meta"),
            el("div", el("p", "This explains", class_="label"), family, class_="explained") if family else None,
            class_="body",
        ),
        is_open=is_open,
        class_=f"finding {severity}",
    )


def command(line: str) -> ET.Element:
    """A shell command in a box of its own, which scrolls by itself; the prompt is drawn by the style, so that it is not copied.

    A remark after it stands below it, where a phone shows it too.
    """
    said, remark, comment = line.partition("  # ")
    below = el("span", clean(f"# {comment.strip()}", 300), class_="remark") if remark else None
    return el("pre", el("code", _options(clean(said.rstrip(), LONGEST_COMMAND))), below, class_="command", tabindex="0")


def _options(line: str) -> list[Child]:
    """The words of a command; options are kept from being broken at their hyphens."""
    parts = OPTION.split(line)
    return [el("span", part, class_="option") if index % 2 else part for index, part in enumerate(parts)]


def advice(lines: list[Any]) -> list[ET.Element]:
    """Sentences and commands in their order."""
    shown = [str(line) for line in lines]
    return [command(line[2:]) if line.startswith("$ ") else el("p", clean(line, 2000)) for line in shown]


def evidence(found: Mapping[str, Any]) -> ET.Element | None:
    """The numbers that were read, as a table of fields; None where there are none."""
    return el("div", el("p", "Evidence", class_="label"), _fields(found, 0)) if found else None


def _fields(found: Mapping[str, Any], depth: int) -> ET.Element:
    rows = [
        el("tr", el("th", _breakable(clean(field, 80)), scope="row"), el("td", _value(str(field), value, depth)))
        for field, value in list(found.items())[:MOST_ROWS]
    ]
    return _table(None, rows, len(found))


def _value(field: str, value: Any, depth: int) -> list[ET.Element | str]:
    """A value as words; mappings and lists of mappings as tables inside it."""
    if not isinstance(value, (Mapping, list, tuple)):
        short, exact = words(field, value)
        return [short, " ", el("span", exact, class_="exact")] if exact else [short]
    if not value:
        return ["none"]
    if depth >= DEEPEST:
        return [clean(json.dumps(value, default=str, ensure_ascii=False), 500)]
    if isinstance(value, Mapping):
        return [_fields(value, depth + 1)]
    return _listed(field, value, depth)


def _listed(field: str, value: Sequence[Any], depth: int) -> list[ET.Element | str]:
    """Mappings as the rows of a table, one item as itself, others as a list."""
    if all(isinstance(item, Mapping) for item in value):
        return [_records(list(value), depth + 1)]
    if len(value) == 1:
        return _value(field, value[0], depth + 1)
    items = [el("li", _value(field, item, depth + 1)) for item in value[:MOST_ROWS]]
    return [el("ul", items, el("li", f"… and {len(value) - MOST_ROWS} more") if len(value) > MOST_ROWS else None)]


def _records(rows: list[Mapping[str, Any]], depth: int) -> ET.Element:
    """Mappings as rows below the names of their fields."""
    names = list(dict.fromkeys(name for row in rows[:MOST_ROWS] for name in row))[:MOST_ROWS]
    head = el("thead", el("tr", [el("th", clean(_spaced(name), 80), scope="col") for name in names]))
    body = [el("tr", [el("td", _value(str(name), row[name], depth) if name in row else "") for name in names]) for row in rows[:MOST_ROWS]]
    return _table(head, body, len(rows))


def _table(head: ET.Element | None, rows: list[ET.Element], count: int) -> ET.Element:
    more = el("p", f"… and {count - MOST_ROWS} more", class_="note") if count > MOST_ROWS else None
    return el(
        "div", el("table", head, el("tbody", rows), class_="records" if head is not None else "fields"), more, class_="wide", tabindex="0"
    )


def _remedy(remedy: Mapping[str, Any] | None) -> ET.Element | None:
    if not remedy:
        return None
    risk = str(remedy.get("risk"))
    return el(
        "div",
        el("p", "Let Ansible do it", class_="label"),
        command(remedy_command(remedy)),
        el("p", f"Risk: {RISKS.get(risk, risk)}.", class_="note"),
        class_="remedy",
    )


def _docs(found: Mapping[str, Any]) -> list[ET.Element | str]:
    """The link to read on; what is no web address stays text."""
    url = str(found.get("docs_url") or "")
    if not url:
        return []
    if not url.startswith(("https://", "http://")) or clean(url, 2000) != url:
        return [" · ", clean(url, 200)]
    return [" · ", el("a", "documentation", href=url, rel="noreferrer noopener external")]


def _breakable(name: str) -> list[Child]:
    """A field's name that may end its line after each ``_``, but not within a word."""
    first, *rest = name.split("_")
    return [first, *(child for word in rest for child in ("_", el("wbr"), word))]


def _spaced(name: Any) -> str:
    return clean(name, 80).replace("_", " ")
