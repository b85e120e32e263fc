# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a snapshot to ranked findings: run the rules, put root causes first."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from ansible_collections.aragora.redis.plugins.module_utils import _previous, _remedies
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis import (
    acl,
    application,
    availability,
    buffers,
    certificates,
    cluster,
    configuration,
    connections,
    eviction,
    failover,
    forecast,
    fragmentation,
    group,
    group_rule,
    high_availability,
    host,
    keyspace,
    latency,
    membership,
    memory,
    neighbours,
    network,
    persistence,
    process,
    releases,
    replication,
    security,
    sentinel,
    slow_commands,
    startup,
    thresholds,
    workload,
)
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import (
    MALFORMED,
    SEVERITIES,
    Facts,
    Missing,
    Rule,
    Verdict,
    told_as_past,
)
from ansible_collections.aragora.redis.plugins.module_utils._names import target_names

# In the order in which findings of equal severity are told: what refuses service before what slows it down.
RULES: tuple[Rule, ...] = (
    *startup.RULES,
    *process.RULES,
    *availability.RULES,
    *memory.RULES,
    *forecast.RULES,
    *eviction.RULES,
    *persistence.RULES,
    *replication.RULES,
    *cluster.RULES,
    *application.RULES,
    *sentinel.RULES,
    *failover.RULES,
    *connections.RULES,
    *slow_commands.RULES,
    *network.RULES,
    *latency.RULES,
    *buffers.RULES,
    *keyspace.RULES,
    *fragmentation.RULES,
    *certificates.RULES,
    *security.RULES,
    *acl.RULES,
    *configuration.RULES,
    *releases.RULES,
    *host.RULES,
    *latency.SYMPTOMS,
)
GROUP_RULES = (*group.RULES, *high_availability.RULES)


def diagnose(snapshot: Mapping[str, Any], overrides: Mapping[str, Any] | None = None, workload_role: str | None = None) -> dict[str, Any]:
    """``{findings, not_applicable, workload}``: the findings ranked, the first is the answer to "why is Redis failing?".

    A finding is ``{id, severity, cause, title, evidence, explains, advice, remedy, docs_url}``; ``explains`` names findings of the same
    list, which stand after it and lend it their severity. ``not_applicable`` holds ``{id, missing}`` for every rule whose input is
    not in the snapshot. ValueError for unknown thresholds or roles.
    """
    found_role = workload.judged_as(snapshot, workload_role)
    facts = Facts(snapshot, thresholds.merged(overrides), found_role["role"])
    findings, not_applicable = [], []
    for rule in RULES:
        facts.since.clear()
        try:
            verdict = told_as_past(rule.judge(facts), facts)
        except Missing as missing:
            not_applicable.append({"id": rule.id, "missing": str(missing)})
        except MALFORMED:
            # A proxy or a managed service may answer in a shape of its own.
            not_applicable.append({"id": rule.id, "missing": f"{(facts.read or ['snapshot'])[-1]}: not understood"})
        else:
            findings += [_finding(rule, verdict, snapshot)] if verdict else []
    return {"findings": rank(findings), "not_applicable": not_applicable, "workload": found_role}


def diagnose_targets(
    snapshots: Sequence[Mapping[str, Any]],
    names: Sequence[str] = (),
    overrides: Mapping[str, Any] | None = None,
    workload_role: str | None = None,
    *,
    replication_group: str | None = None,
    expected_replicas: Any = None,
    previous: Sequence[Mapping[str, Any]] = (),
) -> list[dict[str, Any]]:
    """``[{name, snapshot, diagnosis, group, expected_replicas}]`` in the order of the snapshots, judged as groups too.

    Servers without a name are called by their address; ``previous`` are digests of an earlier report's snapshots.
    ValueError for unknown thresholds or roles, also when there is no snapshot.
    """
    thresholds.merged(overrides)
    workload.check(workload_role)
    titles = target_names(snapshots, names)
    snapshots = [_previous.compared(snapshot, previous) for snapshot in snapshots] if previous else snapshots
    inventory = {"group": replication_group or None, "expected_replicas": _whole(expected_replicas)}
    return diagnose_groups(
        [
            {"name": title, "snapshot": snapshot, "diagnosis": diagnose(snapshot, overrides, workload_role), **inventory}
            for title, snapshot in zip(titles, snapshots)
        ]
    )


