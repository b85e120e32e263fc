# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a diagnosis costs, as ratios against playbooks of the same run: the variants run in turn, each ratio is taken pair by pair."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import yaml

from tests.bench.playbooks import DIAGNOSE, measured, play
from tests.lab import servers

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
        seconds = measured(variants, ROUNDS)
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
        written = [{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]
        (folder / f"{name}.yml").write_text(yaml.safe_dump(written), encoding="utf-8")
    reports = f"redis_report_dir={folder}/reports"
    return {
        "ping": lambda: play(folder / "ping.yml"),
        "runbook": lambda: play(folder / "runbook.yml"),
        "diagnose": lambda: play(DIAGNOSE, "-e", reports, "-e", f"redis_diagnosis_window={WINDOW}", url=server.url),
    }


def _ratio(name: str, values: list[float], baseline: list[float], aim: str) -> None:
    ratios = [value / base for value, base in zip(values, baseline)]
    print(f"{name:<44}{statistics.median(ratios):>9.2f}{min(ratios):>8.2f}{max(ratios):>8.2f}{aim:>8}")
