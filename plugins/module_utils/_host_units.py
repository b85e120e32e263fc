# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Service units of Redis, Valkey and Sentinel as ``systemctl`` tells of them. Pure: texts in, plain data out; odd text is no error."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# Names that distributions and people give: redis, redis-server, redis-sentinel, redis_6379, redis@a, redis-server@a, valkey-server …
NAME = re.compile(r"(redis|valkey)([-_](server|sentinel|\d+))?(@[^@]*)?\.service")
# Asked for by name, because a unit that is stopped and disabled is in no list of loaded ones.
USUAL = tuple(f"{product}{role}.service" for product in ("redis", "valkey") for role in ("-server", "", "-sentinel"))
PATTERNS = ("redis*.service", "valkey*.service")
PROPERTIES = (
    "Id,LoadState,ActiveState,SubState,Result,NRestarts,ExecMainCode,ExecMainStatus,MainPID,UnitFileState,Restart,User,Group,ExecStart,"
    "StateChangeTimestampMonotonic,ActiveEnterTimestampMonotonic,WorkingDirectory,LimitNOFILE"
)
SENTINEL_PORT = 26379
# A unit in one of these states runs, as far as systemd knows.
ACTIVE = ("active", "reloading", "deactivating")


def names(*lists: str) -> list[str]:
    """The units that matter among the lines of ``systemctl list-units`` and ``list-unit-files``, templates left out."""
    words = [line.split()[0].lstrip("●*") or "".join(line.split()[1:2]) for text in lists for line in text.splitlines() if line.split()]
    return sorted({word for word in words if NAME.fullmatch(word) and not word.endswith("@.service")})


def parse(text: str, monotonic: float) -> list[dict[str, Any]]:
    """The units of ``systemctl show`` (blocks of ``Name=value``) that exist, each once. ``monotonic`` is now, in seconds since boot."""
    blocks = [dict(line.partition("=")[::2] for line in block.splitlines()) for block in re.split(r"\n\s*\n", text)]
    found = {block["Id"]: _unit(block, monotonic) for block in blocks if block.get("Id") and block.get("LoadState") != "not-found"}
    return list(found.values())


def is_sentinel(unit: Mapping[str, Any]) -> bool:
    """Whether a unit is a Sentinel's, by its name or command."""
    return "sentinel" in str(unit.get("name")) or "--sentinel" in (unit.get("arguments") or [])


def choose(units: Sequence[dict[str, Any]], port: int, pid: int | None, ports: Mapping[str, int]) -> dict[str, Any]:
    """The unit of the server on a port: the one whose process it is, else whose configuration names the port (``ports``, by unit), else the
    only one of its kind. Empty when none is.
    """
    owning = [unit for unit in units if pid and unit["main_pid"] == pid]
    configured = [unit for unit in units if ports.get(unit["name"]) == port]
    # A unit whose configuration names another port is another server's.
    rest = [unit for unit in units if unit["name"] not in ports and is_sentinel(unit) == (port == SENTINEL_PORT)]
    return next(iter([*owning, *configured, *(rest if len(rest) == 1 else _with_a_past(rest))]), {})


def config_file(arguments: Sequence[str]) -> str | None:
    """The configuration file of a command line: its first argument, unless that is an option."""
    first = next(iter(arguments[1:2]), "")
    return first if first and not first.startswith("-") else None


def options_of(arguments: Iterable[str]) -> dict[str, str]:
    """``--port 6380 --dir /x`` as ``{"port": "6380", "dir": "/x"}``; the last of several values of one option is kept."""
    found: dict[str, str] = {}
    name = ""
    for word in arguments:
        if word.startswith("--"):
            name = word[2:].lower()
        elif name:
            found[name] = word
    return found


def _with_a_past(units: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The one unit among several that is or was active, or that somebody masked; none when there are more."""
    known = [unit for unit in units if unit["active_state"] != "inactive" or unit["changed_seconds"] is not None]
    return known if len(known) == 1 else []


def _unit(block: Mapping[str, str], monotonic: float) -> dict[str, Any]:
    arguments = _arguments(block.get("ExecStart", ""))
    unit = {
        "name": block["Id"],
        "load_state": block.get("LoadState") or None,
        "active_state": block.get("ActiveState") or None,
        "sub_state": block.get("SubState") or None,
        "result": block.get("Result") or None,
        "restarts": _number(block.get("NRestarts")),
        "exit_code": _number(block.get("ExecMainCode")),
        "exit_status": _number(block.get("ExecMainStatus")),
        "main_pid": _number(block.get("MainPID")) or None,
        "file_state": block.get("UnitFileState") or None,
        "restart": block.get("Restart") or None,
        "user": block.get("User") or None,
        "group": block.get("Group") or None,
        "config_file": config_file(arguments),
        "arguments": arguments,
        "open_files": _number(block.get("LimitNOFILE")),
        "working_directory": block.get("WorkingDirectory") or None,
        "active_seconds": _age(block.get("ActiveEnterTimestampMonotonic"), monotonic) if block.get("ActiveState") in ACTIVE else None,
        "changed_seconds": _age(block.get("StateChangeTimestampMonotonic"), monotonic),
    }
    return {**unit, "switched_off": _switched_off(unit)}


def _switched_off(unit: Mapping[str, Any]) -> str | None:
    """``masked`` or ``disabled`` where a person did that and the unit does not run."""
    if unit["load_state"] == "masked" or str(unit["file_state"]).startswith("masked"):
        return "masked"
    return "disabled" if unit["file_state"] == "disabled" and unit["active_state"] == "inactive" else None


def _arguments(text: str) -> list[str]:
    """The words of ``{ path=… ; argv[]=/usr/bin/redis-server /etc/redis.conf ; ignore_errors=no ; … }``."""
    found = re.search(r"argv\[\]=(.*?) ; ignore_errors=", text, re.DOTALL)
    try:
        return shlex.split(found.group(1)) if found else []
    except ValueError:
        return found.group(1).split() if found else []


def _number(text: str | None) -> int | None:
    return int(text) if text and re.fullmatch(r"[0-9]{1,18}", text) else None


def _age(text: str | None, monotonic: float) -> int | None:
    """Seconds since a time stamp in microseconds since boot; None for one that never was."""
    micros = _number(text)
    return max(0, int(monotonic - micros / 1_000_000)) if micros else None
