# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Containers as ``docker inspect`` and ``podman inspect`` tell of them. Pure: texts in, plain data out; odd text is no error."""

from __future__ import annotations

import calendar
import json
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any


def parse(text: str, engine: str, now: float) -> list[dict[str, Any]]:
    """The containers of ``inspect``'s JSON. ``now`` is Unix time."""
    try:
        documents = json.loads(text)
    except ValueError:
        return []
    return (
        [_container(document, engine, now) for document in documents if isinstance(document, dict)] if isinstance(documents, list) else []
    )


def choose(containers: Sequence[dict[str, Any]], port: int, *, given: bool = False, owner: str = "") -> dict[str, Any]:
    """The container that was given; else the one that the process on the port runs in, by its cgroups (``owner``); else the one that
    publishes the port, be it ended. Empty when none is.
    """
    if given:
        return next(iter(containers), {})
    owning = [container for container in containers if container["id"] and container["id"] in owner]
    publishing = [container for container in containers if port in container["published_ports"]]
    # Of several that want the same port the running one has it; else the one that ran last.
    publishing.sort(key=lambda container: (not container["running"], container["changed_seconds"] or 0))
    return next(iter([*owning, *publishing]), {})


def _container(document: Mapping[str, Any], engine: str, now: float) -> dict[str, Any]:
    state, host, config = _part(document, "State"), _part(document, "HostConfig"), _part(document, "Config")
    running = bool(state.get("Running"))
    return {
        "engine": engine,
        "id": str(document.get("Id") or "")[:12] or None,
        "name": str(document.get("Name") or "").lstrip("/") or None,
        "image": _text(config.get("Image")) or _text(document.get("ImageName")),
        "status": _text(state.get("Status")),
        "running": running,
        "paused": bool(state.get("Paused")),
        "oom_killed": bool(state.get("OOMKilled")),
        "exit_code": _number(state.get("ExitCode")),
        "error": _text(state.get("Error")),
        "restarts": _number(document.get("RestartCount")),
        "restart_policy": _text(_part(host, "RestartPolicy").get("Name")),
        "memory_limit_bytes": _number(host.get("Memory")) or None,
        "pid": _number(state.get("Pid")) or None,
        "changed_seconds": age(state.get("StartedAt" if running else "FinishedAt"), now),
        "published_ports": _published(document, host),
    }


def _published(document: Mapping[str, Any], host: Mapping[str, Any]) -> list[int]:
    """Ports of the host that lead into the container: those in use, and those it asks for when it is started."""
    bindings = [*_part(_part(document, "NetworkSettings"), "Ports").values(), *_part(host, "PortBindings").values()]
    numbers = [_number(entry.get("HostPort")) for binding in bindings for entry in (binding or []) if isinstance(entry, dict)]
    if host.get("NetworkMode") == "host":
        exposed = [str(name).partition("/")[0] for name in _part(_part(document, "Config"), "ExposedPorts")]
        numbers += [_number(name) for name in exposed]
    return sorted({number for number in numbers if number})


def age(text: Any, now: float) -> int | None:
    """Seconds since ``2026-11-23T07:42:00.814784061Z``, or with a zone as ``+01:00``; None for a time that never was."""
    found = re.match(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:?\d\d)?$", str(text))
    if not found or found.group(1).startswith("0001"):
        return None
    try:
        seconds = calendar.timegm(time.strptime(found.group(1), "%Y-%m-%dT%H:%M:%S"))
    except (ValueError, OverflowError):
        return None
    zone = found.group(2) or "Z"
    if zone != "Z":
        digits = zone[1:].replace(":", "")
        offset = (int(digits[:2]) * 60 + int(digits[2:])) * 60
        seconds -= offset if zone[0] == "+" else -offset
    return max(0, int(now - seconds))


def _part(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = document.get(name)
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return str(value) if value else None


def _number(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None
