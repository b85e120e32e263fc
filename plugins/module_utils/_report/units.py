# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a value of the evidence means, by the name of its field: ``used_memory`` counts bytes, ``p95_us`` microseconds."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._report.text import (
    clean,
    exact_number,
    human_bytes,
    human_duration,
    human_number,
)

Words = tuple[str, str]

# The first row whose pattern is found in the field's name decides.
UNITS: tuple[tuple[re.Pattern[str], Callable[[float], Words]], ...] = (
    (re.compile(r"bytes\w*_per_second$"), lambda value: (f"{human_bytes(value)}/s", "")),
    (re.compile(r"_per_(second|sec)$"), lambda value: (f"{human_number(value)}/s", "")),
    (re.compile(r"(^|_)perc(ent)?(_|$)"), lambda value: (f"{exact_number(value)} %", "")),
    (re.compile(r"(^|_)(ratio|rate|share|count|number|keys)(_|$)"), lambda value: (exact_number(value), "")),
    (re.compile(r"^maxmemory$"), lambda value: (human_bytes(value), exact_number(value)) if value else ("no limit", "0")),
    (re.compile(r"(^|_)(?<!overcommit_)(bytes|memory|mem)(_|$)|^maxmemory"), lambda value: (human_bytes(value), exact_number(value))),
    (re.compile(r"_(us|usec|microseconds)$"), lambda value: (human_duration(value / 1e6), f"{exact_number(value)} µs")),
    (re.compile(r"_(ms|milliseconds)$"), lambda value: (human_duration(value / 1e3), f"{exact_number(value)} ms")),
    (re.compile(r"_(seconds|secs?)$"), lambda value: (human_duration(value), f"{exact_number(value)} s")),
)
PLAIN = {True: "yes", False: "no", None: "–"}


def words(field: str, value: Any, longest: int = 500) -> Words:
    """(for people, the exact number): ``("98.2 MiB", "102,970,000")``; the second is empty where the first is exact already."""
    if value is None or isinstance(value, bool):
        return PLAIN[value], ""
    if not isinstance(value, (int, float)):
        return clean(value, longest), ""
    for pattern, say in UNITS:
        if pattern.search(field):
            short, exact = say(value)
            return short, "" if _says_the_same(short, exact) else exact
    return exact_number(value), ""


def _says_the_same(short: str, exact: str) -> bool:
    """``512`` beside ``512 B`` and ``2.293 ms`` beside ``2.29 ms`` help nobody."""
    number, dummy, unit = exact.partition(" ")
    return number == short.partition(" ")[0] or bool(unit and short.endswith(f" {unit}"))
