# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about the process itself: it does not run, listens elsewhere, or hangs."""

from __future__ import annotations

from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts, Rule, Verdict
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.host_facts import (
    EMPTY_MASTER,
    log_evidence,
    part_or_empty,
    see_lines,
    service,
    service_evidence,
    start_lines,
)

ADMIN_DOCS = "https://redis.io/docs/latest/operate/oss_and_stack/management/admin/"
PROCESS_STATES = {
    "T": "its process is stopped (state T): somebody or something sent it SIGSTOP",
    "t": "its process is held by a debugger (state t)",
    "D": "its process waits for a disk (state D)",
    "Z": "its process has ended and was not buried (state Z)",
}


def words_of(facts: Facts) -> dict[str, Any]:
    """The conversation's own words."""
    told = {name: facts.get_or(f"availability.{name}", None) for name in ("state", "reason", "error")}
    return {name: value for name, value in told.items() if value not in (None, "")}


def _place(facts: Facts) -> str:
    return str(facts.get_or("server.socket", None) or f"{facts.get_or('server.host', '?')}:{facts.get_or('server.port', '?')}")


def _elsewhere(facts: Facts) -> list[str]:
    """Where a server listens, by its host, although it was not to be had where it was asked."""
    listening = [f"{item.get('address')}:{item.get('port')}" for item in facts.get("host.listeners")]
    return listening or list(part_or_empty(facts, "process").get("listens_on") or [])


def _process_down(facts: Facts) -> Verdict | None:
    if facts.state() != "refused" or facts.get_or("availability.reason", None) == "socket_permission":
        return None
    if facts.get_or("host", None):
        return None if _elsewhere(facts) else _down_by_its_host(facts)
    if not facts.get("server.local"):
        facts.get("host")  # from afar a refusal alone does not tell whether the process runs
        return None
    advice = (
        "If Redis listens on another address or port, give that one (redis_url, redis_connection).",
        "Look why it ended before you start it again.",
        *EMPTY_MASTER,
        "On its host:",
        *see_lines(facts),
        *start_lines(facts),
    )
    return Verdict("critical", f"Nothing listens on {_place(facts)}: Redis is not running there", words_of(facts), advice)


def _down_by_its_host(facts: Facts) -> Verdict:
    unit, who = part_or_empty(facts, "unit"), service(facts)
    off, state = unit.get("switched_off"), unit.get("active_state")
    container = part_or_empty(facts, "container").get("status")
    # A unit that runs says nothing of a server that it has not started yet, or of another one.
    why = f" ({who} is {off or state or container})" if who and state != "active" else ""
    evidence = {**words_of(facts), **service_evidence(facts), **log_evidence(facts)}
    looking = ("Look why it ended before you start it again.",)
    advice = (*looking, *EMPTY_MASTER, "On its host:", *see_lines(facts), *start_lines(facts))
    return Verdict("critical", f"Redis is not running{why}: nothing listens on {_place(facts)}", evidence, advice)


def _connection_refused(facts: Facts) -> Verdict | None:
    if facts.state() != "refused":
        return None
    if facts.get_or("availability.reason", None) == "socket_permission":
        return Verdict(
            "critical", "The Unix socket refuses this user", words_of(facts),
            ("Run as a member of the socket's group, or see unixsocketperm.",),
        )  # fmt: skip
    if facts.get_or("host", None):
        return _listens_elsewhere(facts, _elsewhere(facts))
    if facts.get("server.local"):
        return None
    advice = ("Redis is stopped, listens elsewhere (bind, port), or a firewall rejects the connection.", *EMPTY_MASTER, *see_lines(facts))
    return Verdict("critical", "The server refuses connections; nothing is known of its host", words_of(facts), advice)


def _listens_elsewhere(facts: Facts, places: list[str]) -> Verdict | None:
    if not places:
        return None
    refusing = [rule for rule in facts.get_or("host.firewall", None) or [] if rule.get("verdict") == "reject"]
    evidence = {**words_of(facts), "listens_on": places, "process": part_or_empty(facts, "process").get("title")}
    if refusing:
        evidence["firewall"] = [f"{rule.get('chain')}: {rule.get('rule')}" for rule in refusing]
    advice = (
        "Redis runs. Ask it where it listens (redis_url, redis_connection), or let it listen where its clients ask (bind, port).",
        *(("A firewall of the host rejects the port:", "$ nft list ruleset; iptables -S") if refusing else ()),
    )
    return Verdict("critical", f"Redis runs, but listens on {', '.join(places)} and not on {_place(facts)}", evidence, advice)


def _server_hung(facts: Facts) -> Verdict | None:
    if facts.state() != "hung":
        return None
    process = part_or_empty(facts, "process")
    state, pid, swapped = process.get("state"), process.get("pid"), process.get("swap_bytes") or 0
    busy = (process.get("cpu_percent") or 0) >= facts.limit("cpu_critical_percent")
    why = PROCESS_STATES.get(str(state))
    if not why and swapped > facts.limit("swapping_bytes"):
        why = f"{int(swapped) >> 20} MiB of its memory are swapped out"
    if not why and busy:
        why = "it computes, a core at full load"
    told = {"process_state": state, "pid": pid, "cpu_percent": process.get("cpu_percent"), "swap_bytes": swapped or None}
    evidence = {**words_of(facts), **{name: value for name, value in told.items() if value is not None}}
    advice = (
        "Do not restart blindly: the data in memory may be unsaved.",
        *(_hung_lines(str(state), pid) if pid else ()),
        "On its host see whether the process is stopped (T), waits for a disk (D), swaps or computes (R):",
        "$ ps -o pid,stat,wchan:20,rss,pcpu,etime,args -C redis-server,valkey-server",
        *(() if pid else ("$ kill -CONT PID      # where it is stopped (T)",)),
    )
    return Verdict("critical", f"The server accepts connections but does not answer{f': {why}' if why else ''}", evidence, advice)


def _hung_lines(state: str, pid: object) -> tuple[str, ...]:
    if state == "T":
        return "Find out who stopped it, and let it go on:", f"$ kill -CONT {pid}"
    return ("What it waits for:", f"$ cat /proc/{pid}/wchan /proc/{pid}/stack") if state == "D" else ()


RULES = (
    Rule(
        "process_down",
        "process_down",
        "refused, and nothing listens on the port, by the host or on loopback",
        "critical",
        "safe",
        _process_down,
    ),
    Rule(
        "connection_refused",
        "process_down",
        "refused, and nothing is known of the host, or Redis listens elsewhere",
        "critical",
        "human",
        _connection_refused,
    ),
    Rule(
        "server_hung", "host", "TCP accepts, no reply within the time-out; says the state of its process", "critical", "human", _server_hung
    ),
)
