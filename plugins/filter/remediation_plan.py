# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``remediation_plan``: a thin face of ``_remedies``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.aragora.redis.plugins.module_utils import _remedies
from ansible_collections.aragora.redis.plugins.module_utils._snapshot import plain

DOCUMENTATION = r"""
name: remediation_plan
short_description: Put the remedies of findings into a plan
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Takes the remedies that the findings of one server name, each action once, in the order in which they are best taken.
positional: _input
options:
  _input:
    description: Findings of the filter P(aragora.redis.diagnose#filter).
    type: list
    elements: dict
    required: true
  allowed:
    description: The guarded actions that may be taken. An unknown name is an error.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: What would be done?
  ansible.builtin.debug:
    msg: "{{ diagnosis.findings | aragora.redis.remediation_plan(['tune_memory']) }}"
"""

RETURN = r"""
_value:
  description: "C({action, role, tasks_from, risk, findings, named, allowed, why}) for each action."
  type: list
  elements: dict
"""


def remediation_plan(findings: Sequence[Mapping[str, Any]], allowed: Any = ()) -> list[dict[str, Any]]:
    """See DOCUMENTATION."""
    try:
        return _remedies.ordered(plain(findings), _remedies.names(plain(allowed)))
    except ValueError as error:
        raise AnsibleFilterError(f"redis_remediation_allow: {error}") from None


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Any]:
        """The filters of this file."""
        return {"remediation_plan": remediation_plan}
