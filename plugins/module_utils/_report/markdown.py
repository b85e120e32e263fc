# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as Markdown, to be pasted into a ticket."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._report import fleet, timeline
from ansible_collections.aragora.redis.plugins.module_utils._report.evidence import flat
from ansible_collections.aragora.redis.plugins.module_utils._report.order import health, nested
from ansible_collections.aragora.redis.plugins.module_utils._report.patterns import expiring, holding, reach, share
from ansible_collections.aragora.redis.plugins.module_utils._report.remedy import remedy_command
from ansible_collections.aragora.redis.plugins.module_utils._report.text import clean


def render(document: Mapping[str, Any]) -> str:
    """The whole report; text from servers is escaped, so that it neither formats, links, nor mentions anybody."""
    summary = document["summary"]
    parts = [
        f"# Redis diagnosis {escaped(document['generated_at'])}",
        f"{summary['critical']} critical, {summary['warning']} warning, {summary['notice']} notice "
        f"on {len(document['targets'])} server(s). Run {escaped(document['run_id'])}.",
    ]
    parts += of_timeline(document)
    if len(document["targets"]) > 1:
        parts += _fleet(document["targets"])
    for target in document["targets"]:
        parts += _target(target)
    return "\n\n".join(parts) + "\n"


def of_timeline(document: Mapping[str, Any]) -> list[str]:
    """What was done, or would be, for the ticket."""
    rows = [
        f"| {row['time']} | {escaped(row['target'])} | {_code(row['action'])} | {row['said']} | "
        f"{escaped(', '.join(row['findings']))} | {escaped('; '.join([*row['steps'], row['why']]).strip('; '))} |"
        for row in timeline.rows(document)
    ]
    head = "| time (UTC) | server | action | state | for | what |\n|---|---|---|---|---|---|\n"
    return ["## What was done", head + "\n".join(rows)] if rows else []


def _fleet(targets: Sequence[Mapping[str, Any]]) -> list[str]:
    """Which servers are ill, by cause, and what those have in common."""
    rows = [
        f"| {row['severity']} | {escaped(row['cause'])} | {_code(row['id'])} | {len(row['names'])}: {escaped(fleet.some(row['names']))} "
        f"| {escaped(', '.join(row['shared']))} |"
        for row in fleet.ailments(targets)
    ]
    table = ["| severity | cause | finding | servers | in common |\n|---|---|---|---|---|\n" + "\n".join(rows)] if rows else []
    return [f"{fleet.sentence(targets)}.", *table]


def escaped(text: Any) -> str:
    """Text as it stands, whatever Markdown or HTML would make of it; ``@`` becomes an entity, because trackers notify people by it."""
    shown = re.sub(r"([\\`*_{}\[\]()#+!|>~-])", r"\\\1", clean(str(text)))
    entities = {"&": "&amp;", "<": "&lt;", "@": "&#64;", "://": "&#58;//", "www.": "www&#46;"}
    return re.sub("&|<|@|://|www[.]", lambda found: entities[found.group()], shown)


def _target(target: Mapping[str, Any]) -> list[str]:
    server, found = target["server"], target["availability"]
    who = " ".join(filter(None, (server["product"], server["version"], server["role"]))) or "unknown server"
    parts = [
        f"## {health(target).upper()}: {escaped(target['name'])}",
        f"{escaped(target['url'])}, {escaped(who)}, state {escaped(found['state'])}"
        f"{', ' + escaped(found['reason']) if found['reason'] else ''}, judged as {escaped(target['workload']['role'])} "
        f"({escaped(target['workload']['why'])}).",
    ]
    for finding, explained in nested(target["findings"]):
        parts += of_finding(finding, [child for child, dummy in explained])
    if target.get("keyspace"):
        parts += _patterns(target["keyspace"])
    if target["denied"]:
        parts.append(
            "Not readable:\n\n" + "\n".join(f"- {escaped(part)}: {escaped(words)}" for part, words in sorted(target["denied"].items()))
        )
    return parts


def _patterns(found: Mapping[str, Any]) -> list[str]:
    """Memory by key pattern."""
    rows = [" | ".join(map(escaped, (row["pattern"], share(row), holding(row), expiring(row)))) for row in found["patterns"]]
    table = "| pattern | share | memory | TTL |\n|---|---|---|---|\n" + "\n".join(f"| {row} |" for row in rows)
    return [f"### Memory by key pattern ({escaped(reach(found))})", *(f"{escaped(words)}." for words in found["unsure"]), table]


def of_finding(finding: Mapping[str, Any], explained: list[dict[str, Any]]) -> list[str]:
    """One finding with its evidence, what it explains and what to do."""
    parts = [f"### {finding['severity'].capitalize()}: {escaped(finding['title'])} ({_code(finding['id'])})"]
    parts += [f"For its users: {escaped(words)}." for words in finding.get("impact") or []]
    rows = flat(finding["evidence"])
    if rows:
        parts.append("| evidence | value |\n|---|---|\n" + "\n".join(f"| {escaped(name)} | {escaped(value)} |" for name, value in rows))
    if explained:
        parts.append("Explains:\n\n" + "\n".join(f"- {escaped(item['title'])} ({_code(item['id'])})" for item in explained))
    if finding["remedy"]:
        parts.append(_fenced([remedy_command(finding["remedy"])]))
    return parts + _advice(finding["advice"])


def _advice(lines: list[str]) -> list[str]:
    """Sentences as paragraphs, runs of commands as one code block."""
    parts: list[str] = []
    commands: list[str] = []
    for line in [*lines, ""]:
        if line.startswith("$ "):
            commands.append(line[2:])
            continue
        if commands:
            parts.append(_fenced(commands))
            commands = []
        if line:
            parts.append(escaped(line))
    return parts


def _fenced(commands: list[str]) -> str:
    text = "\n".join(clean(line) for line in commands)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}sh\n{text}\n{fence}"


def _code(text: str) -> str:
    return f"`{clean(text).replace('`', '')}`"
