# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does the application work, with its Redis? What was gathered, judged step by step. Pure; JMESPath comes in as a function.

A step that fails *broken* ends the judgement: what comes after it cannot be known. One that fails *degraded* says that the application
goes on without its Redis, or not with the whole of it; then only what its users feel is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

WORKS, DEGRADED, BROKEN = "works", "degraded", "broken"
STEPS = ("service", "library", "urls", "redis", "role", "canary", "readiness", "validation", "probe")
# What its users feel, whatever was wrong on the way to Redis.
FELT = ("readiness", "probe")
# Words with which an application says that its Redis is not well.
UNWELL = ("error", "unhealthy", "down", "unavailable", "disconnected", "degraded", "failed", "false", "not_configured")
# The canary has a name that an application's own user may have no right to.
NO_PERMISSION = "NOPERM"
Evaluate = Callable[[str, Any], Any]
# (True, False or None for a step that was not looked at; what to say; how bad it is when it failed)
Judged = tuple["bool | None", str, str]
NOT_LOOKED = "not looked at"


def judge(profile: Mapping[str, Any], gathered: Mapping[str, Any], probe: Mapping[str, Any] | None, evaluate: Evaluate) -> dict[str, Any]:
    """``{name, result, step, steps: [{step, ok, said}], said, unit, container, asks, readiness, fallback, redis, pool, journal,
    wrote_to_redis}``.

    ``gathered`` and ``probe`` are results of the modules. ``asks`` tells whether the probe is worth its request.
    """
    seen = _Seen(profile, gathered, probe or {}, evaluate)
    steps: list[dict[str, Any]] = []
    result, first = WORKS, None
    for name in STEPS:
        if result == BROKEN or (result == DEGRADED and name not in FELT):
            continue
        ok, said, grade = seen.judged(name)
        steps.append({"step": name, "ok": ok, "said": said})
        if ok is False:
            first = first or name
            result = BROKEN if BROKEN in (result, grade) else DEGRADED
    told = seen.gathered
    return {
        "name": told.get("name") or profile["name"],
        "result": result,
        "step": first,
        "steps": steps,
        "said": next((row["said"] for row in steps if row["step"] == first), "the way to Redis and back is whole"),
        "unit": profile["unit"],
        "container": profile["container"],
        "asks": bool(profile["probe"]["url"]) and (result == WORKS or (result == DEGRADED and seen.in_fallback)),
        "readiness": seen.readiness(),
        "fallback": seen.fallback(),
        "redis": {key: (told.get("redis") or {}).get(key) for key in ("at", "state", "role", "replicas", "run_id")}
        if told.get("redis")
        else None,
        "pool": told.get("pool"),
        "journal": told.get("journal"),
        "wrote_to_redis": (seen.probe or {}).get("wrote_to_redis"),
    }


def together(by_host: Mapping[str, Mapping[str, Any]], run_id: str | None) -> dict[str, Any] | None:
    """The part ``application`` of a snapshot: the verdict of the host that is worst off, with ``host``, all results as ``hosts``, and as
    ``not_ready`` the hosts on which it says that its Redis is not well.

    None where it uses another server than the one that has this ``run_id``.
    """
    mine = {
        host: verdict
        for host, verdict in by_host.items()
        if verdict and not (run_id and (verdict.get("redis") or {}).get("run_id") not in (None, run_id))
    }
    if not mine:
        return None
    worst = min(mine, key=lambda host: (BROKEN, DEGRADED, WORKS).index(mine[host]["result"]))
    shown = {key: value for key, value in mine[worst].items() if key not in ("steps", "sentences", "asks")}
    not_ready = [host for host, verdict in mine.items() if (verdict.get("readiness") or {}).get("of_redis")]
    return {**shown, "host": worst, "not_ready": not_ready, "hosts": {host: verdict["result"] for host, verdict in mine.items()}}


def sentences(verdict: Mapping[str, Any]) -> list[str]:
    """The verdict for people: the result, then each step."""
    marks = {True: "ok", False: "FAILED", None: "-"}
    lines = [f"{verdict['name']}: {verdict['result']}" + (f", at the step {verdict['step']}" if verdict["step"] else "")]
    lines += [f"  {row['step']:<10} {marks[row['ok']]:<6} {row['said']}" for row in verdict["steps"]]
    journal = verdict.get("journal") or {}
    if journal.get("matched"):
        last = journal["samples"][-1]["text"] if journal["samples"] else ""
        lines.append(f"  {journal['matched']} line(s) of its log in {journal['minutes']} minutes mean Redis; the last: {last}")
    return lines


