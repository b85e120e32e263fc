# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The dashboard of Grafana, made from a table of panels: ``make docs`` writes it into the role."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

UID = "aragora-redis"
WHERE = 'redis_host!="", redis_host=~"$redis_host", redis_group=~"$redis_group"'
WHO = "{{redis_host}}:{{redis_port}}"
WIDTH, HEIGHT = 8, 7


@dataclass(frozen=True)
class Panel:
    """A graph; ``lines`` are pairs of expression (``@`` is the choice of servers) and legend. ``marks`` are (value, colour)."""

    title: str
    unit: str
    lines: tuple[tuple[str, str], ...]
    marks: tuple[tuple[float, str], ...] = ()
    alerts: str = ""


def rate(metric: str, labels: str = "") -> str:
    """By the second."""
    return f"rate({metric}{{@{labels}}}[$__rate_interval])"


ROWS: dict[str, tuple[Panel, ...]] = {
    "Is it there?": (
        Panel("Answers", "bool_on_off", (("redis_up{@}", WHO),), ((0, "red"), (1, "green")), "RedisUnavailable, RedisLoginRefused"),
        Panel("Asked by Prometheus", "bool_on_off", (("up{@}", WHO),), ((0, "red"), (1, "green")), "RedisExporterDown"),
        Panel("Uptime", "s", (("redis_uptime_in_seconds{@}", WHO),), (), "RedisRestarting, RedisLoading"),
    ),
    "Memory": (
        Panel(
            "Used of maxmemory", "percent", (("100 * redis_memory_used_bytes{@} / (redis_memory_max_bytes{@} > 0)", WHO),),
            ((0, "green"), (80, "orange"), (90, "red")), "RedisHighMemory, RedisMemoryFull, RedisMemoryForecast",
        ),
        Panel(
            "Resident and used", "bytes",
            (("redis_memory_used_rss_bytes{@}", f"{WHO} resident"), ("redis_memory_used_bytes{@}", f"{WHO} used")),
            (), "RedisMemoryPressure, RedisMemoryUnlimited",
        ),
        Panel(
            "Resident to used", "none", (("redis_mem_fragmentation_ratio{@}", WHO),), (), "RedisFragmentation, RedisSwapping",
        ),
        Panel(
            "Evicted and expired keys", "ops",
            ((rate("redis_evicted_keys_total"), f"{WHO} evicted"), (rate("redis_expired_keys_total"), f"{WHO} expired")),
            (), "RedisEvicting",
        ),
        Panel(
            "Lookups that find something", "percent",
            ((f"100 * {rate('redis_keyspace_hits_total')} / ({rate('redis_keyspace_hits_total')} + "
              f"{rate('redis_keyspace_misses_total')} > 0)", WHO),),
            (), "RedisCacheMisses",
        ),
        Panel("Keys", "short", (("sum by (redis_host, redis_port) (redis_db_keys{@})", WHO),)),
    ),
    "Latency": (
        Panel(
            "PING", "ms", (("1000 * redis_exporter_last_scrape_ping_time_seconds{@}", WHO),),
            ((0, "green"), (10, "orange"), (100, "red")), "RedisHighLatency",
        ),
        Panel(
            "Main thread, of a core", "percent",
            ((f"100 * ({rate('redis_cpu_user_main_thread_seconds_total')} + {rate('redis_cpu_sys_main_thread_seconds_total')})", WHO),),
            ((0, "green"), (80, "orange"), (95, "red")), "RedisCpuSaturated",
        ),
        Panel("Slow commands", "ops", ((rate("redis_slowlog_last_id"), WHO),), (), "RedisSlowCommands"),
        Panel("Commands", "ops", ((rate("redis_commands_processed_total"), WHO),)),
        Panel(
            "Time by command", "s",
            ((f"topk(10, sum by (redis_host, redis_port, cmd) ({rate('redis_commands_duration_seconds_total')}))", f"{WHO} {{{{cmd}}}}"),),
            (), "RedisKeysCalled",
        ),
        Panel(
            "Errors by kind", "ops", ((f"sum by (redis_host, redis_port, err) ({rate('redis_errors_total')})", f"{WHO} {{{{err}}}}"),), (),
            "RedisWritesRefusedMemory, …Persistence, …Replicas, …Readonly",
        ),
    ),
    "Connections": (
        Panel(
            "Connected, of maxclients", "percent", (("100 * redis_connected_clients{@} / (redis_config_maxclients{@} > 0)", WHO),),
            ((0, "green"), (80, "orange"), (90, "red")), "RedisConnectionsHigh",
        ),
        Panel("Blocked", "short", (("redis_blocked_clients{@}", WHO),)),
        Panel(
            "New and rejected", "ops",
            ((rate("redis_connections_received_total"), f"{WHO} new"), (rate("redis_rejected_connections_total"), f"{WHO} rejected")),
            (), "RedisConnectionChurn, RedisConnectionsRejected",
        ),
    ),
    "Replication and data": (
        Panel(
            "Masters and replicas", "short",
            (("count by (redis_group, role) (redis_instance_info{@})", "{{redis_group}} {{role}}"),), (), "RedisNoMaster, RedisManyMasters",
        ),
        Panel(
            "Link to the master", "bool_on_off", (("redis_master_link_up{@}", WHO),), ((0, "red"), (1, "green")),
            "RedisReplicationLinkDown",
        ),
        Panel(
            "Connected replicas, and how long they are silent", "short",
            (("redis_connected_slaves{@}", f"{WHO} replicas"), ("redis_connected_slave_lag_seconds{@}", f"{WHO} seconds")),
            (), "RedisReplicasMissing, RedisReplicationLagging, RedisFullResyncs",
        ),
        Panel(
            "Last save", "bool_on_off",
            (("redis_rdb_last_bgsave_status{@}", f"{WHO} RDB"), ("redis_aof_last_write_status{@}", f"{WHO} AOF")),
            ((0, "red"), (1, "green")), "RedisSaveFailing",
        ),
        Panel(
            "Sentinel: quorum, and Sentinels", "short",
            (
                ("redis_sentinel_master_ckquorum_status{@}", f"{WHO} quorum {{{{master_name}}}}"),
                ("redis_sentinel_master_sentinels{@}", f"{WHO} Sentinels {{{{master_name}}}}"),
            ),
            (), "RedisSentinelQuorumLost, RedisSentinelsFew, RedisSentinelTilt",
        ),
        Panel(
            "Cluster: state, and slots that fail", "short",
            (("redis_cluster_state{@}", f"{WHO} state"), ("redis_cluster_slots_fail{@} + redis_cluster_slots_pfail{@}", f"{WHO} slots")),
            (), "RedisClusterDown, RedisClusterSlotsFailing",
        ),
    ),
}  # fmt: skip


