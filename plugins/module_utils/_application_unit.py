# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A service as ``systemctl show`` and ``docker inspect`` tell of it: how it runs, as whom, where, with which variables. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _environment_file, _host_units

PROPERTIES = (
    "Id,LoadState,ActiveState,SubState,Result,NRestarts,MainPID,UnitFileState,User,Group,SupplementaryGroups,WorkingDirectory,Environment,"
    "EnvironmentFiles,UnsetEnvironment,ExecStart,ActiveEnterTimestampMonotonic,StateChangeTimestampMonotonic"
)
FILE = re.compile(r"(.*?)(?: \(ignore_errors=(yes|no)\))?")
# What systemd gives to one process and not to its helpers.
OWN_OF_PROCESS = {
    "NOTIFY_SOCKET",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_FDNAMES",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
    "MAINPID",
    "JOURNAL_STREAM",
}


def unit(text: str, monotonic: float) -> dict[str, Any]:
    """``{state, ..., user, folder, files, variables, unset, program}`` of one unit; empty where systemd does not know it."""
    lines = [line.partition("=")[::2] for line in text.splitlines()]
    block = dict(lines)
    if block.get("LoadState") in (None, "", "not-found"):
        return {}
    known = next(iter(_host_units.parse(text, monotonic)), {})
    files = [FILE.fullmatch(value) for name, value in lines if name == "EnvironmentFiles" and value]
    return {
        **{key: known.get(key) for key in ("name", "active_state", "sub_state", "result", "restarts", "switched_off", "active_seconds")},
        "pid": known.get("main_pid"),
        "user": block.get("User") or "root",
        "group": block.get("Group") or None,
        "folder": (block.get("WorkingDirectory") or "/").lstrip("!-") or "/",
        "files": [found.group(1) for found in files if found],
        "variables": _environment_file.from_unit(block.get("Environment", "")),
        "unset": block.get("UnsetEnvironment", "").split(),
        "program": next(iter(known.get("arguments") or []), None),
    }


def container(text: str, engine: str, age_of: Any) -> dict[str, Any]:
    """The same of a container, with ``engine``; ``age_of`` makes seconds of its time stamp."""
    try:
        document = json.loads(text)[0]
        state, config = document["State"], document["Config"]
    except (ValueError, LookupError, TypeError):
        return {}
    running = bool(state.get("Running"))
    return {
        "name": str(document.get("Name") or "").lstrip("/") or None,
        "engine": engine,
        "active_state": "active" if running and not state.get("Paused") else str(state.get("Status") or "unknown"),
        "sub_state": state.get("Status"),
        "result": None,
        "restarts": document.get("RestartCount"),
        "switched_off": None,
        "active_seconds": age_of(state.get("StartedAt")) if running else None,
        "pid": state.get("Pid") or None,
        "user": config.get("User") or None,
        "group": None,
        "folder": config.get("WorkingDir") or "/",
        "files": [],
        "variables": dict(str(word).partition("=")[::2] for word in config.get("Env") or []),
        "unset": [],
        "program": None,
        "own_network": (document.get("HostConfig") or {}).get("NetworkMode") != "host",
    }


def next_start(variables: Mapping[str, str], files: Sequence[Mapping[str, str]], unset: Sequence[str]) -> dict[str, str]:
    """What the next start gets. ``unset`` are names, or NAME=value for a variable that is dropped with that value only."""
    merged = _environment_file.effective(variables, files)
    for word in unset:
        name, equals, value = word.partition("=")
        if not equals or merged.get(name) == value:
            merged.pop(name, None)
    return merged


def of_process(text: str) -> dict[str, str]:
    """The variables of /proc/PID/environ."""
    return {name: value for name, equals, value in (word.partition("=") for word in text.split("\0")) if equals}


def for_commands(variables: Mapping[str, str]) -> dict[str, str]:
    """The environment in which the application's own commands run."""
    return {name: value for name, value in variables.items() if name not in OWN_OF_PROCESS}


def python_of(program: str | None) -> list[str]:
    """Where the Python of a service may be: its program, or beside it."""
    if not program:
        return []
    path = PurePosixPath(program)
    return [program] if path.name.startswith("python") else [str(path.with_name("python3")), str(path.with_name("python"))]
