# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules of the alert RedisHighLatency beside commands: a busy processor, slow forks and disks, latency events, blind instruments."""

from __future__ import annotations

from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts, Missing, Rule, Verdict, above, percent
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.keyspace_facts import expiring_soon, reach

DOCS = "https://redis.io/docs/latest/operate/oss_and_stack/management/optimization/latency/"
SLOWLOG_DOCS = "https://redis.io/docs/latest/commands/slowlog-get/"
MONITOR_DOCS = "https://redis.io/docs/latest/operate/oss_and_stack/management/optimization/latency-monitor/"
PROBES_OF_A_SECOND = 100
SEE_SLOWLOG = "$ {cli} slowlog get 10"


def _latency_probe_high(facts: Facts) -> Verdict | None:
    p99 = facts.number("latency.probe.p99")
    severity = above(p99, facts.limit("latency_probe_warning_ms"), facts.limit("latency_probe_critical_ms"))
    if not severity or (severity == "warning" and _is_one_hiccup(facts)):
        return None
    advice = (
        "A bare PING waits that long. Look at the other findings first, then at the way to the server:",
        "$ {cli} --latency-history -i 5",
        "$ {cli} latency doctor",
    )
    return Verdict(severity, f"PING takes up to {p99:g} ms (p99)", dict(facts.get("latency.probe")), advice)


def _is_one_hiccup(facts: Facts) -> bool:
    """Whether the p99 is a single answer, because it is that of few, and the others came in time."""
    few = facts.integer("latency.probe.samples") <= PROBES_OF_A_SECOND
    return few and facts.number("latency.probe.p95") < facts.limit("latency_probe_warning_ms")


def _cpu_saturated(facts: Facts) -> Verdict | None:
    share = _main_thread_percent(facts)
    severity = above(share, facts.limit("cpu_warning_percent"), facts.limit("cpu_critical_percent"))
    if not severity:
        return None
    commands = dict(sorted(facts.get_or("rates.commands", {}).items(), key=lambda item: -item[1])[:5])
    evidence = {
        "main_thread_percent": share,
        "commands_per_second": facts.get_or("rates.stats.total_commands_processed", None),
        "top_commands": commands,
    }
    advice = (
        "Redis runs commands on one core, and it is full. Find the costly commands; a failover would carry the load along.",
        "$ {cli} info commandstats",
        SEE_SLOWLOG,
    )
    return Verdict(severity, f"The main thread uses {share:g} % of a core", evidence, advice)


def _main_thread_percent(facts: Facts) -> float:
    """CPU of the main thread (Redis 7 and newer), else of the whole process without its children."""
    facts.get("rates.cpu")
    suffix = "_main_thread" if facts.get_or("rates.cpu.used_cpu_user_main_thread", None) is not None else ""
    return round(100 * (facts.number(f"rates.cpu.used_cpu_user{suffix}") + facts.number(f"rates.cpu.used_cpu_sys{suffix}")), 1)


def _fork_slow(facts: Facts) -> Verdict | None:
    milliseconds = facts.number("info.stats.latest_fork_usec") / 1000
    gigabytes = max(facts.number("info.memory.used_memory_rss") / 2**30, 0.001)
    per_gb = milliseconds / gigabytes
    # A fork of a few milliseconds hurts nobody, whatever it is per gigabyte.
    slow = per_gb > facts.limit("fork_ms_per_gb") and gigabytes >= 1
    if not slow and milliseconds <= facts.limit("fork_ms"):
        return None
    advice = ("Every save holds the server that long: switch transparent huge pages off, or save on a replica.",)
    return Verdict(
        "warning",
        f"The last fork held the server for {milliseconds:g} ms",
        {"latest_fork_ms": milliseconds, "ms_per_gb": round(per_gb, 1)},
        advice,
    )


def _recent_events(facts: Facts, prefix: str) -> dict[str, Any]:
    """Latency events by name that happened within the last hour, by the server's clock."""
    now = int(facts.number_or("info.server.server_time_usec", 0)) // 1_000_000
    events = facts.get("latency.events")
    limit = facts.limit("event_age_seconds")
    return {name: event for name, event in events.items() if name.startswith(prefix) and now - event["at"] < limit}


