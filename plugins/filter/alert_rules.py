# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``alert_rules``: a thin face of ``_alerts``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.aragora.redis.plugins.module_utils import _alerts

DOCUMENTATION = r"""
name: alert_rules
short_description: Make a rule file of Prometheus of the findings that an exporter can show
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Every alert names the finding that it most likely is, and its limits are the thresholds of the diagnosis.
positional: _input
options:
  _input:
    description: Thresholds that are not the default ones, by their names.
    type: dict
    required: true
  waits:
    description: How long alerts have to hold, by their names, where it is not the default.
    type: dict
    default: {}
  without:
    description: Alerts that are not wanted.
    type: list
    elements: str
    default: []
  caches:
    description: Pattern of the eviction policies by which a server is a cache, for which it is no alert to be full.
    type: str
    default: allkeys-.*
  docs:
    description: Where the alerts are described.
    type: str
    default: https://github.com/aragora/ansible-redis/blob/main/docs/monitoring.md
"""

EXAMPLES = r"""
- name: Show them
  ansible.builtin.debug:
    msg: "{{ {'memory_high_warning_percent': 70} | aragora.redis.alert_rules(waits={'RedisUnavailable': '30s'}) }}"
"""

RETURN = r"""
_value:
  description: A rule file.
  type: dict
"""


def alert_rules(
    thresholds: Mapping[str, Any],
    waits: Mapping[str, str] | None = None,
    without: Sequence[str] = (),
    caches: str = _alerts.CACHES,
    docs: str = _alerts.DOCS,
) -> dict[str, Any]:
    """See DOCUMENTATION."""
    try:
        return _alerts.rules(thresholds, waits, without, caches, docs)
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Any]:
        """The filters of this file."""
        return {"alert_rules": alert_rules}
