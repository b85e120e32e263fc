# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a remediation did, in the order in which it happened, as the forms of the report show it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._report.text import clean

# {state: (what is said of it, how it is coloured)}
STATES = {
    "resolved": ("resolved", "healthy"),
    "mitigated": ("mitigated", "warning"),
    "nothing_to_do": ("nothing to do", "notice"),
    "planned": ("planned", "notice"),
    "refused": ("refused", "warning"),
    "escalated": ("escalated to people", "critical"),
    "failed": ("failed", "critical"),
    "began": ("began", "critical"),
    "told": ("told", "healthy"),
    "not_told": ("not told", "warning"),
    "would_tell": ("would be told", "notice"),
}
LONGEST_STEP = 300


def rows(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """``[{time, target, action, state, said, colour, findings, steps, why}]``, every text harmless."""
    return [_row(entry) for entry in document.get("timeline") or [] if isinstance(entry, Mapping)]


def _row(entry: Mapping[str, Any]) -> dict[str, Any]:
    said, colour = STATES.get(str(entry.get("state")), (clean(entry.get("state"), 40), "notice"))
    at = clean(entry.get("at"), 30)
    return {
        "time": at[11:19] if len(at) > 18 and at[10] == "T" else at,
        "target": clean(entry.get("target"), 80),
        "action": clean(entry.get("action"), 40),
        "said": said,
        "colour": colour,
        "findings": [clean(name, 60) for name in entry.get("findings") or []],
        "steps": [clean(step, LONGEST_STEP) for step in entry.get("steps") or []],
        "why": clean(entry.get("why"), LONGEST_STEP) if entry.get("why") else "",
    }
