# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about memory beside the data: buffers of clients and replicas, cached scripts."""

from __future__ import annotations

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts, Rule, Verdict, percent

DOCS = "https://redis.io/docs/latest/operate/oss_and_stack/management/optimization/memory-optimization/"
MEMORY = "info.memory."


def _client_buffers_large(facts: Facts) -> Verdict | None:
    total, used = facts.number(MEMORY + "mem_clients_normal"), facts.number(MEMORY + "used_memory")
    clients = max(1, facts.integer("info.clients.connected_clients"))
    per_client = total / clients
    share = percent(total, used)
    large = share > facts.limit("client_buffers_percent") and used >= facts.limit("fragmentation_silent_bytes")
    if not large and per_client <= facts.limit("client_buffers_bytes"):
        return None
    worst = [
        {name: client[name] for name in ("address", "name", "flags", "memory_bytes")} for client in facts.get_or("clients.worst", [])[:3]
    ]
    evidence = {"mem_clients_normal": int(total), "percent_of_used": share, "bytes_per_client": int(per_client), "worst": worst}
    advice = (
        "Clients that do not read their replies fill the server's memory. Find them (omem, tot-mem) and close the worst:",
        "$ {cli} client list",
        "$ {cli} client kill id ID",
    )
    return Verdict("warning", f"Buffers of clients hold {int(total) >> 20} MiB ({share} % of used memory)", evidence, advice)


def _replica_buffers_large(facts: Facts) -> Verdict | None:
    # The backlog is not part of it: Redis 7.0 and newer, where both share their blocks, has taken it off.
    size = facts.integer(MEMORY + "mem_clients_slaves")
    if size <= facts.limit("replica_buffers_bytes"):
        return None
    advice = (
        "A replica reads more slowly than the master writes: look at its load and at the network in between.",
        "$ {cli} info replication",
    )
    return Verdict("warning", f"Output buffers of replicas hold {size >> 20} MiB", {"mem_clients_slaves": size}, advice)


def _scripts_cached(facts: Facts) -> Verdict | None:
    number, size = facts.number(MEMORY + "number_of_cached_scripts"), facts.number_or(MEMORY + "used_memory_scripts_eval", 0)
    if number <= facts.limit("scripts_cached") and size <= facts.limit("scripts_cached_bytes"):
        return None
    advice = (
        "The application builds scripts with values in their text; it should pass them as KEYS and ARGV. The cache can be emptied:",
        "$ {cli} script flush async",
    )
    return Verdict(
        "warning",
        f"{number:g} scripts are cached",
        {"number_of_cached_scripts": int(number), "used_memory_scripts_eval": int(size)},
        advice,
    )


RULES = (
    Rule(
        "client_buffers_large",
        "too_many_connections",
        "normal clients' memory > 10 % of used or > 200 KiB each on average",
        "warning",
        "guarded",
        _client_buffers_large,
        (),
        "https://redis.io/docs/latest/develop/reference/clients/",
    ),
    Rule(
        "replica_buffers_large",
        "replication",
        "output buffers of replicas > 10 MiB",
        "warning",
        "guarded",
        _replica_buffers_large,
        (),
        DOCS,
    ),
    Rule(
        "scripts_cached",
        "memory_limit",
        "> 1,000 cached scripts or > 10 MiB",
        "warning",
        "guarded",
        _scripts_cached,
        (),
        "https://redis.io/docs/latest/develop/programmability/eval-intro/",
    ),
)
