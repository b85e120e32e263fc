# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``has_collection``."""

from __future__ import annotations

import importlib.util
from typing import Any

DOCUMENTATION = r"""
name: has_collection
short_description: Is a collection installed here?
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - For roles that use a collection which is no dependency of this one, so that they can say in one sentence what is missing.
positional: _input
options:
  _input:
    description: The name of the collection, such as V(awx.awx).
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Look for the collection
  ansible.builtin.assert:
    that: "'awx.awx' | aragora.redis.has_collection"
"""

RETURN = r"""
_value:
  description: Whether Ansible finds it on the controller.
  type: bool
"""


def has_collection(name: str) -> bool:
    """See DOCUMENTATION."""
    try:
        return importlib.util.find_spec(f"ansible_collections.{name}") is not None
    except ImportError:
        # Not even its namespace is there.
        return False


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Any]:
        """The filters of this file."""
        return {"has_collection": has_collection}
