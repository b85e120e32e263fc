# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The watch of a fallback, which systemd starts every minute on the host of the application.

While somebody holds the fallback, it does nothing. When the time of all is over, it reminds; and where Redis answers as master for a while,
it ends the fallback as fallback_disable does, with the same guard, ledger and order. It is packed with all that it imports into one file.
"""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from ansible_collections.aragora.redis.plugins.module_utils import (
    _fallback,
    _fallback_book,
    _fallback_files,
    _fallback_redis,
    _guard_book,
    _ledger_file,
    _programs,
    _service_environment,
)
from ansible_collections.aragora.redis.plugins.module_utils._host_commands import Denied
from ansible_collections.aragora.redis.plugins.module_utils._host_log import masked

HOOKS = Path("/etc/aragora-redis/remind.d")
REMINDED_EVERY = 3600
HOOK_SECONDS = 30
WHO = "aragora-redis-fallback"


def main(folder: Path, name: str) -> int:
    """One look. What it says goes to the journal."""
    try:
        lease = _fallback_files.read(folder, name)
        if lease and not _fallback.held(lease, time.time()):
            _over(folder, lease)
    except (_fallback_files.Unusable, Denied, ValueError) as error:
        _say(f"{name}: {error}", sys.stderr)
        return 1
    return 0


def _say(sentence: str, where: TextIO | None = None) -> None:
    stream = where or sys.stdout
    stream.write(f"{sentence}\n")
    stream.flush()


def _over(folder: Path, lease: dict[str, Any]) -> None:
    why_not = _why_not(folder, lease)
    if not why_not:
        why_not = _ended(folder, lease)
        if not why_not:
            return
    now = time.time()
    if now - lease["reminded"] >= REMINDED_EVERY:
        remind({"name": lease["name"], "since": _fallback.at(lease["since"]), "holders": sorted(lease["holders"]), "why_not": why_not})
        with _fallback_files.locked(folder):
            fresh = _fallback_files.read(folder, lease["name"])
            if fresh:
                _fallback_files.write(folder, {**fresh, "reminded": now})


def _why_not(folder: Path, lease: Mapping[str, Any]) -> str:
    """Why it does not end the fallback by itself; empty where it may."""
    frozen = _ledger_file.frozen(folder.parent)
    if frozen is not None:
        return f"everything is frozen: {masked(frozen.strip())}"
    if lease["phase"] != "on":
        return "the last switch was broken off: run fallback_enable or fallback_disable again"
    if lease["kind"] != "unit":
        return "a container is not recreated without a person: run fallback_disable"
    if lease["revert_failed"]:
        return f"it was tried at {_fallback.at(lease['revert_failed'])}, and the application did not become ready: a person has to look"
    gone = _fallback.drift(lease, _fallback_files.found(lease["files"]))
    return "; ".join(_fallback.drift_sentences(gone)) or _not_back(folder, lease)


def _not_back(folder: Path, lease: Mapping[str, Any]) -> str:
    """What keeps Redis from being used again; empty where it has answered as master for long enough."""
    service = _service_environment.look(lease["watched"], str(folder))
    try:
        url = _fallback_redis.url_of(service["normal"], lease["watched"]["url_variables"])
        back = not service["trouble"] and _fallback_redis.stays_master(url, lease["settled"])
    except ValueError as error:
        return f"Redis cannot be asked: {error}"
    return "" if back else "; ".join(service["trouble"]) or "Redis does not answer as master"


def _ended(folder: Path, lease: Mapping[str, Any]) -> str:
    """End it by the guard's leave. Returns why that did not go, or nothing."""
    options = {name: option.get("default") for name, option in _guard_book.guard_argument_spec().items()}
    asked = functools.partial(_asked, {
        **options, "server": lease["name"], "action": "fallback_disable", "risk": "safe", "named": True,
        "run_id": f"watch-{uuid.uuid4().hex[:8]}", "who": WHO, "dir": str(folder.parent), "lease": 1800,
    })  # fmt: skip
    verdict = asked(state="begun")
    if not verdict["allowed"]:
        return str(verdict["sentence"])
    outcome, why = "failed", ""
    try:
        outcome, why = _switched_off(folder, lease)
    finally:
        asked(state="ended", outcome=outcome, details={"why": why or "its time was over, and Redis is back"})
    return why


def _switched_off(folder: Path, lease: Mapping[str, Any]) -> tuple[str, str]:
    call = functools.partial(_called, folder, lease)
    call("disabled")
    try:
        call("restarted")
        call("awaited")
    except (Denied, ValueError) as error:
        call("restored")
        call("restarted")
        call("confirmed")
        with _fallback_files.locked(folder):
            fresh = _fallback_files.read(folder, lease["name"])
            if fresh:
                _fallback_files.write(folder, {**fresh, "revert_failed": time.time()})
        return "escalated", f"Redis is back, but without the fallback {error}; it is on again"
    call("confirmed")
    _say(f"{lease['name']}: its time was over, and Redis answers as master: the fallback is off")
    return "resolved", ""


def _asked(options: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return _guard_book.answer({**options, **more}, check_mode=False)


def _called(folder: Path, lease: Mapping[str, Any], state: str) -> None:
    options = {name: option.get("default") for name, option in _fallback_book.fallback_argument_spec().items()}
    mine = {"state": state, "application": lease["watched"], "incident": _fallback.EVERYBODY, "dir": str(folder.parent)}
    result = _fallback_book.answer({**options, **mine}, check_mode=False)
    if result["refused"]:
        raise ValueError("; ".join(result["refused"]))


def remind(what: Mapping[str, Any]) -> None:
    """A line in the journal, and every program of the folder of hooks, which gets the same as JSON on its standard input."""
    held = ", ".join(what["holders"]) or "nobody"
    _say(f"{what['name']}: the fallback is on since {what['since']} for {held}, and its time is over; {what['why_not']}")
    for hook in sorted(HOOKS.glob("*")) if HOOKS.is_dir() else []:
        state = hook.stat()
        if state.st_uid or state.st_mode & 0o022 or not state.st_mode & 0o100 or not hook.is_file():
            _say(f"{hook} is not run: it has to be root's alone to write, and executable", sys.stderr)
            continue
        try:
            _programs.finished([str(hook)], HOOK_SECONDS, input=json.dumps(what).encode())
        except (OSError, subprocess.TimeoutExpired) as error:
            _say(f"{hook}: {type(error).__name__}", sys.stderr)
