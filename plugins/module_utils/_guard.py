# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""May this action run now? The decisions over the ledger, as pure functions of the ledger and the time.

The ledger is ``{schema, entries: [entry], leases: {group: lease}, pending: [restore]}``; times are Unix seconds.

* entry: ``{at, server, action, findings: [id], run_id, who, state, ended_at}``; ``state`` is ``began`` until the action has ended.
* lease: ``{run_id, who, server, until}``: who acts on a group of servers, and on which of them.
* restore: ``{id, server, settings: {name: old value}, due, run_id}``: a temporary setting, written down before it is set.

Incidents stand beside them, see ``_guard_incidents``.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _guard_incidents

SCHEMA = 1
HOUR = 3600
# Entries are kept as long as any limit looks back, and as long as people ask what happened this week.
KEPT_SECONDS = 14 * 86_400
KEPT_ENTRIES = 2_000
# How an action ended.
STATES = ("resolved", "mitigated", "nothing_to_do", "refused", "escalated", "failed")
# Whoever was refused has done nothing: that is no action that counts.
# What the decisions read of each row.
NUMBER = (int, float)
ROWS: dict[str, dict[str, Any]] = {
    "entries": {"at": NUMBER, "server": str, "action": str, "findings": list, "run_id": str, "state": str},
    "leases": {"run_id": str, "who": str, "server": str, "until": NUMBER},
    "pending": {"id": str, "server": str, "settings": dict, "due": NUMBER, "run_id": str},
}
DONE_NOTHING = ("nothing_to_do", "refused")


@dataclass(frozen=True)
class Limits:
    """What an operator allows: seconds between two equal actions, actions an hour, equal findings an hour, seconds of a lease."""

    cooldown: int = 900
    hourly: int = 6
    breaker: int = 3
    lease: int = 300


