# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about the way to the server: how long it is, and how full."""

from __future__ import annotations

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts, Missing, Rule, Verdict, percent
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.host_facts import part

DOCS = "https://redis.io/docs/latest/operate/oss_and_stack/management/optimization/latency/"
MEGABIT = 1_000_000


def _latency_network(facts: Facts) -> Verdict | None:
    median, limit = facts.number("latency.probe.p50"), facts.limit("latency_network_ms")
    # A single slow answer in many may have any cause; of a long way each answer tells.
    if median < limit or facts.get("server.local"):
        return None
    connect, busy = facts.number("availability.connect_ms"), percent(facts.number("rates.command_seconds"), 1)
    # The kernel of the host answers a new connection by itself: where that takes as long, Redis is not what is slow.
    if connect < median / 2 or busy >= facts.limit("latency_network_busy_percent"):
        return None
    evidence = {
        "probe_p50_ms": median,
        "probe_p99_ms": facts.get_or("latency.probe.p99", None),
        "connect_ms": connect,
        "time_in_commands_percent": busy,
    }
    advice = (
        "Every answer is late although the server is idle, and so is the handshake of its kernel. Is it as far from the applications?",
        "$ ping -c 10 {host}; tracepath -n {host}   # on a machine of the application",
        "A full link, a proxy, another region or a busy host in between: look at each. On the host itself it should be fast:",
        "$ redis-cli -p {port} --latency-history -i 5",
    )
    return Verdict("warning", f"The way to the server takes {median:g} ms, its commands hardly any time", evidence, advice)


def _bandwidth_high(facts: Facts) -> Verdict | None:
    links = part(facts, "network")
    own = {str(item["address"]) for item in facts.get_or("host.listeners", None) or []}
    carrying = {name: link for name, link in links.items() if own & set(link["addresses"])} or links
    # Which link a packet takes is not known: the fastest is the kindest guess.
    speeds = {name: link["speed_mbit"] for name, link in carrying.items() if link["speed_mbit"]}
    if not speeds:
        raise Missing("host.network: the speed of the link")
    name, speed = max(speeds.items(), key=lambda item: item[1])
    output = facts.rate("stats.total_net_output_bytes") * 8 / MEGABIT
    share = percent(output, speed)
    if share <= facts.limit("bandwidth_percent"):
        return None
    evidence = {"output_mbit_per_second": round(output, 1), "link_mbit_per_second": speed, "link": name, "percent": share}
    advice = (
        "Answers wait for the link. Find the big ones: values that are read whole, lists and hashes that are read to the end.",
        "$ {cli} --memkeys -i 0.01",
        "$ {cli} client list   # tot-net-out, where the server tells it: who reads most; omem: what waits to be read",
        "Read less at once, compress in the application, read from replicas on other hosts, or give the host a faster link.",
    )
    return Verdict("warning", f"Replies fill {share:g} % of the link {name} ({speed:g} Mbit/s)", evidence, advice)


RULES = (
    Rule(
        "bandwidth_high",
        "network",
        "output > 80 % of the link; needs the host",
        "warning",
        "human",
        _bandwidth_high,
        ("latency_network", "latency_probe_high"),
        DOCS,
    ),
    Rule(
        "latency_network",
        "network",
        "median of PING ≥ 10 ms and connecting as slow, while < 50 % of the time goes into commands",
        "warning",
        "human",
        _latency_network,
        ("latency_probe_high",),
        DOCS,
    ),
)
