# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The incident as Markdown, to be pasted into a ticket."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._report.markdown import escaped, of_finding, of_timeline
from ansible_collections.aragora.redis.plugins.module_utils._report.order import nested


def render(document: Mapping[str, Any]) -> str:
    """The whole document (see ``incident.build``); text from servers is escaped."""
    of_application = f", used by {escaped(document['application'])}" if document["application"] else ""
    parts = [
        f"# Incident: {escaped(document['title'])}",
        f"{escaped(document['server'])}{of_application}, since {document['since']}. Written {document['generated_at']}, "
        f"run {escaped(document['run_id'])}.",
        *_list("What it means to users", document["impact"]),
        *_list("What is open", document["open_points"]),
        *of_timeline(document),
        *_list("What the fallback costs", document["costs"]),
        *_told(document),
        *_numbers(document),
        "## Findings",
    ]
    for finding, explained in nested(document["findings"]):
        parts += of_finding(finding, [child for child, dummy in explained])
    if not document["findings"]:
        parts.append("No rule spoke.")
    return "\n\n".join(parts) + "\n"


def _list(head: str, lines: Iterable[Any]) -> list[str]:
    items = "\n".join(f"- {escaped(line)}" for line in lines)
    return [f"## {head}", items] if items else []


def _told(document: Mapping[str, Any]) -> list[str]:
    rows = [
        f"| {escaped(row['name'])} | {escaped(row['audience'])} | {'yes' if row['sent'] else 'no'} | {escaped(row['error'] or '')} |"
        for row in document["told"]
    ]
    return ["## Who was told", "| channel | audience | told | why not |\n|---|---|---|---|\n" + "\n".join(rows)] if rows else []


def _numbers(document: Mapping[str, Any]) -> list[str]:
    rows = [" | ".join(escaped(row[name]) for name in ("label", "before", "after")) for row in document["numbers"]]
    table = "| | before | now |\n|---|---|---|\n" + "\n".join(f"| {row} |" for row in rows)
    return ["## Before and now", table] if rows else []
