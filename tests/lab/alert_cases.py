# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""For each alert: what it fires at, and what is near to that and no alert. Series in the notation of ``promtool test rules``."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024
# A series that says the same for eight hours; one a minute.
LONG = "x480"


@dataclass(frozen=True)
class Case:
    """Series with which an alert fires ``at`` that time, in which severities and for which servers, and sets with which it is silent."""

    fires: dict[str, str]
    silent: tuple[dict[str, str], ...]
    severities: tuple[str, ...]
    at: str = "40m"
    hosts: tuple[str, ...] = ("cache1",)


def of(metric: str, host: str = "cache1", **labels: str) -> str:
    """The name of a series of a server."""
    port = labels.pop("redis_port", "6379")
    told = {"redis_host": host, "redis_port": port, "redis_group": "shop", "instance": f"redis://{host}:{port}", "job": "aragora-redis"}
    return f"{metric}{{{', '.join(f'{name}={chr(34)}{value}{chr(34)}' for name, value in {**told, **labels}.items() if value)}}}"


def says(value: float | str) -> str:
    """It says so all the time."""
    return f"{value}{LONG}"


def grows(step: float, start: float = 0) -> str:
    """It grows by this every minute."""
    return f"{start}+{step}{LONG}"


def info(host: str = "cache1", policy: str = "noeviction", role: str = "master", **labels: str) -> dict[str, str]:
    """What the exporter tells of a server in labels."""
    return {of("redis_instance_info", host, maxmemory_policy=policy, role=role, **{"redis_mode": "standalone", **labels}): says(1)}


def memory(used: float, limit: float, policy: str = "noeviction", **more: float) -> dict[str, str]:
    """Memory in MiB."""
    rows = {"redis_memory_used_bytes": used, "redis_memory_max_bytes": limit, "redis_mem_not_counted_for_eviction_bytes": 0, **more}
    return {**{of(name): says(value * MIB) for name, value in rows.items()}, **info(policy=policy)}


def growing(step: float, limit: float, policy: str = "noeviction", before: str = "") -> dict[str, str]:
    """Memory that grows by so many MiB a minute from 100 MiB on."""
    series = {
        of("redis_memory_used_bytes"): f"{before}{100 * MIB}+{int(step * MIB)}{LONG}",
        of("redis_memory_max_bytes"): says(limit * MIB),
    }
    return {**series, **info(policy=policy)}


def replicas(connected: int, role: str = "master", **more: str) -> dict[str, str]:
    """Three servers in a group, and how many replicas are connected to the first."""
    up = {of("redis_up", host): says(1) for host in ("cache1", "cache2", "cache3")}
    return {**up, of("redis_connected_slaves"): says(connected), **info(role=role), of("redis_cluster_enabled"): says(0), **more}


def refused(word: str) -> Case:
    """Commands that are refused with this error."""
    return Case(
        {of("redis_errors_total", err=word): grows(5)},
        ({of("redis_errors_total", err=word): says(7)}, {of("redis_errors_total", err="WRONGTYPE"): grows(5)}),
        ("critical",),
    )


