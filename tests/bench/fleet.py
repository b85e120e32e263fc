# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a fleet costs: 50 and 500 endpoints by URL, beside an empty playbook and beside a task for each host.

50 servers run; 500 endpoints are each of them ten times.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import yaml

from tests.bench.playbooks import DIAGNOSE, measured, play
from tests.lab import servers

SERVERS = 50
TIMES = 10
ROUNDS = 3
WINDOW = 1.0


def run(*dummy: object) -> None:
    """Measure and print."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        fleet = [stack.enter_context(servers.running(servers.embedded())) for dummy_server in range(SERVERS)]
        urls = [server.url for server in fleet]
        task = {
            "aragora.redis.redis_info": {"targets": "{{ redis_url }}", "window": WINDOW, "save_to": f"{folder}/{{{{ 9**9 | random }}}}"}
        }
        by_host = {"aragora.redis.redis_info": {"login_port": "{{ redis_port }}", "window": WINDOW}}
        _playbook(folder / "empty.yml", "localhost", {"ansible.builtin.meta": "noop"})
        _playbook(folder / "gather.yml", "localhost", task)
        _playbook(folder / "tasks.yml", "all", by_host)
        inventory = _inventory(folder, fleet)
        seconds = measured(
            {
                "an empty playbook": lambda: play(folder / "empty.yml"),
                "50 endpoints, gathered": lambda: play(folder / "gather.yml", *_variables(folder, urls)),
                "500 endpoints, gathered": lambda: play(folder / "gather.yml", *_variables(folder, urls * TIMES)),
                "50 endpoints, diagnosed": lambda: play(DIAGNOSE, *_variables(folder, urls)),
                "500 endpoints, diagnosed": lambda: play(DIAGNOSE, *_variables(folder, urls * TIMES)),
                "50 hosts, a task each": lambda: play(folder / "tasks.yml", *inventory),
            },
            ROUNDS,
        )
    _print(seconds)


def _print(seconds: dict[str, list[float]]) -> None:
    empty = statistics.median(seconds["an empty playbook"])
    print(f"\n{'median of ' + str(ROUNDS):<32}{'seconds':>9}{'over empty and window':>24}{'a server, ms':>15}")
    over: dict[str, float] = {}
    for name, values in seconds.items():
        whole = statistics.median(values)
        over[name] = max(0.0, whole - empty - WINDOW)
        count = int(name.split()[0]) if name[0].isdigit() else 0
        print(f"{name:<32}{whole:>9.2f}" + (f"{over[name]:>24.2f}{1000 * over[name] / count:>15.1f}" if count else ""))
    print(f"\n{'ratio':<60}{'median':>9}{'aim':>9}")
    flat = over["500 endpoints, gathered"] / TIMES / max(over["50 endpoints, gathered"], 0.001)
    print(f"{'a server among 500 to one among 50, gathered':<60}{flat:>9.2f}{'≤ 1':>9}")
    flat = over["500 endpoints, diagnosed"] / TIMES / max(over["50 endpoints, diagnosed"], 0.001)
    print(f"{'a server among 500 to one among 50, diagnosed':<60}{flat:>9.2f}{'≤ 1':>9}")
    ratio = over["50 hosts, a task each"] / max(over["50 endpoints, gathered"], 0.001)
    print(f"{'a task for each of 50 hosts to one task for 50 endpoints':<60}{ratio:>9.1f}{'':>9}")
    print(f"{'500 endpoints, gathered: over an empty playbook, in seconds':<60}{over['500 endpoints, gathered']:>9.2f}{'≤ 2':>9}")


def _playbook(path: Path, hosts: str, task: Mapping[str, object]) -> None:
    path.write_text(yaml.safe_dump([{"hosts": hosts, "gather_facts": False, "tasks": [task]}]), encoding="utf-8")


def _variables(folder: Path, urls: list[str]) -> tuple[str, ...]:
    path = folder / f"urls-{len(urls)}.json"
    path.write_text(json.dumps({"redis_url": urls, "redis_report_dir": f"{folder}/reports", "redis_diagnosis_window": WINDOW}))
    return ("-e", f"@{path}")


def _inventory(folder: Path, fleet: list[servers.Server]) -> tuple[str, ...]:
    # A host of its own for each, as by SSH: the module is carried there.
    hosts = {f"cache{number}": {"redis_port": server.port} for number, server in enumerate(fleet)}
    program = Path(sys.executable)
    every = {"ansible_connection": "local", "ansible_python_interpreter": str(program.parent / ".." / "bin" / program.name)}
    path = folder / "hosts.json"
    path.write_text(json.dumps({"all": {"hosts": hosts, "vars": every}}), encoding="utf-8")
    return ("-i", str(path), "--forks", "20")
