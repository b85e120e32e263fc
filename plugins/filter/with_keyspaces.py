# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``with_keyspaces``: a thin face of ``_snapshot.with_keyspace``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.aragora.redis.plugins.module_utils._snapshot import plain, with_keyspace

DOCUMENTATION = r"""
name: with_keyspaces
short_description: Put what was read of the keys into snapshots
version_added: 0.1.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - The result of M(aragora.redis.redis_keyspace) takes the place of the sample that a snapshot of M(aragora.redis.redis_info) may hold.
  - Where a result has no keys, because the module failed, the sample stays and C(denied.keyspace) says why.
positional: _input
options:
  _input:
    description: Snapshots of M(aragora.redis.redis_info).
    type: list
    elements: dict
    required: true
  results:
    description:
      - Results of M(aragora.redis.redis_keyspace) in the same order. One that was skipped, or is not there, leaves its snapshot as it is.
    type: list
    elements: dict
    required: true
seealso:
  - plugin: aragora.redis.redis_keyspace
    plugin_type: module
"""

EXAMPLES = r"""
- name: Judge with what a full scan has found
  ansible.builtin.set_fact:
    diagnosed: "{{ redis.snapshots | aragora.redis.with_keyspaces(scans.results) | aragora.redis.diagnose_targets }}"
"""

RETURN = r"""
_value:
  description: The snapshots in the same order.
  type: list
  elements: dict
"""


def with_keyspaces(snapshots: Sequence[Mapping[str, Any]], results: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """See DOCUMENTATION."""
    if len(results) > len(snapshots):
        raise AnsibleFilterError(f"with_keyspaces has {len(results)} results for {len(snapshots)} snapshots: give one for each, in order")
    pairs = zip_longest(plain(list(snapshots)), plain(list(results)))
    return [with_keyspace(snapshot, result or {"skipped": True}) for snapshot, result in pairs]


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Any]:
        """The filters of this file."""
        return {"with_keyspaces": with_keyspaces}
