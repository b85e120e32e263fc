# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``remediation_sentences``: a thin face of ``_remedies``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _remedies
from ansible_collections.aragora.redis.plugins.module_utils._snapshot import plain

DOCUMENTATION = r"""
name: remediation_sentences
short_description: Tell a plan to people
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - One sentence for each action of a plan of the filter P(aragora.redis.remediation_plan#filter).
positional: _input
options:
  _input:
    description: The plan.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the plan
  ansible.builtin.debug:
    msg: "{{ diagnosis.findings | aragora.redis.remediation_plan | aragora.redis.remediation_sentences }}"
"""

RETURN = r"""
_value:
  description: Sentences.
  type: list
  elements: str
"""


def remediation_sentences(plan: Sequence[Mapping[str, Any]]) -> list[str]:
    """See DOCUMENTATION."""
    return _remedies.sentences(plain(plan))


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Any]:
        """The filters of this file."""
        return {"remediation_sentences": remediation_sentences}
