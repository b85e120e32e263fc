# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Snapshots for the tests of the rules, taken from real servers.

``python -m tests.lab.capture [rule ...] [healthy ...] [group:rule ...]`` writes them to tests/unit/snapshots; without names all of them.
With ``--check`` nothing is written: each scenario is made on every server that can show it, and whoever is silent is named.
"""

from __future__ import annotations

import argparse
import functools
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import redis
from ansible_collections.aragora.redis.plugins.module_utils import _gather, _gather_plan, _host_reading
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis import engine
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import connection_argument_spec
from ansible_collections.aragora.redis.plugins.module_utils._snapshot import better

from tests.lab import servers
from tests.lab.scenarios import HEALTHY, ONLY_ON, SCENARIOS
from tests.lab.scenarios.groups import GROUPS, GroupScenario
from tests.lab.scenarios.releases import ENDED
from tests.lab.scenarios.scenario import Make, Scenario
from tests.lab.scrub import as_text, scrubbed, with_values

FOLDER = Path(__file__).resolve().parents[1] / "unit" / "snapshots"
# A state that depends on time and load may be missed once.
ATTEMPTS = 3
# Before the names of scenarios of groups.
GROUP = "group:"
# True of every server of a line that has ended, however well it is.
AGED = ("version_unsupported",)


def take(make: Make, binary: Path, window: float) -> dict[str, Any]:
    """The snapshot of a scenario on one server program."""
    return take_all(make, binary, window)[0]


def take_all(make: Make, binary: Path, window: float) -> list[dict[str, Any]]:
    """The snapshots of a scenario with several servers."""
    defaults = {name: option.get("default") for name, option in {**connection_argument_spec(), **_gather_plan.info_argument_spec()}.items()}
    with make(binary) as place:
        if "snapshot" in place:
            return [dict(place["snapshot"])]
        host = place.pop("host", None)
        options = {**defaults, "gather_subset": ["all", "keyspace"], "window": window, **place}
        snapshots = [dict(snapshot) for snapshot in _gather.take_all(options, _gather_plan.make_plan(options))]
        told = _host_reading.read(host) if host else {}
        return [better({"snapshot": snapshot}, {}, host_info=told) for snapshot in snapshots]


def capture_rule(rule: str, scenario: Scenario, name: str) -> dict[str, Any]:
    """The document of one rule, and whether the rule speaks in it as ``speaks``."""
    snapshot = with_values(scrubbed(take(scenario.make, _binary(name), scenario.window)), scenario.adjusted)
    document = {
        "server": name,
        "role": scenario.role,
        "overrides": dict(scenario.overrides),
        "adjusted": dict(scenario.adjusted),
        "why": scenario.why,
        "snapshot": snapshot,
    }
    found = engine.diagnose(snapshot, scenario.overrides, scenario.role)["findings"]
    return {"document": document, "findings": [finding["id"] for finding in found], "speaks": rule in {f["id"] for f in found}}


def capture_healthy(kind: str, name: str) -> dict[str, Any]:
    """The document of a healthy server, and as ``speaks`` whether nothing but the expected findings is in it."""
    make, expected = HEALTHY[kind]
    expected = (*expected, *(AGED if name in ENDED else ()))
    snapshot = scrubbed(take(make, _binary(name), 1.0))
    found = [finding["id"] for finding in engine.diagnose(snapshot)["findings"]]
    document = {"server": name, "expected": list(expected), "snapshot": snapshot}
    return {"document": document, "findings": found, "speaks": set(found) <= set(expected)}


def capture_group(rule: str, name: str) -> dict[str, Any]:
    """The document of servers that replicate each other, and as ``speaks`` whether just the expected findings are told of each."""
    scenario = GROUPS[rule]
    ports: dict[int, int] = {}
    ids: dict[str, int] = {}
    taken = take_all(scenario.make, _binary(name), 0.3)
    # Twice, because the first may name the last: by then all ports are known.
    for dummy in range(2):
        snapshots = [scrubbed(snapshot, ports, ids) for snapshot in taken]
    known = {found.id for found in engine.GROUP_RULES}
    judged = engine.diagnose_targets(snapshots, expected_replicas=scenario.expected_replicas)
    told = [[found["id"] for found in item["diagnosis"]["findings"] if found["id"] in known] for item in judged]
    expected = [list(ids_of_one) for ids_of_one in scenario.expected]
    document = {"server": name, "expected": expected, "expected_replicas": scenario.expected_replicas, "snapshots": snapshots}
    return {"document": document, "findings": [" ".join(ids_of_one) for ids_of_one in told], "speaks": told == expected}


def eligible(scenario: Scenario | GroupScenario) -> list[str]:
    """The servers of the matrix that can show a scenario."""
    return [name for name in servers.matrix() if name in (scenario.servers or servers.matrix())]


def main(arguments: list[str] | None = None) -> int:
    """Capture or check what the command line names. Returns the number of scenarios that did not show what they should."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.capture", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("name", nargs="*", help="rules, and kinds of healthy servers")
    parser.add_argument("--check", action="store_true", help="write nothing, try every server")
    options = parser.parse_args(arguments)
    unknown = set(options.name) - {*SCENARIOS, *HEALTHY, *(GROUP + name for name in GROUPS)}
    if unknown:
        parser.error(f"there is no scenario for {', '.join(sorted(unknown))}")
    wanted = options.name or [*SCENARIOS, *HEALTHY, *(GROUP + name for name in GROUPS)]
    return sum(not _run(*task, write=not options.check) for task in _tasks(wanted, options.check))


def _tasks(wanted: list[str], everywhere: bool) -> Iterator[tuple[Path, str, Callable[[], dict[str, Any]]]]:
    """Where each capture belongs, its server, and how it is made. A rule's server hangs on its name: all come up, and each stays."""
    for rule in [name for name in wanted if name in SCENARIOS]:
        names = eligible(SCENARIOS[rule])
        for name in names if everywhere else [names[zlib.crc32(rule.encode()) % len(names)]]:
            yield FOLDER / f"{rule}.json", name, functools.partial(capture_rule, rule, SCENARIOS[rule], name)
    for kind in [name for name in wanted if name in HEALTHY]:
        for name in ONLY_ON.get(kind, servers.matrix()):
            yield FOLDER / "healthy" / f"{kind}-{name}.json", name, functools.partial(capture_healthy, kind, name)
    for rule in [name.partition(":")[2] for name in wanted if name.startswith(GROUP)]:
        names = eligible(GROUPS[rule])
        for name in names if everywhere else [names[zlib.crc32(rule.encode()) % len(names)]]:
            yield FOLDER / "groups" / f"{rule}.json", name, functools.partial(capture_group, rule, name)


def _run(path: Path, name: str, task: Callable[[], dict[str, Any]], write: bool) -> bool:
    for dummy in range(ATTEMPTS):
        try:
            result = task()
        except (redis.RedisError, OSError, LookupError, RuntimeError) as error:
            result = {"speaks": False, "findings": [f"{type(error).__name__}: {error}"]}
        if result["speaks"]:
            break
    if write and result["speaks"]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(as_text(result["document"]), encoding="utf-8")
    verdict = "ok  " if result["speaks"] else "FAIL"
    print(f"{verdict} {path.stem} on {name}: {', '.join(result['findings']) or 'nothing'}", flush=True)
    return bool(result["speaks"])


def _binary(name: str) -> Path:
    binary = servers.matrix()[name]
    if binary is None:
        raise SystemExit(f"{name} is not on this machine")
    return binary


if __name__ == "__main__":
    sys.exit(main())
