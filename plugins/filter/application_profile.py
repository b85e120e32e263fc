# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``application_profile``: a thin face of ``_application``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.aragora.redis.plugins.module_utils import _application

DOCUMENTATION = r"""
name: application_profile
short_description: Check and complete what is said of an application
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Completes C(redis_application) by the profile that it names; unknown keys and values of a wrong kind are errors.
positional: _input, base
options:
  _input:
    description: What the operator has given; the name of a profile alone is enough.
    type: raw
    required: true
  base:
    description: The profile that it names.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: What is known of the application
  ansible.builtin.debug:
    msg: "{{ {'unit': 'shop.service'} | aragora.redis.application_profile }}"
"""

RETURN = r"""
_value:
  description: The whole profile; every key is there.
  type: dict
"""


def application_profile(given: Mapping[str, Any] | str | None, base: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """See DOCUMENTATION."""
    try:
        return _application.complete({"profile": given} if isinstance(given, str) else given, base)
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Any]:
        """The filters of this file."""
        return {"application_profile": application_profile}
