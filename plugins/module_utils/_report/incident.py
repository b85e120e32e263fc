# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The incident as one document: since when, what it means to users, what was done, who was told, and what is open."""

from __future__ import annotations

import fnmatch
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._report.facts import facts
from ansible_collections.aragora.redis.plugins.module_utils._report.order import health, nested
from ansible_collections.aragora.redis.plugins.module_utils._report.text import clean

SCHEMA = 1
ISO = "%Y-%m-%dT%H:%M:%SZ"
NOTHING_KNOWN = "what this means to users is not written in the application's profile"
STILL_OPEN = ("critical", "warning")


def impact(profile: Mapping[str, Any], findings: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the findings mean to the people who use the application, in the words of its profile (``impact``), each once.

    A row speaks where one of its findings is there. A row that has keys only speaks where the evidence names such a key.
    """
    ids = {str(finding.get("id")) for finding in findings}
    named = {text for finding in findings for text in _texts(finding.get("evidence"))}
    said = []
    for row in profile.get("impact") or []:
        wanted, globs = row.get("findings") or [], row.get("keys") or []
        if ids & set(wanted) or (not wanted and any(fnmatch.fnmatchcase(text, glob) for text in named for glob in globs)):
            said.append(str(row.get("means")))
    return list(dict.fromkeys(said))


def build(
    server: str,
    incident: Mapping[str, Any],
    after: Mapping[str, Any],
    *,
    before: Mapping[str, Any] | None = None,
    application: Mapping[str, Any] | None = None,
    timeline: Iterable[Mapping[str, Any]] = (),
    told: Sequence[Mapping[str, Any]] = (),
    fallback: Mapping[str, Any] | None = None,
    run_id: str = "",
    now: float = 0.0,
) -> dict[str, Any]:
    """The document. ``incident`` is that of the ledger, ``before`` and ``after`` are ``{name, snapshot, diagnosis}``.

    ``told`` is ``[{name, audience, sent, error}]``, ``fallback`` ``{state: on | refused | "", why}``.
    """
    findings, profile, fallback = after["diagnosis"]["findings"], application or {}, fallback or {}
    target = {"availability": after["snapshot"]["availability"], "findings": findings}
    roots = [finding for finding, dummy in nested(findings)]
    title = roots[0]["title"] if roots else "people were asked for, though no rule finds anything wrong"
    rows = [*_beginnings(server, incident), *timeline, *_endings(server, told, now)]
    return {
        "schema": SCHEMA,
        "generated_at": _iso(now),
        "run_id": run_id,
        "server": server,
        "application": str(profile.get("name") or ""),
        "severity": health(target),
        "title": str(title),
        "since": _iso(incident.get("since") or now),
        "impact": impact(profile, findings) or [NOTHING_KNOWN],
        "findings": findings,
        "timeline": sorted(rows, key=lambda row: str(row.get("at"))),
        "numbers": _numbers(before, after),
        "told": list(told),
        "fallback": {"state": fallback.get("state") or "", "why": fallback.get("why") or ""},
        "costs": list((profile.get("fallback") or {}).get("costs") or []) if fallback.get("state") == "on" else [],
        "open_points": list(_open_points(roots, list(timeline), told, fallback)),
    }


def _beginnings(server: str, incident: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    row = {"target": server, "action": "incident", "findings": incident.get("findings") or []}
    if incident.get("since"):
        yield {**row, "at": _iso(incident["since"]), "state": "began"}
    if incident.get("escalated_at"):
        yield {**row, "at": _iso(incident["escalated_at"]), "state": "escalated"}


def _endings(server: str, told: Sequence[Mapping[str, Any]], now: float) -> Iterator[dict[str, Any]]:
    """What the escalation itself has done."""
    row = {"target": server, "at": _iso(now)}
    yield {**row, "action": "escalate", "state": "escalated"}
    for channel in told:
        state = "told" if channel.get("sent") else "not_told" if channel.get("error") else "would_tell"
        action = "tell users" if channel.get("audience") == "users" else "page the team"
        yield {**row, "action": action, "state": state, "steps": [f"channel {channel.get('name')}"], "why": channel.get("error")}


def _numbers(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> list[dict[str, str]]:
    """``[{label, before, after}]``: whether it can be used, and what people ask for first."""
    known = [_known(item) for item in (before, after)]
    labels = dict.fromkeys(label for side in known for label in side)
    return [{"label": label, "before": known[0].get(label, ""), "after": known[1].get(label, "")} for label in labels]


def _known(item: Mapping[str, Any] | None) -> dict[str, str]:
    if not item:
        return {}
    available = item["snapshot"]["availability"]
    state = " – ".join(clean(available[name], 60) for name in ("state", "reason") if available.get(name))
    return {"State": state.replace("_", " ")} | {
        label: f"{value} ({note})" if note else value for label, value, note in facts(item["snapshot"])
    }


def _open_points(
    roots: Sequence[Mapping[str, Any]],
    timeline: Sequence[Mapping[str, Any]],
    told: Sequence[Mapping[str, Any]],
    fallback: Mapping[str, Any],
) -> Iterator[str]:
    """What nobody could mend, and what has to be taken back later."""
    for finding in roots:
        if finding["severity"] in STILL_OPEN:
            tried = [row for row in timeline if finding["id"] in (row.get("findings") or []) and row.get("mode") == "apply"]
            words = "; ".join(f"{row.get('action')}: {row.get('state')}" for row in tried)
            yield f"{finding['title']} ({words or 'nothing was tried'})"
    if fallback.get("state") == "on":
        yield "the application runs without Redis: end the fallback when Redis is back"
    if fallback.get("state") == "refused":
        yield f"the fallback is off: {fallback.get('why') or 'it was refused'}"
    yield from (f"{row['name']} was not told: {row['error']}" for row in told if row.get("error"))


def _texts(evidence: Any) -> Iterator[str]:
    """Every text in a finding's evidence, however deep."""
    if isinstance(evidence, str):
        yield evidence
    elif isinstance(evidence, Mapping):
        for value in evidence.values():
            yield from _texts(value)
    elif isinstance(evidence, (list, tuple)):
        for value in evidence:
            yield from _texts(value)


def _iso(seconds: float) -> str:
    return time.strftime(ISO, time.gmtime(seconds))
