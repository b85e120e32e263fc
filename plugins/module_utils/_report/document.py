# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""report.json: what was found on which server, as one document that the other forms of the report are drawn from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import SEVERITIES

SCHEMA = 1


def build(diagnosed: Iterable[Mapping[str, Any]], run_id: str, generated_at: str) -> dict[str, Any]:
    """The document from ``[{name, snapshot, diagnosis}]``, servers in the order of how ill they are.

    ``{schema, generated_at, run_id, targets: [{name, url, availability, server, workload, findings, not_applicable, denied}], summary}``
    with ``summary: {critical, warning, notice, by_cause, root_causes: [{target, id, severity, title}]}``; causes and root causes count
    what nothing else explains, notices left out.
    """
    targets = sorted((_target(item) for item in diagnosed), key=lambda target: (severity_rank(worst(target)), target["name"]))
    return {"schema": SCHEMA, "generated_at": generated_at, "run_id": run_id, "targets": targets, "summary": _summary(targets)}


def worst(target: Mapping[str, Any]) -> str | None:
    """The highest severity among a target's findings, None when there are none."""
    severities = [finding["severity"] for finding in target["findings"]]
    return min(severities, key=SEVERITIES.index) if severities else None


def severity_rank(severity: str | None) -> int:
    """0 for critical and so on; nothing found comes last."""
    return SEVERITIES.index(severity) if severity else len(SEVERITIES)


def unexplained(findings: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The findings that no other of them explains, in their order: the root causes and the lone ones."""
    listed = list(findings)
    explained = {name for finding in listed for name in finding["explains"]}
    # Two findings may explain each other; the first in rank then stands for both.
    return [finding for index, finding in enumerate(listed) if finding["id"] not in explained or index == 0]


def _target(item: Mapping[str, Any]) -> dict[str, Any]:
    snapshot, diagnosis = item["snapshot"], item["diagnosis"]
    return {
        "name": str(item["name"]),
        "url": snapshot["server"]["url"],
        "availability": snapshot["availability"],
        "server": snapshot["server"],
        "workload": diagnosis["workload"],
        "findings": diagnosis["findings"],
        "not_applicable": diagnosis["not_applicable"],
        "denied": snapshot["denied"],
    }


def _summary(targets: list[dict[str, Any]]) -> dict[str, Any]:
    counts = Counter(finding["severity"] for target in targets for finding in target["findings"])
    roots = [
        (target["name"], finding) for target in targets for finding in unexplained(target["findings"]) if finding["severity"] != "notice"
    ]
    return {
        **{severity: counts[severity] for severity in SEVERITIES},
        "by_cause": dict(Counter(finding["cause"] for dummy, finding in roots).most_common()),
        "root_causes": [
            {"target": name, "id": finding["id"], "severity": finding["severity"], "title": finding["title"]} for name, finding in roots
        ],
    }