def _fsync_slow(facts: Facts) -> Verdict | None:
    delayed = facts.get_or("rates.aof_delayed_fsync", 0)
    events = _recent_events(facts, "aof-")
    if not delayed and not events:
        return None
    advice = (
        "The disk does not keep up with the append-only file: move it to a faster disk, or keep rewrites away from peak hours:",
        "$ {cli} config set no-appendfsync-on-rewrite yes   # risks up to 30 s of writes",
    )
    return Verdict("warning", "Writing the append-only file is slow", {"aof_delayed_fsync_per_second": delayed, "events": events}, advice)


def _fsync_always(facts: Facts) -> Verdict | None:
    always = facts.get("config.appendfsync") == "always"
    events = _recent_events(facts, "aof-fsync-always")
    if not always or not events:
        return None
    advice = (
        "Every write waits for the disk, and it was slow. Somebody decided that no acknowledged write may be lost: give it a faster disk,",
        "or ask before you change that.",
        "With everysec up to a second of writes may be lost, and none waits for the disk:",
        "$ {cli} config set appendfsync everysec",
    )
    return Verdict("notice", "Each write waits for the disk (appendfsync always)", {"appendfsync": "always", "events": events}, advice)


def _event_rule(prefix: str, title: str, advice: tuple[str, ...], severity: str = "warning") -> Any:
    def judge(facts: Facts) -> Verdict | None:
        events = _recent_events(facts, prefix)
        return Verdict(severity, title, {"events": events}, advice) if events else None

    return judge


def _expire_storm(facts: Facts) -> Verdict | None:
    """It is over, as the latency monitor saw it, or it is to come, as the TTLs of the keys tell. Either sign is enough."""
    spread = "Spread the TTLs in the application (add a random part)."
    events = _recent_events(facts, "expire-cycle") if facts.get_or("latency.events", None) is not None else {}
    if events:
        advice = (spread, "$ {cli} latency history expire-cycle")
        return Verdict("warning", "Many keys expire at once and hold the server", {"events": events}, advice)
    try:
        coming = _storm_to_come(facts)
    except Missing:
        # Then the latency monitor alone decides.
        facts.get("latency.events")
        return None
    if not coming:
        return None
    return Verdict("warning", f"{coming['keys_expiring']:,} keys expire within the next minute", coming, (spread, "$ {cli} info stats"))


def _storm_to_come(facts: Facts) -> dict[str, Any] | None:
    """The evidence of far more keys that end within a minute than usually do; None where short lives are the ordinary ones here."""
    number, least = expiring_soon(facts)
    usual = 60 * facts.rate("stats.expired_keys")
    many = number >= facts.limit("expire_storm_keys") and number > facts.limit("expire_storm_factor") * usual
    if not many or least < facts.limit("expire_storm_percent"):
        return None
    return {"keys_expiring": number, "percent_of_keys_with_ttl_at_least": least, "keys_expired_a_minute_now": round(usual), **reach(facts)}


_eviction_latency = _event_rule(
    "eviction-",
    "Evictions hold the server",
    ("Let evicted values be freed in the background:", "$ {cli} config set lazyfree-lazy-eviction yes"),
)
_defrag_latency = _event_rule(
    "active-defrag-cycle",
    "Active defragmentation holds the server",
    ("Give it less time (percent of a core, 25 by default):", "$ {cli} config get active-defrag-cycle-max"),
    "notice",
)


def _slowlog_off(facts: Facts) -> Verdict | None:
    threshold, length = facts.integer("config.slowlog-log-slower-than"), facts.integer("config.slowlog-max-len")
    if threshold >= 0 and length > 0:
        return None
    advice = (
        "Slow commands leave no trace; switch it on:",
        "$ {cli} config set slowlog-log-slower-than 10000",
        "$ {cli} config set slowlog-max-len 128",
    )
    return Verdict("notice", "The slow log is off", {"slowlog-log-slower-than": threshold, "slowlog-max-len": length}, advice)


