# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a rule is, what it sees and what it says."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

SEVERITIES = ("critical", "warning", "notice")
CAUSES = (
    "process_down", "memory_limit", "network", "slow_commands", "too_many_connections",
    "access", "persistence", "replication", "host", "configuration", "security",
)  # fmt: skip
# Parts of ``rates`` that list what occurred, and nothing else.
OCCURRENCES = ("commands", "errors")
RISKS = ("safe", "guarded", "human")


# What reading values of an unexpected shape may raise.
MALFORMED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class Missing(Exception):
    """An input that a rule needs is not in the snapshot: the rule is not applicable. ``str()`` names the input."""


@dataclass(frozen=True)
class Facts:
    """A snapshot as rules see it: by path, with thresholds and the workload role beside it. ``read`` notes the paths asked for, ``since``
    the counters that rose before the window only.
    """

    snapshot: Mapping[str, Any]
    thresholds: Mapping[str, float]
    workload_role: str
    read: list[str] = field(default_factory=list, compare=False, repr=False)
    since: list[str] = field(default_factory=list, compare=False, repr=False)

    def get(self, path: str) -> Any:
        """The value at ``part.section.field``. Raises Missing, naming the path, when it is not there or null."""
        self.read.append(path)
        value: Any = self.snapshot
        for name in path.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
            if value is None:
                raise Missing(path)
        return value

    def number(self, path: str) -> float:
        """The number at a path; CONFIG's are text. Raises Missing when there is no number."""
        value = self.get(path)
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise Missing(path) from None
        if not math.isfinite(number):
            raise Missing(path)
        return number

    def integer(self, path: str) -> int:
        """The whole number at a path."""
        return int(self.number(path))

    def get_or(self, path: str, default: Any) -> Any:
        """The value at a path, or the default: for evidence that is welcome but not needed."""
        try:
            return self.get(path)
        except Missing:
            return default

    def number_or(self, path: str, default: float) -> float:
        """The number at a path, or the default."""
        try:
            return self.number(path)
        except Missing:
            return default

    def rate(self, path: str) -> float:
        """A change per second below ``rates``. Commands and errors are listed when they occur and are 0 otherwise.

        Raises Missing without a window, and for any other counter that is not there.
        """
        kind = path.partition(".")[0]
        if kind not in OCCURRENCES:
            return self.number(f"rates.{path}")
        self.get(f"rates.{kind}")
        return self.number_or(f"rates.{path}", 0)

    def rising(self, path: str) -> float:
        """As :meth:`rate`; of a counter that did not rise in the window, its rise since an earlier report of the last day.

        What rests on that is told as past: see the engine.
        """
        recent = self.number_or("previous.seconds", float("inf")) <= self.limit("previous_hours") * 3600
        before = self.number_or(f"previous.rates.{path}", 0) if recent else 0
        try:
            now = self.rate(path)
        except Missing:
            if not before:
                raise
            now = 0
        if not now and before:
            self.since.append(path)
        return now or before

    def limit(self, name: str) -> float:
        """A threshold by its name."""
        return self.thresholds[name]

    def state(self) -> str:
        """``availability.state``."""
        return str(self.get("availability.state"))

    def recent_groups(self) -> list[dict[str, Any]]:
        """Slow-log groups of the last hour. Raises Missing when the slow log could not be read."""
        return list(self.get("slowlog.groups"))


@dataclass(frozen=True)
class Verdict:
    """What a rule says when it speaks.

    Of the lines of ``advice`` those that begin with ``$ `` are commands; ``{cli}`` stands for redis-cli with the server's address.
    ``risk`` is given where it is not that of the rule: a server that lacks what the remedy needs is a matter for people.
    """

    severity: str
    title: str
    evidence: dict[str, Any]
    advice: tuple[str, ...]
    risk: str | None = None


@dataclass(frozen=True)
class Rule:
    """One row of the table of findings."""

    id: str
    cause: str
    speaks_when: str
    severity: str
    risk: str
    judge: Callable[[Facts], Verdict | None] = field(repr=False)
    explains: tuple[str, ...] = ()
    docs_url: str = "https://redis.io/docs/latest/operate/oss_and_stack/management/troubleshooting/"


def told_as_past(verdict: Verdict | None, facts: Facts) -> Verdict | None:
    """What rests on a rise since an earlier report is over, as far as the window shows: nobody is hurt by it now."""
    if not verdict or not facts.since:
        return verdict
    when = facts.get_or("previous.taken_at", "before")
    severity = "warning" if verdict.severity == "critical" else verdict.severity
    title = f"{verdict.title}, on average since the report of {when}; not now"
    return replace(verdict, severity=severity, title=title, evidence={**verdict.evidence, "since_report_of": when})


def above(value: float, warning: float, critical: float) -> str | None:
    """The severity of a value against two thresholds, or None below both."""
    if value >= critical:
        return "critical"
    return "warning" if value >= warning else None


def count(record: Any, name: str) -> int:
    """A whole number of a record of INFO (``db0``, ``slave0``, ``cmdstat_get``); 0 where there is none."""
    value = record.get(name) if isinstance(record, Mapping) else None
    return value if isinstance(value, int) else 0


def percent(part: float, whole: float) -> float:
    """A share in percent with one decimal; 0 of nothing."""
    return round(100 * part / whole, 1) if whole else 0.0
