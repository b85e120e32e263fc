# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has changed between two reports of the same servers: findings, growth, key patterns, slower commands, drift. Pure.

A side is ``{targets: [of report.json], snapshots: {name: snapshot}, drift: {name: [sentence]}}``; a change is ``{target, kind, severity,
sentence}``. What is the same on both sides is no change, however bad it is: people were told when it began.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _settings_plan
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.availability import READING
from ansible_collections.aragora.redis.plugins.module_utils._report.markdown import escaped
from ansible_collections.aragora.redis.plugins.module_utils._report.text import clean, human_bytes, human_duration

Change = dict[str, str]
# Memory that grew by less is no news.
GROWTH_PERCENT, GROWTH_BYTES = 10, 16 * 1024 * 1024
# A pattern that holds less may have been missed by the sample.
PATTERN_PERCENT = 1
# A command that is called rarely, or is quick all the same, wanders.
SLOWER_TIMES, SLOWER_USEC, LEAST_CALLS = 2, 100, 100
MOST = 5
SEVERITIES = ("critical", "warning", "notice")
ODD = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """All changes, the worst first."""
    old = {target["name"]: target for target in before["targets"]}
    new = {target["name"]: target for target in after["targets"]}
    found = [_change(name, "server", "warning", "it was in the last report and is not in this one") for name in old if name not in new]
    found += [_change(name, "server", "notice", "it is new in this report") for name in new if name not in old]
    for name, target in new.items():
        drift = [side["drift"].get(name, []) for side in (before, after)]
        found += [_change(name, "drift", "warning", line) for line in drift[1] if line not in drift[0]]
        found += [_change(name, "drift", "notice", f"no longer: {line}") for line in drift[0] if line not in drift[1]]
        if name in old:
            found += _findings(name, old[name], target)
            found += _snapshots(name, *(side["snapshots"].get(name) or {} for side in (before, after)))
    return sorted(found, key=lambda change: SEVERITIES.index(change["severity"]))


def _findings(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    """What is found now and was not, and the other way round; notices are no news."""
    sides = [{row["id"]: row for row in side["findings"] if row["severity"] != "notice"} for side in (old, new)]
    for key, row in sides[1].items():
        was = sides[0].get(key)
        if not was:
            yield _change(name, "finding", row["severity"], f"{row['title']} ({key})")
        elif SEVERITIES.index(row["severity"]) < SEVERITIES.index(was["severity"]):
            yield _change(name, "finding", row["severity"], f"{row['title']} ({key}): {row['severity']} now, it was a {was['severity']}")
    # Of a server that does not answer nobody knows whether it is well otherwise.
    gone = [key for key in sides[0] if key not in sides[1]] if new["availability"]["state"] == "up" else []
    for key in gone:
        yield _change(name, "finding", "notice", f"no longer: {sides[0][key]['title']} ({key})")


def _snapshots(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for kind, judge in (("growth", _growth), ("pattern", _patterns), ("command", _commands)):
        try:
            yield from (_change(name, kind, "warning" if kind == "command" else "notice", line) for line in judge(old, new))
        except ODD:
            # A part that is missing on one side, or of a shape of its own, is not compared.
            continue


def _growth(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    was, now = (side["info"]["memory"]["used_memory"] for side in (old, new))
    taken = [side["info"]["server"]["server_time_usec"] for side in (old, new)]
    seconds, growth = (taken[1] - taken[0]) / 1_000_000, now - was
    if seconds <= 0 or growth < GROWTH_BYTES or growth * 100 < was * GROWTH_PERCENT:
        return
    limit = new["info"]["memory"].get("maxmemory") or 0
    left = f"; if it goes on so, maxmemory is full in {human_duration((limit - now) / growth * seconds)}" if limit > now else ""
    yield f"its memory grew by {human_bytes(growth)} ({growth * 100 / was:.0f} %) in {human_duration(seconds)}, to {human_bytes(now)}{left}"


def _patterns(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    known = {row["pattern"] for row in old["keyspace"]["patterns"]}
    for row in new["keyspace"]["patterns"][: MOST * 2]:
        share = max(row["bytes_percent"]["value"], row["keys_percent"])
        if row["pattern"] not in known and not row.get("merged") and share >= PATTERN_PERCENT:
            yield f"new keys {row['pattern']}: about {row['key_count']} of them, {human_bytes(row['bytes']['value'])}"


def _commands(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Commands that took longer since the last report than before it. After a restart the counters begin anew."""
    was, now = (side["info"]["commandstats"] for side in (old, new))
    restarted = old["server"]["run_id"] != new["server"]["run_id"]
    slower = []
    for key, row in now.items():
        name, first = key.removeprefix("cmdstat_"), was.get(key)
        if name in READING or not first or not first["calls"]:
            continue
        calls, usec = (row[field] - (0 if restarted else first[field]) for field in ("calls", "usec"))
        before, after = first["usec"] / first["calls"], usec / calls if calls else 0.0
        if calls >= LEAST_CALLS <= first["calls"] and after >= before * SLOWER_TIMES and after - before >= SLOWER_USEC:
            slower.append(((after - before) * calls, f"{name.upper()} takes {after:.0f} µs a call, it was {before:.0f} µs ({calls} calls)"))
    return [line for dummy, line in sorted(slower, reverse=True)[:MOST]]


def drift(snapshot: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Where the server's settings mean something else than what is declared. What may not be read is told, too."""
    if not wanted:
        return []
    config = snapshot.get("config")
    if not config:
        return ["its settings cannot be compared with the declared ones: CONFIG GET is not answered"]
    found = []
    for name, value in wanted.items():
        try:
            (setting,) = _settings_plan.make_plan({name: value}, config, snapshot.get("info") or {}, local=True).settings
        except ValueError as error:
            found.append(f"{name} cannot be compared with what is declared: {error}")
            continue
        if setting.secret:
            found.append(f"{name} cannot be compared with what is declared: reports hold no secrets")
        elif setting.differs:
            found.append(f"{name} is {setting.before or 'empty'}, declared is {setting.after or 'empty'}")
    return [clean(line, 300) for line in found]


def words(changes: Sequence[Change], since: str) -> dict[str, str]:
    """Title and body of the one notification."""
    servers = list(dict.fromkeys(change["target"] for change in changes))
    title = f"Redis report: {_many(len(changes), 'change')} on {_many(len(servers), 'server')}"
    parts = [f"Since the report {escaped(since)}:"]
    for name in servers:
        lines = [f"- {change['severity']}: {escaped(change['sentence'])}" for change in changes if change["target"] == name]
        parts.append(f"**{escaped(name)}**\n\n" + "\n".join(lines))
    return {"title": title, "body": "\n\n".join(parts)}


def _many(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def _change(target: str, kind: str, severity: str, sentence: str) -> Change:
    return {"target": str(target), "kind": kind, "severity": severity, "sentence": clean(sentence, 300)}
