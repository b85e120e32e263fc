# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The order in which a report tells what was found: the sickest server first, what is explained below what explains it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import SEVERITIES

HEALTHY = "healthy"
_RANKS = (*SEVERITIES, HEALTHY)
# A finding and the nodes of what it explains.
Node = tuple[dict[str, Any], list[Any]]


def health(target: Mapping[str, Any]) -> str:
    """``critical``, ``warning``, ``notice`` or ``healthy``: its worst finding. A server that cannot be used is never healthy."""
    found = [finding.get("severity") for finding in target.get("findings") or []]
    if (target.get("availability") or {}).get("state") not in ("up", "loading", None):
        found.append("critical")
    return next((severity for severity in SEVERITIES if severity in found), HEALTHY)


def is_ill(target: Mapping[str, Any]) -> bool:
    """Whether somebody should look at it tonight; notices can wait."""
    return health(target) in ("critical", "warning")


def worst_first(targets: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Targets by health, then by the number of critical findings, then as given."""
    return sorted(targets, key=lambda target: (_RANKS.index(health(target)), -_count(target, "critical")))


def nested(findings: Sequence[dict[str, Any]]) -> list[Node]:
    """Findings as trees ``(finding, [nodes of what it explains])``; each stands once, at the first place where it is explained."""
    by_id: dict[str, dict[str, Any]] = {}
    for finding in findings:
        by_id.setdefault(str(finding.get("id")), finding)
    explained = {name for finding in findings for name in finding.get("explains") or [] if name != finding.get("id")}
    told: set[int] = set()

    def node(finding: dict[str, Any]) -> Node:
        told.add(id(finding))
        children = []
        for name in finding.get("explains") or []:
            member = by_id.get(name)
            if member is not None and id(member) not in told:
                children.append(node(member))
        return finding, children

    roots = [node(finding) for finding in findings if finding.get("id") not in explained]
    # Two that explain each other have no root: the first of them becomes one, so that nothing is lost.
    return roots + [node(finding) for finding in findings if id(finding) not in told]


def headline(document: Mapping[str, Any]) -> dict[str, Any]:
    """``{severity, title, targets, more}``: the answer of the whole run, where it holds, and how many other root causes there are."""
    causes = [cause for cause in (document.get("summary") or {}).get("root_causes") or [] if cause.get("severity") in SEVERITIES[:2]]
    targets = document.get("targets") or []
    if causes:
        first = min(causes, key=lambda cause: SEVERITIES.index(cause["severity"]))
        same = [str(cause.get("target")) for cause in causes if cause.get("id") == first.get("id")]
        more = len({cause.get("id") for cause in causes}) - 1
        return {"severity": first["severity"], "title": first.get("title"), "targets": list(dict.fromkeys(same)), "more": more}
    unusable = [str(target.get("name")) for target in targets if health(target) == "critical"]
    if unusable:
        title = f"{len(unusable)} of {len(targets)} servers cannot be used" if len(targets) > 1 else "The server cannot be used"
        return {"severity": "critical", "title": title, "targets": unusable, "more": 0}
    title = f"Nothing is wrong with the {len(targets)} servers" if len(targets) > 1 else "Nothing is wrong with the server"
    return {"severity": HEALTHY, "title": title if targets else "No server was looked at", "targets": [], "more": 0}


def _count(target: Mapping[str, Any], severity: str) -> int:
    return sum(finding.get("severity") == severity for finding in target.get("findings") or [])
