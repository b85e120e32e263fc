#!/usr/bin/python
# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_cluster_info
short_description: What the nodes of a cluster believe, and whether they agree
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Asks one node of a Redis or Valkey cluster for the others, and then every node that can be reached what it believes, with the same
    login.
  - Tells masters and replicas, which slots nobody serves and which are on the move, who is taken for dead by whom, and where the views of
    the nodes differ.
  - It only reads. A node that does not answer is told in RV(silent), and is no error.
extends_documentation_fragment:
  - aragora.redis.connection
attributes:
  check_mode:
    support: full
    description: It only reads.
  diff_mode:
    support: none
    description: Nothing is changed.
options:
  most_nodes:
    description:
      - How many nodes to ask at most.
    type: int
    default: 1000
notes:
  - Nodes are asked at the addresses by which the others know them, from the machine where the module runs.
  - While a cluster is made or fails over, its nodes differ for a moment.
seealso:
  - module: aragora.redis.redis_info
  - name: CLUSTER NODES
    description: What the flags mean.
    link: https://redis.io/docs/latest/commands/cluster-nodes/
"""

EXAMPLES = r"""
- name: Wait until all nodes agree on a whole cluster
  aragora.redis.redis_cluster_info:
    login_host: 10.0.1.1
    login_password: "{{ vault_redis_password }}"
  register: cluster
  until: cluster.whole
  retries: 30
  delay: 1
"""

RETURN = r"""
whole:
  description: Whether every node answers, has its data and hears its master, all take the cluster for V(ok), all slots are
    served, and all agree.
  returned: success
  type: bool
agree:
  description: Whether the nodes that answered believe the same of roles, slots and failures.
  returned: success
  type: bool
epoch:
  description: The highest current epoch of any node.
  returned: success
  type: int
nodes:
  description: Every node that somebody has met, as most nodes see it, by address.
  returned: success
  type: list
  elements: dict
  contains:
    id: {description: Its id., type: str}
    address: {description: Its address with the port., type: str}
    role: {description: V(master) or V(replica)., type: str}
    master: {description: The address of its master., type: str}
    slots: {description: "The slots of a master, as V(0-5460).", type: list, elements: str}
    replicas: {description: "How many working replicas a master has.", type: int}
    epoch: {description: Its configuration epoch., type: int}
    answers: {description: Whether it was reached., type: bool}
    error: {description: Why it was not., type: str}
    state: {description: "What it takes the cluster for, V(ok) or V(fail).", type: str}
    loading: {description: Whether it is loading its data., type: bool}
    link: {description: "Whether a replica hears its master, V(up) or V(down).", type: str}
    offset: {description: Its replication offset., type: int}
    suspected_by: {description: Addresses of the nodes that cannot reach it., type: list, elements: str}
    failed_by: {description: Addresses of the nodes that hold it for failed., type: list, elements: str}
uncovered_slots:
  description: Slots that no working master serves.
  returned: success
  type: list
  elements: str
moving_slots:
  description: Slots on the move, C({slot, node, to}) or C({slot, node, from}), as the node itself tells.
  returned: success
  type: list
  elements: dict
disagreements:
  description: Where a node believes otherwise than most, C({by, about, says, most_say}) with the facts that differ.
  returned: success
  type: list
  elements: dict
silent:
  description: Addresses that could not be asked, each with the reason.
  returned: success
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aragora.redis.plugins.module_utils._client import Unavailable, prepare
from ansible_collections.aragora.redis.plugins.module_utils._cluster_server import answer, cluster_info_argument_spec
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import CONNECTION_RULES, connection_argument_spec


def main() -> None:
    module = AnsibleModule(
        argument_spec={**connection_argument_spec(), **cluster_info_argument_spec()},
        supports_check_mode=True,
        **CONNECTION_RULES,
    )
    prepare(module)
    try:
        result = answer(module.params)
    except (ValueError, Unavailable) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
