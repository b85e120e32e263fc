# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_keyspace beside ``redis-cli --memkeys`` on the same keys: keys per second, and what a client feels meanwhile.

A client in a process of its own sends GET a thousand times a second beside every variant. On a noisy machine its percentiles wander by
themselves: each round measures it idle too, and the variants run in turn.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import redis

from tests.lab import keys as lab_keys
from tests.lab import servers
from tests.lab.delay import delayed

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 3
# A network between two machines of one data centre, and a server small enough for --memkeys to end.
LINK_SECONDS = 0.00025
LINK_KEYS = 50_000
IDLE_SECONDS = 3.0
PROBE_SECONDS = 0.001
# The server of the machine is the one that --memkeys of the same release is made for.
SERVERS = ("redis-7.0", "valkey-9.1")


@dataclass
class Measured:
    """What was seen of a variant, one entry a round."""

    rates: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    probes: dict[int, list[float]] = field(default_factory=lambda: {50: [], 90: [], 99: []})
    results: list[dict[str, Any]] = field(default_factory=list)


def run(cli: str, keys: int) -> None:
    """Measure and print."""
    binary = next(path for path in (servers.matrix().get(name) for name in (*SERVERS, *servers.WHEELS)) if path)
    with servers.running(binary) as server:
        started = time.perf_counter()
        lab_keys.fill(server, keys)
        print(f"{keys} keys on {binary.name} after {time.perf_counter() - started:.0f} s", flush=True)
        variants: dict[str, Callable[[], dict[str, Any]]] = {
            "idle": _idle,
            "redis-cli --memkeys": lambda: _memkeys(cli, server.port),
            "full, as fast as it can": lambda: _module(server.url, mode="full", max_added_latency=0),
            "full, paced (default)": lambda: _module(server.url, mode="full"),
            "sample (default)": lambda: _module(server.url),
        }
        measured = _measure(server, variants)
        truth = {row["pattern"]: row["bytes_percent"]["value"] for row in measured["full, paced (default)"].results[-1]["patterns"]}
    _print(measured, truth)
    _over_a_link(cli, binary)


def _over_a_link(cli: str, binary: Path) -> None:
    """The same where the server is not on this machine: --memkeys waits for the network three times for each ten keys."""
    with servers.running(binary) as server, delayed(server.port, LINK_SECONDS) as port:
        lab_keys.fill(server, LINK_KEYS)
        ratios = []
        for dummy in range(ROUNDS):
            theirs = _memkeys(cli, port)["keys_per_second"]
            ours = _module(f"redis://127.0.0.1:{port}", mode="full", max_added_latency=0)["keys_per_second"]
            ratios.append(ours / theirs)
    print(f"\nover a link of {LINK_SECONDS * 1000:g} ms each way, {LINK_KEYS} keys")
    _row("keys/s of a full scan ÷ those of --memkeys", ratios, "≥ 6")


def _idle() -> dict[str, Any]:
    time.sleep(IDLE_SECONDS)
    return {}


def _memkeys(cli: str, port: int) -> dict[str, Any]:
    started = time.perf_counter()
    done = subprocess.run([cli, "-p", str(port), "--memkeys"], capture_output=True, text=True, check=True, timeout=3600)
    sampled = next(line for line in done.stdout.splitlines() if line.startswith("Sampled"))
    return {"keys_per_second": int(sampled.split()[1]) / (time.perf_counter() - started)}