def _slowlog_coarse(facts: Facts) -> Verdict | None:
    milliseconds = facts.number("config.slowlog-log-slower-than") / 1000
    if milliseconds <= facts.limit("slowlog_coarse_ms"):
        return None
    advice = ("Commands that hurt stay below it; lower it:", "$ {cli} config set slowlog-log-slower-than 10000")
    return Verdict("notice", f"The slow log begins at {milliseconds:g} ms only", {"slowlog_ms": milliseconds}, advice)


def _latency_monitor_off(facts: Facts) -> Verdict | None:
    if facts.integer("config.latency-monitor-threshold"):
        return None
    advice = ("For an investigation switch it on (100 ms), and off again (0):", "$ {cli} config set latency-monitor-threshold 100")
    return Verdict("notice", "The latency monitor is off", {"latency-monitor-threshold": 0}, advice)


def _keyspace_misses(facts: Facts) -> Verdict | None:
    hits, misses = facts.rate("stats.keyspace_hits"), facts.rate("stats.keyspace_misses")
    ratio = percent(hits, hits + misses)
    few = hits + misses < facts.limit("keyspace_lookups_per_second")
    if facts.workload_role != "cache" or few or ratio >= facts.limit("keyspace_hit_percent"):
        return None
    advice = ("The cache misses often: it is cold after a restart, too small (see evictions), or its TTLs are too short.",)
    return Verdict("notice", f"Only {ratio} % of the lookups hit the cache", {"hits_per_second": hits, "misses_per_second": misses}, advice)


RULES = (
    Rule(
        "cpu_saturated",
        "slow_commands",
        "main thread ≥ 80 % of a core (critical 95)",
        "warning/critical",
        "human",
        _cpu_saturated,
        ("latency_probe_high",),
        DOCS,
    ),
    Rule("fsync_slow", "persistence", "aof_delayed_fsync rising, or latency events aof-*", "warning", "guarded", _fsync_slow, (), DOCS),
    Rule(
        "fsync_always",
        "persistence",
        "appendfsync always and latency events aof-fsync-always",
        "notice",
        "human",
        _fsync_always,
        (),
        MONITOR_DOCS,
    ),
    Rule("fork_slow", "host", "latest fork > 40 ms/GB from 1 GB on, or > 500 ms", "warning", "human", _fork_slow, (), DOCS),
    Rule(
        "expire_storm",
        "slow_commands",
        "latency event expire-cycle; or ≥ 25 % of the keys with a TTL, and ≥ 10,000, expire within a minute, twice what expires now",
        "warning",
        "safe",
        _expire_storm,
        ("expiry_behind", "latency_probe_high"),
        MONITOR_DOCS,
    ),
    Rule("eviction_latency", "memory_limit", "latency events eviction-*", "warning", "safe", _eviction_latency, (), MONITOR_DOCS),
    Rule("defrag_latency", "memory_limit", "latency event active-defrag-cycle", "notice", "safe", _defrag_latency, (), MONITOR_DOCS),
    Rule("keyspace_misses", "memory_limit", "hit ratio < 80 % on a cache", "notice", "human", _keyspace_misses, (), DOCS),
    Rule(
        "slowlog_off", "configuration", "slowlog-log-slower-than < 0 or slowlog-max-len 0", "notice", "safe", _slowlog_off, (), SLOWLOG_DOCS
    ),
    Rule("slowlog_coarse", "configuration", "slowlog-log-slower-than > 100 ms", "notice", "safe", _slowlog_coarse, (), SLOWLOG_DOCS),
    Rule("latency_monitor_off", "configuration", "latency-monitor-threshold 0", "notice", "safe", _latency_monitor_off, (), MONITOR_DOCS),
)

# Told after everything else of its severity: it says that users wait, not why.
SYMPTOMS = (
    Rule(
        "latency_probe_high",
        "slow_commands",
        "p99 of PING > 10 ms (critical 100), and not one answer of a hundred only",
        "warning/critical",
        "human",
        _latency_probe_high,
        (),
        DOCS,
    ),
)
