# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has changed since an earlier report: its snapshots as digests, and the part ``previous`` of a snapshot. Pure.

Servers are the same when their run_id is: after a restart counters begin anew, and memory fills from nothing.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _rates
from ansible_collections.aragora.redis.plugins.module_utils._snapshot import SCHEMA

# What is compared, by section of INFO.
SECTIONS = ("stats", "errorstats", "commandstats", "persistence", "cpu")
MEMORY = ("used_memory", "mem_not_counted_for_evict")
# Between readings that are closer than this every fluctuation looks like a trend.
LEAST_SECONDS = 60


def digest(text: str, name: str) -> dict[str, Any]:
    """``{run_id, taken_usec, info}`` of a snapshot as it was saved. ValueError, with the file's name, for what is none."""
    try:
        snapshot = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(f"{name} is no JSON: give the folder of a report, its report.json, or a file of its folder snapshots") from None
    server, info = (snapshot.get("server"), snapshot.get("info")) if isinstance(snapshot, dict) else (None, None)
    if not isinstance(server, dict) or snapshot.get("schema") != SCHEMA or not isinstance(info, (dict, type(None))):
        raise ValueError(f"{name} is no snapshot of this collection (schema {SCHEMA}): give the folder of a report of diagnose")
    sections = {section: fields for section, fields in (info or {}).items() if isinstance(fields, dict)}
    return {
        "run_id": server.get("run_id"),
        "taken_usec": sections.get("server", {}).get("server_time_usec"),
        "info": {
            "memory": {field: value for field, value in sections.get("memory", {}).items() if field in MEMORY},
            **{section: sections[section] for section in SECTIONS if section in sections},
        },
    }


def compared(snapshot: Mapping[str, Any], digests: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The snapshot with ``previous``: ``{taken_at, seconds, memory, rates}``, the latter of the shape of ``rates``; None without its like.

    Of several digests of the same server the newest counts that is a minute old.
    """
    try:
        return {**snapshot, "previous": _change(snapshot, digests)}
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        # A file that somebody else wrote, or a server that answers in a shape of its own.
        return {**snapshot, "previous": None}


def _change(snapshot: Mapping[str, Any], digests: Iterable[Mapping[str, Any]]) -> dict[str, Any] | None:
    info = snapshot.get("info") or {}
    now, run_id = _whole(info.get("server", {}).get("server_time_usec")), snapshot["server"].get("run_id")
    own = [(_whole(told.get("taken_usec")), told) for told in digests if run_id and told.get("run_id") == run_id]
    earlier = [(taken, told) for taken, told in own if taken and now and now - taken >= LEAST_SECONDS * 1_000_000]
    if not earlier:
        return None
    taken, told = max(earlier, key=lambda pair: pair[0] or 0)
    seconds = ((now or 0) - (taken or 0)) / 1_000_000
    return {
        "taken_at": datetime.datetime.fromtimestamp((taken or 0) // 1_000_000, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "seconds": round(seconds),
        "memory": dict(told["info"]["memory"]),
        "rates": {name: value for name, value in _rates.between(told["info"], info, seconds, {}).items() if name != "window_seconds"},
    }


def _whole(value: Any) -> int | None:
    """A time in microseconds that a clock can show."""
    return value if isinstance(value, int) and 0 < value < 2**52 else None
