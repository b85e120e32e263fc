# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What flush would do to a server. Pure; how much it would delete was estimated before, by redis_keyspace.

``{refused: [sentence], steps: [sentence], flush: {by, pattern, db, most_keys}, backs_up}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _flush
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis import thresholds, workload
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts
from ansible_collections.aragora.redis.plugins.module_utils._plans.loss import PRECIOUS

NOTHING: dict[str, Any] = {"refused": [], "steps": [], "flush": {}, "backs_up": False}
ACCEPT = "redis_flush_accept_data_loss=true"


def plan(snapshot: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The plan for a snapshot.

    ``options``: ``{pattern, db, seen, servers, accept_data_loss, backup, workload_role, impact}``. ``seen`` is the result of
    redis_keyspace, which may have failed (``msg``), ``servers`` the number of servers of this run, ``impact`` that of the application's
    profile. ValueError for what cannot be meant.
    """
    pattern, db = str(options.get("pattern") or ""), _db(options)
    if pattern:
        _flush.check_pattern(pattern)
    judged = workload.judged_as(snapshot, options.get("workload_role") or None)
    facts = Facts(snapshot, thresholds.merged(None), judged["role"])
    refused = _unfit(facts, options)
    seen = options.get("seen") or {}
    if not refused and not seen.get("keyspace"):
        refused = [f"nobody knows how many keys that would be: {seen.get('msg') or 'they were not looked at'}"]
    if refused:
        return {**NOTHING, "refused": refused}
    amount = _flush.planned(seen["keyspace"], pattern)
    where = f"match {pattern} in db{db}" if pattern else f"are in db{db}"
    if not amount["keys"]["high"]:
        return {**NOTHING, "idle": f"nothing to do: no keys {where}"}
    if judged["role"] in PRECIOUS and not options.get("accept_data_loss"):
        keys = _flush.shown(amount["keys"], "keys")
        text = (
            f"it is used as a {judged['role']} ({judged['why']}), so {keys} that {where} would be lost for good: to accept that: {ACCEPT}"
        )
        return {**NOTHING, "refused": [text]}
    most = _flush.most(amount["keys"])
    wanted = {"by": "pattern" if pattern else "db", "pattern": pattern, "db": db, "most_keys": most}
    backs_up = bool(options.get("backup"))
    return {**NOTHING, "steps": _steps(facts, amount, where, wanted, options), "flush": wanted, "backs_up": backs_up}


def _unfit(facts: Facts, options: Mapping[str, Any]) -> list[str]:
    if int(options.get("servers") or 1) > 1:
        return [f"{options['servers']} servers were chosen, and a flush is for one: choose it with -e target=NAME or one URL"]
    if facts.state() != "up":
        return [f"its state is {facts.state()}: see what a diagnosis says"]
    if facts.get_or("server.mode", None) == "sentinel":
        return ["it is a Sentinel, which holds no keys"]
    replication = facts.get_or("info.replication", None) or {}
    if replication.get("role") != "master":
        return [f"it is a replica: flush its master {replication.get('master_host')}:{replication.get('master_port')}"]
    return []


def _steps(facts: Facts, amount: Mapping[str, Any], where: str, wanted: Mapping[str, Any], options: Mapping[str, Any]) -> list[str]:
    keys, size = _flush.shown(amount["keys"], "keys"), amount["bytes"]
    holding = f", which hold {_flush.shown(size, 'bytes')}" if size else ""
    how = "in batches that other clients do not feel (SCAN, UNLINK)" if wanted["by"] == "pattern" else "at once (FLUSHDB ASYNC)"
    told = "" if amount["exact"] else "; an estimate from a sample"
    steps = ["take a backup first, and delete nothing without one" if options.get("backup") else "take no backup: what is deleted is gone"]
    steps.append(f"delete {keys} that {where}{holding}, {how}{told}; never more than {wanted['most_keys']:,}")
    if facts.get_or("info.cluster.cluster_enabled", 0):
        steps.append("it is a node of a cluster: keys of other nodes stay")
    return [
        *steps,
        *(f"for users: {row['means']} ({', '.join(row['keys'])})" for row in _meant(options.get("impact"), str(wanted["pattern"]))),
    ]


def _meant(rows: Any, pattern: str) -> list[Mapping[str, Any]]:
    """What the profile of the application says of keys that may be among those."""
    return [row for row in rows or [] if any(not pattern or _flush.overlaps(pattern, str(glob)) for glob in row.get("keys") or [])]


def _db(options: Mapping[str, Any]) -> int:
    """The number of the database. ValueError names the role's variables."""
    text = str(options.get("db") if options.get("db") is not None else "").strip()
    if not text and options.get("pattern"):
        return 0
    if not text:
        raise ValueError("nothing says what is to be flushed: give redis_flush_pattern (session:*), or redis_flush_db for a whole database")
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"redis_flush_db is '{text}': give the number of a database")
    return int(text)
