# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures: every server of the matrix, and modules run the way a target runs them."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from tests.lab import ansible_runs, modules, servers

# The same examples in every run before a change lands; new ones are looked for at the desk.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
if os.environ.get("CI"):
    hypothesis.settings.load_profile("ci")

ROOT = Path(__file__).resolve().parents[1]
MATRIX = servers.matrix()


# ``make full``: what is left out otherwise is run as well.
FULL = bool(os.environ.get("FULL"))
OLD_AND_NEW = ["redis-6.2", "valkey-9.1"]
SERVERS = ("binary", "family_binary")
# Fixtures of tests that run whole playbooks, or need hosts of their own.
LONG = {"play", "host", "shop", "rulebook", "runner"}
# This part of the other tests runs among them.
AMONG = Fraction(3, 4)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Whole playbooks take seconds: each test of one runs on one server of the matrix, another one for each test."""
    left_out = [] if FULL else [item for item in items if not _is_chosen(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if _is_chosen(item)]
    items[:] = _in_order(items)


def _in_order(items: list[pytest.Item]) -> list[pytest.Item]:
    """The long ones first, so that no worker has one left when the others have ended. The short ones wait half of their time: most of
    them run among the later half of the long ones, and keep the machine from idling at the end.
    """
    long, short = [], []
    for item in items:
        (long if LONG & set(getattr(item, "fixturenames", ())) else short).append(item)
    first, later = len(long) // 2, len(long) - len(long) // 2
    each = int(len(short) * AMONG / later) if later else 0
    mixed = long[:first]
    for number, item in enumerate(long[first:]):
        mixed += [item, *short[number * each : (number + 1) * each]]
    return mixed + short[later * each :]


def _is_chosen(item: pytest.Item) -> bool:
    used = [name for name in SERVERS if name in getattr(item, "fixturenames", ())]
    if not used or "play" not in item.fixturenames:  # type: ignore[attr-defined]
        return True
    members = OLD_AND_NEW if used == ["family_binary"] else list(MATRIX)
    chosen = members[zlib.crc32(item.nodeid.split("[")[0].encode()) % len(members)]
    return bool(item.callspec.params[used[0]] == chosen)  # type: ignore[attr-defined]


def _binary(name: str) -> Path:
    binary = MATRIX[name]
    if binary is None:
        pytest.skip(f"{name} is not on this machine")
    return binary


@pytest.fixture(params=list(MATRIX), scope="session")
def binary(request: pytest.FixtureRequest) -> Path:
    """Each server program of the matrix in turn."""
    return _binary(request.param)


@pytest.fixture(params=OLD_AND_NEW, scope="session")
def family_binary(request: pytest.FixtureRequest) -> Path:
    """One old Redis and one new Valkey, for tests that do not depend on the release."""
    return _binary(request.param)


@pytest.fixture
def server(binary: Path) -> Iterator[servers.Server]:
    """A fresh, empty server of each kind."""
    with servers.running(binary) as started:
        yield started


@pytest.fixture(scope="session")
def run_module() -> Callable[..., dict[str, Any]]:
    """Run a module in a process of its own, as a target would, and return its result.

    ``run_module("redis_info", url=…, _check_mode=True, _diff=True)``; a failed module returns ``{"failed": True, "msg": …}``.
    ``_while`` is called again and again while the module runs, ``_beside`` as well, with the module's process.
    """

    def run(
        name: str, /, _check_mode: bool = False, _diff: bool = False, _while: Any = None, _beside: Any = None, **options: Any
    ) -> dict[str, Any]:
        return modules.run(name, options, (lambda _: _while()) if _while else _beside, check_mode=_check_mode, diff=_diff)

    return run


def environment_of_a_user() -> dict[str, str]:
    """The environment without what make or the developer set for Ansible and Redis."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "REDIS_"))}


@dataclass(frozen=True)
class Played:
    """What came of a playbook: exit status, output, and report.json where one was written."""

    status: int
    output: str
    reports: Path

    @property
    def report(self) -> dict[str, Any]:
        """report.json of the newest run."""
        document: dict[str, Any] = json.loads((self.reports / "latest" / "report.json").read_text(encoding="utf-8"))
        return document

    def ids(self, target: int = 0) -> list[str]:
        """Ids of a target's findings, in their order."""
        return [finding["id"] for finding in self.report["targets"][target]["findings"]]


@pytest.fixture
def play(tmp_path: Path) -> Callable[..., Played]:
    """Run a playbook the way people do: ``play("playbooks/diagnose.yml", "-e", "…", REDIS_URL=…)``."""
    reports = tmp_path / "reports"

    def run(playbook: str, *words: str, cwd: Path = ROOT, timeout: float = 120, **environment: str) -> Played:
        words = (playbook, "-e", f"redis_report_dir={reports}", *words)
        variables = environment_of_a_user()
        variables.update({"ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_HOME": str(tmp_path / "home"), **environment})
        done = ansible_runs.play(words, cwd, variables, timeout)
        return Played(done.returncode, done.stdout + done.stderr, reports)

    return run
