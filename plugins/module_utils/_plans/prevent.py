# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What prevent would do to a server and its host: each step for itself; what cannot be done is left, said, and stops no other. Pure.

Beside ``refused`` and ``steps`` the plan holds ``left: [sentence]``, ``library`` and ``kernel``, whether there is something to do about
them, ``file_limit: {unit, files}``, ``ops: [user]``, ``users: [{name, rules}]``, ``give_back: {user: rules}``, ``memory``, a plan of
tune_memory, ``persist``, and ``restart``, a plan of restart. What no snapshot tells stands in the option ``survey``, of which the role
README says how it is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _client_limits
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis import configuration, thresholds, workload
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.finding import Facts, Missing
from ansible_collections.aragora.redis.plugins.module_utils._plans import memory, prevent_commands, prevent_reversal, service
from ansible_collections.aragora.redis.plugins.module_utils._plans.prevent_commands import would_change

NOTHING: dict[str, Any] = {
    "refused": [], "steps": [], "settings": {}, "left": [], "library": False, "kernel": False, "file_limit": {}, "ops": [], "users": [],
    "give_back": {}, "memory": {}, "persist": False, "restart": {}, "waits": [],
}  # fmt: skip
PARTS = ("library", "kernel", "files", "ops_users", "commands", "memory", "persist")
BY_URL = "what the host needs (kernel, open files, redis-py) is left alone by URL: give an inventory with the host in it"
# Of the memory nothing but the limit and the policy is prevention; the rest is a remedy.
LIMIT = ("maxmemory", "maxmemory-policy")
QUIET = {"activedefrag": "never", "defrag_seconds": 60, "defrag_cpu": 10, "max_added_latency": 20}
RULES = {rule.id: rule for rule in configuration.RULES}


@dataclass
class Draft:
    """The plan while it is made."""

    facts: Facts
    options: Mapping[str, Any]
    survey: Mapping[str, Any]
    steps: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    waits: list[str] = field(default_factory=list)
    done: dict[str, Any] = field(default_factory=dict)
    short_of_files: bool = False

    def wants(self, part: str) -> bool:
        """Whether the operator has not left this part out."""
        return part not in self.options["leave_out"]


