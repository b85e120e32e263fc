# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``remediation_left``: a thin face of ``_remedies``."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _remedies
from ansible_collections.aragora.redis.plugins.module_utils._snapshot import plain

DOCUMENTATION = r"""
name: remediation_left
short_description: Say what a remediation leaves to people
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Rows for the timeline of M(aragora.redis.redis_report), for actions that were not allowed, and for findings that no playbook mends.
positional: _input
options:
  _input:
    description: The plan, of the filter P(aragora.redis.remediation_plan#filter).
    type: list
    elements: dict
    required: true
  findings:
    description: The findings that matter.
    type: list
    elements: dict
    required: true
  target:
    description: Name of the server.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: What is left?
  ansible.builtin.debug:
    msg: "{{ plan | aragora.redis.remediation_left(diagnosis.findings, inventory_hostname) }}"
"""

RETURN = r"""
_value:
  description: Rows, C({at, target, action, risk, findings, state, steps, why}).
  type: list
  elements: dict
"""


def remediation_left(plan: Sequence[Mapping[str, Any]], findings: Sequence[Mapping[str, Any]], target: str) -> list[dict[str, Any]]:
    """See DOCUMENTATION."""
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return _remedies.left(plain(plan), plain(findings), str(target), now)


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Any]:
        """The filters of this file."""
        return {"remediation_left": remediation_left}
