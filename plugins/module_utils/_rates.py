# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Counters of INFO as change per second between two readings."""

from __future__ import annotations

from typing import Any

# Counters of the sections stats and clients; the rest of those sections are gauges.
STATS = (
    "total_connections_received", "total_commands_processed", "total_net_input_bytes", "total_net_output_bytes",
    "rejected_connections", "sync_full", "sync_partial_ok", "sync_partial_err", "expired_keys", "evicted_keys",
    "expired_time_cap_reached_count", "keyspace_hits", "keyspace_misses", "total_error_replies", "total_forks",
    "client_query_buffer_limit_disconnections", "client_output_buffer_limit_disconnections", "evicted_clients", "evicted_scripts",
)  # fmt: skip
WRITTEN = ("master_repl_offset",)
CPU = ("used_cpu_sys", "used_cpu_user", "used_cpu_sys_main_thread", "used_cpu_user_main_thread")


def between(before: dict[str, Any], after: dict[str, Any], seconds: float, own: dict[str, int]) -> dict[str, Any]:
    """Per-second change of the counters of two INFO readings, ``seconds`` apart.

    ``own`` is what this gathering itself added meanwhile, calls by command; it is taken off, so that watching a quiet server does not
    make it look busy. A counter that went backwards (restart, CONFIG RESETSTAT) has no rate and is left out.
    Shape: ``{window_seconds, stats: {counter: n}, cpu: {…}, commands: {name: calls}, command_seconds: n, errors: {code: n},
    aof_delayed_fsync: n, master_repl_offset: n}``; the last one is how many bytes a second the replicas are to hear.
    """
    commands = _changes(_calls(before), _calls(after))
    commands = {name: max(0, calls - own.get(name, 0)) for name, calls in commands.items()}
    stats = _changes(_picked(before, "stats", STATS), _picked(after, "stats", STATS))
    if "total_commands_processed" in stats:
        stats["total_commands_processed"] = max(0, stats["total_commands_processed"] - sum(own.values()))
    persistence = _changes(_picked(before, "persistence", ("aof_delayed_fsync",)), _picked(after, "persistence", ("aof_delayed_fsync",)))
    history = _changes(_picked(before, "replication", WRITTEN), _picked(after, "replication", WRITTEN))
    return {
        "window_seconds": round(seconds, 3),
        "stats": _per_second(stats, seconds),
        "cpu": _per_second(_changes(_picked(before, "cpu", CPU), _picked(after, "cpu", CPU)), seconds),
        "commands": {name: rate for name, rate in _per_second(commands, seconds).items() if rate},
        **_command_seconds(_microseconds(before), _microseconds(after), seconds),
        "errors": {name: rate for name, rate in _per_second(_changes(_errors(before), _errors(after)), seconds).items() if rate},
        **_per_second(persistence, seconds),
        **_per_second(history, seconds),
    }


def _picked(info: dict[str, Any], section: str, names: tuple[str, ...]) -> dict[str, float]:
    fields = info.get(section, {})
    return {name: fields[name] for name in names if isinstance(fields.get(name), (int, float))}


def _calls(info: dict[str, Any]) -> dict[str, float]:
    """Executed calls by command; refused ones are in errorstats."""
    return _counted(info, "commandstats", "cmdstat_", "calls")


def _microseconds(info: dict[str, Any]) -> dict[str, float]:
    """Time spent in each command."""
    return _counted(info, "commandstats", "cmdstat_", "usec")


def _command_seconds(before: dict[str, float], after: dict[str, float], seconds: float) -> dict[str, float]:
    """Time spent in commands, per second; nothing where the server does not tell it or has begun to count anew."""
    if not after or any(after.get(name, 0) < spent for name, spent in before.items()):
        return {}
    return {"command_seconds": round((sum(after.values()) - sum(before.values())) / 1_000_000 / seconds, 4)}


def _errors(info: dict[str, Any]) -> dict[str, float]:
    return _counted(info, "errorstats", "errorstat_", "count")


def _counted(info: dict[str, Any], section: str, prefix: str, field: str) -> dict[str, float]:
    """One number of every record; lines that are no such record are nobody's counter."""
    records = {name: item.get(field) for name, item in info.get(section, {}).items() if isinstance(item, dict)}
    return {name[len(prefix) :]: value for name, value in records.items() if isinstance(value, (int, float))}


def _changes(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    changes = {name: value - before.get(name, 0) for name, value in after.items()}
    return {name: change for name, change in changes.items() if change >= 0}


def _per_second(changes: dict[str, float], seconds: float) -> dict[str, float]:
    return {name: round(change / seconds, 3) for name, change in changes.items()}
