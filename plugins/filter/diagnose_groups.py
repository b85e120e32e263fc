# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``diagnose_groups``: a thin face of ``_diagnosis.engine`` for servers that were judged in several places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis import engine
from ansible_collections.aragora.redis.plugins.module_utils._snapshot import plain

DOCUMENTATION = r"""
name: diagnose_groups
short_description: Judge servers that replicate each other together
version_added: 0.1.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Takes the results of P(aragora.redis.diagnose_targets#filter), of several hosts put together, and adds what no server can tell alone,
    such as two masters in one group, no master, replicas that are not there, settings and versions that differ.
  - Servers belong together that have the same C(group); those without one, that replicate each other by their own word.
  - A Sentinel belongs to the group of each master that it watches, or with the Sentinels that watch the same.
positional: _input
options:
  _input:
    description: "C({name, snapshot, diagnosis, group, expected_replicas}) for each server."
    type: list
    elements: dict
    required: true
seealso:
  - plugin: aragora.redis.diagnose_targets
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Judge what every host has found out about itself
  ansible.builtin.set_fact:
    diagnosed: "{{ ansible_play_hosts | map('extract', hostvars, 'diagnosed') | flatten(levels=1) | aragora.redis.diagnose_groups }}"
"""

RETURN = r"""
_value:
  description: The same list, with the findings of groups.
  type: list
  elements: dict
"""


def diagnose_groups(diagnosed: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """See DOCUMENTATION."""
    try:
        return engine.diagnose_groups(plain(diagnosed))
    except (KeyError, TypeError) as error:
        raise AnsibleFilterError(f"diagnose_groups wants what diagnose_targets returns, but {error!r}") from error


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Any]:
        """The filters of this file."""
        return {"diagnose_groups": diagnose_groups}