def plan(snapshot: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The plan for a snapshot. ``options``: ``{state, leave_out, users, commands, accept_noperm, maxmemory, policy, workload_role,
    restart, by_host, previous, survey}``. ValueError for odd ones, naming the variable.
    """
    _check(options)
    survey = options.get("survey") or {}
    state = snapshot["availability"]["state"]
    if options["state"] == "absent":
        found = prevent_reversal.plan(snapshot, options, survey)
    elif survey.get("library") and options["by_host"]:
        found = _first_of_all(options, survey)
    elif state != "up":
        found = {"refused": [f"the server cannot be asked ({state}): prevent is for one that works, see what a diagnosis says"]}
    else:
        found = _drafted(snapshot, options, survey)
    whole = {**NOTHING, **found}
    if whole["left"] and not whole["steps"]:
        whole["refused"] = [*whole["refused"], *whole["left"]]
    # What waits for a restart is done, as far as it can be without one.
    hint = [*whole["waits"], *([] if options["by_host"] else [BY_URL])]
    steps = [*whole["steps"], *(f"leaves: {text}" for text in whole["left"]), *hint] if whole["steps"] else []
    return {**whole, "steps": steps, "idle": "; ".join(["nothing to do: all that was asked for is so", *hint])}


def _first_of_all(options: Mapping[str, Any], survey: Mapping[str, Any]) -> dict[str, Any]:
    """Without redis-py nothing is known of the server."""
    draft = Draft(Facts({}, thresholds.merged(None), "store"), options, survey)
    again = "without redis-py the server itself could not be looked at: run it again"
    if draft.wants("library"):
        draft.steps.append("installs redis-py, without which nothing can be asked here")
        draft.done["library"] = True
    _kernel(draft)
    return {**draft.done, "steps": draft.steps, "left": [*draft.left, again]}


def _drafted(snapshot: Mapping[str, Any], options: Mapping[str, Any], survey: Mapping[str, Any]) -> dict[str, Any]:
    role = workload.judged_as(snapshot, options.get("workload_role") or None)["role"]
    draft = Draft(Facts(snapshot, thresholds.merged(None), role), options, survey)
    for part in (_kernel, _files, _ops_users, _commands, _memory, _persist, _restart):
        try:
            part(draft)
        except Missing as missing:
            draft.left.append(f"the server does not tell {missing}, and without it {part.__name__.strip('_')} cannot be seen to")
    return {**draft.done, "steps": draft.steps, "left": draft.left, "waits": draft.waits}


def _kernel(draft: Draft) -> None:
    if draft.wants("kernel") and draft.options["by_host"]:
        told = draft.survey.get("kernel") or {}
        draft.left += told.get("left") or ([str(told["msg"])] if told.get("msg") else [])
        draft.steps += told.get("steps") or []
        draft.done["kernel"] = bool(told.get("steps"))


def _files(draft: Draft) -> None:
    """A unit whose process may open as many files as its connections need."""
    facts, unit = draft.facts, draft.facts.get_or("host.unit.name", None)
    if not (draft.wants("files") and draft.options["by_host"] and unit):
        return
    asked = facts.get_or("host.config.settings.maxclients", None)
    needs = _client_limits.files_for(max(int(asked or 10_000), facts.integer("config.maxclients")))
    has, next_time = facts.number_or("host.process.open_files_soft", needs), facts.number_or("host.unit.open_files", needs)
    if next_time < needs:
        draft.done["file_limit"] = {"unit": str(unit), "files": needs}
        draft.steps.append(f"LimitNOFILE={needs} in a drop-in of {unit}, which may open {next_time:g} files")
    draft.short_of_files = min(has, next_time) < needs
    if draft.short_of_files and not draft.options["restart"]:
        draft.waits.append(
            f"the process may open {has:g} files and needs {needs}: it may from its next restart on (restart.yml, rolling_restart.yml, "
            "or redis_hardening_restart=true)"
        )


def _ops_users(draft: Draft) -> None:
    for name, told in (draft.survey.get("ops") or {}).items() if draft.wants("ops_users") else ():
        if told.get("msg"):
            draft.left.append(str(told["msg"]))
        elif would_change(told):
            draft.steps.append(f"declares the user {name} with the least that it needs")
            draft.done.setdefault("ops", []).append(name)


def _commands(draft: Draft) -> None:
    if draft.wants("commands"):
        users, steps, left = prevent_commands.denied(draft.facts, draft.options, draft.survey.get("commands") or {})
        draft.done["users"] = users
        draft.steps += steps
        draft.left += left


def _memory(draft: Draft) -> None:
    """A limit where there is none."""
    if not draft.wants("memory") or draft.facts.integer("config.maxmemory"):
        return
    asked = {name: draft.options.get(name) for name in ("maxmemory", "policy", "workload_role")}
    try:
        found = memory.plan(draft.facts.snapshot, {**QUIET, **asked})
    except ValueError as error:
        raise ValueError(_ours(str(error))) from None
    steps = [step for step in found["steps"] if step.startswith("maxmemory")]
    if found["refused"]:
        draft.left += [f"maxmemory stays 0: {_ours(text)}" for text in found["refused"]]
    elif steps:
        settings = {name: value for name, value in found["settings"].items() if name in LIMIT}
        draft.done["memory"] = {"settings": settings, "lower": found["lower"], "defrag": {}, "purge": False}
        draft.steps += steps


def _ours(text: str) -> str:
    """The sentence of another action, with the variable that is read here."""
    return text.replace("redis_memory_maxmemory", "redis_hardening_maxmemory")


def _persist(draft: Draft) -> None:
    """What runs is what the file says, where the file is the server's to write."""
    if not draft.wants("persist") or not draft.options["by_host"]:
        return
    try:
        told = RULES["config_not_persisted"].judge(draft.facts)
        blocked = RULES["config_not_writable"].judge(draft.facts) if told else None
    except Missing:
        return
    if told and blocked:
        draft.left.append(blocked.title)
    elif told:
        draft.done["persist"] = True
        draft.steps.append(f"CONFIG REWRITE, because {told.title[0].lower()}{told.title[1:]}")


def _restart(draft: Draft) -> None:
    if not (draft.options["restart"] and draft.short_of_files):
        return
    role = {"workload_role": draft.options.get("workload_role")}
    found = service.restart(draft.facts.snapshot, {"planned": True, "young": 0, "wait": 600, **role})
    if found["refused"]:
        draft.left += [f"it is not restarted, so that it may open no more files: {text}" for text in found["refused"]]
    else:
        draft.done["restart"] = found
        draft.steps += found["steps"]


def _check(options: Mapping[str, Any]) -> None:
    if options["state"] not in ("present", "absent"):
        raise ValueError(f"redis_hardening_state is '{options['state']}': choose present or absent")
    odd = [str(part) for part in options["leave_out"] if part not in PARTS]
    if isinstance(options["leave_out"], str) or odd:
        raise ValueError(f"redis_hardening_leave_out is {options['leave_out']!r}: give a list of {', '.join(PARTS)}")
    if isinstance(options["users"], str) or not all(isinstance(name, str) and name for name in options["users"]):
        raise ValueError(f"redis_hardening_users is {options['users']!r}: give a list of names")
