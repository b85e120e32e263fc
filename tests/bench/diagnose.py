# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a diagnosis costs, as ratios against playbooks of the same run: the variants run in turn, each ratio is taken pair by pair."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from tests.lab import servers

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 5
WINDOW = 1.0
# The commands of the written runbook that this playbook replaces, as somebody would type them into a playbook.
RUNBOOK = (
    "ping", "info server", "info memory", "memory doctor", "info clients", "client list", "info stats", "info replication",
    "info persistence", "slowlog get 10", "config get maxmemory*", "latency latest",
)  # fmt: skip


def run(cli: str, dummy: int) -> None:
    """Measure and print."""
    with servers.running(servers.embedded()) as server, tempfile.TemporaryDirectory() as folder:
        variants = _variants(server, cli, Path(folder))
        seconds = _measure(variants)
    diagnose = [value - WINDOW for value in seconds["diagnose"]]
    print(f"\n{'median of ' + str(ROUNDS):<44}{'seconds':>9}")
    for name, values in seconds.items():
        print(f"{name:<44}{statistics.median(values):>9.2f}")
    print(f"\n{'diagnose less its window, as a ratio to':<44}{'median':>9}{'min':>8}{'max':>8}{'aim':>8}")
    _ratio("the runbook as twelve command tasks", diagnose, seconds["runbook"], "≤ 0.33")
    _ratio("a playbook with one ping", diagnose, seconds["ping"], "≤ 2.5")


def _variants(server: servers.Server, cli: str, folder: Path) -> dict[str, Callable[[], None]]:
    commands = [{"ansible.builtin.command": f"{cli} -p {server.port} {words}", "changed_when": False} for words in RUNBOOK]
    plays = {"ping": [{"ansible.builtin.ping": {}}], "runbook": commands}
    for name, tasks in plays.items():
        play = [{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]
        (folder / f"{name}.yml").write_text(yaml.safe_dump(play), encoding="utf-8")
    reports = f"redis_report_dir={folder}/reports"
    return {
        "ping": lambda: _play(folder / "ping.yml"),
        "runbook": lambda: _play(folder / "runbook.yml"),
        "diagnose": lambda: _play(ROOT / "playbooks/diagnose.yml", "-e", reports, "-e", f"redis_diagnosis_window={WINDOW}", url=server.url),
    }


def _measure(variants: dict[str, Callable[[], None]]) -> dict[str, list[float]]:
    """Seconds by variant, in turn, after one round that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    for number in range(ROUNDS + 1):
        for name, run in variants.items():
            started = time.perf_counter()
            run()
            if number:
                seconds[name].append(time.perf_counter() - started)
        print(f"round {number} of {ROUNDS}", flush=True)
    return seconds


def _play(playbook: Path, *words: str, url: str = "") -> None:
    environment = {**os.environ, "REDIS_URL": url}
    subprocess.run(["ansible-playbook", str(playbook), *words], cwd=ROOT, env=environment, check=True, capture_output=True, timeout=120)


def _ratio(name: str, values: list[float], baseline: list[float], aim: str) -> None:
    ratios = [value / base for value, base in zip(values, baseline)]
    print(f"{name:<44}{statistics.median(ratios):>9.2f}{min(ratios):>8.2f}{max(ratios):>8.2f}{aim:>8}")
