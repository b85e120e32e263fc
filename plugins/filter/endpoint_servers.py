# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``endpoint_servers``: a thin face of ``_endpoint_proxy``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.aragora.redis.plugins.module_utils import _endpoint_proxy

DOCUMENTATION = r"""
name: endpoint_servers
short_description: Say where the servers of an endpoint are
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Address and port of hosts of the inventory, sorted by their names, as the role C(redis_endpoint) takes them.
positional: _input
options:
  _input:
    description: Names of hosts.
    type: list
    elements: str
    required: true
  hostvars:
    description: Ansible's own variable of this name.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Where are they?
  ansible.builtin.debug:
    msg: "{{ groups['redis'] | aragora.redis.endpoint_servers(hostvars) }}"
"""

RETURN = r"""
_value:
  description: "C({name, host, port}) for each."
  type: list
  elements: dict
"""


def endpoint_servers(names: Sequence[str], hostvars: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """See DOCUMENTATION."""
    try:
        return _endpoint_proxy.servers([str(name) for name in names], hostvars)
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Any]:
        """The filters of this file."""
        return {"endpoint_servers": endpoint_servers}
