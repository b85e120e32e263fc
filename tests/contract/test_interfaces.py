# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Interfaces: what is documented is what is there."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.aragora.redis.plugins.doc_fragments.connection import ModuleDocFragment
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.thresholds import THRESHOLDS
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import connection_argument_spec
from ansible_collections.aragora.redis.plugins.module_utils._gather_plan import info_argument_spec

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "plugins" / "modules").glob("*.py"))
ROLES = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())
PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yml"))
# The public names that roles share; they stand in argument_specs and in no defaults.
SHARED = {
    "redis_url", "redis_connection", "redis_group", "redis_expected_replicas", "redis_application", "redis_remediation_mode",
    "redis_remediation_allow", "redis_report_dir",
}  # fmt: skip
# Five plays fit.
LONGEST_PLAYBOOK = 32
LONGEST_TASK_FILE = 60


def load(path: Path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def documentation(path: Path):
    text = re.search(r'^DOCUMENTATION = r"""\n(.*?)^"""', path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert text, f"{path.name} has no DOCUMENTATION"
    return yaml.safe_load(text.group(1))


def names(path: Path) -> str:
    return path.stem if path.is_file() else path.name


def test_the_action_group_is_exactly_the_modules_that_connect():
    connecting = {
        path.stem for path in MODULES if "aragora.redis.connection" in documentation(path).get("extends_documentation_fragment", [])
    }
    assert set(load(ROOT / "meta" / "runtime.yml")["action_groups"]["redis"]) == connecting


def test_the_connection_fragment_documents_the_connection_spec():
    documented = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
    spec = connection_argument_spec()
    assert documented.keys() == spec.keys()
    for name, option in spec.items():
        assert {key: documented[name].get(key) for key in ("type", "default", "elements")} == {
            key: option.get(key) for key in ("type", "default", "elements")
        }, name


def test_the_inventory_plugin_calls_the_options_of_the_connection_by_their_names():
    options = documentation(ROOT / "plugins" / "inventory" / "redis_topology.py")["options"]
    fragment = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
    of_its_own = {"plugin", "service_names", "cluster", "cluster_name"}
    assert options.keys() - of_its_own <= fragment.keys()
    for name in options.keys() - of_its_own:
        assert options[name]["type"] == fragment[name]["type"], name
        assert options[name].get("default") in (fragment[name].get("default"), []), name


def test_the_action_plugins_take_the_options_that_are_documented():
    names = ("redis_report", "redis_report_changes", "redis_incident", "redis_backup_store")
    specs = {name: importlib.import_module(f"ansible_collections.aragora.redis.plugins.action.{name}").SPEC for name in names}
    specs["redis_info"] = info_argument_spec()
    for name, spec in specs.items():
        documented = documentation(ROOT / "plugins" / "modules" / f"{name}.py")["options"]
        assert documented.keys() == spec.keys()
        for option, fields in spec.items():
            for key in ("type", "default", "choices", "elements"):
                assert documented[option].get(key) == fields.get(key), f"{name}: {key} of {option}"


@pytest.mark.parametrize("role", ROLES, ids=names)
def test_defaults_are_those_of_the_argument_specs(role):
    specs = load(role / "meta" / "argument_specs.yml")["argument_specs"]
    defaults = load(role / "defaults" / "main.yml")
    for point, spec in specs.items():
        own = {name: option for name, option in spec["options"].items() if name not in SHARED}
        assert all(name.startswith(f"{role.name}_") for name in own), point
        assert {name: option.get("default") for name, option in own.items()} == defaults, point
    assert not SHARED & defaults.keys()


@pytest.mark.parametrize("role", ROLES, ids=names)
def test_internal_names_are_marked(role):
    internal = load(role / "vars" / "main.yml") if (role / "vars" / "main.yml").exists() else {}
    assert all(name.startswith(f"__{role.name}_") for name in internal)


@pytest.mark.parametrize("path", PLAYBOOKS, ids=names)
def test_a_playbook_fits_the_eye(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_PLAYBOOK


@pytest.mark.parametrize("path", sorted((ROOT / "roles").glob("*/tasks/*.yml")), ids=str)
def test_a_task_file_fits_the_eye(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_TASK_FILE


@pytest.mark.parametrize("path", PLAYBOOKS, ids=names)
def test_a_playbook_first_refuses_a_limit_that_would_leave_it_with_nothing_to_do_in_silence(path):
    first = load(path)[0]
    assert first["hosts"] == "all"
    assert first["tasks"][0]["ansible.builtin.import_role"] == {"name": "aragora.redis.redis_diagnosis", "tasks_from": "limit"}


@pytest.mark.parametrize("path", PLAYBOOKS, ids=names)
def test_a_playbook_does_not_decide_about_privileges(path):
    assert all("become" not in play for play in load(path))


def test_thresholds_have_units_and_a_meaning():
    assert all(unit and meaning for dummy, unit, meaning in THRESHOLDS.values())


@pytest.mark.parametrize("name", THRESHOLDS)
def test_a_threshold_is_used_by_a_rule(name):
    rules = (ROOT / "plugins" / "module_utils" / "_diagnosis").glob("*.py")
    assert any(f'"{name}"' in path.read_text(encoding="utf-8") for path in rules if path.name != "thresholds.py")


def tasks_of(rows):
    """All tasks of a file, those inside of blocks, too."""
    for row in rows or []:
        yield row
        for part in ("block", "rescue", "always"):
            yield from tasks_of(row.get(part))


@pytest.mark.parametrize("path", sorted((ROOT / "roles").glob("*/tasks/*.yml")), ids=lambda path: f"{path.parents[1].name}-{path.stem}")
def test_a_delegated_task_names_the_address_of_its_host(path):
    # Where ansible_host is made of inventory_hostname, Ansible would take the name of the play's host, and act on the wrong one.
    for task in tasks_of(load(path)):
        if task.get("delegate_to", "localhost") != "localhost":
            # The item of a loop is not known where the address is reckoned: the loop has to include a file of tasks.
            assert "loop" not in task, task["name"]
            place = task["delegate_to"].strip("{} ")
            expected = f"{{{{ hostvars[{place}].ansible_host | default({place}) }}}}"
            assert task.get("vars", {}).get("ansible_host") == expected, task["name"]


CONDITIONS = {"when", "that", "failed_when", "changed_when", "until"}
SWITCHES = sorted(
    {
        name
        for role in ROLES
        for spec in load(role / "meta" / "argument_specs.yml")["argument_specs"].values()
        for name, option in spec.get("options", {}).items()
        if option["type"] == "bool"
    }
)
READERS = sorted(
    path
    for place in ("roles/*/tasks/*.yml", "roles/*/handlers/*.yml", "roles/*/vars/*.yml", "roles/*/templates/*.j2", "playbooks/*.yml")
    for path in ROOT.glob(place)
)


def expressions(value, is_condition=False):
    if isinstance(value, dict):
        return [found for key, below in value.items() for found in expressions(below, key in CONDITIONS)]
    if isinstance(value, list):
        return [found for below in value for found in expressions(below, is_condition)]
    if not isinstance(value, str):
        return []
    return [value] if is_condition else re.findall(r"\{\{.*?\}\}|\{%.*?%\}", value, re.DOTALL)


def unconverted(expression):
    """The switches that it takes as they come; whether one is given at all is another question."""
    names = re.findall(rf"\b({'|'.join(SWITCHES)})\b(?!=| is (?:not )?defined)((?: \| default\([^)]*\))?(?: \| bool\b)?)", expression)
    return [name for name, filters in names if not filters.endswith("bool")]


@pytest.mark.parametrize("path", READERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_switch_may_be_given_as_a_text(path):
    # A survey of AWX and -e on a command line give texts, of which "false" is true.
    found = expressions(load(path) if path.suffix == ".yml" else path.read_text(encoding="utf-8"))
    assert [name for expression in found for name in unconverted(expression)] == []


def test_a_switch_that_is_taken_as_it_comes_is_found():
    assert unconverted("{{ redis_failover_takeover }}") == ["redis_failover_takeover"]
    assert unconverted("not redis_guard_with_host | default(true)") == ["redis_guard_with_host"]
    assert unconverted("redis_guard_with_host | default(true) | bool and redis_backup_test | bool") == []
