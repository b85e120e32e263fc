# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about the process itself: it does not run, cannot start, ends again and again, was killed, or hangs."""

from __future__ import annotations

from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts, Rule, Verdict
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.host_facts import (
    EMPTY_MASTER,
    log_evidence,
    part,
    part_or_empty,
    see_lines,
    service,
    service_evidence,
    start_lines,
)

ADMIN_DOCS = "https://redis.io/docs/latest/operate/oss_and_stack/management/admin/"
# States in which no Redis answered at all.
SILENT = ("refused", "timeout", "unreachable", "reset", "not_redis")
COPY_FIRST = "Copy the data directory before anything else; a repair cuts off what it cannot read."
# reason of the log: (what is the matter, what to do)
STARTUP: dict[str, tuple[str, tuple[str, ...]]] = {
    "bad_directive": (
        "its configuration holds a directive that it does not understand",
        ("Correct or remove that line: a misspelling, wrong arguments, or a setting of another version.",),
    ),
    "config_error": ("its configuration cannot be used", ("Correct the line that the log names.",)),
    "config_unreadable": (
        "its configuration file cannot be opened",
        ("Does it exist, and may the server's user read it and enter its folder?",),
    ),
    "port_in_use": ("another process has its port", ("See who it is, and stop it or choose another port:", "$ ss -ltnp 'sport = :{port}'")),
    "address_unknown": ("the host has no such address to bind to", ("Compare bind with the addresses of the host:", "$ ip -brief address")),
    "aof_corrupt": (
        "its append-only file is damaged",
        (COPY_FIRST, "Then see what is damaged, without --fix first:", "$ redis-check-aof FILE   # in the data directory"),
    ),
    "rdb_corrupt": ("its RDB file is damaged", (COPY_FIRST, "$ redis-check-rdb FILE   # in the data directory; or restore a backup")),
    "rdb_too_new": (
        "its RDB file was written by a newer version",
        ("Start the newer version again: the older one cannot read its files.",),
    ),
    "data_unreachable": (
        "its data directory or files cannot be opened",
        ("Does the directory exist, and may the server's user write there? A unit may also forbid it (ReadWritePaths).",),
    ),
    "log_unwritable": ("its log file cannot be written", ("Give the server's user the right to write it, and its folder.",)),
    "tls_files": (
        "its certificates cannot be used",
        ("Do certificate, key and CA file exist, belong together, and may its user read them?",),
    ),
    "acl_file": ("its ACL file cannot be used", ("Correct the line of the ACL file that the log names.",)),
    "module": ("a module cannot be loaded", ("Is the module there, executable, and built for this version? Else remove loadmodule.",)),
    "no_memory": ("it gets no memory", ("See what else uses the memory, and the limits of the unit or container.",)),
    "crashed": (
        "it crashed",
        ("Keep the whole log: it holds a bug report. Was the version changed, or a module? Memory that is broken looks the same.",),
    ),
    "unit_environment": (
        "systemd cannot set up what the unit asks for",
        ("Read the unit with its drop-ins: a user, a path or a sandbox option does not exist here.", "$ systemctl cat 'redis*' 'valkey*'"),
    ),
}
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


def _startup_failed(facts: Facts) -> Verdict | None:
    if facts.state() not in SILENT:
        return None
    log, unit = part(facts, "log"), part(facts, "unit")
    failing = unit.get("active_state") in ("failed", "activating") if unit else not part(facts, "process")
    reason = log.get("reason")
    if not failing or not reason:
        return None
    what, todo = STARTUP.get(str(reason), ("its log says why", ()))
    names = ("reason", "config_line_number", "config_line", "reason_line")
    holder = part_or_empty(facts, "process").get("title") if reason == "port_in_use" else None
    told = {**{name: log[name] for name in names if log.get(name)}, **({"port_is_held_by": holder} if holder else {})}
    evidence = {**told, **service_evidence(facts), **log_evidence(facts)}
    line = f", line {log['config_line_number']}: {log.get('config_line')}" if log.get("config_line_number") else ""
    file = part_or_empty(facts, "config").get("path")
    where = f" ({file}{line})" if file and line else ""
    advice = (*todo, "Then:", *start_lines(facts), *see_lines(facts)[-1:])
    return Verdict("critical", f"Redis cannot start: {what}{where}", evidence, advice)


