# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the charts show: rows of bars from a snapshot. Drawing is done in ``charts``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._report.facts import number, part
from ansible_collections.aragora.redis.plugins.module_utils._report.text import (
    clean,
    exact_number,
    human_bytes,
    human_duration,
    human_number,
)

MOST_ROWS = 8


@dataclass(frozen=True)
class Row:
    """One bar: its label, its value in words and ``(kind, amount)`` from left to right; kinds are ``bar``, ``quiet`` and ``hot``."""

    label: str
    words: str
    segments: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Plot:
    """Rows under a title; ``limit`` is where a line is drawn across all of them."""

    title: str
    rows: tuple[Row, ...]
    note: str = ""
    limit: float | None = None

    @property
    def largest(self) -> float:
        """The longest bar, to which all others are drawn."""
        return max((sum(amount for dummy, amount in row.segments) for row in self.rows), default=0.0)


def plots(snapshot: Mapping[str, Any]) -> list[Plot]:
    """The plots that have something to show."""
    return [plot for make in PLOTS for plot in [make(snapshot)] if plot and plot.largest > 0]


def _memory(snapshot: Mapping[str, Any]) -> Plot | None:
    memory = part(snapshot, "info.memory")
    limit = number(memory.get("maxmemory")) or None
    named = (
        ("used", "used_memory"),
        ("data set", "used_memory_dataset"),
        ("peak", "used_memory_peak"),
        ("resident (RSS)", "used_memory_rss"),
        ("limit (maxmemory)", "maxmemory"),
    )
    rows = []
    for label, field in named:
        amount = number(memory.get(field))
        if amount:
            kind = "quiet" if field == "maxmemory" else "hot" if field == "used_memory" and limit and amount >= 0.9 * limit else "bar"
            rows.append(Row(label, human_bytes(amount), ((kind, amount),)))
    return Plot("Memory", tuple(rows), "" if limit else "maxmemory is 0: there is no limit", limit)


def _commands(snapshot: Mapping[str, Any]) -> Plot | None:
    stats = part(snapshot, "info.commandstats")
    found = []
    for command, stat in stats.items():
        usec = number(stat.get("usec")) if isinstance(stat, Mapping) else None
        if usec:
            found.append((usec, number(stat.get("calls")) or 0, re.sub("^cmdstat_", "", command)))
    total = sum(item[0] for item in found)
    rows = tuple(
        Row(
            _name(name.replace("|", " ").upper()),
            f"{human_duration(usec / 1e6)} in {human_number(calls)} · {_share(usec / total)}",
            (("bar", usec),),
        )
        for usec, calls, name in sorted(found, reverse=True)[:MOST_ROWS]
    )
    return Plot("Commands by time", rows, "time in each command since the server's start or CONFIG RESETSTAT, in so many calls")


def _rates(snapshot: Mapping[str, Any]) -> Plot | None:
    rates = [(number(rate) or 0.0, name) for name, rate in part(snapshot, "rates.commands").items()]
    window = number(part(snapshot, "rates").get("window_seconds")) or 0
    rows = tuple(
        Row(_name(name.replace("|", " ").upper()), f"{human_number(rate)}/s", (("bar", rate),))
        for rate, name in sorted(rates, reverse=True)[:MOST_ROWS]
        if rate > 0
    )
    return Plot("Commands by rate", rows, f"while they were watched, for {human_duration(window)}")


def _slow(snapshot: Mapping[str, Any]) -> Plot | None:
    groups = part(snapshot, "slowlog").get("groups") or []
    rows = tuple(
        Row(
            _name(f"{group.get('command', '')} {group.get('key_pattern', '')}".strip()),
            f"{human_duration(total / 1e6)} in {exact_number(number(group.get('count')) or 0)}",
            (("bar", total),),
        )
        for group in groups[:MOST_ROWS]
        for total in [number(group.get("total_us")) or 0.0]
    )
    return Plot("Slow commands", rows, "slow-log entries of the last hour, by command and key pattern")


def _addresses(snapshot: Mapping[str, Any]) -> Plot | None:
    return _clients(snapshot, "by_address", "Clients by address")


def _libraries(snapshot: Mapping[str, Any]) -> Plot | None:
    return _several(_clients(snapshot, "by_library", "Clients by library"))


def _users(snapshot: Mapping[str, Any]) -> Plot | None:
    return _several(_clients(snapshot, "by_user", "Clients by user"))


def _several(plot: Plot) -> Plot | None:
    """One bar alone would say that all are the same; that is no picture."""
    return plot if len(plot.rows) > 1 else None


def _clients(snapshot: Mapping[str, Any], grouping: str, title: str) -> Plot:
    rows = []
    for group in (part(snapshot, "clients").get(grouping) or [])[:MOST_ROWS]:
        total, idle = number(group.get("connections")) or 0, number(group.get("idle_over_hour")) or 0
        words = exact_number(total) + (f", {exact_number(idle)} idle" if idle else "")
        names = ", ".join(str(name) for name in group.get("client_names") or [] if grouping == "by_address")
        label = _name(f"{group.get('name')} ({names})" if names else group.get("name"))
        rows.append(Row(label, words, (("bar", max(0, total - idle)), ("quiet", idle))))
    idle_note = "the pale part has been idle for over an hour" if any(row.segments[1][1] for row in rows) else ""
    return Plot(title, tuple(rows), idle_note)


def _share(part_of_one: float) -> str:
    return f"{100 * part_of_one:.0f} %" if part_of_one >= 0.005 else "<1 %"


def _name(text: object) -> str:
    return clean(text, 120)


PLOTS: tuple[Callable[[Mapping[str, Any]], Plot | None], ...] = (_memory, _commands, _rates, _slow, _addresses, _libraries, _users)
