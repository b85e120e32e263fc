# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about RDB and AOF: what is saved, and what a failing save stops."""

from __future__ import annotations

from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts, Rule, Verdict

DOCS = "https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/"
STATUSES = ("rdb_last_bgsave_status", "aof_last_write_status", "aof_last_bgrewrite_status")
SEE_DISK = "$ df -h DIR; ls -ld DIR; journalctl -u redis-server -n 20   # DIR: {cli} config get dir"


def _failing(facts: Facts) -> dict[str, Any]:
    info = facts.get("info.persistence")
    return {name: info[name] for name in STATUSES if info.get(name) == "err"}


def _evidence(facts: Facts) -> dict[str, Any]:
    return {**_failing(facts), "dir": facts.get_or("config.dir", None), "errors_per_second": facts.get_or("rates.errors.MISCONF", 0)}


def _save_failing(facts: Facts) -> Verdict | None:
    failing = _failing(facts)
    if not failing:
        return None
    what = "snapshot" if "rdb_last_bgsave_status" in failing else "append-only file"
    advice = (
        "A full disk, a missing write permission, or too little memory for the fork: the server's log names it.",
        SEE_DISK,
        "Then save again:",
        "$ {cli} bgsave",
    )
    return Verdict("critical", f"The last {what} could not be saved", _evidence(facts), advice)


def _writes_refused_persistence(facts: Facts) -> Verdict | None:
    refused = facts.get_or("rates.errors.MISCONF", 0)
    stops = facts.get_or("config.stop-writes-on-bgsave-error", None) == "yes"
    failed = "rdb_last_bgsave_status" in _failing(facts) and bool(facts.get_or("config.save", ""))
    masters = facts.get_or("info.replication.role", "master") == "master"
    if not refused and facts.get_or("availability.reason", None) != "misconf" and not (stops and failed and masters):
        return None
    advice = (
        "The last save failed, and stop-writes-on-bgsave-error protects the data by refusing writes. Mend the save first.",
        SEE_DISK,
        "Only where the data may be lost, let writes through meanwhile:",
        "$ {cli} config set stop-writes-on-bgsave-error no",
    )
    return Verdict("critical", "Writes are refused because the last save failed", _evidence(facts), advice)


def _save_old(facts: Facts) -> Verdict | None:
    changes, last = facts.integer("info.persistence.rdb_changes_since_last_save"), facts.integer("info.persistence.rdb_last_save_time")
    intervals = [int(word) for word in str(facts.get("config.save")).split()[::2] if word.isdigit()]
    if not intervals or not changes or facts.workload_role == "cache" or facts.get_or("info.persistence.aof_enabled", 0):
        return None
    now = facts.integer("info.server.server_time_usec") // 1_000_000
    allowed = max(facts.limit("save_old_seconds"), facts.limit("save_old_intervals") * min(intervals))
    if now - last <= allowed:
        return None
    evidence = {"seconds_since_last_save": now - last, "changes_since_last_save": changes, "save": facts.get("config.save")}
    advice = (
        "What changed since would be lost with the process; save now and look why it does not happen by itself:",
        "$ {cli} bgsave",
        SEE_DISK,
    )
    return Verdict("warning", f"{changes} changes have not been saved for {(now - last) // 60} minutes", evidence, advice)


RULES = (
    Rule(
        "save_failing",
        "persistence",
        "rdb_last_bgsave_status, aof_last_write_status or aof_last_bgrewrite_status err",
        "critical",
        "human",
        _save_failing,
        ("writes_refused_persistence", "save_old"),
        DOCS,
    ),
    Rule(
        "writes_refused_persistence",
        "persistence",
        "MISCONF rising, or the last save failed with stop-writes-on-bgsave-error yes",
        "critical",
        "human",
        _writes_refused_persistence,
        (),
        DOCS,
    ),
    Rule(
        "save_old",
        "persistence",
        "changes waiting and the last save older than 4 save intervals, at least 1 h; not on a cache",
        "warning",
        "human",
        _save_old,
        (),
        DOCS,
    ),
)
