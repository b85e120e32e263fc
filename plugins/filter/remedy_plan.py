# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``remedy_plan``: a thin face of ``_plans``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.aragora.redis.plugins.module_utils._plans import every
from ansible_collections.aragora.redis.plugins.module_utils._snapshot import plain

DOCUMENTATION = r"""
name: remedy_plan
short_description: Say what an action would do to a server
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Reckons with a snapshot of M(aragora.redis.redis_info) and nothing else what the action would do, and whether it may.
  - "C({refused, steps, settings}): sentences why it is refused, sentences what would be done, settings that would be set; an action without
    steps has nothing to do."
positional: _input
options:
  _input:
    description: The snapshot.
    type: dict
    required: true
  action:
    description: Name of the action, such as V(tune_memory).
    type: str
    required: true
  options:
    description: The operator's own values, as the role of the action hands them on.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: What would be done?
  ansible.builtin.debug:
    msg: "{{ (redis.snapshot | aragora.redis.remedy_plan('tune_memory', {'maxmemory': '2gb'})).steps }}"
"""

RETURN = r"""
_value:
  description: The plan.
  type: dict
"""


def remedy_plan(snapshot: Mapping[str, Any], action: str, options: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """See DOCUMENTATION."""
    try:
        return every.plan(str(action), plain(snapshot), plain(options or {}))
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Any]:
        """The filters of this file."""
        return {"remedy_plan": remedy_plan}
