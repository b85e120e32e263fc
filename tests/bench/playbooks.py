# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Playbooks, run and timed side by side: in turn, after one round that does not count."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DIAGNOSE = ROOT / "playbooks/diagnose.yml"
PATIENCE = 300


def measured(variants: Mapping[str, Callable[[], None]], rounds: int) -> dict[str, list[float]]:
    """Seconds by variant."""
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    for number in range(rounds + 1):
        for name, run in variants.items():
            started = time.perf_counter()
            run()
            if number:
                seconds[name].append(time.perf_counter() - started)
        print(f"round {number} of {rounds}", flush=True)
    return seconds


def play(playbook: Path, *words: str, url: str = "") -> None:
    """Run a playbook, as a user would."""
    environment = {**os.environ, "REDIS_URL": url}
    command = ["ansible-playbook", str(playbook), *words]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False)
    if done.returncode:
        raise RuntimeError(f"{playbook.name} ended with {done.returncode}: {(done.stdout + done.stderr)[-1000:]}")
