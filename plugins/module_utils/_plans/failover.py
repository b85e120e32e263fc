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

    ``options``: ``{asked, taken}``: the result of redis_failover in check mode, and those of this run's servers by which a replica was, or
    would be, put in the place of a dead master.
    """
    asked = options.get("asked") or {}
    replication = (snapshot.get("info") or {}).get("replication") or {}
    refused = list(asked.get("refused") or ([asked["msg"]] if asked.get("msg") else []))
    if replication.get("role") == "slave":
        return _of_a_replica(snapshot, replication, asked, refused)
    if snapshot["availability"]["state"] != "up":
        return _of_a_dead_master(options)
    # It was a replica when the run began, and must not be switched away from in its own turn.
    if snapshot["server"].get("run_id") in [told.get("master_run_id") for told in options.get("taken") or []]:
        return {**NOTHING, "idle": "nothing to do: it was made the master in this run, in place of a dead one"}
    if asked.get("idle"):
        return {**NOTHING, "idle": f"nothing to do: {asked['idle']}"}
    if refused or not asked.get("plan"):
        return {**NOTHING, "refused": refused or ["redis_failover has not said what it would do"]}
    return {**NOTHING, "steps": list(asked["plan"]), "role": "slave"}


def _of_a_replica(
    snapshot: Mapping[str, Any], replication: Mapping[str, Any], asked: Mapping[str, Any], refused: list[str]
) -> dict[str, Any]:
    """A replica has nothing to do, unless its master is dead."""
    if asked.get("forced"):
        wins = asked.get("master_run_id") == snapshot["server"].get("run_id")
        return {**NOTHING, "steps": list(asked["plan"]), "role": "master" if wins else "slave"}
    if refused and asked.get("master_state", "up") != "up":
        return {**NOTHING, "refused": refused}
    place = f"{replication.get('master_host')}:{replication.get('master_port')}"
    return {**NOTHING, "idle": f"nothing to do: it is a replica of {place}"}


def _of_a_dead_master(options: Mapping[str, Any]) -> dict[str, Any]:
    taken = list(options.get("taken") or [])
    if taken:
        places = ", ".join(f"{told['master']} takes the place of {told['was']}" for told in taken)
        return {**NOTHING, "idle": f"nothing to do here, it cannot be asked: {places}"}
    words = "it cannot be asked, and a planned switchover needs the master alive: see what a diagnosis says, or choose one of its replicas"
    return {**NOTHING, "refused": [f"{words} and give redis_failover_accept_data_loss"]}
