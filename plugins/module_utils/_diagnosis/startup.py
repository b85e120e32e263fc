# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about a process that does not stay: it cannot start, ends again and again, or was killed."""

from __future__ import annotations

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts, Rule, Verdict
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.host_facts import (
    log_evidence,
    part,
    part_or_empty,
    see_lines,
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
)
