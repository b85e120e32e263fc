# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``ops_rules``: a thin face of ``_privileges``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.aragora.redis.plugins.module_utils import _privileges
from ansible_collections.aragora.redis.plugins.module_utils._settings_plan import release_of
from ansible_collections.aragora.redis.plugins.module_utils._snapshot import plain

DOCUMENTATION = r"""
name: ops_rules
short_description: The ACL rules of the users that this collection logs in as
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - The least that C(ops_diagnose) needs for all that reads, or C(ops_remediate) for the actions of the remedies, as C(rules) of
    M(aragora.redis.redis_acl) on the server of the snapshot. What depends on the release is left out where that does not have it.
positional: _input, user
options:
  _input:
    description: The snapshot of the server, by M(aragora.redis.redis_info); its part C(info) is enough.
    type: dict
    required: true
  user:
    description: V(ops_diagnose) or V(ops_remediate).
    type: str
    required: true
  actions:
    description:
      - The actions that V(ops_remediate) is for, such as V(tune_memory).
      - Without it all but V(restore) and V(flush), which take data away.
    type: list
    elements: str
"""

EXAMPLES = r"""
- name: Make the user that a diagnosis logs in as
  aragora.redis.redis_acl:
    name: ops_diagnose
    rules: "{{ redis.snapshot | aragora.redis.ops_rules('ops_diagnose') }}"
    passwords: ["{{ vault_ops_diagnose_password }}"]
    persist: auto
"""

RETURN = r"""
_value:
  description: The rules.
  type: list
  elements: str
"""


def ops_rules(snapshot: Mapping[str, Any], user: str, actions: Sequence[str] | None = None) -> list[str]:
    """See DOCUMENTATION."""
    info = plain(snapshot).get("info")
    if not info:
        raise AnsibleFilterError("the snapshot does not tell which server it is of: ops_rules needs its part info")
    try:
        return _privileges.rules(str(user), *release_of(info), actions)
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Any]:
        """The filters of this file."""
        return {"ops_rules": ops_rules}
