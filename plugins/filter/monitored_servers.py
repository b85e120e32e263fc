# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``monitored_servers``: a thin face of ``_monitored``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.aragora.redis.plugins.module_utils import _monitored

DOCUMENTATION = r"""
name: monitored_servers
short_description: Say which servers are watched, and how an exporter logs in there
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Addresses, labels and logins of hosts of the inventory and of servers by URL, as Prometheus and redis_exporter take them.
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
  urls:
    description: URLs of servers that are not in the inventory.
    type: list
    elements: str
    default: []
  login:
    description: User and password of the exporter; where both are empty it logs in as C(redis_connection) or the URL says.
    type: list
    elements: str
    default: ["", ""]
  strict:
    description:
      - Whether the exporter trusts the system's authorities only. Then a host whose C(redis_connection) has C(validate_certs=false) is
        refused.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: What does Prometheus see?
  ansible.builtin.debug:
    msg: "{{ (groups['redis'] | aragora.redis.monitored_servers(hostvars)).targets }}"
"""

RETURN = r"""
_value:
  description: "C({targets, user, passwords}): a file for file_sd, and what the exporter logs in with, which is secret."
  type: dict
"""


def monitored_servers(
    names: Sequence[str],
    hostvars: Mapping[str, Mapping[str, Any]],
    urls: Sequence[str] = (),
    login: Sequence[str] = ("", ""),
    strict: bool = False,
) -> dict[str, Any]:
    """See DOCUMENTATION."""
    try:
        return _monitored.monitored(names, hostvars, urls, login, bool(strict))
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Any]:
        """The filters of this file."""
        return {"monitored_servers": monitored_servers}
