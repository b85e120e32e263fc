# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about memory that is neither data nor free: fragmentation, pages kept, pages swapped out."""

from __future__ import annotations

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts, Missing, Rule, Verdict

DOCS = "https://redis.io/docs/latest/operate/oss_and_stack/management/optimization/memory-optimization/"
MEMORY = "info.memory."


def _big_enough(facts: Facts) -> bool:
    return facts.number(MEMORY + "used_memory") >= facts.limit("fragmentation_silent_bytes")


def _fragmentation_allocator(facts: Facts) -> Verdict | None:
    if "jemalloc" not in str(facts.get(MEMORY + "mem_allocator")):
        raise Missing("info.memory.mem_allocator: jemalloc")
    ratio, wasted = facts.number(MEMORY + "allocator_frag_ratio"), facts.number(MEMORY + "allocator_frag_bytes")
    if not _big_enough(facts) or ratio <= facts.limit("fragmentation_ratio") or wasted <= facts.limit("fragmentation_bytes"):
        return None
    severity = "warning" if facts.number(MEMORY + "used_memory") > facts.limit("fragmentation_used_bytes") else "notice"
    advice = (
        "Let Redis tidy up while it works (where its build can; those of distributions often cannot):",
        "$ {cli} config set activedefrag yes",
    )
    evidence = {"allocator_frag_ratio": ratio, "allocator_frag_bytes": int(wasted), "used_memory": facts.integer(MEMORY + "used_memory")}
    return Verdict(severity, f"The allocator wastes {int(wasted) >> 20} MiB by fragmentation", evidence, advice)


def _fragmentation_resident(facts: Facts) -> Verdict | None:
    used = facts.number(MEMORY + "used_memory")
    rss_ratio, rss_bytes = facts.number(MEMORY + "allocator_rss_ratio"), facts.number(MEMORY + "allocator_rss_bytes")
    ratio = facts.number(MEMORY + "mem_fragmentation_ratio")
    kept = rss_ratio > facts.limit("fragmentation_ratio") and rss_bytes > facts.limit("fragmentation_bytes")
    large = ratio > facts.limit("fragmentation_resident_ratio") and facts.number(MEMORY + "mem_fragmentation_bytes") > facts.limit(
        "fragmentation_used_bytes"
    )
    if not _big_enough(facts) or not (kept or large):
        return None
    evidence = {
        "allocator_rss_ratio": rss_ratio,
        "allocator_rss_bytes": int(rss_bytes),
        "mem_fragmentation_ratio": ratio,
        "used_memory": int(used),
    }
    severity, title = "warning" if large else "notice", "Memory was freed but not given back to the system"
    allocator = str(facts.get_or(MEMORY + "mem_allocator", ""))
    if allocator and "jemalloc" not in allocator:
        advice = (f"The allocator is {allocator}: it uses freed memory again, and gives it back at a restart only; fail over first.",)
        return Verdict(severity, title, evidence, advice, "human")
    return Verdict(severity, title, evidence, ("The process holds pages that it does not need; give them back:", "$ {cli} memory purge"))


def _swapping(facts: Facts) -> Verdict | None:
    swapped = facts.get_or("host.process.swap_bytes", None)
    if swapped is None:
        return _seems_swapped(facts)
    if int(swapped) <= facts.limit("swapping_bytes"):
        return None
    evidence = {"swap_bytes": int(swapped), "rss_bytes": facts.get_or("host.process.rss_bytes", None), "pid": facts.get("host.process.pid")}
    advice = (
        "Every touch of a swapped page stops all clients for a disk. Free memory on the host; what is swapped comes back when it is used.",
        "Lower vm.swappiness for good, and give Redis a maxmemory that the host can hold.",
        "$ free -m; ps -eo rss,args --sort=-rss | head",
    )
    return Verdict("critical", f"{int(swapped) >> 20} MiB of the server's memory are swapped out", evidence, advice)


def _seems_swapped(facts: Facts) -> Verdict | None:
    ratio, used = facts.number(MEMORY + "mem_fragmentation_ratio"), facts.number(MEMORY + "used_memory")
    resident = facts.integer(MEMORY + "used_memory_rss")
    # Redis before 7.0 reserves the whole backlog at once; what was never written to is not resident, and not swapped either.
    written = used - float(facts.get_or(MEMORY + "mem_replication_backlog", 0))
    limit = facts.limit("swapping_ratio")
    if not 0 < ratio < limit or written <= facts.limit("fragmentation_used_bytes") or resident >= limit * written:
        return None
    evidence = {"mem_fragmentation_ratio": ratio, "used_memory": int(used), "used_memory_rss": resident}
    advice = (
        "Less is resident than is used: part of it seems to be in swap. On the host:",
        "$ grep VmSwap /proc/$(pidof redis-server)/status; free -m",
    )
    return Verdict("warning", "Part of the memory seems to be swapped out", evidence, advice)


RULES = (
    Rule(
        "swapping",
        "host",
        "VmSwap of the process > 1 MiB; without its host, a warning at mem_fragmentation_ratio < 0.9 with > 100 MiB used",
        "critical/warning",
        "human",
        _swapping,
        (),
        DOCS,
    ),
    Rule(
        "fragmentation_allocator",
        "memory_limit",
        "allocator_frag_ratio > 1.1 and > 10 MiB (jemalloc)",
        "notice/warning",
        "safe",
        _fragmentation_allocator,
        (),
        DOCS,
    ),
    Rule(
        "fragmentation_resident",
        "memory_limit",
        "allocator_rss_ratio > 1.1 and > 10 MiB, or mem_fragmentation_ratio > 1.5 and > 100 MiB",
        "notice/warning",
        "safe",
        _fragmentation_resident,
        (),
        DOCS,
    ),
)
