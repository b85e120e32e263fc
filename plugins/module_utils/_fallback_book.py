# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_fallback from its options to its result. The order of its steps is what makes a run that is killed harmless.

Switching on: lease, environment file, drop-in, daemon-reload, watch, fact; whoever calls restarts, waits and confirms.
Switching off: lease, drop-in, daemon-reload, environment file; whoever calls restarts, waits and confirms; then the rest, the lease last.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _fallback, _fallback_files, _fallback_ready, _service_environment
from ansible_collections.aragora.redis.plugins.module_utils._host_commands import run

STATES = ("queried", "enabled", "renewed", "disabled", "restored", "restarted", "awaited", "confirmed")
DIRECTORY = "/var/lib/aragora-redis"
RESTART_SECONDS = 300.0


def fallback_argument_spec() -> dict[str, Any]:
    """The options of redis_fallback."""
    return {
        "state": {"type": "str", "choices": list(STATES), "default": "queried"},
        "application": {"type": "dict", "required": True},
        "incident": {"type": "str", "default": "manual"},
        "who": {"type": "str", "default": "unknown"},
        "why": {"type": "str", "default": ""},
        "lease": {"type": "int", "default": 14400},
        "settled": {"type": "int", "default": 30},
        "accept_inconsistency": {"type": "bool", "default": False},
        "accept_drift": {"type": "bool", "default": False},
        "dir": {"type": "path", "default": DIRECTORY},
    }


@dataclass
class Call:
    """One call of the module."""

    options: Mapping[str, Any]
    check_mode: bool
    program: bytes | None
    application: Mapping[str, Any]
    folder: Path
    service: dict[str, Any]
    lease: dict[str, Any] | None
    drift: dict[str, list[str]]
    now: float


def answer(options: Mapping[str, Any], check_mode: bool, program: bytes | None = None) -> dict[str, Any]:
    """The result of the module. ``program`` is the watch. Raises Unusable, Denied or ValueError with one sentence."""
    if not 60 <= options["lease"] <= 30 * 86400:
        raise ValueError(f"lease is {options['lease']}: give seconds from 60 to 2592000 (30 days)")
    if os.geteuid():
        raise _fallback_files.Unusable("the fallback of an application needs root on its host: -b")
    folder = Path(options["dir"]) / "fallback"
    writes = options["state"] not in ("queried", "awaited") and not check_mode
    with _alone(folder, writes):
        application = options["application"]
        service = _service_environment.look(application, str(folder))
        lease = _fallback_files.read(folder, service["name"]) if service["kind"] != "none" else None
        gone = _fallback.drift(lease, _fallback_files.found(lease["files"])) if lease else {"changed": [], "missing": []}
        call = Call(options, check_mode, program, application, folder, service, lease, gone, time.time())
        try:
            result = HOW[options["state"]](call)
        except OSError as error:
            raise _fallback_files.Unusable(f"{error.filename} cannot be written ({error.strerror}): run it again when it can") from None
    after = lease if check_mode else _fallback_files.read(folder, service["name"]) if service["kind"] != "none" else None
    gone = _fallback.drift(after, _fallback_files.found(after["files"])) if after else {"changed": [], "missing": []}
    losing = _service_environment.losing(service, after["variables"]) if after and after["phase"] == "on" else []
    status = _fallback.status(after, gone, losing, call.now)
    empty = {"changed": False, "restart": False, "refused": [], "steps": [], "diff": []}
    told = _fallback.status_sentences(service["name"], status)
    return {**empty, "name": service["name"], "kind": service["kind"], "status": status, "sentences": told, **result}


@contextlib.contextmanager
def _alone(folder: Path, writes: bool) -> Iterator[None]:
    """Nobody else writes meanwhile; who only looks writes no lock."""
    if not writes:
        yield
        return
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _fallback_files.locked(folder):
        yield


def _queried(call: Call) -> dict[str, Any]:
    return {"refused": call.service["trouble"]}


def _enabled(call: Call) -> dict[str, Any]:
    wanted, lease = _wanted(call), call.lease
    refused = _fallback.objections(call.application, call.service, wanted, call.options["accept_inconsistency"])
    texts = _fallback.files(call.service, wanted, str(call.folder)) if not refused else {}
    refused += _drifted(call, call.drift["changed"] + call.drift["missing"])
    if not lease and any(_fallback_files.found(texts).values()) and not call.options["accept_drift"]:
        refused.append(f"{', '.join(texts)} is there and no lease tells of it: look at it, then give redis_fallback_accept_drift=true")
    if refused:
        return {"refused": refused}
    old = lease or _fallback.opened(call.service, call.application, call.options["settled"], call.now)
    sums = {path: _fallback.checksum(text) for path, text in texts.items()}
    # A person may have made the container anew, without our file.
    alone = call.service["kind"] == "compose" and _service_environment.losing(call.service, wanted)
    same = old["phase"] == "on" and old["files"] == sums and not any(call.drift.values()) and not alone
    incident, seconds = call.options["incident"], call.options["lease"]
    if incident == _fallback.EVERYBODY:
        raise ValueError(f"incident is '{incident}', which stands for all of them: name this one")
    new = old
    if not _fallback.is_fresh(old, incident, seconds, call.now) or not same:
        new = _fallback.with_holder(old, incident, seconds, call.now, who=call.options["who"], why=call.options["why"])
    if same:
        if new is not old and not call.check_mode:
            _keep(call, new)
        words = f"holds the fallback of {call.service['name']}, which is on, for {incident}"
        return {"changed": new is not old, "steps": [words] if new is not old else []}
    made = old["made"] or _fallback_files.missing_folders(call.folder, call.service["drop_in_folder"])
    new = {**new, "phase": "enabling", "variables": wanted, "files": sums, "made": made}
    stale = set(old["files"]) - set(texts)
    diff = _fallback_files.diff(call.lease, texts, stale)
    if not call.check_mode:
        _lay(call, new, texts, stale)
    return {
        "changed": True,
        "restart": True,
        "steps": _fallback.enable_steps(call.application, call.service, wanted, list(texts)),
        "diff": diff,
    }


