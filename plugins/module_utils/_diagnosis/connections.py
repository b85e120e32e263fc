# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about connections: how many, from whom, and what they do."""

from __future__ import annotations

from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts, Rule, Verdict, above, percent

DOCS = "https://redis.io/docs/latest/develop/reference/clients/"
SEE_CLIENTS = "$ {cli} client list | grep -o ' addr=[^:]*' | sort | uniq -c | sort -rn | head"


def shares(facts: Facts) -> dict[str, Any]:
    """connected_clients and maxclients; INFO tells both since 7.0, CONFIG before."""
    connected = facts.integer("info.clients.connected_clients")
    limit = int(facts.number_or("info.clients.maxclients", 0)) or facts.integer("config.maxclients")
    return {"connected_clients": connected, "maxclients": limit, "percent": percent(connected, limit)}


def _raise_clients(shares: dict[str, Any]) -> str:
    """A quarter more than now: never a number that would lower the limit."""
    return f"$ {{cli}} config set maxclients {shares['maxclients'] * 5 // 4}   # the process's open-file limit must allow it"


def _clients_high(facts: Facts) -> Verdict | None:
    evidence = shares(facts)
    severity = above(evidence["percent"], facts.limit("clients_high_warning_percent"), facts.limit("clients_high_critical_percent"))
    if not severity:
        return None
    advice = ("See who holds them; raise the limit only when they are all needed.", SEE_CLIENTS, _raise_clients(evidence))
    return Verdict(severity, f"{evidence['connected_clients']} of {evidence['maxclients']} connections are in use", evidence, advice)


def _clients_rejected(facts: Facts) -> Verdict | None:
    rate = facts.rising("stats.rejected_connections")
    if not rate:
        return None
    evidence = {**shares(facts), "rejected_per_second": rate}
    return Verdict(
        "critical",
        f"New connections are rejected ({rate:g} a second)",
        evidence,
        ("Make room, then find who holds them.", _raise_clients(evidence), SEE_CLIENTS),
    )


def leaker(facts: Facts) -> tuple[str, dict[str, Any]] | None:
    """(kind, group) of the one address, user or library that holds more than half of the connections; None where nobody does."""
    total = facts.integer("clients.total")
    if total < facts.limit("clients_leaking_connections"):
        return None
    for kind in ("address", "user", "library"):
        groups = facts.get(f"clients.by_{kind}")
        # Everybody may share one user or library; beside others it names a culprit. An address always does.
        if not groups or (kind != "address" and len(groups) == 1):
            continue
        if percent(groups[0]["connections"], total) > facts.limit("clients_leaking_percent"):
            return kind, groups[0]
    return None


def _clients_leaking(facts: Facts) -> Verdict | None:
    found = leaker(facts)
    if not found:
        return None
    kind, top = found
    total = facts.integer("clients.total")
    evidence = {kind: top["name"], "connections": top["connections"], "of": total, "client_names": top["client_names"]}
    advice = (
        f"A pool without a bound, connections that are never closed, or a proxy: look before you act at {kind} {top['name']}.",
        SEE_CLIENTS,
        "Where they idle, let Redis close them after 5 minutes (not below the time-out of the clients' own pools):",
        "$ {cli} config get timeout",
    )
    return Verdict("warning", f"One {kind} holds {top['connections']} of {total} connections", evidence, advice)


def _clients_idle(facts: Facts) -> Verdict | None:
    total, idle = facts.integer("clients.total"), facts.integer("clients.idle_over_hour")
    if facts.number("config.timeout") or total < facts.limit("clients_few") or percent(idle, total) <= facts.limit("clients_idle_percent"):
        return None
    advice = ("Let Redis close what idles; subscribers and blocked clients are spared:", "$ {cli} config set timeout 3600")
    return Verdict(
        "notice", f"{idle} of {total} connections have been idle for over an hour", {"idle_over_hour": idle, "total": total}, advice
    )


def _clients_blocked(facts: Facts) -> Verdict | None:
    blocked, connected = facts.integer("info.clients.blocked_clients"), facts.integer("info.clients.connected_clients")
    few = connected < facts.limit("clients_few")
    if few or facts.workload_role == "queue" or percent(blocked, connected) <= facts.limit("clients_blocked_percent"):
        return None
    advice = (
        "They wait in BLPOP, XREAD or WAIT: for a queue this is normal, otherwise see what should wake them.",
        "$ {cli} client list | grep flags=b",
    )
    return Verdict(
        "notice", f"{blocked} of {connected} clients are blocked", {"blocked_clients": blocked, "connected_clients": connected}, advice
    )


def _keepalive_off(facts: Facts) -> Verdict | None:
    if facts.integer("config.tcp-keepalive"):
        return None
    advice = ("Dead peers are never noticed; switch it back on:", "$ {cli} config set tcp-keepalive 300")
    return Verdict("notice", "TCP keep-alive is off", {"tcp-keepalive": 0}, advice)


def _connection_churn(facts: Facts) -> Verdict | None:
    opened, commands = facts.rate("stats.total_connections_received"), facts.rate("stats.total_commands_processed")
    if opened < facts.limit("connection_churn_per_second") or percent(opened, commands) <= facts.limit("connection_churn_percent"):
        return None
    evidence = {"connections_per_second": opened, "commands_per_second": commands, "percent": percent(opened, commands)}
    advice = ("A client connects for every few commands: give it a connection pool (or keep its connection open).", SEE_CLIENTS)
    return Verdict("warning", f"{opened:g} new connections a second for {commands:g} commands", evidence, advice)


RULES = (
    Rule(
        "clients_rejected",
        "too_many_connections",
        "rejected_connections rising",
        "critical",
        "guarded",
        _clients_rejected,
        ("clients_high",),
        DOCS,
    ),
    Rule(
        "clients_leaking",
        "too_many_connections",
        "one address or library holds > 50 % of ≥ 100 connections",
        "warning",
        "guarded",
        _clients_leaking,
        ("clients_high", "clients_rejected", "clients_idle"),
        DOCS,
    ),
    Rule(
        "clients_high",
        "too_many_connections",
        "connected / maxclients ≥ 80 % (critical 90)",
        "warning/critical",
        "guarded",
        _clients_high,
        (),
        DOCS,
    ),
    Rule(
        "connection_churn",
        "too_many_connections",
        "new connections > 10 % of the commands",
        "warning",
        "human",
        _connection_churn,
        (),
        DOCS,
    ),
    Rule(
        "clients_idle", "too_many_connections", "> 30 % idle for over an hour and timeout 0", "notice", "guarded", _clients_idle, (), DOCS
    ),
    Rule(
        "clients_blocked",
        "too_many_connections",
        "over 50 % of the clients blocked, unless the role is queue",
        "notice",
        "human",
        _clients_blocked,
        (),
        DOCS,
    ),
    Rule("keepalive_off", "configuration", "tcp-keepalive 0", "notice", "safe", _keepalive_off, (), DOCS),
)
