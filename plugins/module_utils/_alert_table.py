# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The alerts: what redis_exporter shows of a finding, before anybody runs a diagnosis. Pure data; ``_alerts.py`` makes rules of it.

An expression holds ``$where`` for the labels that all of our servers have, ``$by`` and ``$on`` for those that tell servers apart,
``$caches`` for the policies of caches, ``$limit`` for the threshold of a level, and any threshold of the diagnosis by its name, so that
an alert and the finding that it announces have one limit.
"""

from __future__ import annotations

from dataclasses import dataclass

CRITICAL = (("critical", ""),)
WARNING = (("warning", ""),)
NOTICE = (("notice", ""),)


@dataclass(frozen=True)
class Alert:
    """``levels`` are pairs of severity and the threshold that ``$limit`` stands for; ``wait`` is how long it has to hold."""

    name: str
    finding: str
    levels: tuple[tuple[str, str], ...]
    wait: str
    expr: str
    summary: str
    description: str


# A cache that evicts is well when it is full; what the diagnosis calls a cache an exporter knows by its policy only.
NO_CACHE = 'unless $on redis_instance_info{$where, maxmemory_policy=~"$caches"}'
MASTER = 'and $on redis_instance_info{$where, role="master"}'
REFUSED = 'redis_exporter_last_scrape_error{$where, err=~"(NOAUTH|WRONGPASS|NOPERM).*"} == 1'
USED_SHARE = "100 * redis_memory_used_bytes{$where} / (redis_memory_max_bytes{$where} > 0)"
CPU = "100 * (rate(redis_cpu_user_main_thread_seconds_total{$where}[5m]) + rate(redis_cpu_sys_main_thread_seconds_total{$where}[5m]))"
CLUSTER = "unless $on redis_cluster_enabled{$where} == 1"
# What a redis_group is to have, by its members among the targets, whether they answer or not.
# A server that is watched twice, as when an exporter was there before, is still one.
EACH = "max by (redis_group, redis_host, redis_port)"
MEMBERS = f'count by (redis_group) ({EACH} (redis_up{{$where, redis_group!="", redis_sentinel=""}}))'
MASTERS = 'redis_instance_info{$where, redis_group!="", redis_mode="standalone", role="master"}'
REPLICAS = 'redis_instance_info{$where, redis_group!="", redis_mode="standalone", role="slave"}'

ALERTS: tuple[Alert, ...] = (
    Alert(
        "RedisUnavailable", "process_down", CRITICAL, "1m",
        f"redis_up{{$where}} == 0 unless $on {REFUSED}",
        "it does not answer",
        "Neither PING nor INFO is answered: down, hung, not to be reached, out of connections, or the exporter's password is wrong.",
    ),
    Alert(
        "RedisLoginRefused", "auth_required", WARNING, "2m",
        f"max $by ({REFUSED})",
        "it does not let the exporter in",
        "It answers, and refuses the exporter's login; nothing else of it is watched meanwhile, and its users may not notice anything.",
    ),
    Alert(
        "RedisExporterDown", "not_examined", WARNING, "3m",
        "up{$where} == 0",
        "nobody knows how it is",
        "The exporter does not answer Prometheus, or not in time; nothing is known of the server.",
    ),
    Alert(
        "RedisLoading", "server_loading", WARNING, "2m",
        "redis_loading_dump_file{$where} == 1",
        "it is loading its data",
        "It serves nobody until its data is loaded. A restart would begin again from zero.",
    ),
    Alert(
        "RedisRestarting", "crash_loop", CRITICAL, "0s",
        "resets(redis_uptime_in_seconds{$where}[15m]) >= $crash_loop_restarts",
        "it restarts again and again",
        "{{ $value }} restarts in 15 minutes.",
    ),
    Alert(
        "RedisHighMemory", "memory_high", (("warning", "memory_high_warning_percent"), ("critical", "memory_high_critical_percent")), "5m",
        f"{USED_SHARE} >= $limit {NO_CACHE}",
        "its memory is nearly full",
        '{{ $value | printf "%.0f" }} % of maxmemory are in use, and not all that is there may be evicted.',
    ),
    Alert(
        "RedisMemoryFull", "memory_limit_reached", CRITICAL, "1m",
        "100 * (redis_memory_used_bytes{$where} - redis_mem_not_counted_for_eviction_bytes{$where}) / (redis_memory_max_bytes{$where} > 0)"
        ' >= $memory_limit_percent and $on redis_instance_info{$where, maxmemory_policy="noeviction"}',
        "its memory is full",
        '{{ $value | printf "%.0f" }} % of maxmemory are in use and nothing may be evicted: writes are refused, or will be at once.',
    ),
    Alert(
        "RedisMemoryForecast", "memory_forecast", WARNING, "30m",
        "100 * predict_linear(redis_memory_used_bytes{$where}[6h], 3600 * $memory_forecast_warning_hours)"
        " / (redis_memory_max_bytes{$where} > 0) >= $memory_forecast_percent"
        " and $on 100 * delta(redis_memory_used_bytes{$where}[6h]) / (redis_memory_max_bytes{$where} > 0) > $memory_forecast_growth_percent"
        f" and $on redis_memory_used_bytes{{$where}} offset 6h {NO_CACHE}",
        "its memory will be full within a day",
        "As it has grown for six hours, it will reach ${memory_forecast_percent} % of maxmemory within ${memory_forecast_warning_hours} h.",
    ),
    Alert(
        "RedisMemoryUnlimited", "memory_unlimited", WARNING, "15m",
        "100 * redis_memory_used_peak_bytes{$where} / (redis_total_system_memory_bytes{$where} > 0) >= $memory_unlimited_peak_percent"
        " and $on redis_memory_max_bytes{$where} == 0",
        "its memory has no limit",
        'maxmemory is 0, and at its peak it took {{ $value | printf "%.0f" }} % of the memory of its host.',
    ),
    Alert(
        "RedisMemoryPressure", "memory_host_pressure", CRITICAL, "5m",
        "100 * redis_memory_used_rss_bytes{$where} / (redis_total_system_memory_bytes{$where} > 0) >= $memory_host_pressure_percent",
        "it takes nearly all memory of its host",
        '{{ $value | printf "%.0f" }} % of the memory of its host are its own; the kernel will end it.',
    ),
    Alert(
        "RedisEvicting", "eviction_active", WARNING, "10m",
        f"rate(redis_evicted_keys_total{{$where}}[5m]) > 0 {NO_CACHE}",
        "it throws data away",
        '{{ $value | printf "%.1f" }} keys a second are evicted to make room, from a server that is not told to be a cache.',
    ),
    Alert(
        "RedisFragmentation", "fragmentation_resident", NOTICE, "30m",
        "redis_mem_fragmentation_ratio{$where} > $fragmentation_resident_ratio"
        " and $on redis_mem_fragmentation_bytes{$where} > $fragmentation_used_bytes",
        "its memory is fragmented",
        'It takes {{ $value | printf "%.2f" }} times the memory that its data needs.',
    ),
    Alert(
        "RedisSwapping", "swapping", WARNING, "15m",
        "redis_mem_fragmentation_ratio{$where} < $swapping_ratio and $on redis_memory_used_bytes{$where} > $fragmentation_used_bytes",
        "a part of its memory seems to be swapped out",
        'Only {{ $value | printf "%.2f" }} of its memory is resident.',
    ),
    Alert(
        "RedisCacheMisses", "keyspace_misses", NOTICE, "30m",
        "100 * rate(redis_keyspace_hits_total{$where}[10m])"
        " / (rate(redis_keyspace_hits_total{$where}[10m]) + rate(redis_keyspace_misses_total{$where}[10m])"
        " >= $keyspace_lookups_per_second) < $keyspace_hit_percent"
        ' and $on redis_instance_info{$where, maxmemory_policy=~"$caches"}',
        "a cache that is asked in vain",
        '{{ $value | printf "%.0f" }} % of the lookups find something.',
    ),
    Alert(
        "RedisHighLatency", "latency_probe_high", (("warning", "latency_probe_warning_ms"), ("critical", "latency_probe_critical_ms")),
        "3m",
        "1000 * avg_over_time(redis_exporter_last_scrape_ping_time_seconds{$where}[2m]) > $limit",
        "it answers slowly",
        'PING takes {{ $value | printf "%.0f" }} ms on the average of two minutes, as the exporter sees it.',
    ),
    Alert(
        "RedisCpuSaturated", "cpu_saturated", (("warning", "cpu_warning_percent"), ("critical", "cpu_critical_percent")), "5m",
        f"{CPU} >= $limit",
        "it has no time left",
        'Its main thread takes {{ $value | printf "%.0f" }} % of a core.',
    ),
    Alert(
        "RedisSlowCommands", "slow_commands_frequent", WARNING, "2m",
        "rate(redis_slowlog_last_id{$where}[5m]) > $slow_commands_per_second",
        "many commands are slow",
        '{{ $value | printf "%.1f" }} entries a second in its slow log.',
    ),
    Alert(
        "RedisKeysCalled", "slow_command_keys", WARNING, "1m",
        'max $by (rate(redis_commands_total{$where, cmd="keys"}[5m])) > 0',
        "somebody calls KEYS",
        'KEYS is called {{ $value | printf "%.2f" }} times a second; nobody else is served while it looks at every key.',
    ),
    Alert(
        "RedisConnectionsHigh", "clients_high",
        (("warning", "clients_high_warning_percent"), ("critical", "clients_high_critical_percent")), "5m",
        "100 * redis_connected_clients{$where} / (redis_config_maxclients{$where} > 0) >= $limit",
        "it has nearly no connection left",
        '{{ $value | printf "%.0f" }} % of maxclients are connected.',
    ),
    Alert(
        "RedisConnectionsRejected", "clients_rejected", CRITICAL, "0s",
        "increase(redis_rejected_connections_total{$where}[5m]) > 0",
        "it rejects connections",
        '{{ $value | printf "%.0f" }} connections were rejected in 5 minutes, because maxclients was reached.',
    ),
    Alert(
        "RedisConnectionChurn", "connection_churn", WARNING, "15m",
        "rate(redis_connections_received_total{$where}[5m]) > $connection_churn_per_second"
        " and $on 100 * rate(redis_connections_received_total{$where}[5m])"
        " / rate(redis_commands_processed_total{$where}[5m]) > $connection_churn_percent",
        "its clients connect anew all the time",
        '{{ $value | printf "%.0f" }} new connections a second: a client without a pool.',
    ),
    Alert(
        "RedisWritesRefusedMemory", "writes_refused_memory", CRITICAL, "0s",
        'max $by (increase(redis_errors_total{$where, err="OOM"}[5m])) > 0',
        "it refuses writes, for want of memory",
        '{{ $value | printf "%.0f" }} commands were refused with OOM in 5 minutes.',
    ),
    Alert(
        "RedisWritesRefusedPersistence", "writes_refused_persistence", CRITICAL, "0s",
        'max $by (increase(redis_errors_total{$where, err="MISCONF"}[5m])) > 0',
        "it refuses writes, because it cannot save",
        '{{ $value | printf "%.0f" }} commands were refused with MISCONF in 5 minutes.',
    ),
    Alert(
        "RedisWritesRefusedReplicas", "writes_refused_replicas", CRITICAL, "0s",
        'max $by (increase(redis_errors_total{$where, err="NOREPLICAS"}[5m])) > 0',
        "it refuses writes, because replicas are missing",
        '{{ $value | printf "%.0f" }} commands were refused with NOREPLICAS in 5 minutes.',
    ),
    Alert(
        "RedisWritesRefusedReadonly", "writes_refused_readonly", CRITICAL, "2m",
        'max $by (increase(redis_errors_total{$where, err="READONLY"}[5m])) > 0',
        "somebody writes to a replica",
        '{{ $value | printf "%.0f" }} writes were refused with READONLY in 5 minutes: a client takes a replica for the master.',
    ),
    Alert(
        "RedisReplicationLinkDown", "replication_link_down", CRITICAL, "1m",
        "min $by (redis_master_link_up{$where}) == 0 unless $on redis_master_sync_in_progress{$where} == 1",
        "it is cut off from its master",
        "Its data grows old, and it is of no use for a failover.",
    ),
    Alert(
        "RedisReplicationLagging", "replication_lagging", WARNING, "5m",
        "max $by (redis_connected_slave_lag_seconds{$where}) > $replication_lag_seconds",
        "a replica lags behind",
        'A replica has said nothing to its master for {{ $value | printf "%.0f" }} s.',
    ),
    Alert(
        "RedisFullResyncs", "full_sync_repeated", WARNING, "0s",
        "increase(redis_replica_resyncs_full{$where}[30m]) >= 2 and $on increase(redis_replica_partial_resync_denied{$where}[30m]) > 0",
        "its replicas copy everything again and again",
        '{{ $value | printf "%.0f" }} full copies in 30 minutes, because the backlog is too short for the rest.',
    ),
    Alert(
        "RedisReplicasMissing", "replicas_missing", WARNING, "5m",
        f"(sum $by (redis_connected_slaves{{$where}} {MASTER} {CLUSTER})) < on (redis_group) group_left () ({MEMBERS} - 1)",
        "replicas are missing",
        "{{ $value }} replicas are connected to this master, fewer than its redis_group has in the inventory.",
    ),
    Alert(
        "RedisManyMasters", "masters_many", CRITICAL, "1m",
        f"max $by ({MASTERS}) and on (redis_group) count by (redis_group) ({EACH} ({MASTERS})) > 1",
        "more than one master in its group",
        "Several servers of the group {{ $labels.redis_group }} take writes, and one of them will throw away what it is told.",
    ),
    Alert(
        "RedisNoMaster", "master_missing", CRITICAL, "1m",
        f"max $by ({REPLICAS}) unless on (redis_group) {MASTERS}",
        "no master in its group",
        "No server of the group {{ $labels.redis_group }} that answers takes writes.",
    ),
    Alert(
        "RedisSaveFailing", "save_failing", CRITICAL, "1m",
        "redis_rdb_last_bgsave_status{$where} == 0 or redis_aof_last_write_status{$where} == 0"
        " or redis_aof_last_bgrewrite_status{$where} == 0",
        "it cannot save its data",
        "Its last save has failed: a restart would lose what was written since, and writes may be refused.",
    ),
    Alert(
        "RedisClusterDown", "cluster_down", CRITICAL, "1m",
        "redis_cluster_state{$where} == 0",
        "its cluster is down",
        "This node says that cluster_state is not ok.",
    ),
    Alert(
        "RedisClusterSlotsFailing", "cluster_slots_failing", WARNING, "1m",
        "redis_cluster_slots_fail{$where} + redis_cluster_slots_pfail{$where} > 0",
        "slots of its cluster fail",
        "{{ $value }} slots belong to nodes that fail or cannot be reached.",
    ),
    Alert(
        "RedisSentinelQuorumLost", "sentinel_quorum_lost", CRITICAL, "1m",
        "min $by (redis_sentinel_master_ckquorum_status{$where}) == 0",
        "its Sentinels could not fail over",
        "SENTINEL CKQUORUM is not OK for a master that this Sentinel watches.",
    ),
    Alert(
        "RedisSentinelTilt", "sentinel_tilt", WARNING, "1m",
        "redis_sentinel_tilt{$where} == 1",
        "this Sentinel trusts nobody",
        "It is in tilt mode and does nothing: its clock jumped, or its host stood still.",
    ),
    Alert(
        "RedisSentinelsFew", "sentinels_few", WARNING, "5m",
        "min $by (redis_sentinel_master_sentinels{$where}) < $sentinels_few",
        "too few Sentinels",
        "{{ $value }} Sentinels watch a master; the loss of one is one too many.",
    ),
)  # fmt: skip

# {name of an alert in the rule files of aragora: what takes its place here, and in what it differs}
ARAGORA: dict[str, tuple[str, str]] = {
    "RedisDown": ("RedisUnavailable", "`up == 0` there says that the exporter is down; that is RedisExporterDown here"),
    "RedisHighMemory": ("RedisHighMemory", "divides by maxmemory there, and always fires where that is 0"),
    "RedisMemoryFull": ("RedisMemoryFull", "the runbook names it, no rule file there defines it"),
    "RedisHighLatency": ("RedisHighLatency", "the runbook names it, no rule file there defines it"),
    "RedisUnavailable": ("RedisUnavailable", "the runbook names it, no rule file there defines it"),
    "RedisConnectionIssues": ("RedisConnectionsRejected", "reads `aragora_redis_connection_errors_total`, which nothing emits"),
    "RedisSentinelFailover": ("RedisNoMaster", "a failover that succeeds is no alert here; one that does not is"),
    "RedisClusterUnhealthy": ("RedisClusterDown", "reads `aragora_redis_*`, which nothing emits"),
    "RedisClusterNodeDown": ("RedisUnavailable", "reads `aragora_redis_*`, which nothing emits"),
    "RedisReconnections": ("RedisConnectionChurn", "reads `aragora_redis_*`, which nothing emits"),
}  # fmt: skip
