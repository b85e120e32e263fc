# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report for a terminal: the root cause and what to do on one screen."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._report.document import unexplained, worst
from ansible_collections.aragora.redis.plugins.module_utils._report.evidence import flat
from ansible_collections.aragora.redis.plugins.module_utils._report.text import clean

# (text, colour by Ansible's names or None)
Line = tuple[str, "str | None"]
COLOURS = {"critical": "bright red", "warning": "yellow", "notice": "cyan", None: "green"}
MOST_FINDINGS = 5
MOST_DETAILED = 3


def lines(document: Mapping[str, Any], width: int = 100) -> list[Line]:
    """The lines of the report with their colours: a headline, then one block a server, worst first.

    The first three ill servers are told in full, the others with their first finding, healthy ones in one line.
    """
    told: list[Line] = [(f"{_headline(document)} · {document['generated_at']}", None)]
    ill = 0
    for target in document["targets"]:
        detailed = ill < MOST_DETAILED
        ill += worst(target) in ("critical", "warning")
        told += [("", None), *_block(target, width, detailed)]
    return told


def _headline(document: Mapping[str, Any]) -> str:
    summary, count = document["summary"], len(document["targets"])
    found = [_count(summary[name], name) for name in ("critical", "warning", "notice") if summary[name]]
    return f"{_count(count, 'server')} · {', '.join(found) or 'nothing found'}"


def _count(number: int, word: str) -> str:
    """``1 server``, ``2 servers``; ``critical`` has no plural."""
    return f"{number} {word}{'s' if number != 1 and word != 'critical' else ''}"


def _block(target: Mapping[str, Any], width: int, detailed: bool) -> list[Line]:
    severity = worst(target)
    told: list[Line] = [(_title(target, severity), COLOURS[severity])]
    shown = [finding for finding in unexplained(target["findings"]) if finding["severity"] != "notice"]
    by_id = {finding["id"]: finding for finding in target["findings"]}
    for index, finding in enumerate(shown[: MOST_FINDINGS if detailed else 1]):
        told += _finding(finding, by_id, width, full=detailed and index == 0)
    rest = len(shown) - (MOST_FINDINGS if detailed else 1)
    if rest > 0:
        told.append((f"  … and {rest} more", None))
    notices = [finding["id"] for finding in target["findings"] if finding["severity"] == "notice"]
    if notices and detailed:
        told += _wrapped("  notices: " + ", ".join(notices), width, "    ", COLOURS["notice"])
    if target["denied"]:
        parts = "; ".join(f"{part} ({clean(words, 60)})" for part, words in sorted(target["denied"].items()))
        told += _wrapped("  not readable: " + parts, width, "    ", None)
    return told


def _title(target: Mapping[str, Any], severity: str | None) -> str:
    server = target["server"]
    who = " ".join(filter(None, (server["product"], server["version"]))) or f"state: {target['availability']['state']}"
    what = [who, server["role"], f"judged as {target['workload']['role']}" if server["product"] else None]
    name = clean(target["name"], 60)
    url = clean(target["url"], 80)
    label = (severity if severity in ("critical", "warning") else "healthy").upper()
    return f"{label}  {name if name == url else f'{name}  {url}'}  {' · '.join(filter(None, what))}"


def _finding(finding: Mapping[str, Any], by_id: Mapping[str, Mapping[str, Any]], width: int, full: bool) -> list[Line]:
    colour = COLOURS[finding["severity"]]
    told = _wrapped(f"  ● {clean(finding['title'])} [{finding['id']}]", width, "    ", colour)
    told += _wrapped("    " + clean(" · ".join(f"{name} {value}" for name, value in flat(finding["evidence"])), 600), width, "    ", None)
    for name in finding["explains"]:
        told += _wrapped(f"    └ explains: {clean(by_id[name]['title'])} [{name}]", width, "      ", None)
    if finding["remedy"]:
        told.append((f"    ▶ {command(finding['remedy'])}", "green"))
    commands = [line for line in finding["advice"] if line.startswith("$ ")]
    for line in finding["advice"] if full else commands[:1]:
        # Commands are not wrapped: people copy them.
        told += [(f"    {clean(line)}", "green")] if line.startswith("$ ") else _wrapped(f"    {clean(line)}", width, "    ", None)
    return told


def command(remedy: Mapping[str, Any]) -> str:
    """The ansible-playbook line that runs a remedy; without ``apply`` it only says what it would do."""
    extra = "".join(f" -e {name}={value}" for name, value in (remedy["extra_vars"] or {}).items())
    return f"ansible-playbook aragora.redis.{remedy['playbook']}{extra}"


def _wrapped(text: str, width: int, indent: str, colour: str | None) -> list[Line]:
    return [(line, colour) for line in textwrap.wrap(text, max(width, 40), subsequent_indent=indent, break_on_hyphens=False)]
