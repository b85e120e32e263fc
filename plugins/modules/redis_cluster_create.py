#!/usr/bin/python
# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_cluster_create
short_description: Make a cluster of empty Redis or Valkey nodes
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Has C(redis-cli --cluster create) make a cluster of nodes that are alone and empty, waits until all of them agree on it, and has
    C(redis-cli --cluster check) look at it.
  - Nodes that are one cluster already are left as they are, whatever roles they have since. It never adds a node, moves a slot or
    changes a role.
  - It refuses nodes that hold keys, that are in different clusters, or of which only some are in one.
extends_documentation_fragment:
  - aragora.redis.connection
attributes:
  check_mode:
    support: full
    description: The nodes are asked and refused as they would be, and nothing is made.
  diff_mode:
    support: none
    description: What is made is told by RV(masters).
options:
  nodes:
    description:
      - The nodes as V(host:port), at addresses at which they reach each other. The first ones become masters, where that puts no replica
        on the host of its master.
    type: list
    elements: str
    required: true
  replicas:
    description:
      - How many replicas each master gets.
    type: int
    default: 1
  cli:
    description:
      - The program. Without it C(redis-cli) or C(valkey-cli), whichever is found first.
    type: path
  wait_timeout:
    description:
      - How many seconds to wait for the program, and then for the nodes to agree.
    type: float
    default: 60
notes:
  - Login, TLS and time-outs are those of the connection's options, the same for every node; its host and port are not used.
  - The password goes to the program by its environment, so it is in no list of processes.
seealso:
  - module: aragora.redis.redis_cluster_info
  - name: Scale with Redis Cluster
    description: What a cluster is.
    link: https://redis.io/docs/latest/operate/oss_and_stack/management/scaling/
"""

EXAMPLES = r"""
- name: Make a cluster of three masters with a replica each
  aragora.redis.redis_cluster_create:
    nodes: ["10.0.1.1:6379", "10.0.1.2:6379", "10.0.1.3:6379", "10.0.1.4:6379", "10.0.1.5:6379", "10.0.1.6:6379"]
    login_password: "{{ vault_redis_password }}"
  run_once: true
"""

RETURN = r"""
masters:
  description: How many masters were made, or would be; none where the cluster is there.
  returned: success
  type: int
check:
  description: What C(redis-cli --cluster check) says of the new cluster.
  returned: success
  type: list
  elements: str
  sample: ["[OK] All nodes agree about slots configuration.", "[OK] All 16384 slots covered."]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aragora.redis.plugins.module_utils._client import Unavailable, prepare
from ansible_collections.aragora.redis.plugins.module_utils._cluster_create import answer, cluster_create_argument_spec
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import CONNECTION_RULES, connection_argument_spec


def main() -> None:
    module = AnsibleModule(
        argument_spec={**connection_argument_spec(), **cluster_create_argument_spec()},
        supports_check_mode=True,
        **CONNECTION_RULES,
    )
    prepare(module)
    try:
        result = answer(module.params, module.check_mode)
    except (ValueError, Unavailable) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
