# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``diagnose_targets``: a thin face of ``_diagnosis.engine`` for many servers at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis import engine
from ansible_collections.aragora.redis.plugins.module_utils._snapshot import plain

DOCUMENTATION = r"""
name: diagnose_targets
short_description: Judge the snapshots of many servers
version_added: 0.1.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Applies P(aragora.redis.diagnose#filter) to each snapshot, judges servers that replicate each other together, and keeps name, snapshot
    and diagnosis together, as M(aragora.redis.redis_report) wants them.
positional: _input
options:
  _input:
    description: Snapshots of M(aragora.redis.redis_info).
    type: list
    elements: dict
    required: true
  names:
    description: Names of the servers in the same order. Without them they are called by their addresses.
    type: list
    elements: str
    default: []
  thresholds:
    description: Limits that differ from the defaults, by name. An unknown name is an error.
    type: dict
    default: {}
  workload_role:
    description: What the servers are used for, V(cache), V(store), V(queue) or V(session). Without it this is inferred from each snapshot.
    type: str
  group:
    description:
      - Name of the replication group that all these servers belong to. Without it, who replicates whom says which servers belong together.
    type: str
  previous:
    description:
      - What M(aragora.redis.redis_report) returned as RV(aragora.redis.redis_report#module:previous). Servers that were started since
        are not compared.
    type: list
    elements: dict
    default: []
  expected_replicas:
    description: How many replicas a master should have online.
    type: int
seealso:
  - plugin: aragora.redis.diagnose_groups
    plugin_type: filter
  - plugin: aragora.redis.diagnose
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Judge all snapshots of one call
  ansible.builtin.set_fact:
    diagnosed: "{{ redis.snapshots | aragora.redis.diagnose_targets }}"
"""

RETURN = r"""
_value:
  description: "C({name, snapshot, diagnosis, group, expected_replicas}) for each snapshot, in the same order."
  type: list
  elements: dict
"""


def diagnose_targets(
    snapshots: Sequence[Mapping[str, Any]],
    names: Sequence[str] = (),
    thresholds: Mapping[str, Any] | None = None,
    workload_role: str | None = None,
    *,
    group: str | None = None,
    expected_replicas: Any = None,
    previous: Any = None,
) -> list[dict[str, Any]]:
    """See DOCUMENTATION."""
    try:
        return engine.diagnose_targets(
            plain(snapshots),
            names,
            thresholds,
            workload_role or None,
            replication_group=group,
            expected_replicas=expected_replicas,
            previous=plain(previous or []),
        )
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Any]:
        """The filters of this file."""
        return {"diagnose_targets": diagnose_targets}