def _module(url: str, **options: Any) -> dict[str, Any]:
    """The module in a process of its own, as a target runs it."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "collections")}
    command = [sys.executable, "-m", "ansible_collections.aragora.redis.plugins.modules.redis_keyspace"]
    with tempfile.TemporaryFile("w+") as given, tempfile.TemporaryFile("w+") as told:
        json.dump({"ANSIBLE_MODULE_ARGS": {"url": url, **options}}, given)
        given.seek(0)
        process = subprocess.Popen(command, stdin=given, stdout=told, env=environment)
        used = os.wait4(process.pid, 0)[2]
        told.seek(0)
        result: dict[str, Any] = json.load(told)["keyspace"]
    return {**result, "megabytes": used.ru_maxrss / 1024}


def _measure(server: servers.Server, variants: dict[str, Callable[[], dict[str, Any]]]) -> dict[str, Measured]:
    measured = {name: Measured() for name in variants}
    for number in range(ROUNDS):
        for name, variant in variants.items():
            seen = measured[name]
            started = time.perf_counter()
            result, times = _beside(server, variant)
            seen.seconds.append(time.perf_counter() - started)
            seen.results.append(result)
            seen.rates.append(result.get("keys_per_second", 0.0))
            for percent, values in seen.probes.items():
                values.append(sorted(times)[len(times) * percent // 100])
        print(f"round {number + 1} of {ROUNDS}", flush=True)
    return measured


def _beside(server: servers.Server, variant: Callable[[], dict[str, Any]]) -> tuple[dict[str, Any], list[float]]:
    """Run a variant with the probe beside it: its result and the milliseconds of every GET."""
    ours, theirs = multiprocessing.Pipe()
    probe = multiprocessing.Process(target=_probe, args=(server.port, theirs), daemon=True)
    probe.start()
    ours.recv()
    result = variant()
    ours.send("stop")
    times: list[float] = ours.recv()
    probe.join(10)
    return result, times


def _probe(port: int, pipe: Connection) -> None:
    """GET once a millisecond until told to stop; one that is late is not made up for."""
    with redis.Redis(port=port, protocol=2) as client:
        client.get("probe")
        pipe.send("ready")
        times: list[float] = []
        while not pipe.poll():
            begun = time.perf_counter()
            client.get("probe")
            answered = time.perf_counter()
            times.append((answered - begun) * 1000)
            time.sleep(max(0.0, begun + PROBE_SECONDS - answered))
    pipe.send(times)


def _print(measured: dict[str, Measured], truth: dict[str, float]) -> None:
    print(f"\n{'median of ' + str(ROUNDS):<28}{'keys/s':>9}{'seconds':>9}{'GET p50':>9}{'p90':>7}{'p99 ms':>8}")
    for name, seen in measured.items():
        probes = [statistics.median(values) for values in seen.probes.values()]
        rate = f"{statistics.median(seen.rates):>9,.0f}" if any(seen.rates) else f"{'':>9}"
        print(f"{name:<28}{rate}{statistics.median(seen.seconds):>9.2f}{probes[0]:>9.2f}{probes[1]:>7.2f}{probes[2]:>8.2f}")
    idle, memkeys, fast, paced, sample = measured.values()
    print(f"\n{'':<52}{'median':>9}{'min':>8}{'max':>8}{'aim':>8}")
    _row("keys/s of a full scan ÷ those of --memkeys", [a / b for a, b in zip(fast.rates, memkeys.rates)], "≥ 6")
    _row("keys/s of a paced full scan ÷ those of --memkeys", [a / b for a, b in zip(paced.rates, memkeys.rates)], "")
    _row("GET p99 beside it ÷ beside --memkeys", [a / b for a, b in zip(fast.probes[99], memkeys.probes[99])], "≤ 1")
    _row("ms that the paced scan adds to GET p99", [a - b for a, b in zip(paced.probes[99], idle.probes[99])], "≤ 1")
    _row("ms that the paced scan adds to GET p90", [a - b for a, b in zip(paced.probes[90], idle.probes[90])], "")
    _row("ms that --memkeys adds to GET p99", [a - b for a, b in zip(memkeys.probes[99], idle.probes[99])], "")
    _row("seconds of a sampled answer, module start included", sample.seconds, "< 2")
    _row("% of patterns over 1 % whose share it holds", [_held(result, truth) for result in sample.results], "≥ 95")
    _row(
        "MB of memory, the greatest of a round",
        [max(seen.results[n]["megabytes"] for seen in (fast, paced, sample)) for n in range(ROUNDS)],
        "< 200",
    )


def _held(result: dict[str, Any], truth: dict[str, float]) -> float:
    """The percentage of patterns above 1 % whose true share is in the interval of the sample."""
    rows = {row["pattern"]: row["bytes_percent"] for row in result["patterns"]}
    wanted = {name: share for name, share in truth.items() if share > 1}
    held: list[bool] = [name in rows and rows[name]["low"] <= share <= rows[name]["high"] for name, share in wanted.items()]
    return 100.0 * held.count(True) / max(1, len(held))


def _row(name: str, values: list[float], aim: str) -> None:
    print(f"{name:<52}{statistics.median(values):>9.2f}{min(values):>8.2f}{max(values):>8.2f}{aim:>8}")
