#!/usr/bin/python
# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_monitor_kill
short_description: Close the connections that run MONITOR on a Redis or Valkey server
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - MONITOR copies every command to its client, which can halve the throughput of the server. Clients that run it are closed by their ids;
    no other client is ever touched.
extends_documentation_fragment:
  - aragora.redis.connection
attributes:
  check_mode:
    support: full
    description: Tells who would be closed.
  diff_mode:
    support: full
    description: Shows the ids of the clients that run MONITOR.
options:
  ids:
    description:
      - Ids of the clients as CLIENT LIST has them; those of them that do not run MONITOR are left alone. Without it all that run it.
    type: list
    elements: int
  limit:
    description:
      - Number of clients above which CLIENT LIST is not asked for, because it holds the server.
    type: int
    default: 20000
seealso:
  - module: aragora.redis.redis_client_info
  - name: MONITOR
    description: What it costs.
    link: https://redis.io/docs/latest/commands/monitor/
"""

EXAMPLES = r"""
- name: End what somebody forgot
  aragora.redis.redis_monitor_kill:
    url: "{{ lookup('ansible.builtin.env', 'REDIS_URL') }}"
"""

RETURN = r"""
killed:
  description: Who was closed, or in check mode would be, ten at most, with the fields of C(worst) of M(aragora.redis.redis_client_info).
  returned: success
  type: list
  elements: dict
"""


from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aragora.redis.plugins.module_utils._client import Unavailable
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import CONNECTION_RULES, connection_argument_spec
from ansible_collections.aragora.redis.plugins.module_utils._manners import conversation
from ansible_collections.aragora.redis.plugins.module_utils._monitors_server import answer


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **connection_argument_spec(),
            "ids": {"type": "list", "elements": "int"},
            "limit": {"type": "int", "default": 20_000},
        },
        supports_check_mode=True,
        **CONNECTION_RULES,
    )
    try:
        with conversation(module) as client:
            result = answer(client, module.params["ids"], module.params["limit"], module.check_mode)
    except (ValueError, Unavailable) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
