# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report for a terminal: the root cause and what to do on one screen."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._report import fleet, timeline
from ansible_collections.aragora.redis.plugins.module_utils._report.evidence import flat
from ansible_collections.aragora.redis.plugins.module_utils._report.order import HEALTHY, Node, health, is_ill, nested
from ansible_collections.aragora.redis.plugins.module_utils._report.patterns import expiring, holding, reach, share
from ansible_collections.aragora.redis.plugins.module_utils._report.remedy import remedy_command
from ansible_collections.aragora.redis.plugins.module_utils._report.text import clean

# (text, colour by Ansible's names or None)
Line = tuple[str, "str | None"]
COLOURS = {"critical": "bright red", "warning": "yellow", "notice": "cyan", HEALTHY: "green"}
MOST_FINDINGS = 5
MOST_DETAILED = 3
MOST_ILL = 20
MOST_HEALTHY = 10
MOST_CAUSES = 10
MOST_EVIDENCE = 360
MOST_PATTERNS = 4
LEAST_BYTES = 1024 * 1024
LONGEST_COMMAND = 500


def lines(document: Mapping[str, Any], width: int = 100) -> list[Line]:
    """The lines of the report with their colours: a headline, what servers have in common, then one block a server, worst first.

    The first three ill servers are told in full, the others with their first finding, healthy ones in one line; of a large fleet not all.
    """
    targets = document["targets"]
    told: list[Line] = [*_timeline(document, width), (f"{_headline(document)} · {document['generated_at']}", None)]
    if len(targets) > 1:
        told += _fleet(targets, width)
    ill = [target for target in targets if is_ill(target)]
    well = [target for target in targets if not is_ill(target)]
    for place, target in enumerate(ill[:MOST_ILL]):
        told += [("", None), *_block(target, width, place < MOST_DETAILED)]
    if len(ill) > MOST_ILL:
        told += [("", None), (f"… and {len(ill) - MOST_ILL} more servers that are ill: see the report", None)]
    if len(well) > MOST_HEALTHY:
        names = fleet.some([clean(target["name"], 60) for target in well])
        return [*told, ("", None), *_wrapped(f"HEALTHY  {len(well)} servers: {names}", width, "    ", COLOURS[HEALTHY])]
    for target in well:
        told += [("", None), *_block(target, width, detailed=len(ill) < MOST_DETAILED)]
    return told


def _timeline(document: Mapping[str, Any], width: int) -> list[Line]:
    """What was done, or would be, before what is."""
    told: list[Line] = []
    for row in timeline.rows(document):
        cause = f" for {', '.join(row['findings'])}" if row["findings"] else ""
        told += _wrapped(f"{row['time']}  {row['target']}: {row['action']} {row['said']}{cause}", width, "    ", COLOURS[row["colour"]])
        for step in [*row["steps"], *([row["why"]] if row["why"] else [])]:
            told += _wrapped(f"  {step}", width, "    ", None)
    return [*told, ("", None)] if told else []


def _fleet(targets: Sequence[Mapping[str, Any]], width: int) -> list[Line]:
    """Which servers are ill, by cause, and what those have in common."""
    told: list[Line] = [(fleet.sentence(targets), None)]
    rows = fleet.ailments(targets)
    for row in rows[:MOST_CAUSES]:
        number = len(row["names"])
        what = f"{number} servers" if number > 1 else clean(row["title"])
        text = f"  ● {row['cause']}: {what} [{row['id']}]: {fleet.some([clean(name, 60) for name in row['names']])}"
        common = f" · in common: {clean(', '.join(row['shared']))}" if row["shared"] else ""
        told += _wrapped(text + common, width, "    ", COLOURS[row["severity"]])
    if len(rows) > MOST_CAUSES:
        told.append((f"  … and {len(rows) - MOST_CAUSES} more causes", None))
    return told


def _headline(document: Mapping[str, Any]) -> str:
    summary, count = document["summary"], len(document["targets"])
    found = [_count(summary[name], name) for name in ("critical", "warning", "notice") if summary[name]]
    return f"{_count(count, 'server')} · {', '.join(found) or 'nothing found'}"


