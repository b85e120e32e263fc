# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``application_verdict``: a thin face of ``_application_verdict``, which brings JMESPath with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.aragora.redis.plugins.module_utils import _application, _application_verdict
from ansible_collections.aragora.redis.plugins.module_utils._snapshot import plain

try:
    import jmespath
except ImportError:
    jmespath = None

DOCUMENTATION = r"""
name: application_verdict
short_description: Does an application work, with its Redis?
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Judges what M(aragora.redis.redis_application_info) and M(aragora.redis.redis_application_probe) have found, step by step, by the
    profile.
  - Needs jmespath on the controller.
positional: _input, profile, probe
options:
  _input:
    description: The result of M(aragora.redis.redis_application_info).
    type: dict
    required: true
  profile:
    description: The profile of the application, as P(aragora.redis.application_profile#filter) returns it.
    type: dict
    required: true
  probe:
    description: The result of M(aragora.redis.redis_application_probe), where it was run.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Judge
  ansible.builtin.debug:
    msg: "{{ (seen | aragora.redis.application_verdict(redis_application_whole)).said }}"
"""

RETURN = r"""
_value:
  description:
    - C(result) is V(works), V(degraded) (it serves its users, and not with its Redis) or V(broken); C(step) is the first step that
      failed, C(said)
      what is wrong there.
    - C(steps) are C(step), C(ok) (null where it was not looked at) and C(said), up to the one that ended the judgement; C(sentences) the
      same for people.
    - C(asks) is whether the probe is worth its request. C(readiness), C(fallback), C(redis), C(pool), C(journal) and C(wrote_to_redis)
      are the
      parts of what was found.
  type: dict
"""

MISSING = "application_verdict needs jmespath on the controller: install the package python3-jmespath, or 'jmespath' from PyPI"


def application_verdict(gathered: Mapping[str, Any], profile: Mapping[str, Any], probe: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """See DOCUMENTATION."""
    if jmespath is None:
        raise AnsibleFilterError(MISSING)
    try:
        whole = _application.complete(plain(profile))
        verdict = _application_verdict.judge(whole, plain(gathered), plain(probe), _evaluate)
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from None
    return {**verdict, "sentences": _application_verdict.sentences(verdict)}


def _evaluate(expression: str, document: Any) -> Any:
    try:
        return jmespath.search(expression, document)
    except jmespath.exceptions.JMESPathError as error:
        words = " ".join(str(error).split())
        raise ValueError(f"redis_application holds '{expression}', which JMESPath does not take: {words}") from None


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, Any]:
        """The filters of this file."""
        return {"application_verdict": application_verdict}
