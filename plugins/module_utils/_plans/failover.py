# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a switchover away from a server would do. Pure; what speaks against it was asked of the whole group, by redis_failover.

``{refused: [sentence], steps: [sentence], settings: {}, role}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NOTHING: dict[str, Any] = {"refused": [], "steps": [], "settings": {}}


def plan(snapshot: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The plan for a server that is to be the master no longer.

    ``options``: ``{asked}``, the result of redis_failover in check mode.
    """
    asked = options.get("asked") or {}
    replication = (snapshot.get("info") or {}).get("replication") or {}
    if replication.get("role") == "slave":
        place = f"{replication.get('master_host')}:{replication.get('master_port')}"
        return {**NOTHING, "idle": f"nothing to do: it is a replica of {place}"}
    if snapshot["availability"]["state"] != "up":
        return {**NOTHING, "refused": ["it cannot be asked, and a planned switchover needs the master alive: see what a diagnosis says"]}
    if asked.get("idle"):
        return {**NOTHING, "idle": f"nothing to do: {asked['idle']}"}
    refused = list(asked.get("refused") or ([asked["msg"]] if asked.get("msg") else []))
    if refused or not asked.get("plan"):
        return {**NOTHING, "refused": refused or ["redis_failover has not said what it would do"]}
    return {**NOTHING, "steps": list(asked["plan"]), "role": "slave"}
