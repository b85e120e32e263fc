# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_guard from its options to its result: one look at the ledger, one change of it under its lock."""

from __future__ import annotations

import functools
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _guard, _guard_incidents, _ledger_file

STATES = ("queried", "leased", "begun", "renewed", "pending", "restored", "ended", "released", "opened", "escalated", "closed")
INCIDENT = ("opened", "escalated", "closed")
# How often to look whether a lease is free by now.
INTERVAL = 0.5
NEEDED = [
    *(("state", state, ["run_id", "action"]) for state in ("begun", "ended")),
    *(("state", state, ["run_id"]) for state in ("leased", "renewed", "released", "escalated")),
    ("state", "pending", ["run_id", "settings"]),
    ("state", "ended", ["outcome"]),
]


def guard_argument_spec() -> dict[str, Any]:
    """The options of redis_guard."""
    limits = _guard.Limits()
    return {
        "state": {"type": "str", "choices": list(STATES), "default": "queried"},
        "server": {"type": "str", "required": True},
        "group": {"type": "str"},
        "action": {"type": "str"},
        "risk": {"type": "str", "choices": ["safe", "guarded", "human"], "default": "guarded"},
        "named": {"type": "bool", "default": False},
        "findings": {"type": "list", "elements": "str", "default": []},
        "run_id": {"type": "str"},
        "who": {"type": "str", "default": "unknown"},
        "outcome": {"type": "str", "choices": list(_guard.STATES)},
        "details": {"type": "dict", "default": {}},
        "settings": {"type": "dict", "default": {}},
        "due": {"type": "int", "default": 900},
        "restores": {"type": "list", "elements": "str", "default": []},
        "dir": {"type": "path", "default": "/var/lib/aragora-redis"},
        "cooldown": {"type": "int", "default": limits.cooldown},
        "hourly": {"type": "int", "default": limits.hourly},
        "breaker": {"type": "int", "default": limits.breaker},
        "lease": {"type": "int", "default": limits.lease},
        "wait": {"type": "int", "default": 0},
        "deadline": {"type": "int", "default": _guard_incidents.DEADLINE},
        "again": {"type": "int", "default": _guard_incidents.AGAIN},
    }


@dataclass(frozen=True)
class Call:
    """One call of the module."""

    options: Mapping[str, Any]
    request: _guard.Request
    limits: _guard.Limits
    folder: Path
    now: float
    id: str


def answer(options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """The result of the module, after the ledger says the same. Raises Unusable or ValueError with one sentence."""
    limits = _guard.Limits(options["cooldown"], options["hourly"], options["breaker"], options["lease"])
    call = Call(options, _request(options), limits, Path(options["dir"]), time.time(), uuid.uuid4().hex[:8])
    before = _ledger_file.read(call.folder)
    after = _of_incident(call, before)
    # A lease that is not ours cannot be given back.
    mine = before["leases"].get(call.request.group, {}).get("run_id") == call.request.run_id
    writes = options["state"] != "queried" and (mine or options["state"] != "released")
    writes = after != before if options["state"] in INCIDENT else writes
    verdict = _guard.Verdict()
    if options["state"] in ("queried", "begun"):
        verdict = _guard.verdict(before, call.request, limits, _ledger_file.frozen(call.folder), call.now)
    if options["state"] == "leased":
        verdict = _guard.lease_verdict(before, call.request, call.now)
    if options["state"] in ("begun", "leased") and not check_mode:
        verdict = _begin(call)
    elif writes and not check_mode:
        _ledger_file.change(call.folder, functools.partial(_after, call))
        if options["state"] in ("ended", *INCIDENT):
            _ledger_file.audit(call.folder, _line(call))
    return {
        "changed": writes and verdict.allowed,
        "allowed": verdict.allowed,
        "reason": verdict.reason,
        "sentence": verdict.sentence,
        "retry_after": verdict.retry_after,
        "counted": dict(verdict.counted),
        "overdue": _guard.overdue(before, call.request.server, call.request.run_id, call.now),
        "id": call.id if options["state"] == "pending" else None,
        "incident": _guard_incidents.seen(after, call.request.server, options["deadline"], options["again"], call.now),
        "ledger": str(call.folder / _ledger_file.LEDGER),
    }


def _of_incident(call: Call, ledger: dict[str, Any]) -> dict[str, Any]:
    """The ledger as the call leaves it, as far as incidents go."""
    state, server = call.options["state"], call.request.server
    if state == "opened":
        return _guard_incidents.opened(ledger, server, call.request.findings, call.now)
    if state == "escalated":
        return _guard_incidents.escalated(ledger, server, call.now)
    return _guard_incidents.closed(ledger, server) if state == "closed" else ledger


def _request(options: Mapping[str, Any]) -> _guard.Request:
    return _guard.Request(
        server=options["server"],
        group=options["group"] or options["server"],
        action=options["action"] or "",
        run_id=options["run_id"] or "",
        who=options["who"],
        risk=options["risk"],
        named=options["named"],
        findings=tuple(options["findings"]),
    )


def _begin(call: Call) -> _guard.Verdict:
    """Judge, and begin or take the lease, under the lock: nobody comes in between. Another server of the group is waited for."""
    end = time.monotonic() + call.options["wait"]
    while True:
        verdict = _judged(call, time.time())
        if verdict.reason != "group_leased" or time.monotonic() >= end:
            return verdict
        time.sleep(INTERVAL)


def _judged(call: Call, now: float) -> _guard.Verdict:
    verdicts: list[_guard.Verdict] = []

    def begin(ledger: dict[str, Any]) -> dict[str, Any] | None:
        if call.options["state"] == "leased":
            verdicts.append(_guard.lease_verdict(ledger, call.request, now))
            return _guard.renewed(ledger, call.request, call.limits, now) if verdicts[0].allowed else None
        verdicts.append(_guard.verdict(ledger, call.request, call.limits, _ledger_file.frozen(call.folder), now))
        return _guard.begun(ledger, call.request, call.limits, now) if verdicts[0].allowed else None

    _ledger_file.change(call.folder, begin)
    return verdicts[0]


def _after(call: Call, ledger: dict[str, Any]) -> dict[str, Any]:
    """The ledger as the call leaves it."""
    options, request = call.options, call.request
    if options["state"] in INCIDENT:
        return _of_incident(call, ledger)
    if options["state"] == "renewed":
        return _guard.renewed(ledger, request, call.limits, call.now)
    if options["state"] == "pending":
        restore = {
            "id": call.id, "server": request.server, "settings": options["settings"], "due": call.now + options["due"],
            "run_id": request.run_id,
        }  # fmt: skip
        return _guard.with_restore(ledger, restore, call.now)
    if options["state"] == "released":
        return _guard.released(ledger, request, call.now)
    if options["state"] == "restored":
        return _guard.without_restores(ledger, request.server, options["restores"], call.now)
    return _guard.ended(ledger, request, options["outcome"], call.now)


def _line(call: Call) -> dict[str, Any]:
    """The audit's line: who did what, why, and what came of it."""
    return {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(call.now)),
        "server": call.request.server,
        "action": "incident" if call.options["state"] in INCIDENT else call.request.action,
        "findings": list(call.request.findings),
        "who": call.request.who,
        "run_id": call.request.run_id,
        "outcome": call.options["state"] if call.options["state"] in INCIDENT else call.options["outcome"],
        "details": call.options["details"],
    }
