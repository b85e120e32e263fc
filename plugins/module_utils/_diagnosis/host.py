# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about the host: what its kernel, its disk and its limits hold ready for Redis."""

from __future__ import annotations

from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts, Rule, Verdict
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.host_facts import part, service

DOCS = "https://redis.io/docs/latest/operate/oss_and_stack/management/admin/"
LATENCY_DOCS = "https://redis.io/docs/latest/operate/oss_and_stack/management/optimization/latency/"
CLIENTS_DOCS = "https://redis.io/docs/latest/develop/reference/clients/"
REPLICATION_DOCS = "https://redis.io/docs/latest/operate/oss_and_stack/management/replication/"
# Redis keeps so many files for itself, and asks for 10000 connections where nothing is set.
RESERVED_FILES = 32
DEFAULT_MAXCLIENTS = 10_000
NEVER_RESTARTS = (None, "", "no")


def _saves(facts: Facts) -> bool:
    """Whether RDB or AOF is on. Raises Missing where nobody knows."""
    return bool(facts.get("info.persistence.aof_enabled") or facts.get("config.save"))


def _transparent_huge_pages(facts: Facts) -> Verdict | None:
    chosen = facts.get("host.kernel.transparent_huge_pages")
    if facts.get("host.process.thp_disabled") or chosen != "always":
        return None
    advice = (
        "Huge pages make each fork copy 2 MiB for a single changed byte: latency and memory grow while Redis saves.",
        "$ echo madvise > /sys/kernel/mm/transparent_hugepage/enabled   # keep it with a unit or tuned",
        "Redis also disables them for itself with disable-thp yes, from its next start on.",
    )
    evidence = {"transparent_huge_pages": chosen, "disabled_for_the_process": False}
    return Verdict("warning", "Transparent huge pages are always on, also for Redis", evidence, advice)


def _overcommit_off(facts: Facts) -> Verdict | None:
    overcommit = facts.integer("host.kernel.overcommit_memory")
    if overcommit == 1 or not _saves(facts):
        return None
    advice = (
        "A fork for RDB or AOF may be refused although memory is free: saving fails, and with it perhaps writing.",
        "$ sysctl vm.overcommit_memory=1   # keep it: echo 'vm.overcommit_memory = 1' > /etc/sysctl.d/60-redis.conf",
    )
    evidence = {"overcommit_memory": overcommit, "aof_enabled": facts.get("info.persistence.aof_enabled"), "save": facts.get("config.save")}
    return Verdict("warning", f"The kernel may refuse the fork that saving needs (vm.overcommit_memory {overcommit})", evidence, advice)


def _backlog_short(facts: Facts) -> Verdict | None:
    somaxconn, backlog = facts.integer("host.kernel.somaxconn"), facts.integer("config.tcp-backlog")
    if somaxconn >= backlog:
        return None
    advice = (
        "When many clients connect at once, the kernel drops what exceeds its own limit, whatever tcp-backlog says.",
        f"$ sysctl net.core.somaxconn={backlog}   # keep it in /etc/sysctl.d; counts from the next start of Redis on",
    )
    evidence = {"somaxconn": somaxconn, "tcp-backlog": backlog}
    return Verdict("notice", f"The kernel cuts the backlog of connections to {somaxconn} (tcp-backlog {backlog})", evidence, advice)


def _disk_full(facts: Facts) -> Verdict | None:
    share, free = facts.number("host.disk.free_percent"), facts.number("host.disk.free_bytes")
    rdb = facts.number_or("host.disk.rdb_bytes", 0)
    saves = facts.get_or("info.persistence.aof_enabled", 1) or facts.get_or("config.save", "?")
    short = share < facts.limit("disk_free_percent") or free < facts.limit("disk_free_rdbs") * rdb
    if not short or not saves:
        return None
    path = facts.get_or("host.disk.path", "DIR")
    evidence = {"path": path, "free_bytes": int(free), "free_percent": share, "rdb_bytes": int(rdb)}
    advice = (
        "Saving will fail, and with it writing (MISCONF): a new RDB is written beside the old one. Make room, or give it another disk.",
        f"$ df -h {path}; du -xh {path} | sort -h | tail",
        "Leftovers of broken saves (temp-*.rdb) may go when no save is running.",
    )
    return Verdict("critical", f"The disk of the data directory is almost full ({share:g} % free)", evidence, advice)


