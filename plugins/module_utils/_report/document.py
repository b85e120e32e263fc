# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""report.json: what was found on which server, as one document that the other forms of the report are drawn from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import SEVERITIES
from ansible_collections.aragora.redis.plugins.module_utils._report import impact
from ansible_collections.aragora.redis.plugins.module_utils._report.order import nested, worst_first
from ansible_collections.aragora.redis.plugins.module_utils._report.patterns import summary

SCHEMA = 1


def build(
    diagnosed: Iterable[Mapping[str, Any]], run_id: str, generated_at: str, timeline: Iterable[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """The document from ``[{name, snapshot, diagnosis}]``, servers in the order of how ill they are.

    ``{schema, generated_at, run_id, targets: [{name, url, availability, server, workload, findings, not_applicable, denied, keyspace}],
    summary}`` with ``summary: {critical, warning, notice, by_cause, root_causes: [{target, id, severity, title}]}``; causes and root
    causes count what nothing else explains, notices left out. ``keyspace`` is memory by key pattern, null where it is not known.
    """
    targets = worst_first([_target(item) for item in diagnosed])
    return {
        "schema": SCHEMA,
        "generated_at": generated_at,
        "run_id": run_id,
        "targets": targets,
        "summary": _summary(targets),
        "timeline": list(timeline),
    }


def _target(item: Mapping[str, Any]) -> dict[str, Any]:
    snapshot, diagnosis = item["snapshot"], item["diagnosis"]
    return {
        "name": str(item["name"]),
        "url": snapshot["server"]["url"],
        "availability": snapshot["availability"],
        "server": snapshot["server"],
        "workload": diagnosis["workload"],
        "findings": impact.told(snapshot, diagnosis["findings"]),
        "not_applicable": diagnosis["not_applicable"],
        "denied": snapshot["denied"],
        "keyspace": summary(snapshot),
    }


def _summary(targets: list[dict[str, Any]]) -> dict[str, Any]:
    counts = Counter(finding["severity"] for target in targets for finding in target["findings"])
    roots = [
        (target["name"], finding) for target in targets for finding, dummy in nested(target["findings"]) if finding["severity"] != "notice"
    ]
    return {
        **{severity: counts[severity] for severity in SEVERITIES},
        "by_cause": dict(Counter(finding["cause"] for dummy, finding in roots).most_common()),
        "root_causes": [
            {"target": name, "id": finding["id"], "severity": finding["severity"], "title": finding["title"]} for name, finding in roots
        ],
    }