@dataclass(frozen=True)
class Request:
    """Who wants to do what, where and why. ``named``: the operator has named this action, by calling its playbook or in a list."""

    server: str
    group: str
    action: str
    run_id: str
    who: str
    risk: str = "guarded"
    named: bool = False
    findings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """``reason`` is a word for programs, ``sentence`` is for people; ``retry_after`` are seconds, where waiting helps."""

    reason: str = ""
    sentence: str = ""
    retry_after: int = 0
    counted: Mapping[str, int] = field(default_factory=dict)

    @property
    def allowed(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.reason


def empty() -> dict[str, Any]:
    """The ledger of a server on which nothing was ever done."""
    return {"schema": SCHEMA, "entries": [], "leases": {}, "pending": []}


def checked(ledger: Any) -> dict[str, Any]:
    """The ledger, if it is one. ValueError when it was damaged or written by a newer version."""
    if not isinstance(ledger, dict) or not isinstance(ledger.get("schema"), int):
        raise ValueError("it holds no ledger")
    if ledger["schema"] > SCHEMA:
        raise ValueError(f"it has schema {ledger['schema']}, this version knows {SCHEMA}: update aragora.redis here")
    shape = {"entries": list, "leases": dict, "pending": list}
    wrong = [name for name, kind in shape.items() if not isinstance(ledger.get(name), kind)]
    rows = [*ledger.get("entries", []), *ledger.get("pending", []), *ledger.get("leases", {}).values()] if not wrong else []
    if wrong or not all(isinstance(row, dict) for row in rows):
        raise ValueError(f"its {', '.join(wrong) or 'rows'} are not what a ledger holds")
    for name, keys in ROWS.items():
        found = ledger[name].values() if name == "leases" else ledger[name]
        if not all(isinstance(row.get(key), kind) for row in found for key, kind in keys.items()):
            raise ValueError(f"its {name} are not what a ledger holds")
    _guard_incidents.checked(ledger.get("incidents", {}))
    return ledger


def verdict(ledger: Mapping[str, Any], request: Request, limits: Limits, frozen: str | None, now: float) -> Verdict:
    """Whether the action may run. ``frozen`` is the text of the freeze file, None where there is none."""
    if frozen is not None:
        return Verdict("frozen", f"automatic changes are frozen here: {frozen.strip() or 'no reason was given'}")
    if request.risk == "human":
        return Verdict("human", f"{request.action} is for a person to do: no playbook does it by itself")
    if request.risk == "guarded" and not request.named:
        return Verdict("not_allowed", f"{request.action} is guarded: allow it with redis_remediation_allow=[{request.action}]")
    held = lease_verdict(ledger, request, now)
    return _by_history(ledger, request, limits, now) if held.allowed else held


def lease_verdict(ledger: Mapping[str, Any], request: Request, now: float) -> Verdict:
    """Whether the group is free for this run."""
    held = ledger["leases"].get(request.group)
    if not held or held["run_id"] == request.run_id or held["until"] <= now:
        return Verdict()
    left = int(held["until"] - now) + 1
    reason = "leased" if held["server"] == request.server else "group_leased"
    return Verdict(reason, f"{held['who']} acts on {held['server']} (run {held['run_id']}) until {left} s from now", left)


def _by_history(ledger: Mapping[str, Any], request: Request, limits: Limits, now: float) -> Verdict:
    """What the past hour allows: a cooldown, a cap, and a breaker that ends a remedy which does not mend."""
    mine = [row for row in ledger["entries"] if row["server"] == request.server and row["run_id"] != request.run_id]
    mine = [row for row in mine if row["state"] not in DONE_NOTHING and now - row["at"] < HOUR]
    same = [row for row in mine if row["action"] == request.action]
    again = {name: sum(name in row["findings"] for row in same) for name in request.findings}
    counted = {"this_hour": len(mine), "same_action": len(same), "same_finding": max(again.values(), default=0)}
    tired = [name for name, number in again.items() if number >= limits.breaker]
    if tired:
        words = f"{request.action} was tried {again[tired[0]]} times within an hour for {tired[0]}, which comes back: a person has to look"
        return Verdict("breaker", words, counted=counted)
    if len(mine) >= limits.hourly:
        wait = int(HOUR - (now - min(row["at"] for row in mine))) + 1
        return Verdict("cap", f"{len(mine)} actions within an hour are the most on one server", wait, counted)
    last = max((row["at"] for row in same), default=None)
    wait = int(limits.cooldown - (now - last)) + 1 if last is not None and now - last < limits.cooldown else 0
    # What is safe once may be done again when somebody says so by name.
    if wait and not (request.risk == "safe" and request.named):
        words = f"{request.action} was done {int(now - (last or 0))} s ago; the next may come {wait} s from now"
        return Verdict("cooldown", words, wait, counted)
    return Verdict(counted=counted)


def begun(ledger: Mapping[str, Any], request: Request, limits: Limits, now: float) -> dict[str, Any]:
    """The ledger with the action begun and the group leased."""
    new = _tidy(ledger, now)
    new["leases"][request.group] = {
        "run_id": request.run_id, "who": request.who, "server": request.server, "until": now + limits.lease,
    }  # fmt: skip
    entry = {
        "at": now, "server": request.server, "action": request.action, "findings": list(request.findings), "run_id": request.run_id,
        "who": request.who, "state": "began", "ended_at": None,
    }  # fmt: skip
    new["entries"].append(entry)
    return new


def renewed(ledger: Mapping[str, Any], request: Request, limits: Limits, now: float) -> dict[str, Any]:
    """The ledger with the lease of this run prolonged. ValueError when somebody else has it by now."""
    new = _tidy(ledger, now)
    held = new["leases"].get(request.group)
    if held and held["run_id"] != request.run_id:
        raise ValueError(f"the lease of {request.group} has passed to {held['who']} (run {held['run_id']}): this run must not go on")
    new["leases"][request.group] = {
        "run_id": request.run_id, "who": request.who, "server": request.server, "until": now + limits.lease,
    }  # fmt: skip
    return new


def released(ledger: Mapping[str, Any], request: Request, now: float) -> dict[str, Any]:
    """The ledger without the lease of this run."""
    new = _tidy(ledger, now)
    if new["leases"].get(request.group, {}).get("run_id") == request.run_id:
        del new["leases"][request.group]
    return new


def ended(ledger: Mapping[str, Any], request: Request, state: str, now: float) -> dict[str, Any]:
    """The ledger with the action ended and its lease given back. ValueError for a state that is none."""
    if state not in STATES:
        raise ValueError(f"outcome is '{state}': choose from {', '.join(STATES)}")
    new = _tidy(ledger, now)
    for row in reversed(new["entries"]):
        if (row["run_id"], row["server"], row["action"], row["state"]) == (request.run_id, request.server, request.action, "began"):
            row.update({"state": state, "ended_at": now})
            break
    return released(new, request, now)


def with_restore(ledger: Mapping[str, Any], restore: Mapping[str, Any], now: float) -> dict[str, Any]:
    """The ledger with a temporary setting written down; of two for one setting the older one counts: it knows the lasting value."""
    new = _tidy(ledger, now)
    known = {name for row in new["pending"] if row["server"] == restore["server"] for name in row["settings"]}
    fresh = {name: value for name, value in restore["settings"].items() if name not in known}
    if fresh:
        new["pending"].append({**restore, "settings": fresh})
    return new


def without_restores(ledger: Mapping[str, Any], server: str, ids: Sequence[str], now: float) -> dict[str, Any]:
    """The ledger without the temporary settings that were put back."""
    new = _tidy(ledger, now)
    new["pending"] = [row for row in new["pending"] if row["server"] != server or row["id"] not in ids]
    return new


def overdue(ledger: Mapping[str, Any], server: str, run_id: str, now: float) -> list[dict[str, Any]]:
    """The temporary settings of a server that have to be put back: their time is over, or their run is."""
    alive = {held["run_id"] for held in ledger["leases"].values() if held["until"] > now}
    mine = [row for row in ledger["pending"] if row["server"] == server]
    return [dict(row) for row in mine if row["due"] <= now or (row["run_id"] not in alive and row["run_id"] != run_id)]


def _tidy(ledger: Mapping[str, Any], now: float) -> dict[str, Any]:
    """A copy without what is too old to matter. An action that never ended was broken off: it counts as failed."""
    new = copy.deepcopy(dict(ledger))
    new["leases"] = {group: held for group, held in new["leases"].items() if held["until"] > now}
    alive = {held["run_id"] for held in new["leases"].values()}
    kept = [row for row in new["entries"] if now - row["at"] < KEPT_SECONDS][-KEPT_ENTRIES:]
    for row in kept:
        if row["state"] == "began" and row["run_id"] not in alive and now - row["at"] > HOUR:
            row["state"] = "failed"
    new["entries"] = kept
    return new
