# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The layers: imports point down, pure files import nothing but the standard library, redis-py has one door."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "plugins"
OURS = "ansible_collections.aragora.redis.plugins."
# From the top: a file may import from its own layer and from those below. What is not named here is pure.
FACES = ("modules", "action", "filter", "doc_fragments", "inventory")
CONVERSATIONS = {
    "_acl_server.py", "_application_gather.py", "_application_http.py", "_application_pool.py", "_application_probe.py",
    "_application_redis.py",
    "_application_run.py", "_application_service.py",
    "_apply_settings.py", "_backup_server.py", "_backup_ways.py", "_canary.py", "_client_kill.py", "_client_slot.py", "_clients_server.py",
    "_cluster_create.py", "_cluster_server.py",
    "_failover_facts.py", "_failover_forced_ways.py", "_failover_sentinel.py", "_failover_server.py", "_failover_ways.py",
    "_fallback_book.py",
    "_fallback_bundle.py", "_fallback_files.py", "_fallback_ready.py", "_fallback_redis.py", "_fallback_watch.py",
    "_firewall_run.py", "_flush_server.py", "_gather.py", "_gather_keyspace.py", "_guard_book.py", "_host_commands.py",
    "_host_files.py", "_host_processes.py", "_host_reading.py", "_kernel_host.py", "_keys_server.py", "_keyspace_run.py",
    "_keyspace_server.py", "_latency_server.py", "_ledger_file.py", "_manners.py", "_memory_defrag.py", "_memory_limit.py",
    "_memory_purge.py", "_memory_server.py", "_monitors_server.py", "_network_way.py", "_notify_apprise.py",
    "_replication_objections.py", "_replication_server.py", "_restore_server.py", "_save_server.py", "_scan.py",
    "_scratch_server.py",
    "_script_kill.py", "_sentinel_move.py", "_sentinel_reset.py", "_sentinel_server.py", "_sentinel_views_server.py",
    "_service_environment.py",
    "_slowlog_server.py", "_topology_server.py", "_wait_server.py",
}  # fmt: skip
CLIENT = "_client.py"
# Drawing the report's charts is the controller's business; the library is imported where a chart is drawn.
OTHER_LIBRARIES = {"_client.py": {"redis"}, "_notify_apprise.py": {"apprise"}, "_report/charts.py": {"pygal"}}


def files() -> list[Path]:
    return sorted(PLUGINS.rglob("*.py"))


def name_of(path: Path) -> str:
    return str(path.relative_to(PLUGINS / "module_utils")) if "module_utils" in path.parts else str(path.relative_to(PLUGINS))


def layer_of(name: str) -> int:
    """0 for pure files, upwards from there."""
    if name.split("/", maxsplit=1)[0] in FACES:
        return 3
    return {**dict.fromkeys(CONVERSATIONS, 2), CLIENT: 1}.get(name, 0)


def imports_of(path: Path) -> set[str]:
    """Full names of the imported modules, relative ones excluded (there are none)."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            # "from package import module" names the module second.
            found.update(f"{node.module}.{alias.name}" for alias in node.names if node.module.startswith(OURS))
    return found


def our_files(imports: set[str]) -> set[str]:
    """The files of ours behind imported names."""
    relative = {name[len(OURS) :].replace(".", "/") + ".py" for name in imports if name.startswith(OURS)}
    return {name.replace("module_utils/", "", 1) for name in relative if (PLUGINS / name).exists()}


@pytest.mark.parametrize("path", files(), ids=name_of)
def test_imports_point_down(path):
    layer = layer_of(name_of(path))
    above = {name for name in our_files(imports_of(path)) if layer_of(name) > layer}
    assert not above, f"{name_of(path)} (layer {layer}) imports upwards: {sorted(above)}"


@pytest.mark.parametrize("path", [path for path in files() if layer_of(name_of(path)) == 0], ids=name_of)
def test_pure_files_import_the_standard_library_only(path):
    foreign = {name.split(".")[0] for name in imports_of(path) if not name.startswith(OURS)} - sys.stdlib_module_names
    assert foreign <= OTHER_LIBRARIES.get(name_of(path), set())


@pytest.mark.parametrize(("library", "door"), [("redis", CLIENT), ("apprise", "_notify_apprise.py")])
def test_a_library_has_one_door(library, door):
    assert [name_of(path) for path in files() if any(name.split(".")[0] == library for name in imports_of(path))] == [door]


def test_programs_are_started_by_one_file():
    asked = re.compile(r"subprocess[.](run|Popen|call|check_call|check_output)[(]|os[.](system|popen|exec|spawn)")
    assert [name_of(path) for path in files() if asked.search(path.read_text(encoding="utf-8"))] == ["_programs.py"]


@pytest.mark.parametrize("path", files(), ids=name_of)
def test_fail_json_is_called_in_main_and_in_the_client_only(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    callers = {
        function.name
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute) and node.attr == "fail_json"
    }
    allowed = {"main"} if path.parent.name == "modules" else {"connected", "prepare"} if path.name == CLIENT else set()
    assert callers <= allowed


@pytest.mark.parametrize("path", files(), ids=name_of)
def test_code_is_python_3_9(path):
    ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))


def test_there_is_no_package_file_under_plugins():
    assert not list(PLUGINS.rglob("__init__.py"))
