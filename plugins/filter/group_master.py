# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``group_master``: a thin face of ``_group_master``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _group_master
from ansible_collections.aragora.redis.plugins.module_utils._snapshot import plain

DOCUMENTATION = r"""
name: group_master
short_description: Find the master of a replication group
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Finds out from what its members and the Sentinels say, so that a role that runs again undoes no failover. Sentinels come first, then who
    follows whom; where nothing replicates yet, the one that was named, or alone holds data, or comes first.
  - "C({master, address, port, why, refused}): a name, and how it was found, or sentences why nobody can be named."
positional: _input
options:
  _input:
    description: "C({name, address, port, server, sentinel}) of each; the last two are snapshots of M(aragora.redis.redis_info), or null."
    type: list
    elements: dict
    required: true
  group:
    description: The name of the group for Sentinel.
    type: str
    default: mymaster
  initial:
    description: The name of the member that is the master where nothing replicates yet.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Who is the master?
  ansible.builtin.debug:
    msg: "{{ members | aragora.redis.group_master('mymaster') }}"
"""

RETURN = r"""
_value:
  description: The master.
  type: dict
"""


def group_master(members: Sequence[Any], group: str = "mymaster", initial: str = "") -> dict[str, Any]:
    """See DOCUMENTATION."""
    return _group_master.choose(plain(list(members)), str(group), str(initial))


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Any]:
        """The filters of this file."""
        return {"group_master": group_master}
