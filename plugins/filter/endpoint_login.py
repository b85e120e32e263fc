# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``endpoint_login``: a thin face of ``_endpoint_proxy``."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.aragora.redis.plugins.module_utils import _endpoint_proxy

DOCUMENTATION = r"""
name: endpoint_login
short_description: Say how the checks of an endpoint log in
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - C(AUTH) as it is sent, in hexadecimal. It is as secret as the password.
positional: _input
options:
  _input:
    description: The password; empty where there is none.
    type: str
    required: true
  user:
    description: The ACL user.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Send it
  ansible.builtin.debug:
    msg: "{{ vault_redis | aragora.redis.endpoint_login('endpoint') }}"
"""

RETURN = r"""
_value:
  description: Hexadecimal digits, or V(-) where there is no password.
  type: str
"""


def endpoint_login(password: str, user: str = "") -> str:
    """See DOCUMENTATION."""
    try:
        return _endpoint_proxy.login(str(password), str(user))
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Any]:
        """The filters of this file."""
        return {"endpoint_login": endpoint_login}