def _lay(call: Call, lease: dict[str, Any], texts: Mapping[str, str], stale: set[str]) -> None:
    _fallback_files.write(call.folder, lease)
    _fallback_files.lay(texts, lease["made"])
    _fallback_files.take(stale, [])
    _fallback_files.watch(call.folder, lease["name"], call.program)
    _fallback_files.fact(_fallback_files.leases(call.folder))


def _renewed(call: Call) -> dict[str, Any]:
    if not call.lease or call.options["incident"] not in call.lease["holders"]:
        return {"refused": [f"{call.options['incident']} does not hold the fallback of {call.service['name']}: switch it on first"]}
    held = call.lease["holders"][call.options["incident"]]
    new = _fallback.with_holder(call.lease, call.options["incident"], call.options["lease"], call.now, who=held["who"], why=held["why"])
    if not call.check_mode:
        _keep(call, new)
    return {"changed": True}


def _disabled(call: Call) -> dict[str, Any]:
    lease, incident = call.lease, call.options["incident"]
    if not lease:
        return {"refused": []}
    refused = _drifted(call, call.drift["changed"])
    if refused:
        return {"refused": refused}
    left = _fallback.others(lease, incident, call.now) if lease["phase"] == "on" else []
    if left:
        holders = {name: holder for name, holder in lease["holders"].items() if name != incident}
        gave = holders != lease["holders"]
        if gave and not call.check_mode:
            _keep(call, {**lease, "holders": holders})
        words = f"{incident} gives it back; the fallback of {lease['name']} stays on, held by {', '.join(left)}"
        return {"changed": gave, "steps": [words] if gave else [], "held": left}
    diff = _fallback_files.diff(lease, {}, set(lease["files"]))
    if not call.check_mode:
        _take(call, lease)
    steps = _fallback.disable_steps(call.application, call.service, lease)
    # One that a person has stopped stays so.
    return {"changed": True, "restart": not call.service["trouble"], "steps": steps, "diff": diff}


def _take(call: Call, lease: Mapping[str, Any]) -> None:
    _keep(call, {**lease, "phase": "disabling"})
    _fallback_files.take(lease["files"], lease["made"])


def _restored(call: Call) -> dict[str, Any]:
    """Back to where the last switch came from, because the application did not become ready."""
    lease = call.lease
    if not lease or lease["phase"] == "on":
        return {}
    if lease["phase"] == "enabling":
        if not call.check_mode:
            _take(call, lease)
        return {"changed": True, "restart": True}
    texts = _fallback.files(call.service, lease["variables"], str(call.folder))
    sums = {path: _fallback.checksum(text) for path, text in texts.items()}
    if not call.check_mode:
        _lay(call, {**lease, "phase": "enabling", "files": sums}, texts, set())
    return {"changed": True, "restart": True}


def _restarted(call: Call) -> dict[str, Any]:
    """With the files as they are now. A unit that has failed too often is not started again before its failures are forgotten."""
    if not call.check_mode and call.service["kind"] == "compose":
        with_ours = bool(call.lease) and (call.lease or {})["phase"] != "disabling"
        run(*call.service["recreate"][0 if with_ours else 1], seconds=RESTART_SECONDS)
    elif not call.check_mode:
        run("systemctl", "reset-failed", call.service["name"], seconds=RESTART_SECONDS)
        run("systemctl", "restart", call.service["name"], seconds=RESTART_SECONDS)
    return {"changed": True}


def _awaited(call: Call) -> dict[str, Any]:
    """Ready, and with the environment that it should have. ValueError says what is missing."""
    within = _fallback.within_seconds(call.application)
    if call.check_mode:
        return {}
    return {"ready_seconds": _fallback_ready.wait(call.application, str(call.folder), call.lease, within)}


def _confirmed(call: Call) -> dict[str, Any]:
    lease = call.lease
    if not lease or lease["phase"] == "on":
        return {}
    if not call.check_mode and lease["phase"] == "enabling":
        _keep(call, {**lease, "phase": "on"})
    elif not call.check_mode:
        _fallback_files.end(call.folder, lease)
    return {"changed": True}


def _keep(call: Call, lease: dict[str, Any]) -> None:
    _fallback_files.write(call.folder, lease)
    _fallback_files.fact(_fallback_files.leases(call.folder))


def _wanted(call: Call) -> dict[str, str]:
    """A container that has the fallback does not tell any more what it had before."""
    if call.lease and call.service["kind"] == "compose":
        return dict(call.lease["variables"])
    return _fallback.variables(call.application["fallback"], call.service["normal"])


def _drifted(call: Call, paths: list[str]) -> list[str]:
    if not paths or call.options["accept_drift"]:
        return []
    what = _fallback.drift_sentences(call.drift)
    return [f"{'; '.join(what)}: look at it, then give redis_fallback_accept_drift=true to go on all the same"]


HOW: dict[str, Callable[[Call], dict[str, Any]]] = {
    "queried": _queried, "enabled": _enabled, "renewed": _renewed, "disabled": _disabled, "restored": _restored, "restarted": _restarted,
    "awaited": _awaited, "confirmed": _confirmed,
}  # fmt: skip
