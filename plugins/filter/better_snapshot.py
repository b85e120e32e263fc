# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``better_snapshot``: a thin face of ``_snapshot.better``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._snapshot import better, plain

DOCUMENTATION = r"""
name: better_snapshot
short_description: Choose between a snapshot taken on a host and one taken from the controller
version_added: 0.1.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - A host without SSH, Python or redis-py gives no snapshot, or one that only knows whether the port answers. Then the controller's is
    taken, with the host's trouble in C(denied.host).
  - When there is neither, the snapshot says that the server could not be examined, so that it stays in the report.
positional: _input
options:
  _input:
    description: Result of M(aragora.redis.redis_info) on the host, which may be unreachable or failed.
    type: dict
    required: true
  from_controller:
    description: Result of M(aragora.redis.redis_info) on the controller, which may be skipped.
    type: dict
    required: true
  address:
    description: The address of the host, for a snapshot that says that neither result has one.
    type: str
    default: ""
  host_info:
    description: Result of M(aragora.redis.redis_host_info), which may be skipped or unreachable. It becomes C(host) of the snapshot.
    type: dict
"""

EXAMPLES = r"""
- name: Take over what tells more
  ansible.builtin.set_fact:
    snapshot: "{{ on_host | aragora.redis.better_snapshot(from_controller) }}"

- name: Take over what the host knows, too
  ansible.builtin.set_fact:
    snapshot: "{{ on_host | aragora.redis.better_snapshot(from_controller, host_info=evidence) }}"
"""

RETURN = r"""
_value:
  description: The snapshot.
  type: dict
"""


def better_snapshot(
    on_host: Mapping[str, Any], from_controller: Mapping[str, Any], address: str = "", host_info: Any = None
) -> dict[str, Any]:
    """See DOCUMENTATION."""
    return better(plain(on_host), plain(from_controller), address, plain(host_info))


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Any]:
        """The filters of this file."""
        return {"better_snapshot": better_snapshot}
