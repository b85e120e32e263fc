# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``with_application``: a thin face of ``_application_verdict``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._application_verdict import together
from ansible_collections.aragora.redis.plugins.module_utils._snapshot import plain

DOCUMENTATION = r"""
name: with_application
short_description: Put what is known of an application into the snapshot of its server
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - The verdict of the host that is worst off becomes C(application) of the snapshot, with C(host), and C(hosts) with the results of all.
  - A snapshot of another server than the one that the application uses stays as it is.
positional: _input, verdicts, profile
options:
  _input:
    description: The snapshot.
    type: dict
    required: true
  verdicts:
    description: What P(aragora.redis.application_verdict#filter) says, by host.
    type: dict
    required: true
  profile:
    description: The profile of the application, of which C(impact) is kept in the snapshot, too.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Judge the server with its application
  ansible.builtin.debug:
    msg: "{{ snapshot | aragora.redis.with_application({'app1': verdict}) | aragora.redis.diagnose }}"
"""

RETURN = r"""
_value:
  description: The snapshot.
  type: dict
"""


def with_application(snapshot: Mapping[str, Any], verdicts: Mapping[str, Any], profile: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """See DOCUMENTATION."""
    whole = plain(snapshot)
    server = (whole.get("info") or {}).get("server") or {}
    found = together(plain(verdicts), server.get("run_id"))
    impact = plain((profile or {}).get("impact") or [])
    return {**whole, "application": {**found, "impact": impact}} if found else whole


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Any]:
        """The filters of this file."""
        return {"with_application": with_application}
