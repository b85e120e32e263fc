# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a replica has no link to its master, as far as the rest of the run knows: the master itself, and the Sentinels that watch it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.membership import Member, is_crowded, is_loopback

# What keeps a master from its replicas as well, by the state of its availability.
STATES = {
    "refused": "the master refuses connections",
    "timeout": "the master cannot be reached",
    "unreachable": "the master cannot be reached",
    "hung": "the master does not answer",
    "loading": "the master is loading its data set",
    "busy": "the master is busy with a script",
    "max_clients": "the master has no connection left",
}


def explained(diagnosed: Sequence[dict[str, Any]], members: Sequence[Member]) -> list[dict[str, Any]]:
    """The judged servers, their ``replication_link_down`` with what the others know; it is said once, however often they are judged."""
    found = []
    for item, member in zip(diagnosed, members):
        told = _told(member, members) if member.is_replica and member.replication.get("master_link_status") == "down" else {}
        findings = [_with(one, told) if told and one["id"] == "replication_link_down" else one for one in item["diagnosis"]["findings"]]
        found.append({**item, "diagnosis": {**item["diagnosis"], "findings": findings}})
    return found


def _with(finding: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    title = f"{finding['title']}: {told['master']}" if finding["title"].endswith(" is down") else finding["title"]
    return {**finding, "title": title, "evidence": {**finding["evidence"], **told}}


def _told(replica: Member, members: Sequence[Member]) -> dict[str, Any]:
    address = f"{replica.replication.get('master_host')}:{replica.replication.get('master_port')}"
    if is_loopback(address) and is_crowded(members):
        return {}
    found = [member.snapshot.get("availability") for member in members if member.address == address]
    known = sorted({str(one.get("state")) for one in found if isinstance(one, Mapping)} & set(STATES))
    missed = [
        member.name
        for member in members
        for master in member.masters
        if f"{master.get('ip')}:{master.get('port')}" == address and {"s_down", "o_down"} & set(master.get("flags") or [])
    ]
    if not known and not missed:
        return {}
    words = STATES[known[0]] if known else "Sentinel does not reach the master either"
    return {"master": words, **({"missed_by": missed} if missed else {})}
