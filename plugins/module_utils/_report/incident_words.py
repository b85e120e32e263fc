# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The incident as a message: to users, who want to know what does not work, and to the team, who have to mend it.

Channels read Markdown, HTML or nothing of the kind, and some notify people or make links by what a text says: signs that could do so
are replaced by such that look alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._report import timeline
from ansible_collections.aragora.redis.plugins.module_utils._report.order import nested
from ansible_collections.aragora.redis.plugins.module_utils._report.text import clean

HARMLESS = str.maketrans({"<": "‹", ">": "›", "@": "(at)", "`": "'", "*": "∗", "[": "(", "]": ")", "#": "♯", "|": "¦", "\\": "/", "~": "∼"})
MOST_ROOTS = 3
MOST_ADVICE = 8
MOST_ROWS = 10


def words(document: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """``{users: {title, body}, team: {title, body}}``."""
    return {"users": _users(document), "team": _team(document)}


def _users(document: Mapping[str, Any]) -> dict[str, str]:
    name = said(document["application"], 60) or "The application"
    parts = [
        f"{name} has had problems since {_when(document['since'])}, because Redis does not work as it should. People are at it.",
        _list("What you may notice:", document["impact"]),
    ]
    if document["costs"]:
        parts.append(_list("For the time being it runs without Redis. That costs:", document["costs"]))
    return {"title": f"{name}: problems since {_when(document['since'])}", "body": "\n\n".join(parts) + "\n"}


def _team(document: Mapping[str, Any]) -> dict[str, str]:
    server = said(document["server"], 80)
    parts = [
        f"Redis on **{server}** has been ill since {_when(document['since'])}, and nobody has mended it: {said(document['title'], 300)}.",
        _list("What it means to users:", document["impact"]),
    ]
    for finding, dummy in nested(document["findings"])[:MOST_ROOTS]:
        advice = [f"    {clean(line, 300)}" if line.startswith("$ ") else said(line, 300) for line in finding["advice"][:MOST_ADVICE]]
        parts += [f"**{finding['severity'].capitalize()}: {said(finding['title'], 300)}**", *advice]
    rows = [
        f"{row['time']} {said(row['action'])}: {row['said']}{', ' + said(row['why'], 200) if row['why'] else ''}"
        for row in timeline.rows(document)[-MOST_ROWS:]
    ]
    parts += [_list("What was done (UTC):", rows), _list("Open:", document["open_points"])]
    title = f"{document['severity'].capitalize()} on {server}: {said(document['title'], 150)}"
    return {"title": title, "body": "\n\n".join(filter(None, parts)) + "\n"}


def said(text: Any, longest: int = 300) -> str:
    """Text from servers and people in a message: it formats, links and mentions nothing."""
    return clean(text, longest).translate(HARMLESS).replace("://", ": //").replace("www.", "www ")


def _list(head: str, lines: Iterable[Any]) -> str:
    items = "\n".join(f"- {said(line)}" for line in lines)
    return f"{head}\n\n{items}" if items else ""


def _when(iso: str) -> str:
    return f"{iso[:10]} {iso[11:16]} UTC"