def diagnose_groups(diagnosed: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What :func:`diagnose_targets` returned, of several calls put together, with the findings of groups that reach over all of it."""
    members = [
        membership.Member(str(item["name"]), item["snapshot"], item.get("group"), item.get("expected_replicas")) for item in diagnosed
    ]
    said: list[tuple[list[dict[str, Any]], list[dict[str, str]]]] = [([], []) for dummy in diagnosed]
    for seats in membership.with_sentinels(members):
        for rule in GROUP_RULES:
            try:
                for seat, verdict in rule.judge([member for dummy, member in seats]).items():
                    said[seats[seat][0]][0].append(_finding(rule, verdict, seats[seat][1].snapshot))
            except (Missing, *MALFORMED) as error:
                missing = str(error) if isinstance(error, Missing) else "info.replication: not understood"
                for place, dummy in seats:
                    said[place][1].append({"id": rule.id, "missing": missing})
    joined = [{**item, "diagnosis": _joined(item["diagnosis"], *group_rule.once(*found))} for item, found in zip(diagnosed, said)]
    return neighbours.explained(joined, members)


def _joined(diagnosis: Mapping[str, Any], findings: list[dict[str, Any]], not_applicable: list[dict[str, str]]) -> dict[str, Any]:
    """The diagnosis of one server with what its group says of it, in place of what a smaller group may have said before."""
    ids = {rule.id for rule in GROUP_RULES}
    own = [dict(finding) for finding in diagnosis["findings"] if finding["id"] not in ids]
    silent = [row for row in diagnosis["not_applicable"] if row["id"] not in ids]
    return {**diagnosis, "findings": rank([*findings, *own]), "not_applicable": [*silent, *not_applicable]}


def _whole(number: Any) -> int | None:
    """A number of replicas, which an inventory may give as text. ValueError for what is none."""
    if number in (None, ""):
        return None
    if not (str(number).isascii() and str(number).isdigit()):
        raise ValueError(f"redis_expected_replicas is '{number}': give the number of replicas that each master should have")
    return int(str(number))


def rank(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Unexplained before explained; a root cause takes the highest severity of what it explains; then severity, then causes first,
    then the given order.
    """
    present = {finding["id"]: finding for finding in findings}
    for finding in findings:
        finding["explains"] = [name for name in finding["explains"] if name in present and name != finding["id"]]
    explained = {name for finding in findings for name in finding["explains"]}
    causes: Counter[str] = Counter()
    for finding in findings:
        family = _family(finding, present)
        causes.update(member["id"] for member in family)
        finding["severity"] = min((member["severity"] for member in family), key=SEVERITIES.index)

    # What explains has fewer causes than what it explains, and no lower severity.
    def place(finding: dict[str, Any]) -> tuple[bool, int, int]:
        return finding["id"] in explained, SEVERITIES.index(finding["severity"]), causes[finding["id"]]

    return sorted(findings, key=place)


def _family(finding: dict[str, Any], present: Mapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """A finding and all that it explains, directly or through others."""
    family, names = [finding], list(finding["explains"])
    while names:
        member = present[names.pop()]
        if member not in family:
            family.append(member)
            names.extend(name for name in member["explains"] if name in present)
    return family


def _finding(rule: Rule | group_rule.GroupRule, verdict: Verdict, snapshot: Mapping[str, Any]) -> dict[str, Any]:
    words = placeholders(snapshot)
    return {
        "id": rule.id,
        "severity": verdict.severity,
        "cause": rule.cause,
        "title": verdict.title,
        "evidence": verdict.evidence,
        "explains": list(rule.explains),
        "advice": [_filled(line, words) for line in verdict.advice],
        "remedy": _remedies.remedy(rule.id, verdict.risk or rule.risk),
        "docs_url": rule.docs_url,
    }


def placeholders(snapshot: Mapping[str, Any]) -> dict[str, str]:
    """What ``{cli}``, ``{bare_cli}`` (without a login), ``{host}`` and ``{port}`` of an advice stand for, quoted for a shell."""
    server = snapshot.get("server")
    server = server if isinstance(server, Mapping) else {}
    host, port = str(server.get("host") or "HOST"), str(server.get("port") or "PORT")
    return {
        "{cli}": redis_cli(server),
        "{bare_cli}": redis_cli({**server, "url": "rediss://" if str(server.get("url")).startswith("rediss://") else ""}),
        "{host}": shlex.quote(host),
        "{port}": shlex.quote(port),
    }


def _filled(line: str, words: Mapping[str, str]) -> str:
    for name, word in words.items():
        line = line.replace(name, word)
    return line


def redis_cli(server: Mapping[str, Any]) -> str:
    """redis-cli with the server's address; it asks for the password where one was used."""
    url = str(server.get("url") or "")
    words = ["redis-cli"]
    if server.get("socket"):
        words += ["-s", str(server["socket"])]
    elif server.get("host"):
        words += ["-h", str(server["host"]), "-p", str(server.get("port"))]
    if url.startswith("rediss://"):
        words.append("--tls")
    login, at, dummy = url.partition("://")[2].partition("@")
    login = login if at and "/" not in login else ""
    user = unquote(login.partition(":")[0])
    if login:
        words += ["--user", user] if user else []
        words.append("--askpass")
    return shlex.join(words)
