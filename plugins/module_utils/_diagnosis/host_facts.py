# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the host says, as rules of several subjects need it. A part that was looked for and is not there is empty, not Missing."""

from __future__ import annotations

import shlex
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts

EMPTY_MASTER = (
    "A master that starts empty wipes its replicas: where it saves nothing and they hold its data, let a replica take over first.",
)
# Without a word from the host nobody knows what it is called there.
ANY_UNIT = (
    "$ systemctl status 'redis*' 'valkey*'   # or: docker ps -a",
    "$ journalctl -u redis-server -n 50      # or: docker logs --tail 50 NAME",
    "$ systemctl restart redis-server        # or: docker restart NAME",
)


def part(facts: Facts, name: str) -> dict[str, Any]:
    """A part of the host, empty where it is known not to exist. Raises Missing where it could not be looked at."""
    return dict(facts.get(f"host.{name}"))


def part_or_empty(facts: Facts, name: str) -> dict[str, Any]:
    """A part of the host, empty also where nothing is known of it."""
    return dict(facts.get_or(f"host.{name}", None) or {})


def service(facts: Facts) -> str | None:
    """What the server is run by, as people call it: ``the unit redis-server``, ``the container cache``; None where that is not known."""
    unit, container = part_or_empty(facts, "unit"), part_or_empty(facts, "container")
    if unit:
        return f"the unit {_short(unit)}"
    return f"the container {container.get('name')}" if container else None


def service_evidence(facts: Facts) -> dict[str, Any]:
    """The state of unit and container, as far as they tell something."""
    unit, container = part_or_empty(facts, "unit"), part_or_empty(facts, "container")
    told = {
        "unit": unit.get("name"),
        "unit_state": "/".join(str(unit[name]) for name in ("active_state", "sub_state") if unit.get(name)) or None,
        "unit_result": unit.get("result"),
        "unit_restarts": unit.get("restarts"),
        "exit_status": unit.get("exit_status") or container.get("exit_code"),
        "switched_off": unit.get("switched_off"),
        "container": container.get("name"),
        "container_status": container.get("status"),
        "container_restarts": container.get("restarts"),
        "changed_seconds_ago": unit.get("changed_seconds") if unit else container.get("changed_seconds"),
    }
    return {name: value for name, value in told.items() if value not in (None, "")}


def see_lines(facts: Facts) -> tuple[str, ...]:
    """Commands that show what the service did last."""
    unit, container = part_or_empty(facts, "unit"), part_or_empty(facts, "container")
    if unit:
        name = shlex.quote(_short(unit))
        return f"$ systemctl status {name}", f"$ journalctl -u {name} -n 50"
    if container:
        return (f"$ {container.get('engine')} logs --tail 50 {shlex.quote(str(container.get('name')))}",)
    return ANY_UNIT[:2]


def start_lines(facts: Facts) -> tuple[str, ...]:
    """Commands that start the service, with what must be asked before."""
    unit, container = part_or_empty(facts, "unit"), part_or_empty(facts, "container")
    name = shlex.quote(_short(unit))
    if unit.get("switched_off") == "masked":
        return "Somebody masked the unit on purpose: ask before you undo it.", f"$ systemctl unmask {name} && systemctl start {name}"
    if unit.get("switched_off") == "disabled":
        return "The unit is disabled, so it will not start at boot either: was it switched off on purpose?", f"$ systemctl start {name}"
    if unit:
        return (f"$ systemctl reset-failed {name}; systemctl start {name}",)
    if container:
        return (f"$ {container.get('engine')} start {shlex.quote(str(container.get('name')))}",)
    return ANY_UNIT[2:]


def log_evidence(facts: Facts, most: int = 5) -> dict[str, Any]:
    """The last words of the log that matter."""
    lines = part_or_empty(facts, "log").get("lines") or []
    return {"log": [str(line.get("text")) for line in lines[-most:]]} if lines else {}


def room(facts: Facts) -> tuple[float, str]:
    """(bytes, what they are): the memory that the server may use at most: the machine's, or a limit around the process that is lower."""
    sizes = [(facts.number("info.memory.total_system_memory"), "RAM")]
    for path, name in (("memory.cgroup_limit_bytes", "the cgroup's limit"), ("container.memory_limit_bytes", "the container's limit")):
        limit = facts.number_or(f"host.{path}", 0)
        sizes += [(limit, name)] if limit else []
    return min(sizes)


def _short(unit: dict[str, Any]) -> str:
    """``redis-server`` of ``redis-server.service``."""
    name = str(unit.get("name") or "")
    return name[: -len(".service")] if name.endswith(".service") else name