def text() -> str:
    """roles/redis_monitoring/files/redis.json"""
    return json.dumps(dashboard(), indent=1, ensure_ascii=False) + "\n"


def dashboard() -> dict[str, Any]:
    """The whole of it."""
    panels: list[dict[str, Any]] = [_firing()]
    top = HEIGHT
    for title, row in ROWS.items():
        panels.append({"type": "row", "title": title, "collapsed": False, "panels": [], "gridPos": {"x": 0, "y": top, "w": 24, "h": 1}})
        for number, panel in enumerate(row):
            place = {"x": number % 3 * WIDTH, "y": top + 1 + number // 3 * HEIGHT, "w": WIDTH, "h": HEIGHT}
            panels.append(_graph(panel, place))
        top += 1 + (len(row) + 2) // 3 * HEIGHT
    return {
        "uid": UID,
        "title": "Redis",
        "tags": ["redis", "valkey", "aragora"],
        "schemaVersion": 38,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": _variables()},
        "panels": [{"id": number, **panel} for number, panel in enumerate(panels, 1)],
    }


def _variables() -> list[dict[str, Any]]:
    source = {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}
    group = _variable("redis_group", "Group", 'label_values(redis_up{redis_host!=""}, redis_group)')
    host = _variable("redis_host", "Server", 'label_values(redis_up{redis_host!="", redis_group=~"$redis_group"}, redis_host)')
    return [source, group, host]


def _variable(name: str, label: str, query: str) -> dict[str, Any]:
    # Of a server without a group the label is missing: .* takes it as well.
    every = {"includeAll": True, "allValue": ".*", "multi": True, "current": {"text": ["All"], "value": ["$__all"]}}
    return {"name": name, "label": label, "type": "query", "datasource": _source(), "query": query, "refresh": 2, "sort": 1, **every}


def _source() -> dict[str, str]:
    return {"type": "prometheus", "uid": "${datasource}"}


def _target(expr: str, legend: str, letter: str) -> dict[str, Any]:
    return {"refId": letter, "datasource": _source(), "expr": expr.replace("@", WHERE), "legendFormat": legend}


def _graph(panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    marks = [{"value": None if not number else value, "color": colour} for number, (value, colour) in enumerate(panel.marks)]
    shown = {"thresholdsStyle": {"mode": "line" if len(panel.marks) > 2 else "off"}}
    defaults = {"unit": panel.unit, "custom": shown, **({"thresholds": {"mode": "absolute", "steps": marks}} if marks else {})}
    targets = [_target(expr, legend, "ABCDE"[number]) for number, (expr, legend) in enumerate(panel.lines)]
    return {
        "type": "timeseries",
        "title": panel.title,
        "description": f"Alerts: {panel.alerts}" if panel.alerts else "",
        "datasource": _source(),
        "gridPos": place,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "targets": targets,
    }


def _firing() -> dict[str, Any]:
    hidden = dict.fromkeys(("Time", "Value", "__name__", "alertstate", "instance", "job"), True)
    expr = f'ALERTS{{alertstate="firing", finding!="", {WHERE}}}'
    return {
        "type": "table",
        "title": "Firing alerts, and what each most likely is",
        "datasource": _source(),
        "gridPos": {"x": 0, "y": 0, "w": 24, "h": HEIGHT},
        "fieldConfig": {"defaults": {}, "overrides": []},
        "targets": [{**_target(expr, "", "A"), "instant": True, "format": "table"}],
        "transformations": [{"id": "organize", "options": {"excludeByName": hidden}}],
    }
