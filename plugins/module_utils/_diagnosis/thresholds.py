# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The limits of the rules, with their units. Every one can be overridden by name (``redis_diagnosis_thresholds``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MIB = 1024 * 1024

# name: (default, unit, what it decides)
THRESHOLDS: dict[str, tuple[float, str, str]] = {
    "memory_limit_percent": (98, "%", "used memory of maxmemory from which a limit counts as reached"),
    "memory_high_warning_percent": (80, "%", "used memory of maxmemory"),
    "memory_high_critical_percent": (90, "%", "used memory of maxmemory"),
    "memory_unlimited_peak_percent": (40, "% of RAM or of the cgroup's limit", "peak memory from which a missing limit is a warning"),
    "memory_exceeds_host_percent": (80, "% of RAM or of the cgroup's limit", "maxmemory without persistence"),
    "memory_exceeds_host_fork_percent": (65, "% of RAM or of the cgroup's limit", "maxmemory with RDB or AOF, whose fork copies pages"),
    "memory_forecast_percent": (90, "% of maxmemory, of RAM or of the cgroup's limit", "memory that the growth must not reach soon"),
    "memory_forecast_warning_hours": (24, "h", "left until the growth since the previous report fills the memory"),
    "memory_forecast_critical_hours": (4, "h", "left until the growth since the previous report fills the memory"),
    "memory_forecast_growth_percent": (1, "% of the limit", "growth since the previous report below which it means nothing"),
    "previous_hours": (24, "h", "age of the previous report up to which counters that rose since it count"),
    "memory_host_pressure_percent": (90, "% of RAM or of the cgroup's limit", "resident memory"),
    "eviction_possible_percent": (5, "% of keys", "keys with a TTL below which a volatile policy cannot evict"),
    "eviction_needed_percent": (50, "% of maxmemory", "used memory below which a policy that cannot evict is a notice"),
    "fragmentation_ratio": (1.1, "ratio", "allocator_frag_ratio and allocator_rss_ratio"),
    "fragmentation_bytes": (10 * MIB, "bytes", "fragmentation that is worth a word"),
    "fragmentation_used_bytes": (100 * MIB, "bytes", "used memory from which fragmentation is a warning"),
    "fragmentation_silent_bytes": (5 * MIB, "bytes", "used memory below which fragmentation means nothing"),
    "fragmentation_resident_ratio": (1.5, "ratio", "mem_fragmentation_ratio"),
    "swapping_bytes": (MIB, "bytes", "memory of the process that is swapped out"),
    "swapping_ratio": (0.9, "ratio", "mem_fragmentation_ratio below which memory seems swapped out"),
    "client_buffers_percent": (10, "% of used memory", "memory of normal clients"),
    "client_buffers_bytes": (200 * 1024, "bytes a client", "memory of normal clients on average"),
    "replica_buffers_bytes": (10 * MIB, "bytes", "output buffers of replicas"),
    "keyspace_few_bytes": (10 * MIB, "bytes", "memory of the keys below which shares of it mean nothing"),
    "pattern_dominates_percent": (50, "% of the keys' memory", "one pattern, by the lower bound of its interval"),
    "keys_without_ttl_percent": (50, "% of the keys' memory", "keys that never expire, by the lower bound of the interval"),
    "big_key_string_bytes": (100_000, "bytes", "a string"),
    "big_key_hash_members": (5000, "fields", "a hash"),
    "big_key_members": (1000, "members", "a set, list or sorted set"),
    "big_key_factor": (10, "times", "the three limits above, from which a big key is a warning"),
    "big_key_bytes": (10 * MIB, "bytes", "a key of any type, from which it is a warning"),
    "big_key_percent": (1, "% of used memory", "the same key, at least"),
    "scripts_cached": (1000, "scripts", "cached scripts"),
    "scripts_cached_bytes": (10 * MIB, "bytes", "memory of cached scripts"),
    "expiry_stale_percent": (25, "%", "expired_stale_perc"),
    "slow_keys_critical_ms": (10, "ms", "duration of a KEYS call"),
    "slow_command_ms": (1, "ms", "duration below which a command is not slow, whatever the slow log keeps"),
    "slow_now_seconds": (60, "s", "age up to which a slow KEYS is one of now"),
    "slow_commands_per_second": (1, "entries/s", "slow-log entries"),
    "slow_commands_p95_ms": (20, "ms", "p95 of the slow-log entries"),
    "slow_commands_few": (5, "entries", "entries in the last hour below which a p95 says nothing"),
    "slow_script_ms": (10, "ms", "duration of a script or function"),
    "latency_probe_warning_ms": (10, "ms", "p99 of the PING probe"),
    "latency_probe_critical_ms": (100, "ms", "p99 of the PING probe"),
    "latency_network_ms": (10, "ms", "median of the PING probe"),
    "latency_network_busy_percent": (50, "% of the window", "time in commands from which the server itself may be why PING waits"),
    "bandwidth_percent": (80, "% of the link", "output of the server"),
    "cpu_warning_percent": (80, "% of a core", "main thread"),
    "cpu_critical_percent": (95, "% of a core", "main thread"),
    "fork_ms_per_gb": (40, "ms/GB", "duration of the last fork"),
    "fork_ms": (500, "ms", "duration of the last fork"),
    "slowlog_coarse_ms": (100, "ms", "slowlog-log-slower-than"),
    "expire_storm_percent": (25, "% of keys with a TTL", "keys that expire within a minute, by the lower bound of the interval"),
    "expire_storm_keys": (10_000, "keys", "keys that expire within a minute, below which nobody feels it"),
    "expire_storm_factor": (2, "times", "what expires at the present rate, which the next minute must exceed"),
    "event_age_seconds": (3600, "s", "age up to which a latency event counts"),
    "connection_churn_percent": (10, "% of commands", "new connections"),
    "connection_churn_per_second": (20, "connections/s", "new connections below which churn means nothing"),
    "keyspace_hit_percent": (80, "%", "hits on a cache"),
    "keyspace_lookups_per_second": (10, "lookups/s", "lookups below which a hit ratio means nothing"),
    "clients_high_warning_percent": (80, "% of maxclients", "connected clients"),
    "clients_high_critical_percent": (90, "% of maxclients", "connected clients"),
    "clients_leaking_percent": (50, "% of connections", "connections of one address, user or library"),
    "clients_leaking_connections": (100, "connections", "connections below which a share means nothing"),
    "clients_idle_percent": (30, "% of connections", "connections that are idle for over an hour"),
    "clients_blocked_percent": (50, "% of connections", "blocked connections"),
    "clients_few": (10, "connections", "connections below which shares of them mean nothing"),
    "replication_lag_seconds": (30, "s", "silence of the master, or lag of a replica"),
    "replication_lag_bytes": (64 * MIB, "bytes", "offset behind the master"),
    "sentinel_role_down_afters": (2, "down-after periods", "how long a master that Sentinel names may say that it is a replica"),
    "sentinels_few": (3, "Sentinels", "Sentinels below which the loss of one is one too many"),
    "failover_link_down_afters": (10, "down-after periods", "how long a replica may be cut off and still be promoted"),
    "crash_loop_restarts": (3, "restarts", "restarts in a short time"),
    "crash_loop_young_restarts": (2, "restarts", "restarts of a server that has just been started"),
    "crash_loop_seconds": (900, "s", "how long a restart counts"),
    "disk_free_percent": (10, "%", "free space of the data directory's filesystem"),
    "disk_free_rdbs": (2, "RDB files", "free space in sizes of the last RDB file"),
    "certificate_warning_days": (14, "days", "left until the server's certificate ends"),
    "certificate_critical_days": (3, "days", "left until the server's certificate ends"),
    "save_old_intervals": (4, "save intervals", "age of the last save"),
    "save_old_seconds": (3600, "s", "age of the last save, at least"),
}


def merged(overrides: Mapping[str, Any] | None) -> dict[str, float]:
    """The defaults with the overrides in place. ValueError for an unknown name or a value that is no positive number."""
    values = {name: float(default) for name, (default, dummy, dummy) in THRESHOLDS.items()}
    if not isinstance(overrides, (Mapping, type(None))):
        raise ValueError(f"the thresholds are {overrides!r:.60}: give a mapping of names to numbers")
    for name, value in (overrides or {}).items():
        if name not in THRESHOLDS:
            raise ValueError(f"the threshold '{name}' is unknown: choose from {', '.join(sorted(THRESHOLDS))}")
        values[name] = _checked(name, value)
    return values


def _checked(name: str, value: Any) -> float:
    unit = THRESHOLDS[name][1]
    try:
        number = float(str(value))
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise ValueError(f"the threshold {name} is '{value}': give a plain number in {unit}, without its unit")
    return number
