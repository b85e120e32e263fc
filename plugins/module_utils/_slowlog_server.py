# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The slow log on a server: read it, empty it, set its two thresholds.

What the server refuses is raised as ValueError with one sentence.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _slowlog
from ansible_collections.aragora.redis.plugins.module_utils._client import CLIENT_NAME, Client, Refused
from ansible_collections.aragora.redis.plugins.module_utils._manners import check_number, refusal, transaction

# option: (directive, smallest value); the largest is that of the server's 64-bit integers.
SETTINGS = {"log_slower_than": ("slowlog-log-slower-than", -1), "max_len": ("slowlog-max-len", 0)}
LARGEST = 2**63 - 1
FILTERS = ("commands", "min_duration_ms", "since_seconds", "client_names", "addresses")
MOST_ENTRIES = 100_000
ALL = -1
# Read beyond the limit, so that our own entries, which are taken away, cost nobody a place.
OWN_ENTRIES = 16


@dataclass(frozen=True)
class Log:
    """One reading. ``rows`` are the server's, newest first, without our own; ``newest_id`` counts those too.

    ``unread`` is the id of the newest entry that the limit left unread, None when there is none. ``thresholds`` is None where refused.
    """

    rows: list[Any]
    newest_id: int | None
    unread: int | None
    length: int
    now: int
    thresholds: dict[str, int] | None
    refusal: str = ""


def check_options(options: dict[str, Any]) -> None:
    """ValueError names the first option of redis_slowlog that cannot be meant."""
    for name, (dummy, smallest) in SETTINGS.items():
        check_number(name, options[name], smallest, LARGEST)
    check_number("since_id", options["since_id"], -1, LARGEST)
    check_number("since_seconds", options["since_seconds"], 1, LARGEST)
    check_number("min_duration_ms", options["min_duration_ms"], 0, LARGEST)
    check_number("limit", options["limit"], 0, MOST_ENTRIES)
    filters = [name for name in FILTERS if options[name]]
    if options["reset"] and filters:
        raise ValueError(f"reset empties the whole log, so all of it is returned and nothing lost: leave {filters[0]} away")


def read(client: Client, options: dict[str, Any]) -> Log:
    """The log in one round trip: ``limit`` entries, or all of them where they are about to be deleted."""
    asked = ALL if options["reset"] else options["limit"] + OWN_ENTRIES
    gets = [("CONFIG", "GET", directive) for directive, dummy in SETTINGS.values()]
    rows, length, clock, *settings = client.pipeline([("SLOWLOG", "GET", asked), ("SLOWLOG", "LEN"), ("TIME",), *gets])
    if isinstance(rows, Refused):
        raise ValueError(refusal(client, ("SLOWLOG", "GET"), rows))
    refusals = [
        refusal(client, ("CONFIG", "GET"), reply or "it has no such setting")
        for reply in settings
        if not isinstance(reply, list) or not reply
    ]
    return Log(
        **_seen(rows, ALL if options["reset"] else options["limit"]),
        length=len(rows) if isinstance(length, Refused) else length,
        now=int(time.time()) if isinstance(clock, Refused) else int(clock[0]),
        thresholds=None if refusals else {name: int(reply[1]) for name, reply in zip(SETTINGS, settings)},
        refusal=refusals[0] if refusals else "",
    )


def states(log: Log, options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(before, after): the thresholds and, with ``reset``, the number of entries. ValueError when a setting to change cannot be read."""
    wanted = {name: options[name] for name in SETTINGS if options[name] is not None}
    if wanted and log.thresholds is None:
        raise ValueError(log.refusal)
    before: dict[str, Any] = dict(log.thresholds or {})
    after = {**before, **wanted}
    return (before, after) if not options["reset"] else ({**before, "entries": len(log.rows)}, {**after, "entries": 0})


def apply(client: Client, log: Log, before: dict[str, Any], after: dict[str, Any]) -> Log:
    """Make ``before`` into ``after`` in one transaction: all of it or, when a part is refused, nothing.

    Returns what was in the log then.
    """
    changes = {name: value for name, value in after.items() if value != before[name]}
    commands: list[tuple[str | int, ...]] = []
    if "entries" in changes:
        # What came since the first reading is in this one: nothing is deleted that is not returned.
        commands += [("SLOWLOG", "GET", ALL), ("SLOWLOG", "RESET")]
    commands += [("CONFIG", "SET", directive, changes[name]) for name, (directive, dummy) in SETTINGS.items() if name in changes]
    replies = transaction(client, commands)
    if "entries" in changes:
        return replace(log, length=len(replies[0]), **_seen(replies[0], ALL))
    return log


def report(log: Log, before: dict[str, Any], after: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """The return values of redis_slowlog."""
    since_id = -1 if options["since_id"] is None else options["since_id"]
    newest_id = since_id if log.newest_id is None else log.newest_id
    # Ids only grow until the server starts again: a log that ends before since_id was begun since.
    oldest = -1 if newest_id < since_id else since_id
    found = [entry for entry in _slowlog.entries(log.rows, log.now, options["mask_arguments"]) if entry["id"] > oldest]
    found = _slowlog.matching(found, **{name: options[name] for name in FILTERS if options[name] is not None})
    thresholds = {name: after[name] for name in SETTINGS} if log.thresholds else None
    if thresholds:
        microseconds = thresholds["log_slower_than"]
        thresholds["log_slower_than_ms"] = microseconds / 1000 if microseconds >= 0 else None
    asked = any(options[name] is not None for name in SETTINGS)
    return {
        "entries": found,
        "groups": _slowlog.groups(found),
        "length": log.length,
        "last_id": newest_id,
        "truncated": log.unread is not None and log.unread > oldest,
        "thresholds": thresholds,
        **({"previous": {name: before[name] for name in SETTINGS}} if asked else {}),
    }


def _seen(reply: list[Any], limit: int) -> dict[str, Any]:
    """The fields of Log that SLOWLOG GET's reply decides."""
    rows = _slowlog.without_own(reply, CLIENT_NAME)
    unread = None
    if limit != ALL:
        beyond = rows[limit:]
        full = len(reply) >= limit + OWN_ENTRIES
        rows = rows[:limit]
        unread = beyond[0][0] if beyond else reply[-1][0] - 1 if full and reply[-1][0] else None
    return {"rows": rows, "newest_id": max((row[0] for row in reply), default=None), "unread": unread}
