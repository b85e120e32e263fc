# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The job template of a playbook in AWX: what it is called, and the survey, from the options of the roles that it is about. Pure.

An answer becomes an extra variable and wins over the inventory. So no question but the mode has a default: what holds without an answer
is told beside the question, and AWX leaves out what is not answered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _playbooks, _remedies

# {type of an option: type of a question}; what is not here, a mapping or a list without choices, belongs into the inventory.
QUESTIONS = {"str": "text", "path": "text", "int": "integer", "float": "float", "bool": "multiplechoice"}
# A URL may hold a password.
SECRET = ("_password", "_token", "_url")
BOOLEANS = ["true", "false"]
MODE = "redis_remediation_mode"
# Names that all roles share, as people say them.
SHARED = {MODE: "plan or apply", "redis_remediation_allow": "allowed actions", "redis_application": "application"}
NOT_ASKED = (
    # May hold a password, which belongs into a credential; belong to one host; names a folder of a container that is gone afterwards.
    "redis_url", "redis_connection", "redis_group", "redis_expected_replicas", "redis_report_dir",
    "redis_monitoring_address", "redis_sentinel_address", "redis_cluster_address", "redis_endpoint_address",
    # What roles tell each other, and people do not.
    "redis_verify_host", "redis_fallback_host", "redis_fallback_fatal", "redis_escalation_look",
)  # fmt: skip
TARGET = {
    "type": "str",
    "description": ["A pattern of the inventory. Without it the server of the credential's URL, else the group of the inventory."],
}


def template(name: str, text: str, plays: Sequence[Mapping[str, Any]], specs: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """``{name, playbook, description, survey}`` of a playbook by its text, its plays, and ``{role: argument_specs}``."""
    does, plans = _playbooks.told(text)
    settled = {MODE, *NOT_ASKED, *_playbooks.settled(plays)}
    mode: dict[str, Any] = {}
    questions = {"target": question("target", "servers", TARGET)} if "target | default" in text or _chooses(plays) else {}
    for role, point in _playbooks.own(plays):
        options = specs[role].get(point, {}).get("options", {})
        mode = _mode(options[MODE]) if plans and MODE in options else mode
        asked = (name for name in options if name not in settled and name not in questions)
        questions.update({name: question(name, label(role, name), options[name]) for name in asked})
    return {
        "name": f"Redis: {name}",
        "playbook": f"playbooks/{name}.yml",
        "description": does,
        "survey": {"name": "", "description": "", "spec": [one for one in (mode, *questions.values()) if one]},
    }


def question(variable: str, label: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """One question, empty where no form can ask for the option."""
    kind, choices = str(spec.get("type", "str")), _choices(variable, spec)
    if choices:
        asked = "multiselect" if kind == "list" else "multiplechoice"
    elif kind in QUESTIONS or variable in SHARED:
        asked = QUESTIONS.get(kind, "text")
    else:
        return {}
    if spec.get("no_log") or variable.endswith(SECRET):
        asked = "password"
    found: dict[str, Any] = {
        "type": asked,
        "variable": variable,
        "question_name": label,
        "question_description": _description(spec),
        "required": bool(spec.get("required", False)),
    }
    # As AWX keeps them; a list would come back as it was sent, and its own form sends text.
    return {**found, "choices": "\n".join(choices)} if choices else found


def _mode(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {**question(MODE, SHARED[MODE], {**spec, "required": True}), "default": "plan"}


def _choices(variable: str, spec: Mapping[str, Any]) -> list[str]:
    if variable == "redis_remediation_allow":
        return list(_remedies.ACTIONS)
    return BOOLEANS if spec.get("type") == "bool" else [str(choice) for choice in spec.get("choices") or []]


def label(role: str, name: str) -> str:
    """``accept data loss`` for redis_restore_accept_data_loss."""
    return SHARED.get(name) or name.removeprefix(f"{role}_").replace("_", " ")


def _description(spec: Mapping[str, Any]) -> str:
    """What the option means, as plain text, with what holds without an answer."""
    told: Iterable[str] = spec.get("description") or []
    text = re.sub(r"\b[A-Z]\(([^)]*)\)", r"\1", " ".join([told] if isinstance(told, str) else told))
    default = spec.get("default")
    if default in (None, "", [], {}) or spec.get("no_log"):
        return text
    shown = str(default).lower() if isinstance(default, bool) else ", ".join(default) if isinstance(default, list) else default
    return f"{text} Without an answer: {shown}."


def _chooses(plays: Sequence[Mapping[str, Any]]) -> bool:
    """Whether one of its roles chooses the servers, by ``target`` first."""
    return any(point == "choose" for dummy, point in _playbooks.entry_points(plays))