NOAUTH = of("redis_exporter_last_scrape_error", err="NOAUTH Authentication required.")
CASES: dict[str, Case] = {
    "RedisUnavailable": Case(
        {of("redis_up"): says(0)},
        ({of("redis_up"): says(1)}, {of("redis_up"): says(0), NOAUTH: says(1)}, {'redis_up{instance="somebody:6379"}': says(0)}),
        ("critical",),
    ),
    "RedisLoginRefused": Case(
        {of("redis_up"): says(0), NOAUTH: says(1)},
        ({of("redis_exporter_last_scrape_error", err="dial redis: unknown network redis"): says(1)},),
        ("warning",),
    ),
    "RedisExporterDown": Case({of("up"): says(0)}, ({of("up"): says(1)},), ("warning",)),
    "RedisLoading": Case({of("redis_loading_dump_file"): says(1)}, ({of("redis_loading_dump_file"): says(0)},), ("warning",)),
    "RedisRestarting": Case(
        {of("redis_uptime_in_seconds"): "60 120 10 70 5 65 5 65 5 65"},
        ({of("redis_uptime_in_seconds"): "60 120 10 70 130 190 250 310 5 65"}, {of("redis_uptime_in_seconds"): grows(60)}),
        ("critical",),
        at="9m",
    ),
    "RedisHighMemory": Case(
        memory(92, 100),
        (memory(79, 100), memory(9000, 0), memory(99, 100, "allkeys-lru")),
        ("critical", "warning"),
    ),
    "RedisMemoryFull": Case(
        memory(99, 100),
        (memory(97, 100), memory(9000, 0), memory(99, 100, "volatile-lru"), memory(99, 100, redis_mem_not_counted_for_eviction_bytes=5)),
        ("critical",),
    ),
    "RedisMemoryForecast": Case(
        growing(1, 1000),
        (growing(1, 0), growing(0, 1000), growing(0.1, 1000), growing(1, 1000, "allkeys-lfu"), growing(1, 1000, before="_x300 ")),
        ("warning",),
        at="7h30m",
    ),
    "RedisMemoryUnlimited": Case(
        {**memory(100, 0, redis_memory_used_peak_bytes=500, redis_total_system_memory_bytes=1000)},
        (
            memory(100, 0, redis_memory_used_peak_bytes=300, redis_total_system_memory_bytes=1000),
            memory(100, 900, redis_memory_used_peak_bytes=500, redis_total_system_memory_bytes=1000),
            memory(100, 0, redis_memory_used_peak_bytes=500, redis_total_system_memory_bytes=0),
        ),
        ("warning",),
    ),
    "RedisMemoryPressure": Case(
        memory(100, 0, redis_memory_used_rss_bytes=950, redis_total_system_memory_bytes=1000),
        (
            memory(100, 0, redis_memory_used_rss_bytes=800, redis_total_system_memory_bytes=1000),
            memory(100, 0, redis_memory_used_rss_bytes=950, redis_total_system_memory_bytes=0),
        ),
        ("critical",),
    ),
    "RedisEvicting": Case(
        {of("redis_evicted_keys_total"): grows(60), **info(policy="volatile-lru")},
        (
            {of("redis_evicted_keys_total"): grows(60), **info(policy="allkeys-lru")},
            {of("redis_evicted_keys_total"): says(60), **info(policy="volatile-lru")},
        ),
        ("warning",),
    ),
    "RedisFragmentation": Case(
        {of("redis_mem_fragmentation_ratio"): says(1.8), of("redis_mem_fragmentation_bytes"): says(300 * MIB)},
        (
            {of("redis_mem_fragmentation_ratio"): says(1.4), of("redis_mem_fragmentation_bytes"): says(300 * MIB)},
            {of("redis_mem_fragmentation_ratio"): says(9), of("redis_mem_fragmentation_bytes"): says(10 * MIB)},
        ),
        ("notice",),
    ),
    "RedisSwapping": Case(
        {of("redis_mem_fragmentation_ratio"): says(0.5), of("redis_memory_used_bytes"): says(300 * MIB)},
        (
            {of("redis_mem_fragmentation_ratio"): says(1), of("redis_memory_used_bytes"): says(300 * MIB)},
            {of("redis_mem_fragmentation_ratio"): says(0.5), of("redis_memory_used_bytes"): says(2 * MIB)},
        ),
        ("warning",),
    ),
    "RedisCacheMisses": Case(
        {of("redis_keyspace_hits_total"): grows(600), of("redis_keyspace_misses_total"): grows(600), **info(policy="allkeys-lru")},
        (
            {of("redis_keyspace_hits_total"): grows(600), of("redis_keyspace_misses_total"): grows(60), **info(policy="allkeys-lru")},
            {of("redis_keyspace_hits_total"): grows(6), of("redis_keyspace_misses_total"): grows(60), **info(policy="allkeys-lru")},
            {of("redis_keyspace_hits_total"): grows(600), of("redis_keyspace_misses_total"): grows(600), **info(policy="noeviction")},
            {of("redis_keyspace_hits_total"): says(0), of("redis_keyspace_misses_total"): says(0), **info(policy="allkeys-lru")},
        ),
        ("notice",),
        at="60m",
    ),
    "RedisHighLatency": Case(
        {of("redis_exporter_last_scrape_ping_time_seconds"): says(0.2)},
        (
            {of("redis_exporter_last_scrape_ping_time_seconds"): says(0.004)},
            # One answer that was late is none.
            {of("redis_exporter_last_scrape_ping_time_seconds"): "0.001x37 0.5 0.001x60"},
        ),
        ("critical", "warning"),
    ),
    "RedisCpuSaturated": Case(
        {of("redis_cpu_user_main_thread_seconds_total"): grows(40), of("redis_cpu_sys_main_thread_seconds_total"): grows(18)},
        ({of("redis_cpu_user_main_thread_seconds_total"): grows(30), of("redis_cpu_sys_main_thread_seconds_total"): grows(10)},),
        ("critical", "warning"),
    ),
    "RedisSlowCommands": Case({of("redis_slowlog_last_id"): grows(90)}, ({of("redis_slowlog_last_id"): grows(30)},), ("warning",)),
    "RedisKeysCalled": Case(
        {of("redis_commands_total", cmd="keys"): grows(2)},
        ({of("redis_commands_total", cmd="keys"): says(2)}, {of("redis_commands_total", cmd="get"): grows(2)}),
        ("warning",),
    ),
    "RedisConnectionsHigh": Case(
        {of("redis_connected_clients"): says(95), of("redis_config_maxclients"): says(100)},
        (
            {of("redis_connected_clients"): says(70), of("redis_config_maxclients"): says(100)},
            {of("redis_connected_clients"): says(95), of("redis_config_maxclients"): says(0)},
        ),
        ("critical", "warning"),
    ),
    "RedisConnectionsRejected": Case(
        {of("redis_rejected_connections_total"): grows(1)}, ({of("redis_rejected_connections_total"): says(9)},), ("critical",)
    ),
    "RedisConnectionChurn": Case(
        {of("redis_connections_received_total"): grows(3000), of("redis_commands_processed_total"): grows(9000)},
        (
            {of("redis_connections_received_total"): grows(3000), of("redis_commands_processed_total"): grows(90000)},
            {of("redis_connections_received_total"): grows(60), of("redis_commands_processed_total"): grows(120)},
        ),
        ("warning",),
    ),
    "RedisWritesRefusedMemory": refused("OOM"),
    "RedisWritesRefusedPersistence": refused("MISCONF"),
    "RedisWritesRefusedReplicas": refused("NOREPLICAS"),
    "RedisWritesRefusedReadonly": refused("READONLY"),
    "RedisReplicationLinkDown": Case(
        {
            of("redis_master_link_up", master_host="a", master_port="1"): says(0),
            of("redis_master_sync_in_progress", master_host="a"): says(0),
        },
        (
            {of("redis_master_link_up", master_host="a"): says(1), of("redis_master_sync_in_progress", master_host="a"): says(0)},
            {of("redis_master_link_up", master_host="a"): says(0), of("redis_master_sync_in_progress", master_host="a"): says(1)},
        ),
        ("critical",),
    ),
    "RedisReplicationLagging": Case(
        {of("redis_connected_slave_lag_seconds", slave_ip="a"): says(1), of("redis_connected_slave_lag_seconds", slave_ip="b"): says(60)},
        ({of("redis_connected_slave_lag_seconds", slave_ip="a"): says(1)},),
        ("warning",),
    ),
    "RedisFullResyncs": Case(
        {of("redis_replica_resyncs_full"): grows(1), of("redis_replica_partial_resync_denied"): grows(1)},
        (
            {of("redis_replica_resyncs_full"): says(1), of("redis_replica_partial_resync_denied"): says(1)},
            {of("redis_replica_resyncs_full"): grows(1), of("redis_replica_partial_resync_denied"): says(0)},
        ),
        ("warning",),
    ),
    "RedisReplicasMissing": Case(
        replicas(1),
        (
            replicas(2),
            replicas(1, role="slave"),
            replicas(0, **{of("redis_cluster_enabled"): says(1)}),
            # A Sentinel is no member.
            {**replicas(2), of("redis_up", "cache4", redis_sentinel="true", redis_port="26379"): says(1)},
            # A server without a group has nobody to miss.
            {of("redis_connected_slaves", redis_group=""): says(0), of("redis_up", redis_group=""): says(1), **info(redis_group="")},
            # Another exporter watches the same server.
            {**replicas(2), of("redis_up", job="before"): says(1)},
        ),
        ("warning",),
    ),
    "RedisManyMasters": Case(
        {**info("cache1"), **info("cache2"), **info("cache3", role="slave")},
        (
            {**info("cache1"), **info("cache2", role="slave")},
            {**info("cache1"), **info("cache2", redis_group="other")},
            {**info("cache1", redis_group=""), **info("cache2", redis_group="")},
            {**info("cache1", redis_mode="cluster"), **info("cache2", redis_mode="cluster")},
            # Another exporter watches the same server.
            {**info("cache1"), **info("cache1", job="before"), **info("cache2", role="slave")},
        ),
        ("critical",),
        hosts=("cache1", "cache2"),
    ),
    "RedisNoMaster": Case(
        {**info("cache1", role="slave"), **info("cache2", role="slave")},
        (
            {**info("cache1", role="slave"), **info("cache2")},
            {**info("cache1", role="slave", redis_group="")},
            {**info("cache1", role="slave", redis_mode="cluster")},
        ),
        ("critical",),
        hosts=("cache1", "cache2"),
    ),
    "RedisSaveFailing": Case(
        {of("redis_rdb_last_bgsave_status"): says(1), of("redis_aof_last_write_status"): says(0)},
        ({of("redis_rdb_last_bgsave_status"): says(1), of("redis_aof_last_write_status"): says(1)},),
        ("critical",),
    ),
    "RedisClusterDown": Case({of("redis_cluster_state"): says(0)}, ({of("redis_cluster_state"): says(1)},), ("critical",)),
    "RedisClusterSlotsFailing": Case(
        {of("redis_cluster_slots_fail"): says(0), of("redis_cluster_slots_pfail"): says(3)},
        ({of("redis_cluster_slots_fail"): says(0), of("redis_cluster_slots_pfail"): says(0)},),
        ("warning",),
    ),
    "RedisSentinelQuorumLost": Case(
        {of("redis_sentinel_master_ckquorum_status", master_name="shop", message="NOQUORUM"): says(0)},
        ({of("redis_sentinel_master_ckquorum_status", master_name="shop", message="OK"): says(1)},),
        ("critical",),
    ),
    "RedisSentinelTilt": Case({of("redis_sentinel_tilt"): says(1)}, ({of("redis_sentinel_tilt"): says(0)},), ("warning",)),
    "RedisSentinelsFew": Case(
        {of("redis_sentinel_master_sentinels", master_name="shop", master_address="a"): says(2)},
        ({of("redis_sentinel_master_sentinels", master_name="shop", master_address="a"): says(3)},),
        ("warning",),
    ),
}
