# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one runner: runs the named stages, and says at the end what was run, passed and skipped, and how long it took.

``python -m tests.run lint units contract integration incidents molecule targets``. Later stages run even when an earlier one failed; the
exit status is 1 if any did. A few tests that fail beside others run once more by themselves; the end names those that pass then. With
FULL=1 in the environment every playbook and incident runs on every server.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab import ansible_runs, aragora, hosts, targets

ROOT = Path(__file__).resolve().parents[1]
PASSED, FAILED = "passed", "failed"
OUTPUT = ROOT / "tests" / "output"
CPUS = os.cpu_count() or 2
WORKERS = ["-n", str(min(4, CPUS)), "--dist", "loadgroup"]
# Playbooks wait half of their time: for servers to settle, and for the windows in which they are watched.
WAITING_WORKERS = ["-n", str(min(6, 2 * CPUS)), "--dist", "loadgroup"]
SCENARIOS_AT_ONCE = min(4, CPUS + 1)
# They come first, so that none of them is left alone at the end.
LONG_SCENARIOS = ("aragora", "heal", "rolling", "sentinel")
# So many that failed beside others are tried once more by themselves: what was only the machine's load is told apart, and told.
MOST_AGAIN = 3

OURS = "ansible_collections/aragora/redis"
LINTERS: dict[str, list[str]] = {
    "ansible-test sanity": [sys.executable, "-m", "tests.lab.sanity"],
    "ansible-lint": ["ansible-lint", "--offline", "--strict"],
    "ruff check": ["ruff", "check", "."],
    "ruff format": ["ruff", "format", "--check", "."],
    "mypy plugins": ["mypy", "--config-file", "../pyproject.toml", *(f"{OURS}/{name}" for name in ("plugins", "extensions/eda/plugins"))],
    "mypy lab": ["mypy", "tests/lab", "tests/run.py", "tests/bench", "tests/incidents"],
    "yamllint": ["yamllint", "--strict", "."],
    "changelog": ["antsibull-changelog", "lint"],
    "docs": ["antsibull-docs", "lint-collection-docs", "--plugin-docs", "--skip-rstcheck", "."],
}
# Where a linter does not run from the root.
FOLDERS = {"mypy plugins": ROOT / "collections", "docs": ROOT / "collections" / OURS}
TESTS = {
    "units": ["tests/unit", *WORKERS],
    "contract": ["tests/contract", *WORKERS],
    "integration": ["tests/integration", *WAITING_WORKERS],
}
# What a scenario needs beside hosts, and why that is not here.
NEEDS: dict[str, Callable[[], str | None]] = {"aragora": aragora.why_not, "endpoint": aragora.why_not}


@dataclass
class Outcome:
    """What came of one stage. ``second`` names what passed by itself after it had failed beside others."""

    stage: str
    passed: int
    failed: int
    skipped: list[str]
    seconds: float
    second: list[str] = field(default_factory=list)


def main(stages: list[str]) -> int:
    """Run the stages in order and print the table."""
    others = {"lint": _lint, "incidents": _incidents, "molecule": _molecule, "targets": _targets}
    unknown = [stage for stage in stages if stage not in (*others, *TESTS)]
    if unknown or not stages:
        print(f"no such stage: {', '.join(unknown) or 'none given'}; choose from {', '.join((*others, *TESTS))}", file=sys.stderr)
        return 2
    OUTPUT.mkdir(exist_ok=True)
    if "molecule" in stages:
        # The network takes its time, which the other stages have.
        threading.Thread(target=aragora.why_not, daemon=True).start()
    outcomes = [others[stage]() if stage in others else _pytest(stage) for stage in stages]
    _table(outcomes)
    return 1 if any(outcome.failed for outcome in outcomes) else 0


def _lint() -> Outcome:
    """Several at once, the slowest first; the output of each when it has ended."""
    started = time.monotonic()
    with ThreadPoolExecutor(CPUS) as pool:
        failed = [name for name, well in zip(LINTERS, pool.map(_linted, LINTERS)) if not well]
    if failed:
        print(f"lint found something: {', '.join(failed)}")
    return Outcome("lint", len(LINTERS) - len(failed), len(failed), [], time.monotonic() - started)


def _linted(name: str) -> bool:
    """Whether a linter finds nothing."""
    # ansible-lint installs the checkout into its ANSIBLE_HOME; one of its own keeps that copy from shadowing the work tree.
    environment = {**os.environ, "ANSIBLE_HOME": str(ROOT / ".cache" / "ansible-lint")}
    done = subprocess.run(
        LINTERS[name], cwd=FOLDERS.get(name, ROOT), env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
    )  # fmt: skip
    print(f"── lint: {name}\n{done.stdout}", end="", flush=True)
    return not done.returncode


