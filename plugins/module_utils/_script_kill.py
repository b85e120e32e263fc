# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The script or function that keeps a server busy: end it by the command that the server names, and see that it answers again.

What cannot be killed is raised as NotKilled; SHUTDOWN NOSAVE is never sent.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._client import Client, Refused, Unavailable, find_endpoint, open_any
from ansible_collections.aragora.redis.plugins.module_utils._failures import Failure, from_reply
from ansible_collections.aragora.redis.plugins.module_utils._manners import check_number, refusal

KILLS = {"script": ("SCRIPT", "KILL"), "function": ("FUNCTION", "KILL")}
INTERVAL = 0.05
LONGEST_WAIT = 600
UNKILLABLE = (
    "{address} does not kill the {kind}, because it has written already, and half of its writes must not stay: wait for its end. "
    "Only SHUTDOWN NOSAVE would end it, which loses everything since the last save, so no playbook does it"
)
MODULE = "{address} is busy with a command of a module, which cannot be killed: wait for its end, and ask who runs it"


class NotKilled(Exception):
    """It goes on. ``reason`` is a word: unkillable, module, refused, goes_on or unavailable; ``str()`` is one sentence."""

    def __init__(self, sentence: str, reason: str) -> None:
        super().__init__(sentence)
        self.reason = reason


def kill_argument_spec() -> dict[str, Any]:
    """The options of redis_script_kill beside those of the connection."""
    return {"wait_timeout": {"type": "float", "default": 10.0}}


def answer(options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """The result of redis_script_kill. Raises NotKilled, or ValueError for options that make no sense."""
    check_number("wait_timeout", options["wait_timeout"], 0, LONGEST_WAIT)
    try:
        client, failure = open_any(find_endpoint(dict(options)), options["connect_timeout"], options["timeout"])
        with contextlib.closing(client):
            return _end(client, failure, options["wait_timeout"], check_mode)
    except Unavailable as error:
        raise NotKilled(str(error), "unavailable") from None


def _end(client: Client, failure: Failure, seconds: float, check_mode: bool) -> dict[str, Any]:
    address, kind = client.endpoint.address, failure.reason
    if failure.state != "busy":
        if failure.state != "up":
            raise NotKilled(failure.sentence(address), "unavailable")
        return _result(None, "", 0.0)
    if kind not in KILLS:
        raise NotKilled(MODULE.format(address=address), "module")
    if check_mode:
        return _result(kind, failure.error, 0.0)
    started = time.monotonic()
    reply = client.pipeline([KILLS[kind]])[0]
    if isinstance(reply, Refused):
        if str(reply).startswith("NOTBUSY"):
            # It has ended by itself in the meantime.
            return _result(None, failure.error, 0.0)
        if str(reply).startswith("UNKILLABLE"):
            raise NotKilled(f"{UNKILLABLE.format(address=address, kind=kind)} ({reply})", "unkillable")
        raise NotKilled(refusal(client, KILLS[kind], reply), "refused")
    while _is_busy(client):
        if time.monotonic() - started > seconds:
            sentence = f"{address} has taken {' '.join(KILLS[kind])} and is still busy after {seconds:g} s: is it called again and again?"
            raise NotKilled(sentence, "goes_on")
        time.sleep(INTERVAL)
    return _result(kind, failure.error, time.monotonic() - started)


def _is_busy(client: Client) -> bool:
    reply = client.pipeline([("PING",)])[0]
    return isinstance(reply, Refused) and from_reply(str(reply)).state == "busy"


def _result(kind: str | None, said: str, seconds: float) -> dict[str, Any]:
    before, after = {"busy_with": kind}, {"busy_with": None}
    return {
        "changed": kind is not None,
        "kind": kind,
        "command": " ".join(KILLS[kind]) if kind else None,
        "said": said,
        "seconds": round(seconds, 3),
        "diff": {"before": before, "after": after},
    }
