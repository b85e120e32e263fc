# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``yaml_with_items``: a thin face of ``_marked_yaml``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.aragora.redis.plugins.module_utils import _marked_yaml

DOCUMENTATION = r"""
name: yaml_with_items
short_description: Put items into a list of a YAML file without touching the rest
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - The items stand between two comments, as with M(ansible.builtin.blockinfile); indentation and comments of the rest stay as they are.
positional: _input
options:
  _input:
    description: The file's text.
    type: str
    required: true
  path:
    description: Keys that lead to the list, with dots between them.
    type: str
    required: true
  items:
    description: The items; without any, those of an earlier call are taken away.
    type: list
    elements: raw
    required: true
  mark:
    description: Name of the items, by which the next call finds them.
    type: str
    required: true
  last:
    description: Whether they come after the others, and not before them.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Add a rule file
  ansible.builtin.debug:
    msg: "{{ text | aragora.redis.yaml_with_items('rule_files', ['/etc/redis-monitoring/rules.yml'], 'rules') }}"
"""

RETURN = r"""
_value:
  description: The text with them.
  type: str
"""


def yaml_with_items(text: str, path: str, items: Sequence[Any], mark: str, last: bool = False) -> str:
    """See DOCUMENTATION."""
    try:
        return _marked_yaml.with_items(text, path, items, mark, bool(last))
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Any]:
        """The filters of this file."""
        return {"yaml_with_items": yaml_with_items}
