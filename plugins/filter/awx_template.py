# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``awx_template``: a thin face of ``_awx_survey``."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.aragora.redis.plugins.module_utils import _awx_survey

DOCUMENTATION = r"""
name: awx_template
short_description: The job template of a playbook in AWX, with its survey
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - What AWX has to know of a playbook of this collection. The survey is made of the options of the roles that the playbook is about, so
    that it asks for what the playbook of this release understands.
  - The mode is asked first, where there is one. No other question has a default, because an answer wins over the inventory; what holds
    without an answer is told beside the question.
  - Lists without choices and mappings are not asked for. They belong into the inventory. Passwords of servers belong into a credential.
positional: _input
options:
  _input:
    description: The name of the playbook, such as V(diagnose).
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Keep a job template for the diagnosis
  awx.awx.job_template:
    name: "{{ diagnose.name }}"
    project: aragora.redis
    inventory: Redis
    playbook: "{{ diagnose.playbook }}"
    survey_enabled: true
    survey_spec: "{{ diagnose.survey }}"
  vars:
    diagnose: "{{ 'diagnose' | aragora.redis.awx_template }}"
"""

RETURN = r"""
_value:
  description:
    - C(name) and C(description) of the job template, the C(playbook) as a path in the project, and the C(survey) as AWX takes it.
  type: dict
"""

COLLECTION = Path(__file__).resolve().parents[2]


def awx_template(name: str) -> dict[str, Any]:
    """See DOCUMENTATION."""
    path = COLLECTION / "playbooks" / f"{name}.yml"
    if not str(name).isidentifier() or not path.is_file():
        raise AnsibleFilterError(f"aragora.redis has no playbook '{name}'")
    text = path.read_text(encoding="utf-8")
    return _awx_survey.template(str(name), text, yaml.safe_load(text), _specs())


@functools.cache
def _specs() -> dict[str, Any]:
    """{role: its argument_specs}, read once for all playbooks."""
    return {
        place.parents[1].name: yaml.safe_load(place.read_text(encoding="utf-8"))["argument_specs"]
        for place in (COLLECTION / "roles").glob("*/meta/argument_specs.yml")
    }


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Any]:
        """The filters of this file."""
        return {"awx_template": awx_template}
