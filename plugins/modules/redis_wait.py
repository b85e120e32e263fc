#!/usr/bin/python
# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_wait
short_description: Wait until Redis or Valkey is as wanted
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Asks again and again, also while the server starts, loads or cannot be reached, and ends when everything is as wanted, or fails after
    O(wait_timeout) with what it still waits for.
  - Without other options it waits until the server answers and has loaded its data. A replica has to have its link to the master, too.
  - It only reads, but for O(canary).
extends_documentation_fragment:
  - aragora.redis.connection
attributes:
  check_mode:
    support: full
    description: It looks once, does not wait, and writes no canary.
  diff_mode:
    support: none
    description: Nothing is changed.
options:
  role:
    description:
      - The role that the server has to have.
    type: str
    choices: [master, replica]
  replicas:
    description:
      - How many replicas of a master have to be online, and for O(canary) to acknowledge it.
    type: int
  max_lag_bytes:
    description:
      - How many bytes a replica may be behind; one of O(replicas) that is further behind does not count.
    type: int
  no_save:
    description:
      - Whether to wait for a running save, or rewrite of the append-only file, to end.
    type: bool
    default: false
  cluster_ok:
    description:
      - Whether the state of the cluster that the server belongs to has to be C(ok).
    type: bool
    default: false
  canary:
    description:
      - Whether a key has to be written, replicated, read and deleted. Its name begins with C(aragora.redis:canary:), it ends by itself
        after 60 seconds if it cannot be deleted, and on a node of a cluster it is in one of that node's slots.
    type: bool
    default: false
  settled:
    description:
      - For how many seconds everything has to stay as wanted.
    type: float
    default: 0
  wait_timeout:
    description:
      - How many seconds to wait at most.
    type: float
    default: 60
seealso:
  - module: aragora.redis.redis_info
  - name: WAIT
    description: What it means that replicas have acknowledged a write.
    link: https://redis.io/docs/latest/commands/wait/
"""

EXAMPLES = r"""
- name: Wait until it has loaded its data
  aragora.redis.redis_wait:
    wait_timeout: 600

- name: Prove that the master takes writes, and that two replicas have them
  aragora.redis.redis_wait:
    url: "{{ lookup('ansible.builtin.env', 'REDIS_URL') }}"
    role: master
    replicas: 2
    max_lag_bytes: 1048576
    canary: true
    settled: 5
"""

RETURN = r"""
waited:
  description: Seconds that it took.
  returned: always
  type: float
looks:
  description: How often the server was asked.
  returned: always
  type: int
missing:
  description: What is not as wanted, one sentence each.
  returned: always
  type: list
  elements: str
  sample: ["it is loading its data (43 %, 12 s left by its own estimate)"]
role:
  description: The role at the last look, V(master) or V(slave), in the server's words.
  returned: always
  type: str
run_id:
  description: Changes with each start of the server.
  returned: always
  type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aragora.redis.plugins.module_utils._client import prepare
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import CONNECTION_RULES, connection_argument_spec
from ansible_collections.aragora.redis.plugins.module_utils._wait_server import answer, wait_argument_spec


def main() -> None:
    module = AnsibleModule(
        argument_spec={**connection_argument_spec(), **wait_argument_spec()},
        supports_check_mode=True,
        **CONNECTION_RULES,
    )
    prepare(module)
    try:
        result = answer(module.params, module.check_mode)
    except ValueError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
