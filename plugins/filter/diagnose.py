# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``diagnose``: a thin face of ``_diagnosis.engine``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis import engine
from ansible_collections.aragora.redis.plugins.module_utils._snapshot import plain

DOCUMENTATION = r"""
name: diagnose
short_description: Judge a snapshot of redis_info
version_added: 0.1.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Turns a snapshot of M(aragora.redis.redis_info) into ranked findings. It reads nothing but the snapshot, which may come from a file.
positional: _input
options:
  _input:
    description: The snapshot.
    type: dict
    required: true
  thresholds:
    description: Limits that differ from the defaults, by name (see docs/thresholds.md). An unknown name is an error.
    type: dict
    default: {}
  workload_role:
    description: What the server is used for, V(cache), V(store), V(queue) or V(session). Without it this is inferred from the snapshot.
    type: str
seealso:
  - plugin: aragora.redis.redis_info
    plugin_type: module
"""

EXAMPLES = r"""
- name: Say why Redis is failing
  ansible.builtin.debug:
    msg: "{{ (redis.snapshot | aragora.redis.diagnose).findings | map(attribute='title') | first | default('nothing found') }}"

- name: Judge a saved snapshot with a limit of one's own
  ansible.builtin.debug:
    msg: "{{ snapshot | aragora.redis.diagnose(thresholds={'memory_high_warning_percent': 70}) }}"
  vars:
    snapshot: "{{ lookup('ansible.builtin.file', 'snapshot.json') | from_json }}"
"""

RETURN = r"""
_value:
  description: What was found.
  type: dict
  contains:
    findings:
      description: Ranked findings; the first is the answer to "why is Redis failing?". Empty for a healthy server.
      type: list
      elements: dict
      contains:
        id:
          description: Public name of the rule, as in docs/findings.md.
          type: str
        severity:
          description: V(critical), V(warning) or V(notice). A root cause has the highest severity of what it explains.
          type: str
        cause:
          description: Family of the cause, such as V(memory_limit).
          type: str
        title:
          description: One sentence.
          type: str
        evidence:
          description: The numbers that were read.
          type: dict
        explains:
          description: Findings of the same list that follow from this one.
          type: list
          elements: str
        advice:
          description: Lines for a person; those that begin with C($ ) are commands.
          type: list
          elements: str
        remedy:
          description: The playbook that mends it, C({action, playbook, extra_vars, risk}), or null.
          type: dict
        docs_url:
          description: Where to read on.
          type: str
    not_applicable:
      description: Rules whose input the snapshot does not have, C({id, missing}).
      type: list
      elements: dict
    workload:
      description: The workload role that was judged by, C({role, why}).
      type: dict
"""


def diagnose(snapshot: Mapping[str, Any], thresholds: Mapping[str, Any] | None = None, workload_role: str | None = None) -> dict[str, Any]:
    """See DOCUMENTATION."""
    if not isinstance(snapshot, Mapping) or "availability" not in snapshot:
        raise AnsibleFilterError("diagnose wants a snapshot of aragora.redis.redis_info (the value of its key 'snapshot')")
    try:
        return engine.diagnose(plain(snapshot), thresholds, workload_role or None)
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Any]:
        """The filters of this file."""
        return {"diagnose": diagnose}