def _file_limit_low(facts: Facts) -> Verdict | None:
    files, maxclients = facts.integer("host.process.open_files_soft"), facts.integer("config.maxclients")
    config: dict[str, Any] = part(facts, "config")
    settings = facts.get("host.config.settings") if config else {}
    wanted = int(settings.get("maxclients") or DEFAULT_MAXCLIENTS)
    if maxclients >= wanted or maxclients != files - RESERVED_FILES:
        return None
    who = service(facts) or "its service"
    advice = (
        f"Redis got fewer files than it asked for when it started. Give {who} more, then restart one server at a time:",
        f"$ systemctl edit UNIT    # [Service] LimitNOFILE={wanted + RESERVED_FILES}; container: --ulimit nofile={wanted + RESERVED_FILES}",
    )
    evidence = {"open_files": files, "maxclients": maxclients, "maxclients_wanted": wanted}
    return Verdict("warning", f"The limit of open files cut maxclients to {maxclients} ({wanted} were asked for)", evidence, advice)


def _master_without_persistence_restarts(facts: Facts) -> Verdict | None:
    if facts.get("info.replication.role") != "master" or not facts.number("info.replication.connected_slaves") or _saves(facts):
        return None
    unit = part(facts, "unit")
    policy = unit.get("restart") if unit else part(facts, "container").get("restart_policy")
    if policy in NEVER_RESTARTS:
        return None
    evidence = {
        "replicas": facts.integer("info.replication.connected_slaves"),
        "save": facts.get("config.save"),
        "aof_enabled": facts.get("info.persistence.aof_enabled"),
        "restart_policy": policy,
        "service": service(facts),
    }
    advice = (
        "After a crash it comes back empty within seconds, before Sentinel notices, and its replicas copy the emptiness.",
        "Switch RDB or AOF on, or let it stay down when it ends (systemd: Restart=no; container: --restart no).",
        "$ {cli} config set save '3600 1 300 100'   # and keep it: config rewrite",
    )
    return Verdict("warning", "This master saves nothing, restarts by itself, and would wipe its replicas", evidence, advice)


RULES = (
    Rule(
        "disk_full",
        "persistence",
        "the data directory's filesystem < 10 % free, or < 2 × the last RDB; not where nothing is saved",
        "critical",
        "human",
        _disk_full,
        ("save_failing", "writes_refused_persistence"),
        "https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/",
    ),
    Rule(
        "master_without_persistence_restarts",
        "replication",
        "no persistence, has replicas, and its unit or container restarts by itself",
        "warning",
        "human",
        _master_without_persistence_restarts,
        (),
        REPLICATION_DOCS,
    ),
    Rule("overcommit_off", "host", "vm.overcommit_memory ≠ 1 with RDB or AOF on", "warning", "guarded", _overcommit_off, (), DOCS),
    Rule(
        "transparent_huge_pages",
        "host",
        "THP always, and Redis does not disable it for itself",
        "warning",
        "guarded",
        _transparent_huge_pages,
        ("fork_slow",),
        LATENCY_DOCS,
    ),
    Rule(
        "file_limit_low",
        "too_many_connections",
        "maxclients was cut at start by the open-file limit",
        "warning",
        "guarded",
        _file_limit_low,
        ("clients_high", "clients_exhausted", "clients_rejected"),
        CLIENTS_DOCS,
    ),
    Rule("backlog_short", "host", "net.core.somaxconn < tcp-backlog", "notice", "guarded", _backlog_short, (), CLIENTS_DOCS),
)
