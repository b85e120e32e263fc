#!/usr/bin/python
# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_memory_limit
short_description: Lower maxmemory of Redis or Valkey step by step, and watch what that does
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Sets C(maxmemory). A higher limit is set at once. A lower one that leaves room for what is in use is one step; where keys have to be
    evicted it goes on from what is in use in small steps.
  - After each step it sends PING all the time, and looks at the memory and at the keys that were evicted. It goes on when the server is at
    its limit and answers as before. What was felt is waited for, and makes the steps smaller.
  - Where it stays felt, where the memory does not get less, or where more keys go than were announced, it goes back to the last limit that
    held and ends there. That is no failure, see RV(reached) and RV(sentence).
  - Where something fails, or somebody ends it, the old limit is put back. Evicted keys do not come back.
extends_documentation_fragment:
  - aragora.redis.connection
attributes:
  check_mode:
    support: full
    description: Tells that the limit would change; which steps that takes is only seen on the way.
  diff_mode:
    support: full
    description: The limit before and after.
options:
  maxmemory:
    description:
      - The wanted limit, as Redis writes it (V(2gb)); V(0) is none.
    type: str
    required: true
  accept_eviction:
    description:
      - Whether keys may be lost, where the limit is below what is in use. Under C(noeviction) such a limit is refused in any case, because
        it refuses writes.
    type: bool
    default: false
  most_evicted:
    description:
      - With how many evicted keys it stops; a step may evict more of them than are left. Without it, it does not stop for them.
    type: int
  step_percent:
    description:
      - How far a step goes, in percent of what was in use at the beginning.
    type: float
    default: 10
  window:
    description:
      - For how many seconds PING is sent after a step, and before the first one, to know what is usual.
    type: float
    default: 0.5
  max_added_latency:
    description:
      - By how many milliseconds the longest PING of a window may be longer than before the first step.
    type: float
    default: 20
  seconds:
    description:
      - How many seconds it may take, up to 240.
    type: float
    default: 120
  persist:
    description:
      - With V(rewrite) CONFIG REWRITE writes the configuration file at the end. When the server cannot write it, the old limit is put back
        and the module fails; a server without a configuration file is no error.
    type: str
    choices: [none, rewrite]
    default: none
seealso:
  - module: aragora.redis.redis_config
  - name: Key eviction
    description: What happens at the limit.
    link: https://redis.io/docs/latest/develop/reference/eviction/
"""

EXAMPLES = r"""
- name: Make a cache smaller, gently
  aragora.redis.redis_memory_limit:
    maxmemory: 2gb
    accept_eviction: true
    most_evicted: 100000
    persist: rewrite
"""

RETURN = r"""
maxmemory:
  description: The limit in bytes, after the call; in check mode as it would be.
  returned: success
  type: int
reached:
  description: Whether that is the wanted one.
  returned: success
  type: bool
sentence:
  description: What came of it, and why it stopped where it did.
  returned: success
  type: str
  sample: "maxmemory stopped at 18.2 MiB on its way to 10.0 MiB, 31,000 keys were evicted, because PING took 80 ms, 79.2 ms more than before
    (at most 20)"
steps:
  description: The limits on the way.
  returned: success
  type: list
  elements: dict
  contains:
    maxmemory:
      description: The limit in bytes.
      type: int
    used:
      description: What was in use when it was calm, as Redis compares it with the limit.
      type: int
    evicted:
      description: Keys that were evicted since the beginning.
      type: int
    ping_ms:
      description: The longest PING of the last window.
      type: float
evicted:
  description: Keys that were evicted meanwhile.
  returned: success
  type: int
calm_ms:
  description: The longest PING before the first step, in milliseconds.
  returned: success
  type: float
worst_ms:
  description: The longest PING of all.
  returned: success
  type: float
previous:
  description: The old limit, as O(aragora.redis.redis_config#module:settings) takes it; empty where nothing was changed.
  returned: success
  type: dict
persisted:
  description: Whether the configuration file was written.
  returned: success
  type: bool
persist_reason:
  description: Why it was not written, null when it was.
  returned: success
  type: str
"""


from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aragora.redis.plugins.module_utils._client import Unavailable
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import CONNECTION_RULES, connection_argument_spec
from ansible_collections.aragora.redis.plugins.module_utils._manners import conversation
from ansible_collections.aragora.redis.plugins.module_utils._memory_limit import answer, check_options, limit_argument_spec


def main() -> None:
    module = AnsibleModule(
        argument_spec={**connection_argument_spec(), **limit_argument_spec()},
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
