# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``valkey_config``: a thin face of ``_valkey_config``."""

from __future__ import annotations

from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._valkey_config import as_valkey

DOCUMENTATION = r"""
name: valkey_config
short_description: Put Debian's configuration of Redis into the places of Valkey
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - The same directives; C(dir), C(logfile) and C(pidfile) are Valkey's where they were those of Debian's Redis.
positional: _input
options:
  _input:
    description: The text of a redis.conf.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: What would valkey.conf hold?
  ansible.builtin.debug:
    msg: "{{ lookup('ansible.builtin.file', 'redis.conf') | aragora.redis.valkey_config }}"
"""

RETURN = r"""
_value:
  description: The text of a valkey.conf.
  type: str
"""


def valkey_config(text: str) -> str:
    """See DOCUMENTATION."""
    return as_valkey(str(text))


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Any]:
        """The filters of this file."""
        return {"valkey_config": valkey_config}
