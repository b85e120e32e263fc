# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a Sentinel knows as data: its masters, their replicas, the other Sentinels, and whether enough of them agree.

Pure. Source: https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._secrets import is_secret

# Of so many masters the details are asked for; one Sentinel may watch thousands.
MOST_MASTERS = 100
# {where the reply belongs: the subcommand that is asked of each master}
DETAILS = {"replicas": "REPLICAS", "sentinels": "SENTINELS", "quorum_check": "CKQUORUM"}
NUMBER = re.compile(r"-?[0-9]{1,18}")
# Names, whatever they look like.
TEXT = {"name", "ip", "runid", "flags", "master-host", "voted-leader"}


def instance(reply: Any) -> dict[str, Any]:
    """A master, replica or Sentinel as a Sentinel describes it: numbers typed, ``flags`` a list, no passwords."""
    flat = reply if isinstance(reply, Mapping) else dict(zip(reply[::2], reply[1::2]))
    shown = {str(name): value for name, value in flat.items() if not is_secret(str(name))}
    typed = {name: _typed(name, value) for name, value in shown.items()}
    return {**typed, "flags": [flag for flag in str(typed.get("flags", "")).split(",") if flag]}


def commands(masters: Sequence[Mapping[str, Any]]) -> dict[tuple[int, str], tuple[str, str, str]]:
    """What is asked of each master, at most :data:`MOST_MASTERS` of them, by its place and where the reply belongs."""
    return {
        (place, part): ("SENTINEL", subcommand, str(master["name"]))
        for place, master in enumerate(masters[:MOST_MASTERS])
        for part, subcommand in DETAILS.items()
    }


def detail(part: str, reply: Any) -> Any:
    """What a reply to one of :func:`commands` says; None for a refusal that says nothing about the master."""
    if part == "quorum_check":
        return quorum_check(str(reply))
    return [instance(item) for item in reply]


def quorum_check(text: str) -> dict[str, Any] | None:
    """``{ok, text}`` of CKQUORUM, whose refusal is an answer; None where it was not asked (an ACL forbids it, the master is gone)."""
    verdict = {"OK": True, "NOQUORUM": False}.get(text.split(" ", 1)[0])
    return None if verdict is None else {"ok": verdict, "text": text}


def left_out(masters: Sequence[Any]) -> str | None:
    """The sentence about the masters that are too many to ask for details; None where there are none."""
    if len(masters) <= MOST_MASTERS:
        return None
    return f"{len(masters)} masters: replicas, Sentinels and quorum are asked for of the first {MOST_MASTERS} only"


def tilt(info: Mapping[str, Any]) -> dict[str, Any]:
    """``{tilt, tilt_seconds}`` of INFO's section: whether the Sentinel stands by because it does not trust its clock, and since when."""
    since = info.get("sentinel_tilt_since_seconds")
    known = info.get("sentinel_tilt")
    return {"tilt": None if known is None else known == 1, "tilt_seconds": since if isinstance(since, int) and since >= 0 else None}


def _typed(name: str, value: Any) -> Any:
    text = str(value)
    return int(text) if name not in TEXT and NUMBER.fullmatch(text) else text
