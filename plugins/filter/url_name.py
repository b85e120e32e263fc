# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``url_name``: a thin face of ``_endpoint``."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import from_url

DOCUMENTATION = r"""
name: url_name
short_description: Say what a server by URL is called
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - The address of a URL, without user and password, as a name for a host of the inventory, for reports and for ledgers.
positional: _input
options:
  _input:
    description: The URL. One that cannot be meant is an error.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Say whom we talk to
  ansible.builtin.debug:
    msg: "{{ 'redis://ops:secret@10.0.0.1' | aragora.redis.url_name }}"   # 10.0.0.1-6379
"""

RETURN = r"""
_value:
  description: The address with dashes for colons, as a name for a host of the inventory.
  type: str
"""


def url_name(url: str) -> str:
    """See DOCUMENTATION."""
    try:
        # Ansible would take a colon for the beginning of a port of its own.
        return from_url(str(url)).address.replace(":", "-").strip("/")
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Any]:
        """The filters of this file."""
        return {"url_name": url_name}
