# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Latency numbers: percentiles of a probe, and the replies of the LATENCY commands as data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any


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