def _pytest(stage: str) -> Outcome:
    print(f"── {stage}", flush=True)
    started = time.monotonic()
    cases, status = _cases(stage, TESTS[stage])
    failed = [name for name, result in cases.items() if result == FAILED]
    second: list[str] = []
    # 1: all were run, and some failed.
    if stage == "integration" and status == 1 and len(failed) <= MOST_AGAIN:
        print(f"── {stage}: {len(failed)} once more, by themselves", flush=True)
        again, status = _cases(f"{stage}-again", [TESTS[stage][0], "--last-failed", "--last-failed-no-failures=none"])
        second = [name for name in failed if again.get(name) == PASSED]
        failed = [name for name in failed if name not in second]
    skipped = [result for result in cases.values() if result not in (PASSED, FAILED)]
    passed = len(cases) - len(failed) - len(skipped)
    return Outcome(stage, passed, len(failed) or int(status != 0), skipped, time.monotonic() - started, second)


def _cases(name: str, words: list[str]) -> tuple[dict[str, str], int]:
    """``{test: PASSED, FAILED or why it was skipped}`` by a JUnit file of our own making, and pytest's exit status."""
    results = OUTPUT / f"{name}.xml"
    results.unlink(missing_ok=True)
    status = subprocess.run([sys.executable, "-m", "pytest", "-q", f"--junitxml={results}", *words], cwd=ROOT, check=False).returncode
    # A run that broke off has none.
    found = ET.parse(results).iter("testcase") if results.exists() else []  # noqa: S314  we wrote it
    return {f"{case.get('classname')}::{case.get('name')}": _result(case) for case in found}, status


def _result(case: ET.Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return FAILED
    skipped = case.find("skipped")
    return PASSED if skipped is None else skipped.get("message", "no reason")


def _incidents() -> Outcome:
    """Each on one server; on all of them in ``make full``."""
    print("── incidents", flush=True)
    started = time.monotonic()
    path = OUTPUT / "incidents.json"
    path.unlink(missing_ok=True)
    command = [sys.executable, "-m", "tests.incidents.run", *(["--all"] if os.environ.get("FULL") else [])]
    status = subprocess.run(command, cwd=ROOT, check=False).returncode
    results = json.loads(path.read_text(encoding="utf-8"))["results"] if path.exists() else []
    skipped = [result["note"] for result in results if result["skipped"]]
    passed = sum(result["right"] for result in results)
    failed = len(results) - passed - len(skipped)
    return Outcome("incidents", passed, failed or int(status != 0), skipped, time.monotonic() - started)


def _molecule() -> Outcome:
    """Every scenario on hosts of its own, several at once; the output is shown of those that fail."""
    started = time.monotonic()
    names = (path.parent.name for path in ROOT.glob("molecule/*/molecule.yml"))
    scenarios = sorted(names, key=lambda name: (name not in LONG_SCENARIOS, name))
    if reason := hosts.why_not():
        return Outcome("molecule", 0, 0, [f"molecule: {reason}"] * len(scenarios), 0.0)
    reasons = {scenario: reason for scenario, why_not in NEEDS.items() if (reason := why_not())}
    with ThreadPoolExecutor(SCENARIOS_AT_ONCE) as pool:
        run = [scenario for scenario in scenarios if scenario not in reasons]
        failed = [scenario for scenario, well in zip(run, pool.map(_scenario, run)) if not well]
    second = [scenario for scenario in failed if len(failed) == 1 and _scenario(scenario)]
    skipped = [f"molecule: {reason}" for reason in reasons.values()]
    left = len(failed) - len(second)
    return Outcome("molecule", len(run) - left, left, skipped, time.monotonic() - started, second)


def _targets() -> Outcome:
    """The modules with old Pythons and other releases of redis-py; one pair, all of them in ``make full``."""
    print("── targets", flush=True)
    started = time.monotonic()
    results = targets.run(bool(os.environ.get("FULL")))
    skipped = [result for result in results.values() if result not in (PASSED, FAILED)]
    failed = list(results.values()).count(FAILED)
    return Outcome("targets", len(results) - failed - len(skipped), failed, skipped, time.monotonic() - started)


def _scenario(scenario: str) -> bool:
    """Whether a scenario passes."""
    began = time.monotonic()
    done = subprocess.run(
        ["molecule", "test", "-s", scenario], cwd=ROOT, env={**ansible_runs.served(), "MOLECULE_GLOB": "molecule/*/molecule.yml"},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
    )  # fmt: skip
    came, shown = ("failed", done.stdout[-20_000:]) if done.returncode else ("passed", "")
    print(f"── molecule: {scenario} {came} after {time.monotonic() - began:.0f} s\n{shown}", end="", flush=True)
    return not done.returncode


def _table(outcomes: list[Outcome]) -> None:
    print(f"\n{'stage':<14}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}")
    for outcome in outcomes:
        print(f"{outcome.stage:<14}{outcome.passed:>8}{outcome.failed:>8}{len(outcome.skipped):>9}{outcome.seconds:>9.0f}")
    reasons = [reason for outcome in outcomes for reason in outcome.skipped]
    for reason in sorted(set(reasons)):
        print(f"  skipped {reasons.count(reason)}: {reason}")
    for name in (name for outcome in outcomes for name in outcome.second):
        print(f"  passed only at the second attempt, by itself: {name}")
    passed, failed = sum(outcome.passed for outcome in outcomes), sum(outcome.failed for outcome in outcomes)
    print(f"\n{passed} passed, {failed} failed, {len(reasons)} skipped")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
