# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Snapshots made fit to be kept: without this machine's paths, names and ids, and readable."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from typing import Any

# No rule reads them, and they are most of a snapshot.
BULK = (("info", "latencystats"), ("memory", "stats"))
WIDTH = 140
TEXTS = (
    (re.compile(r"/tmp/aragora-redis-\w+"), "/var/lib/redis"),
    (re.compile(r"/[\w./-]+/(redis|valkey)-server"), r"/usr/bin/\1-server"),
    (re.compile(r"\b10\.231\.\d+\.(\d+)"), r"10.231.0.\1"),
    (re.compile(r"^Linux \S+ "), "Linux 6.1.0 "),
)
PIDS = {"process_id", "pid", "main_pid"}
IDS = {"run_id", "runid", "master_replid", "master_replid2", "server_node_id"}
ID = re.compile(r"[0-9a-f]{40}")


def scrubbed(snapshot: Mapping[str, Any], ports: dict[int, int] | None = None, ids: dict[str, int] | None = None) -> dict[str, Any]:
    """A copy without what tells about the machine it was taken on; the server's own port becomes 6379, others follow.

    Snapshots that share ``ports`` and ``ids`` still name each other.
    """
    kept: dict[str, Any] = copy.deepcopy(dict(snapshot))
    for part, name in BULK:
        (kept.get(part) or {}).pop(name, None)
    ports = {} if ports is None else ports
    own = kept["server"].get("port")
    if own:
        _stand_in(own, ports)
    clean: dict[str, Any] = _clean(kept, "", ports, ids)
    return clean


def with_values(snapshot: dict[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The snapshot with other values at these paths. KeyError for a path that it does not have."""
    for path, value in values.items():
        *parents, name = path.split(".")
        place = snapshot
        for parent in parents:
            place = place[parent]
        if name not in place:
            raise KeyError(path)
        place[name] = value
    return snapshot


def as_text(value: Any, depth: int = 0) -> str:
    """JSON with sorted keys; what fits on a line stands on one, and small members share lines."""
    flat = json.dumps(value, sort_keys=True, ensure_ascii=False)
    if len(flat) + depth <= WIDTH or not isinstance(value, (dict, list)):
        return flat + ("\n" if depth == 0 else "")
    if isinstance(value, dict):
        members = [f"{json.dumps(name, ensure_ascii=False)}: {as_text(item, depth + 1)}" for name, item in sorted(value.items())]
    else:
        members = [as_text(item, depth + 1) for item in value]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    lines = ",\n".join(" " * (depth + 1) + line for line in _packed(members, WIDTH - depth))
    return f"{opening}\n{lines}\n{' ' * depth}{closing}" + ("\n" if depth == 0 else "")


def _packed(members: list[str], width: int) -> list[str]:
    """Neighbours put together while they fit on a line."""
    lines: list[str] = []
    for member in members:
        if lines and "\n" not in lines[-1] + member and len(lines[-1]) + len(member) + 4 <= width:
            lines[-1] += f", {member}"
        else:
            lines.append(member)
    return lines


def _clean(value: Any, name: str, ports: dict[int, int], ids: dict[str, int] | None) -> Any:
    if isinstance(value, dict):
        return {key: _clean(item, str(key), ports, ids) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item, name, ports, ids) for item in value]
    if name in IDS or (ids is not None and isinstance(value, str) and ID.fullmatch(value)):
        return value and f"{_number(str(value), ids):040d}"
    if name in PIDS:
        return value and 1234
    if "port" in name and str(value).isdigit() and int(value):
        return type(value)(_stand_in(int(value), ports))
    return _clean_text(value, ports) if isinstance(value, str) else value


def _number(text: str, ids: dict[str, int] | None) -> int:
    """What stands for an id; the one of forty zeros, which means none, stays itself."""
    if not text.strip("0"):
        return 0
    return sum(map(ord, text)) % 10 if ids is None else ids.setdefault(text, 1 + len(ids))


def _clean_text(text: str, ports: dict[int, int]) -> str:
    for pattern, replacement in TEXTS:
        text = pattern.sub(replacement, text)
    return re.sub(r"(?<=:)\d{4,5}\b", lambda found: str(ports.get(int(found.group()), found.group())), text)


def _stand_in(port: int, ports: dict[int, int]) -> int:
    """The ordinary port that stands for one of this machine's."""
    return ports.setdefault(port, 6379 + len(ports))
