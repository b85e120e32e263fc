#!/usr/bin/python
# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_memory_defrag
short_description: Have Redis or Valkey defragment its memory for a while
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Switches C(activedefrag) on, watches the fragmentation and the latency, and ends when the memory is tidy, the time is over, or clients
    wait for it. Then C(activedefrag) and its bounds are what they were before, whatever happens in between.
  - Where PING stays slow, the server may spend half as much on it, down to one percent of a core.
  - That a build of the server cannot defragment (those of most distributions cannot, nor can those without jemalloc) is no failure, see
    RV(supported).
extends_documentation_fragment:
  - aragora.redis.connection
attributes:
  check_mode:
    support: full
    description: Tells whether the memory is fragmented. Whether the build can do something about it is only seen when it is asked to.
  diff_mode:
    support: full
    description: The fragmentation before and after.
options:
  ratio:
    description:
      - The C(allocator_frag_ratio) that is good enough. Less than 10 MiB of waste always is.
    type: float
    default: 1.1
  seconds:
    description:
      - For how many seconds at most, up to 240.
    type: float
    default: 60
  cpu_percent:
    description:
      - How much of a core the server may spend (C(active-defrag-cycle-max)), where it may not spend less already. It spends this time in
        one piece ten times a second, so V(10) lets clients wait for up to 10 milliseconds.
    type: int
    default: 10
  max_added_latency:
    description:
      - By how many milliseconds the longest PING of a window may be longer than before.
    type: float
    default: 20
  window:
    description:
      - For how many seconds PING is sent between two looks.
    type: float
    default: 0.5
seealso:
  - module: aragora.redis.redis_memory_purge
  - name: Memory optimization
    description: What fragmentation is.
    link: https://redis.io/docs/latest/operate/oss_and_stack/management/optimization/memory-optimization/
"""

EXAMPLES = r"""
- name: Tidy the memory up
  aragora.redis.redis_memory_defrag:
    url: "{{ lookup('ansible.builtin.env', 'REDIS_URL') }}"
    seconds: 120
"""

RETURN = r"""
supported:
  description: Whether the build of the server can defragment; in check mode whether it has jemalloc.
  returned: success
  type: bool
good:
  description: Whether the fragmentation is good enough now.
  returned: success
  type: bool
sentence:
  description: What came of it.
  returned: success
  type: str
  sample: "ratio 1.94, 27.7 MiB wasted before, ratio 1.08, 2.6 MiB wasted now: done"
before:
  description: C(allocator_frag_ratio) and C(allocator_frag_bytes) before.
  returned: success
  type: dict
after:
  description: The same afterwards.
  returned: success
  type: dict
seconds:
  description: For how long it defragmented.
  returned: success
  type: float
calm_ms:
  description: The longest PING before, in milliseconds.
  returned: success
  type: float
worst_ms:
  description: The longest PING meanwhile.
  returned: success
  type: float
"""


from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aragora.redis.plugins.module_utils._client import Unavailable
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import CONNECTION_RULES, connection_argument_spec
from ansible_collections.aragora.redis.plugins.module_utils._manners import conversation
from ansible_collections.aragora.redis.plugins.module_utils._memory_defrag import answer, check_options, defrag_argument_spec


def main() -> None:
    module = AnsibleModule(
        argument_spec={**connection_argument_spec(), **defrag_argument_spec()},
        supports_check_mode=True,
        **CONNECTION_RULES,
    )
    try:
        check_options(module.params)
        with conversation(module) as client:
            result = answer(client, module.params, module.check_mode)
    except (ValueError, Unavailable) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
