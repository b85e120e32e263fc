# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Since when is it broken, and do people have to be told by now? Pure functions of the ledger and the time.

The ledger's key ``incidents`` is ``{server: {since, findings: [id], escalated_at}}``; ledgers of older versions have none. An incident
keeps its beginning, however often it is seen: a second run must not start the clock again.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._report.text import human_duration

DEADLINE = 900
AGAIN = 3600


def checked(incidents: Any) -> None:
    """ValueError for what cannot be a ledger's incidents."""
    if not isinstance(incidents, dict) or not all(
        isinstance(row, dict) and isinstance(row.get("since"), (int, float)) for row in incidents.values()
    ):
        raise ValueError("its incidents are not what a ledger holds")


def opened(ledger: Mapping[str, Any], server: str, findings: Sequence[str], now: float) -> dict[str, Any]:
    """The ledger with the incident of a server; one that is open keeps its beginning and learns what else was found."""
    new = copy.deepcopy(dict(ledger))
    known = new.setdefault("incidents", {}).get(server) or {"since": now, "findings": [], "escalated_at": None}
    new["incidents"][server] = {**known, "findings": list(dict.fromkeys([*known["findings"], *findings]))}
    return new


def closed(ledger: Mapping[str, Any], server: str) -> dict[str, Any]:
    """The ledger without the incident of a server: the next one begins anew."""
    new = copy.deepcopy(dict(ledger))
    left = {name: row for name, row in (new.pop("incidents", None) or {}).items() if name != server}
    return {**new, "incidents": left} if left else new


def escalated(ledger: Mapping[str, Any], server: str, now: float) -> dict[str, Any]:
    """The ledger with the incident handed to people. ValueError where none is open."""
    new = copy.deepcopy(dict(ledger))
    known = (new.get("incidents") or {}).get(server)
    if not known:
        raise ValueError(f"no incident of {server} is open: open it before it is escalated")
    known["escalated_at"] = now
    return new


def seen(ledger: Mapping[str, Any], server: str, deadline: int, again: int, now: float) -> dict[str, Any] | None:
    """``{since, findings, escalated_at, age, seconds_left, again_in, due, sentence}`` of the incident of a server, None where none is open.

    ``seconds_left`` is the time until the deadline, ``again_in`` the time until people who were told are told again.
    """
    known = (ledger.get("incidents") or {}).get(server)
    if not known:
        return None
    age = max(0, int(now - known["since"]))
    told = known.get("escalated_at")
    # A clock that was set back must not silence anybody for longer than was asked for.
    left = min(deadline, max(0, deadline - age))
    again_in = 0 if told is None else min(again, max(0, int(again - (now - told))))
    return {
        "since": known["since"], "findings": list(known.get("findings") or []), "escalated_at": told, "age": age, "seconds_left": left,
        "again_in": again_in, "due": not left and not again_in, "sentence": _sentence(age, left, told, again_in, now),
    }  # fmt: skip


def _sentence(age: int, left: int, told: float | None, again_in: int, now: float) -> str:
    began = f"the incident began {human_duration(age)} ago"
    if again_in:
        ago = human_duration(max(0, int(now - (told or 0))))
        return f"{began} and was escalated {ago} ago; people are told again in {human_duration(again_in)} ({again_in} s)"
    if left:
        return f"{began}; it is escalated in {human_duration(left)} ({left} s)"
    return f"{began}, its deadline is over{'' if told is None else ', and nobody has mended it since people were told'}"
