# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about replication, as far as one server can tell."""

from __future__ import annotations

from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis import link
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts, Rule, Verdict, count

DOCS = "https://redis.io/docs/latest/operate/oss_and_stack/management/replication/"
SENTINEL_DOCS = "https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/"
LINK = "$ {cli} info replication"


def _replication(facts: Facts) -> dict[str, Any]:
    return dict(facts.get("info.replication"))


def _is_replica(facts: Facts) -> bool:
    return str(facts.get("info.replication.role")) == "slave"


def _link_evidence(facts: Facts) -> dict[str, Any]:
    """Whose replica this is, and since when it is cut off, as far as it is known."""
    names = ("master_host", "master_port", "master_link_down_since_seconds", "master_sync_in_progress")
    found = {name: facts.get_or(f"info.replication.{name}", None) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def _replication_link_down(facts: Facts) -> Verdict | None:
    if not _is_replica(facts) or facts.get("info.replication.master_link_status") == "up":
        return None
    info, evidence = _replication(facts), _link_evidence(facts)
    why, remedy, line = link.reason(facts)
    advice = (remedy or "See the replica's log for the reason: password (masterauth), network, or a buffer limit on the master.", LINK)
    if info.get("master_sync_in_progress"):
        return Verdict(
            "warning", "The replica is copying its master's data set", evidence, ("Wait: it serves old data until it is done.", LINK)
        )
    title = f"The link to the master {info.get('master_host')}:{info.get('master_port')} is down"
    return Verdict("critical", f"{title}: {why}" if why else title, {**evidence, **line}, advice)


def _replica_serves_nothing(facts: Facts) -> Verdict | None:
    if facts.get_or("availability.reason", None) != "masterdown":
        if not _is_replica(facts) or facts.get("info.replication.master_link_status") != "down":
            return None
        if facts.get("config.replica-serve-stale-data") != "no":
            return None
    advice = (
        "Its link to the master is down and replica-serve-stale-data is no: mend the link. Old data for now:",
        "$ {cli} config set replica-serve-stale-data yes",
    )
    evidence = {"error": facts.get_or("availability.error", ""), "replica-serve-stale-data": "no", **_link_evidence(facts)}
    return Verdict("critical", "The replica answers every command with MASTERDOWN", evidence, advice)


def _replication_lagging(facts: Facts) -> Verdict | None:
    info = _replication(facts)
    behind: dict[str, Any] = {}
    if _is_replica(facts):
        silent = facts.number_or("info.replication.master_last_io_seconds_ago", 0)
        if silent > facts.limit("replication_lag_seconds"):
            behind["master_last_io_seconds_ago"] = silent
    for name, replica in info.items():
        if name.startswith("slave") and isinstance(replica, dict) and replica.get("state") == "online":
            missing = count(info, "master_repl_offset") - count(replica, "offset")
            lag = count(replica, "lag")
            if missing > facts.limit("replication_lag_bytes") or lag > facts.limit("replication_lag_seconds"):
                behind[f"{replica.get('ip')}:{replica.get('port')}"] = {"bytes": missing, "seconds": lag}
    if not behind:
        return None
    advice = ("A failover now would lose what is missing. Look at the replica's load and at the network.", LINK)
    return Verdict("warning", "Replication lags behind", behind, advice)


def _replication_auth_mismatch(facts: Facts) -> Verdict | None:
    required, equal = facts.get("auth.requirepass_set"), facts.get("auth.masterauth_equals_requirepass")
    replicated = _is_replica(facts) or facts.get("info.replication.connected_slaves")
    # With a user of its own, replication has a password of its own.
    if not required or equal or not replicated or facts.get_or("config.masteruser", ""):
        return None
    evidence = {name: facts.get(f"auth.{name}") for name in ("requirepass_set", "masterauth_set", "masterauth_equals_requirepass")}
    advice = (
        "Without it this server cannot log in to a master. Set the master's password as masterauth.",
        "Type CONFIG SET masterauth … inside redis-cli, so that the shell does not keep the password:",
        "$ {cli}",
    )
    severity = "critical" if _is_replica(facts) and facts.get_or("info.replication.master_link_status", "up") == "down" else "warning"
    return Verdict(severity, "masterauth is missing or differs from requirepass", evidence, advice)


def _full_sync_repeated(facts: Facts) -> Verdict | None:
    full, refused = facts.rate("stats.sync_full"), facts.rate("stats.sync_partial_err")
    if not full or not refused:
        return None
    backlog = int(facts.number_or("info.replication.repl_backlog_size", 2**20))
    evidence = {"sync_full_per_second": full, "sync_partial_err_per_second": refused, "repl_backlog_size": backlog}
    advice = (
        "Replicas fall out of the backlog and copy everything again and again; enlarge it, and their output buffers:",
        f"$ {{cli}} config set repl-backlog-size {4 * backlog}",
    )
    return Verdict("warning", "Replicas are copied in full again and again", evidence, advice)


def _replica_writable(facts: Facts) -> Verdict | None:
    if not _is_replica(facts) or str(facts.get("info.replication.slave_read_only")) != "0":
        return None
    advice = ("What is written here is lost at the next sync and differs from the master:", "$ {cli} config set replica-read-only yes")
    info = _replication(facts)
    evidence = {"replica-read-only": "no", "master_host": info.get("master_host"), "master_port": info.get("master_port")}
    return Verdict("warning", "The replica accepts writes", evidence, advice)


def _writes_refused_replicas(facts: Facts) -> Verdict | None:
    refused = facts.get_or("rates.errors.NOREPLICAS", 0)
    # The setting is for masters; replicas carry it for the day of their promotion.
    if not refused and (_is_replica(facts) or not _lacks_replicas(facts)):
        return None
    needed = facts.get_or("config.min-replicas-to-write", None)
    good = facts.get_or("info.replication.min_slaves_good_slaves", None)
    evidence = {"min-replicas-to-write": needed, "good_replicas": good, "errors_per_second": refused}
    advice = (
        "Bring the replicas back. Accepting writes without them risks losing those at a failover:",
        "$ {cli} config set min-replicas-to-write 0",
    )
    counts = f": {good} good, {needed} needed" if None not in (good, needed) else ""
    return Verdict("critical", f"Writes are refused for want of replicas{counts}", evidence, advice)


def _lacks_replicas(facts: Facts) -> bool:
    """Whether a master has fewer good replicas than it wants for writing; INFO counts them only where it wants any."""
    needed = facts.integer("config.min-replicas-to-write")
    wanted = needed > 0 and facts.integer("config.min-replicas-max-lag") > 0
    return wanted and facts.integer("info.replication.min_slaves_good_slaves") < needed


def _writes_refused_readonly(facts: Facts) -> Verdict | None:
    refused = facts.rate("errors.READONLY")
    if not refused:
        return None
    info = _replication(facts)
    evidence = {
        "errors_per_second": refused,
        "role": info.get("role"),
        "master_host": info.get("master_host"),
        "master_port": info.get("master_port"),
    }
    master = f"{info.get('master_host')}:{info.get('master_port')}"
    advice = (f"The clients write to a replica; the master is {master}. Point them there, best through Sentinel or a proxy.",)
    return Verdict("critical", f"Clients try to write to a replica ({refused:g} a second)", evidence, advice)


def _no_high_availability(facts: Facts) -> Verdict | None:
    lone = facts.get("info.replication.role") == "master" and not facts.get("info.replication.connected_slaves")
    if not lone or facts.get("server.mode") != "standalone" or facts.workload_role == "cache":
        return None
    # Somebody has thought of it; what is missing then is a replica.
    if facts.get_or("clients.sentinels", 0):
        return None
    evidence = {"role": "master", "connected_slaves": 0, "workload_role": facts.workload_role}
    return Verdict("notice", "A lone master: its loss is an outage", evidence, ("Add two hosts with replicas and Sentinels.",))


RULES = (
    Rule("replica_serves_nothing", "replication", "MASTERDOWN", "critical", "guarded", _replica_serves_nothing, (), DOCS),
    Rule(
        "replication_auth_mismatch",
        "replication",
        "requirepass set and masterauth missing or different, with replication; critical when the link is down",
        "warning/critical",
        "guarded",
        _replication_auth_mismatch,
        ("replication_link_down",),
        DOCS,
    ),
    Rule(
        "replication_link_down",
        "replication",
        "master_link_status down; a warning while the first copy is under way",
        "critical/warning",
        "guarded",
        _replication_link_down,
        ("replica_serves_nothing",),
        DOCS,
    ),
    Rule(
        "writes_refused_replicas",
        "replication",
        "good replicas < min-replicas-to-write, or NOREPLICAS rising",
        "critical",
        "human",
        _writes_refused_replicas,
        (),
        DOCS,
    ),
    Rule("writes_refused_readonly", "replication", "READONLY errors rising", "critical", "human", _writes_refused_readonly, (), DOCS),
    # Each copy forks the master, and holds it for that long.
    Rule(
        "full_sync_repeated",
        "replication",
        "sync_full rising with sync_partial_err",
        "warning",
        "safe",
        _full_sync_repeated,
        ("latency_probe_high", "no_failover_candidate"),
        DOCS,
    ),
    Rule(
        "replication_lagging",
        "replication",
        "> 30 s or > 64 MiB behind",
        "warning",
        "human",
        _replication_lagging,
        ("no_failover_candidate",),
        DOCS,
    ),
    Rule("replica_writable", "configuration", "replica-read-only no", "warning", "guarded", _replica_writable, (), DOCS),
    Rule(
        "no_high_availability",
        "replication",
        "a lone master whose role is store, session or queue, and no Sentinel watches it",
        "notice",
        "human",
        _no_high_availability,
        (),
        SENTINEL_DOCS,
    ),
)