class _Seen:
    """What was gathered, and how each step of it is judged."""

    def __init__(self, profile: Mapping[str, Any], gathered: Mapping[str, Any], probe: Mapping[str, Any], evaluate: Evaluate) -> None:
        self.profile = profile
        self.gathered: Mapping[str, Any] = gathered.get("application") or {}
        self.denied: dict[str, str] = {
            **(gathered.get("denied") or {}),
            **{f"probe {k}": v for k, v in (probe.get("denied") or {}).items()},
        }
        self.failed = str(gathered.get("msg") or "") if not self.gathered else ""
        self.probe: Mapping[str, Any] | None = probe.get("probe")
        self.evaluate = evaluate
        fallback = self.gathered.get("fallback") or {}
        self.in_fallback = bool(fallback.get("lease") or fallback.get("variables_set"))

    def judged(self, step: str) -> Judged:
        """One step."""
        if self.failed:
            return False, f"its host could not be asked: {self.failed}", BROKEN
        judged: Judged = getattr(self, f"_{step}")()
        return judged

    def readiness(self) -> dict[str, Any] | None:
        """``{ready, status, redis, reason, of_redis}``; ``of_redis`` where it is Redis that is not well, by its own words."""
        answer, wanted = self.gathered.get("readiness"), self.profile["readiness"]
        if not answer:
            return None
        redis, reason = self._told("readiness", "redis", answer["json"]), self._told("readiness", "reason", answer["json"])
        ready = answer["status"] == (wanted["status"] or 200)
        if ready and wanted["ready"]:
            ready = self._told("readiness", "ready", answer["json"]) is True
        # In its fallback it has no Redis, and may say so.
        unwell = not self.in_fallback and (redis is False or str(_word(redis)).lower() in UNWELL)
        named = bool(not ready and wanted["redis_reason"] and reason and re.search(wanted["redis_reason"], str(reason)))
        return {
            "ready": ready,
            "status": answer["status"],
            "redis": redis,
            "reason": reason or answer["error"],
            "of_redis": unwell or named,
        }

    def fallback(self) -> dict[str, Any]:
        """``{on, variables_set, lease}``."""
        return {"on": self.in_fallback, **{key: (self.gathered.get("fallback") or {}).get(key) for key in ("variables_set", "lease")}}

    def _told(self, section: str, key: str, document: Any) -> Any:
        expression = self.profile[section][key]
        return self.evaluate(expression, document) if expression and document is not None else None

    def _unknown(self, *parts: str, why: str = "") -> Judged:
        return None, next((f"{NOT_LOOKED}: {self.denied[part]}" for part in parts if part in self.denied), why or NOT_LOOKED), ""

    def _service(self) -> Judged:
        told = self.gathered.get("service")
        if told is None:
            return self._unknown("service", why="not looked at: neither unit nor container is given")
        name = self.profile["container"] or self.profile["unit"]
        if not told:
            return False, f"there is no {name} on its host", BROKEN
        if told["active_state"] == "active" and told["pid"]:
            return True, f"{told['name'] or name} runs{_since(told['active_seconds'])}, process {told['pid']}", ""
        why = told["switched_off"] or (told["result"] if told["result"] not in (None, "success") else "")
        return False, f"{told['name'] or name} is {told['active_state']}{f' ({why})' if why else ''}", BROKEN

    def _library(self) -> Judged:
        told = self.gathered.get("library")
        if not told:
            return self._unknown("library", why="not looked at: redis_application.client_library is not given")
        if told["imported"]:
            return True, f"{told['python']} imports {told['name']} {told['version'] or ''}".rstrip(), ""
        return False, f"{told['python']} cannot import {told['name']}, so nothing of it reaches Redis: {told['error']}", DEGRADED

    def _urls(self) -> Judged:
        told = self.gathered.get("urls")
        if self.in_fallback:
            lease = (self.fallback()["lease"]) or {}
            more = ", ".join(f"{word} {lease[word]}" for word in ("since", "until", "why") if lease.get(word))
            return False, f"its fallback is on{f' ({more})' if more else ''}: it works without Redis", DEGRADED
        if not told or not told["variables"]:
            return self._unknown("environment", "urls", why="not looked at: redis_application.url_variables is empty")
        if told["troubles"]:
            return False, "; ".join(told["troubles"]), DEGRADED
        if any("not_read" in (row["next"], row["running"]) for row in told["variables"]):
            said = self.denied.get("process") or self.denied.get("environment") or self.denied.get("service") or "no process is known"
            read = all(row["next"] == "set" or row["running"] == "set" for row in told["variables"])
            return (True if read else None), f"as far as they can be read ({said})", ""
        names = [row["name"] for row in told["variables"]]
        return True, f"{' and '.join(names)} lead to {told['variables'][0]['running_at']}, now and at its next start", ""

    def _redis(self) -> Judged:
        told = self.gathered.get("redis")
        if not told:
            return self._unknown("redis")
        if told["state"] == "up":
            return True, f"{told['at']} answers PING from its host in {told['ping_ms']} ms", ""
        return False, told["error"] or f"{told['at']}: {told['state']}", BROKEN

    def _role(self) -> Judged:
        told = self.gathered.get("redis") or {}
        if not told.get("role"):
            return self._unknown("redis", why="not looked at: its user may not ask for ROLE" if told else "")
        if told["role"] == "master":
            return True, f"it is a master with {told['replicas'] or 0} replica(s)", ""
        return False, f"{told['at']} is a {'Sentinel' if told['role'] == 'sentinel' else 'replica'}: what it writes is refused", BROKEN

    def _canary(self) -> Judged:
        told = self.gathered.get("redis") or {}
        if told.get("canary") is None:
            return self._unknown("redis", why="no canary was written")
        if not told["canary"]:
            return True, "a canary was written, read, replicated and deleted", ""
        if NO_PERMISSION in told["canary"][0]:
            return None, "its user has no right to the canary's key", ""
        return False, "; ".join(told["canary"]), BROKEN

    def _readiness(self) -> Judged:
        told = self.readiness()
        if told is None:
            return self._unknown("readiness", why="not looked at: redis_application.readiness.url is not given")
        about = f": {told['reason']}" if told["reason"] else ""
        if not told["ready"]:
            return False, (f"it is not ready (HTTP {told['status']}){about}" if told["status"] else f"it does not answer{about}"), BROKEN
        if told["of_redis"]:
            return False, f"it is ready, and says of its Redis: {told['redis']}", DEGRADED
        return True, f"it is ready (HTTP {told['status']})", ""

    def _validation(self) -> Judged:
        told = self.gathered.get("validation")
        if not told or told["json"] is None:
            why = f"its validation said nothing that can be read: {told['error']}" if told and told["error"] else ""
            return self._unknown("validation", why=why)
        message = self._told("validation", "message", told["json"])
        about = f": {message}" if message else ""
        if self._told("validation", "works", told["json"]) is True:
            return True, f"its validation is content{about}", ""
        if self._told("validation", "skipped", told["json"]) is True:
            return False, f"its validation has not looked at Redis{about}", DEGRADED
        required = self._told("validation", "required", told["json"]) is not False
        return False, f"its validation says that Redis does not work{about}", BROKEN if required else DEGRADED

    def _probe(self) -> Judged:
        told, wanted = self.probe, self.profile["probe"]
        if not told:
            return self._unknown("probe", why="not asked")
        expected = told["status"] == (wanted["status"] or 200)
        if not expected or (wanted["works"] and self._told("probe", "works", told["json"]) is not True):
            return False, f"its probe was answered with {_answered(told)}", BROKEN
        more = f"; not deleted: {', '.join(told['left'])}" if told["left"] else ""
        if told["wrote_to_redis"] is None or self.in_fallback:
            why = self.denied.get("probe redis", "")
            seen = "" if self.in_fallback or not told["key_count"] else f"; whether it wrote to Redis could not be seen ({why})"
            return True, f"its probe was answered as it should be{seen}{more}", ""
        if not told["wrote_to_redis"]:
            return False, f"its probe was answered as it should be, and nothing of it is in Redis{more}", DEGRADED
        return True, f"its probe wrote {told['found']} key(s) to Redis, which were deleted{more}", ""


def _answered(told: Mapping[str, Any]) -> str:
    body = told["json"] if told["json"] is not None else told["text"]
    return f"HTTP {told['status']} {str(body)[:160]}" if told["status"] else str(told["error"])


def _word(value: Any) -> Any:
    """The word of ``{"status": "error", …}``."""
    return value.get("status") if isinstance(value, Mapping) else value


def _since(seconds: int | None) -> str:
    if seconds is None:
        return ""
    return f" for {seconds} s" if seconds < 120 else f" for {seconds // 60} min" if seconds < 7200 else f" for {seconds // 3600} h"
