# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Latency numbers: percentiles of a probe, and the replies of the LATENCY commands as data.

Source: https://redis.io/docs/latest/commands/latency-histogram/
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

STAT = "latency_percentiles_usec_"


def percentile(values: Sequence[float], percent: float) -> float:
    """Nearest-rank percentile of values in any order; ValueError when there are none."""
    if not values:
        raise ValueError("no values to take a percentile of")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


def summary(milliseconds: Sequence[float]) -> dict[str, Any]:
    """``{samples, p50, p95, p99, max}`` in milliseconds; ``{samples: 0}`` without samples."""
    if not milliseconds:
        return {"samples": 0}
    return {
        "samples": len(milliseconds),
        "p50": round(percentile(milliseconds, 50), 3),
        "p95": round(percentile(milliseconds, 95), 3),
        "p99": round(percentile(milliseconds, 99), 3),
        "max": round(max(milliseconds), 3),
    }


def events(reply: list[Any]) -> dict[str, dict[str, int]]:
    """LATENCY LATEST as ``{event: {at, last_ms, max_ms}}``; ``at`` is a Unix time."""
    return {row[0]: {"at": row[1], "last_ms": row[2], "max_ms": row[3]} for row in reply if len(row) >= 4}


def history(reply: list[Any]) -> list[dict[str, int]]:
    """LATENCY HISTORY of one event as ``[{at, ms}]``, oldest first."""
    return [{"at": row[0], "ms": row[1]} for row in reply if len(row) >= 2]


def histogram(reply: list[Any], info: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What each command takes: ``{command: {calls, p50_us, p99_us, buckets}}``; a bucket is ``[microseconds, calls that took no longer]``.

    ``reply`` is that of LATENCY HISTOGRAM, empty where there is none. The percentiles are those of INFO latencystats; without them they
    come from the buckets, whose bounds double from one to the next. Without any of them nothing is known: ``{}``.
    """
    rows = {str(name): _pairs(fields) for name, fields in _pairs(reply).items()}
    told = {name[len(STAT) :]: stats for name, stats in (info.get("latencystats") or {}).items() if name.startswith(STAT)}
    return {name: _command(name, rows.get(name, {}), told.get(name, {}), info) for name in sorted({*rows, *told})}


def _command(name: str, row: Mapping[Any, Any], told: Mapping[str, float], info: Mapping[str, Any]) -> dict[str, Any]:
    bounds = row.get("histogram_usec") or []
    buckets = [list(bucket) for bucket in zip(bounds[::2], bounds[1::2])]
    counted = (info.get("commandstats") or {}).get(f"cmdstat_{name}") or {}
    calls = row.get("calls", counted.get("calls"))
    return {
        "calls": calls,
        "p50_us": told.get("p50", _bound(buckets, 0.5)),
        "p99_us": told.get("p99", _bound(buckets, 0.99)),
        "buckets": buckets,
    }


def _bound(buckets: list[list[int]], share: float) -> int | None:
    """The bound of the first bucket that holds this share of the calls; None without buckets."""
    return next((bound for bound, calls in buckets if calls >= share * buckets[-1][1]), None)


def _pairs(flat: Sequence[Any]) -> dict[Any, Any]:
    return dict(zip(flat[::2], flat[1::2]))
