# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about the application that uses the server: it is not ready because of Redis, it works without it, its pools are too large."""

from __future__ import annotations

import shlex
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts, Rule, Verdict

CLIENTS_DOCS = "https://redis.io/docs/latest/develop/reference/clients/"


def _who(facts: Facts) -> dict[str, Any]:
    told = {name: facts.get_or(f"application.{name}", None) for name in ("name", "host")}
    return {name: value for name, value in told.items() if value}


def _name(facts: Facts) -> str:
    return str(facts.get_or("application.name", "the application"))


def _restart(facts: Facts) -> str:
    unit, container = facts.get_or("application.unit", None), facts.get_or("application.container", None)
    return f"$ docker restart {shlex.quote(str(container))}" if container else f"$ systemctl restart {shlex.quote(str(unit or 'UNIT'))}"


def _not_ready(facts: Facts) -> Verdict | None:
    of_redis = facts.get("application.readiness.of_redis")
    if not of_redis or facts.state() != "up":
        return None
    told = {name: facts.get_or(f"application.readiness.{name}", None) for name in ("ready", "status", "redis", "reason")}
    evidence = {**_who(facts), **{name: value for name, value in told.items() if value is not None}}
    advice = (
        "Redis answers, and the application says that it does not: it may have noticed at its start only, or have another URL.",
        "If its URL is right, restart it; that is felt by its users. On its host:",
        _restart(facts),
    )
    return Verdict("critical", f"{_name(facts)} says that its Redis is not well, while Redis answers", evidence, advice)


def _fallback_active(facts: Facts) -> Verdict | None:
    if not facts.get("application.fallback.on"):
        return None
    lease = facts.get_or("application.fallback.lease", {})
    told = {name: lease.get(name) for name in ("since", "until", "who", "why")} if isinstance(lease, dict) else {}
    known = {name: value for name, value in told.items() if value}
    until = f" until {known['until']}" if "until" in known else ""
    advice = (
        "What it keeps in memory is gone at its next restart, and other instances do not see it.",
        "When Redis is well, let it use Redis again, and verify:",
        "$ ansible-playbook aragora.redis.fallback_disable",
    )
    # While Redis is away, the fallback is what keeps the application going.
    risk = None if facts.state() == "up" and facts.get_or("server.role", "") == "master" else "human"
    return Verdict(
        "warning", f"{_name(facts)} works without Redis: its fallback is on{until}", {**_who(facts), "on": True, **known}, advice, risk=risk
    )


def _pools_large(facts: Facts) -> Verdict | None:
    total, most = facts.integer("application.pool.total"), facts.integer("config.maxclients")
    if total <= most:
        return None
    told = {name: facts.get_or(f"application.pool.{name}", None) for name in ("bound", "clients", "processes", "instances", "variables")}
    advice = (
        "All its instances together may open more connections than the server takes: the last ones are refused when it is busy.",
        f"Set a smaller bound in its environment, or maxclients above {total} where the server's files allow it.",
        "$ {cli} CONFIG GET maxclients",
    )
    evidence = {**_who(facts), "total": total, "maxclients": most, **{name: value for name, value in told.items() if value}}
    return Verdict("warning", f"The pools of {_name(facts)} may open {total} connections, maxclients is {most}", evidence, advice)


RULES = (
    Rule(
        "application_not_ready",
        "access",
        "the application's readiness check says that its Redis is not healthy while Redis itself answers",
        "critical",
        "guarded",
        _not_ready,
    ),
    Rule(
        "application_fallback_active",
        "configuration",
        "its fallback is on: it works without Redis; since when, until when, why",
        "warning",
        "guarded",
        _fallback_active,
    ),
    Rule(
        "application_pools_large",
        "too_many_connections",
        "pool × clients × processes × instances > maxclients",
        "warning",
        "guarded",
        _pools_large,
        docs_url=CLIENTS_DOCS,
    ),
)
