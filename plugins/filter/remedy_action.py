# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``remedy_action``: a thin face of ``_remedies``."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.aragora.redis.plugins.module_utils import _remedies

DOCUMENTATION = r"""
name: remedy_action
short_description: Say what an action is
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - "The role, playbook, risk and findings of an action, by its name: C({name, role, playbook, risk, findings, does})."
positional: _input
options:
  _input:
    description: Name of the action, such as V(tune_memory). An unknown name is an error.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Which role does it?
  ansible.builtin.debug:
    msg: "{{ 'tune_memory' | aragora.redis.remedy_action }}"
"""

RETURN = r"""
_value:
  description: The action.
  type: dict
"""


def remedy_action(name: str) -> dict[str, Any]:
    """See DOCUMENTATION."""
    try:
        return _remedies.action(str(name))
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Any]:
        """The filters of this file."""
        return {"remedy_action": remedy_action}
