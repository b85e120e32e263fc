# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_keyspace from its options to its result: which server, how much, in how many slices."""

from __future__ import annotations

import contextlib
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _globs, _keyspace_state
from ansible_collections.aragora.redis.plugins.module_utils._client import Client, Unavailable, find_endpoint
from ansible_collections.aragora.redis.plugins.module_utils._keyspace import Table
from ansible_collections.aragora.redis.plugins.module_utils._keyspace_report import Counted, report
from ansible_collections.aragora.redis.plugins.module_utils._keyspace_server import chosen, opened
from ansible_collections.aragora.redis.plugins.module_utils._pace import Pace
from ansible_collections.aragora.redis.plugins.module_utils._scan import START, Budget, Denied, Reader, Scan, lengths

# What the budgets are where none is given: (seconds, keys). 0 is no limit.
BUDGETS = {"sample": (1.5, 100_000), "full": (3600.0, 0)}
# (smallest, largest) of the numbers.
RANGES = {
    "seconds": (0, 86_400 * 7), "keys": (0, 10**12), "max_added_latency": (0, 10_000), "biggest": (0, 50), "most_patterns": (1, 1_000),
    "slice_seconds": (1, 3_600),
}  # fmt: skip
NO_LIMIT = 10**18
# What of a scan goes from slice to slice, beside its table, its pace and its cursor.
SAVED = ("total", "read", "refused", "seconds", "denied")


def keyspace_argument_spec() -> dict[str, Any]:
    """The options of redis_keyspace beside those of the connection."""
    return {
        "mode": {"type": "str", "choices": ["sample", "full"], "default": "sample"},
        "seconds": {"type": "float"},
        "keys": {"type": "int", "no_log": False},
        "max_added_latency": {"type": "float", "default": 1.0},
        "prefer_replica": {"type": "bool", "default": True},
        "patterns": {"type": "list", "elements": "str", "no_log": False},
        "most_patterns": {"type": "int", "default": 50},
        "biggest": {"type": "int", "default": 10},
        "mask_keys": {"type": "bool", "default": False, "no_log": False},
        "cursor": {"type": "str"},
        "slice_seconds": {"type": "float"},
        "state": {"type": "path"},
    }


def check_options(options: dict[str, Any]) -> None:
    """ValueError names the first option that cannot be meant."""
    for name, (smallest, largest) in RANGES.items():
        value = options[name]
        if value is not None and not smallest <= value <= largest:
            raise ValueError(f"{name} is {value:g}: give a number from {smallest} to {largest}")
    _globs.matcher(options["patterns"] or [])
    _read_cursor(options["cursor"])


def answer(client: Client, options: dict[str, Any], folder: str) -> dict[str, Any]:
    """Read keys and tell of them: the result of the module, or ``state`` and ``progress`` when there is to be another slice.

    ``folder`` is where a state may be written. ValueError with one sentence for what the server refuses.
    """
    run_id, cursor = _read_cursor(options["cursor"], client.endpoint.db)
    source = chosen(client, options, run_id)
    with contextlib.closing(source.client):
        scan = _new(options, source.keys, cursor)
        # INFO was read before anything of ours counts there.
        context = {
            "server": {"address": source.client.endpoint.address, "role": source.role, "run_id": source.run_id},
            "db": client.endpoint.db,
            "node_of_cluster": source.is_cluster,
            "why_this_server": source.reason or None,
            "expected_bytes": source.expected_bytes,
            "from_start": cursor == START,
        }
        return _slice(scan, source.client, options, context, folder)


def resume(options: dict[str, Any], folder: str) -> dict[str, Any]:
    """Go on from a state, which goes away unless there is to be another slice."""
    result: dict[str, Any] = {}
    try:
        result = _resumed(options, folder)
    finally:
        if "state" not in result:
            _keyspace_state.discard(options["state"])
    return result


def _resumed(options: dict[str, Any], folder: str) -> dict[str, Any]:
    data = _keyspace_state.load(options["state"])
    try:
        context = data["context"]
        scan = _new(options, data["total"], data["cursor"].encode())
        scan.table.from_json(data["table"])
        scan.pace.from_json(data["pace"])
        for name in SAVED:
            setattr(scan, name, data[name])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the state {options['state']} cannot be used: it is not that of a scan ({error!r})") from None
    try:
        client = opened(find_endpoint(options), options["connect_timeout"], options["timeout"])
        client = chosen(client, options, context["server"]["run_id"]).client
    except (Unavailable, ValueError) as error:
        # The server is gone by now: what was read until then is the result.
        scan.stopped, scan.error = "unavailable", str(error)
        return {"keyspace": _result(scan, None, options, context)}
    with contextlib.closing(client):
        return _slice(scan, client, options, context, folder)


