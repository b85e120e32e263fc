# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The evidence of a finding as short text, for terminal, Markdown and HTML alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._report.units import words

MOST_RECORDS = 2


def flat(evidence: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(field, value) pairs with readable values: units as people say them, records in one line, nothing for what is empty."""
    return [(str(name), _value(str(name), value)) for name, value in evidence.items() if value not in (None, "", [], {})]


def _value(name: str, value: Any) -> str:
    if isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
        more = f" … and {len(value) - MOST_RECORDS} more" if len(value) > MOST_RECORDS else ""
        return "; ".join(_record(item) for item in value[:MOST_RECORDS]) + more
    if isinstance(value, Mapping):
        return _record(value)
    if isinstance(value, list):
        return ", ".join(_value(name, item) for item in value)
    return words(name, value)[0]


def _record(fields: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in flat(fields))