def _crash_loop(facts: Facts) -> Verdict | None:
    unit = part(facts, "unit")
    told = unit or part(facts, "container")
    count, changed = int(told.get("restarts") or 0), told.get("changed_seconds")
    recent = facts.limit("crash_loop_seconds")
    lasted = changed is not None and changed < recent
    counted = facts.number_or("host.log.restarts_recently", count if lasted else 0) if unit else float(count if lasted else 0)
    runs = unit.get("active_state") == "active" if unit else told.get("running")
    stopped = unit.get("active_state") == "inactive" if unit else told.get("exit_code") == 0 and not runs
    young = runs and lasted and count >= facts.limit("crash_loop_young_restarts")
    if stopped or not (young or max(counted, count if lasted else 0) >= facts.limit("crash_loop_restarts")):
        return None
    evidence = {"restarts": max(int(counted), count), **service_evidence(facts), **log_evidence(facts, 8)}
    advice = (
        "It ends soon after each start: its log says why. Starting it once more mends nothing, and a restart policy hides the cause.",
        *see_lines(facts),
    )
    return Verdict("critical", f"Redis ends again and again: {max(int(counted), count)} restarts in a short time", evidence, advice)


def _killed_by_oom(facts: Facts) -> Verdict | None:
    facts.get("host")
    unit, container = part_or_empty(facts, "unit"), part_or_empty(facts, "container")
    age = facts.limit("event_age_seconds")
    # Who has been running for longer than that was not the one that was killed.
    lived = part_or_empty(facts, "process").get("age_seconds") or 0
    ages = [(kill, kill.get("age_seconds")) for kill in facts.get_or("host.oom", None) or []]
    kills = [kill for kill, ago in ages if ago is None or lived <= ago <= age]
    if unit.get("result") != "oom-kill" and not container.get("oom_killed") and not kills:
        # Silence needs all three witnesses.
        for name in ("unit", "container", "oom"):
            facts.get(f"host.{name}")
        return None
    memory = part_or_empty(facts, "memory")
    limit = memory.get("cgroup_limit_bytes") or container.get("memory_limit_bytes")
    within = limit or any(kill.get("cgroup") for kill in kills)
    last = {f"killed_{name}": kills[-1].get(name) for name in ("pid", "age_seconds", "rss_bytes")} if kills else {}
    evidence = {**service_evidence(facts), **last, "memory_limit_bytes": limit, "ram_bytes": memory.get("total_bytes")}
    advice = (
        "It used all the memory it could get: set maxmemory well below that, and a policy that fits the data, before it fills up again.",
        "A fork for RDB or AOF needs room as well: 65 % of the memory is a safe maxmemory with persistence, 80 % without.",
        "$ dmesg -T | grep -iE 'oom|killed process'",
    )
    title = f"The kernel killed Redis for want of memory ({'within the limit of its cgroup' if within else 'the machine had none left'})"
    return Verdict("critical", title, {name: value for name, value in evidence.items() if value is not None}, advice)


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
        "startup_failed",
        "configuration",
        "the unit failed or no process runs, and the log names the reason: bad directive, port in use, damaged data …",
        "critical",
        "human",
        _startup_failed,
        ("crash_loop", "process_down", "not_redis", "connection_reset"),
        ADMIN_DOCS,
    ),
    Rule(
        "killed_by_oom",
        "host",
        "result oom-kill, container OOMKilled, or a kernel OOM line for the process within an hour",
        "critical",
        "guarded",
        _killed_by_oom,
        ("process_down", "crash_loop"),
        ADMIN_DOCS,
    ),
    Rule(
        "crash_loop",
        "process_down",
        "≥ 3 restarts in 15 min, or up for less with ≥ 2 restarts",
        "critical",
        "human",
        _crash_loop,
        ("process_down",),
    ),
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