def _new(options: dict[str, Any], total: int, cursor: bytes) -> Scan:
    given = options["patterns"] or []
    table = Table(given, _globs.matcher(given) if given else None)
    return Scan(table, Pace(options["max_added_latency"]), total, cursor)


def _slice(scan: Scan, client: Client, options: dict[str, Any], context: dict[str, Any], folder: str) -> dict[str, Any]:
    """Read for as long as a slice lasts; then the state, or the result when it was the last one."""
    _read(scan, client, options)
    if scan.stopped != "slice":
        return {"keyspace": _result(scan, client, options, context)}
    data = {**{name: getattr(scan, name) for name in SAVED}, "cursor": scan.cursor.decode(), "context": context}
    data.update({"table": scan.table.to_json(), "pace": scan.pace.to_json()})
    return {"state": _keyspace_state.save(data, options["state"], folder), "progress": _progress(scan, options)}


def budget_of(options: dict[str, Any]) -> Budget:
    """The budgets that are given, or those of the mode; 0 is no limit."""
    seconds, keys = (
        own if own is not None else usual for own, usual in zip((options["seconds"], options["keys"]), BUDGETS[options["mode"]])
    )
    return Budget(seconds or float("inf"), int(keys) or NO_LIMIT, options["slice_seconds"] or float("inf"))


def _read(scan: Scan, client: Client, options: dict[str, Any]) -> None:
    probe = None
    try:
        if options["max_added_latency"]:
            probe = opened(client.endpoint, options["connect_timeout"], options["timeout"])
        Reader(scan, client, probe, budget_of(options)).run()
    except Denied as error:
        text = str(error)
        grant = "; grant this user +scan +type +memory|usage +pttl" if "NOPERM" in text else ""
        raise ValueError(f"{client.endpoint.address} refuses SCAN ({text}){grant}") from None
    finally:
        if probe:
            probe.close()


def _result(scan: Scan, client: Client | None, options: dict[str, Any], context: dict[str, Any]) -> dict[str, Any]:
    """Everything that the RETURN block of redis_keyspace describes."""
    known = dict(context)
    everything = known.pop("from_start") and scan.stopped == "end"
    # Estimates are about the keys that this user may look at.
    total = round(scan.total * (1 - scan.refused / max(1, scan.read)))
    counted = Counted(scan.table, total, everything, scan.denied, known.pop("expected_bytes"))
    counted.sampled_in_order = known["node_of_cluster"] and not everything
    if client and scan.stopped != "unavailable":
        with contextlib.suppress(Unavailable):
            bigs = [(name, kind) for found in scan.table.biggest.values() for dummy, name, kind, dummy in found]
            counted.members = lengths(client, bigs)
    return {
        **known,
        "mode": options["mode"],
        "keys_total": scan.total,
        "keys_read": scan.read,
        "keys_refused": scan.refused,
        "complete": everything and not scan.refused,
        "stopped_because": scan.stopped,
        "error": scan.error or None,
        "cursor": None if scan.stopped == "end" else _cursor(known, scan),
        "seconds": round(scan.seconds, 3),
        "keys_per_second": round(scan.read / max(scan.seconds, 1e-6)),
        "latency": scan.pace.report(),
        "masked": options["mask_keys"],
        "denied": scan.denied,
        **report(counted, options["most_patterns"], options["biggest"], options["mask_keys"]),
    }


def _progress(scan: Scan, options: dict[str, Any]) -> dict[str, Any]:
    """How far it is: of the keys that there are or may be read, or of the seconds that are left, whichever ends first."""
    budget = budget_of(options)
    keys = min(scan.total, budget.keys)
    by_keys, by_seconds = scan.read / max(1, keys), scan.seconds / budget.seconds
    share = min(1.0, max(by_keys, by_seconds, 1e-9))
    return {"read": scan.read, "keys": keys, "share": share, "eta_seconds": scan.seconds * (1 - share) / share, "seconds": scan.seconds}


def _cursor(known: dict[str, Any], scan: Scan) -> str:
    """A cursor means something to the process only that gave it, and in its database."""
    return f"{known['server']['run_id'] or '-'}/{known['db']}/{scan.cursor.decode()}"


def _read_cursor(text: str | None, db: int | None = None) -> tuple[str, bytes]:
    """(run id, cursor) of what :func:`_cursor` made. ValueError for anything else, and for another database."""
    if not text:
        return "", START
    run_id, own_db, cursor = text.split("/") if text.count("/") == 2 else ("", "", "")
    if not run_id or not (cursor.isascii() and cursor.isdigit() and own_db.isdigit()):
        raise ValueError(f"the cursor '{text:.60}' cannot be read: give the one that an earlier scan has returned")
    if db is not None and int(own_db) != db:
        raise ValueError(f"the cursor is of the database {own_db}, not of {db}: set login_db")
    return "" if run_id == "-" else run_id, cursor.encode()
