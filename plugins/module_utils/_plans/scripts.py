# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What kill_script would do to a busy server. Pure. Only the server knows whether the script has written already: it says so when asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

KILLS = {"script": "SCRIPT KILL", "function": "FUNCTION KILL"}


def plan(snapshot: Mapping[str, Any], dummy: Mapping[str, Any]) -> dict[str, Any]:
    """The plan for a snapshot; there are no options. A server that is not busy leaves nothing to do."""
    found = snapshot["availability"]
    if found["state"] != "busy":
        return {"refused": [], "steps": []}
    kind = found["reason"]
    if kind not in KILLS:
        return {"refused": ["a command of a module keeps the server busy, and cannot be killed: wait for its end, and ask who runs it"]}
    words = f"{KILLS[kind]} ends the {kind} that keeps the server busy; its client gets an error"
    return {"refused": [], "steps": [f"{words}. One that has written already is left alone, because only a loss of data would end it"]}
