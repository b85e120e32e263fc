# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The evidence of a finding as short text, for terminal, Markdown and HTML alike."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._report.units import words


def flat(evidence: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(field, value) pairs with readable values: units as people say them, nested data as compact JSON, nothing for what is empty."""
    return [(str(name), _value(str(name), value)) for name, value in evidence.items() if value not in (None, "", [], {})]


def _value(name: str, value: Any) -> str:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
    return words(name, value)[0]