def _count(number: int, word: str) -> str:
    """``1 server``, ``2 servers``; ``critical`` has no plural."""
    return f"{number} {word}{'s' if number != 1 and word != 'critical' else ''}"


def _block(target: Mapping[str, Any], width: int, detailed: bool) -> list[Line]:
    told: list[Line] = [(_title(target), COLOURS[health(target)])]
    shown = [node for node in nested(target["findings"]) if node[0]["severity"] != "notice"]
    most = MOST_FINDINGS if detailed else 1
    for index, node in enumerate(shown[:most]):
        told += _finding(node, width, full=detailed and index == 0)
    if len(shown) > most:
        told.append((f"  … and {len(shown) - most} more", None))
    notices = [finding["id"] for finding in target["findings"] if finding["severity"] == "notice"]
    if notices and detailed:
        told += _wrapped("  notices: " + ", ".join(notices), width, "    ", COLOURS["notice"])
    if detailed and target.get("keyspace"):
        told += _patterns(target["keyspace"], width)
    if target["denied"]:
        parts = "; ".join(f"{part} ({clean(words, 60)})" for part, words in sorted(target["denied"].items()))
        told += _wrapped("  not readable: " + parts, width, "    ", None)
    return told


def _patterns(found: Mapping[str, Any], width: int) -> list[Line]:
    """Memory by key pattern: the first few, where there is enough to speak of."""
    if found["bytes"] < LEAST_BYTES:
        return []
    rows = [(row["pattern"], share(row), holding(row), expiring(row)) for row in found["patterns"][:MOST_PATTERNS]]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    told = _wrapped(f"  memory by key pattern, {reach(found)}:", width, "    ", None)
    for row in rows:
        cells = [cell.ljust(size) for cell, size in zip(row, widths)]
        told.append((clean(f"    {'  '.join(cells)}  {row[3]}".rstrip(), width), None))
    return told + [line for words in found["unsure"] for line in _wrapped(f"    {clean(words)}", width, "    ", None)]


def _title(target: Mapping[str, Any]) -> str:
    server = target["server"]
    known = " ".join(filter(None, (server["product"], server["version"])))
    who = [known, server["role"], f"judged as {target['workload']['role']}"] if known else [f"state: {target['availability']['state']}"]
    label = health(target) if is_ill(target) else HEALTHY
    name = [clean(target["name"], 60), clean(target["url"], 80)]
    return f"{label.upper()}  {'  '.join(dict.fromkeys(name))}  {clean(' · '.join(filter(None, who)))}"


def _finding(node: Node, width: int, full: bool) -> list[Line]:
    finding, explained = node
    told = _wrapped(f"  ● {clean(finding['title'])} [{finding['id']}]", width, "    ", COLOURS[finding["severity"]])
    for words in finding.get("impact") or []:
        told += _wrapped(f"    ⇒ for its users: {clean(words)}", width, "      ", None)
    evidence = " · ".join(f"{name} {value}" for name, value in flat(finding["evidence"]))
    told += _wrapped(f"    {clean(evidence, MOST_EVIDENCE)}", width, "    ", None)
    for child, dummy in explained:
        told += _wrapped(f"    └ explains: {clean(child['title'])} [{child['id']}]", width, "      ", None)
    if finding["remedy"]:
        told.append((f"    ▶ {clean(remedy_command(finding['remedy']), LONGEST_COMMAND)}", "green"))
    commands = [line for line in finding["advice"] if line.startswith("$ ")]
    for line in finding["advice"] if full else commands[:1]:
        # Commands are not wrapped: people copy them.
        text = f"    {clean(line, LONGEST_COMMAND)}"
        told += [(text, "green")] if line.startswith("$ ") else _wrapped(text, width, "    ", None)
    return told


def _wrapped(text: str, width: int, indent: str, colour: str | None) -> list[Line]:
    return [(line, colour) for line in textwrap.wrap(text, max(width, 40), subsequent_indent=indent, break_on_hyphens=False)]
