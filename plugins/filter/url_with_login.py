# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``url_with_login``: a thin face of ``_endpoint``."""

from __future__ import annotations

from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._endpoint import with_login

DOCUMENTATION = r"""
name: url_with_login
short_description: Give a URL the login that is kept apart from it
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Percent-encodes user and password, and leaves a URL alone that has a login of its own.
positional: _input, user, password
options:
  _input:
    description: The URL; an empty one stays so.
    type: str
    required: true
  user:
    description: The user, empty for that of the password alone.
    type: str
    required: true
  password:
    description: The password.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Take both from the environment
  aragora.redis.redis_info:
    url: "{{ 'redis://10.0.0.1' | aragora.redis.url_with_login('', lookup('ansible.builtin.env', 'REDIS_PASSWORD')) }}"
"""

RETURN = r"""
_value:
  description: The URL. It holds the password, show it to nobody.
  type: str
"""


def url_with_login(url: str, user: str, password: str) -> str:
    """See DOCUMENTATION."""
    return with_login(str(url), str(user), str(password))


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Any]:
        """The filters of this file."""
        return {"url_with_login": url_with_login}
