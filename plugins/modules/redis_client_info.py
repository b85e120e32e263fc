#!/usr/bin/python
# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_client_info
short_description: Tell who is connected to a Redis or Valkey server, and who costs most
version_added: 0.1.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Counts what CLIENT LIST shows by address, user, library and name, and names the clients that are ahead in memory, output buffer, idle
    time and age. It only reads.
  - This module's own connection is never among them.
extends_documentation_fragment:
  - aragora.redis.connection
attributes:
  check_mode:
    support: full
    description: The module changes nothing.
  diff_mode:
    support: none
    description: The module changes nothing.
options:
  addresses:
    description:
      - Count only clients at these addresses, V(host) or V(host:port).
    type: list
    elements: str
  users:
    description:
      - Count only clients that are logged in as one of these users.
    type: list
    elements: str
  names:
    description:
      - Count only clients that have one of these names (CLIENT SETNAME).
    type: list
    elements: str
  flags:
    description:
      - Count only clients with any of these flags, letters as in CLIENT LIST. V(N) is a normal client, V(P) a subscriber, V(b) one that
        waits in a blocking command, V(S) a replica, V(M) a master, V(O) one that runs MONITOR, V(x) one inside MULTI, V(u) one whose
        socket is broken or read-only.
    type: list
    elements: str
  min_idle:
    description:
      - Count only clients that have been idle for at least this many seconds.
    type: int
  limit:
    description:
      - Up to how many connected clients CLIENT LIST is asked for. It has no limit of its own, and holds the server while it is written
        (about 17 ms for 10,000 clients). With more clients the module fails and says how many there are.
      - The filters choose among the clients that were read, so they do not make the list shorter for the server.
    type: int
    default: 20000
  worst:
    description:
      - How many clients each list of RV(worst) may hold.
    type: int
    default: 10
seealso:
  - module: aragora.redis.redis_info
  - name: CLIENT LIST
    description: What the fields and flags mean.
    link: https://redis.io/docs/latest/commands/client-list/
"""

EXAMPLES = r"""
- name: See who is connected
  aragora.redis.redis_client_info:
  register: clients

- name: Name the address with the most connections
  ansible.builtin.debug:
    msg: "{{ clients.by_address[0].name }} holds {{ clients.by_address[0].connections }} of {{ clients.connected }}"
  when: clients.by_address | length > 0

- name: Look for connections of one application that nobody has used for a day
  aragora.redis.redis_client_info:
    url: "{{ lookup('ansible.builtin.env', 'REDIS_URL') }}"
    names: [checkout]
    min_idle: 86400

- name: Find whoever left MONITOR running
  aragora.redis.redis_client_info:
    flags: [O]
"""

RETURN = r"""
connected:
  description: How many clients are connected, whatever the filters say.
  returned: always
  type: int
clients:
  description: What was counted of the clients that pass the filters.
  returned: always
  type: dict
  contains:
    total:
      description: All of them.
      type: int
    normal:
      description: Those that are neither replicas nor masters, subscribers or monitors.
      type: int
    idle_over_hour:
      description: Normal ones that have been idle for over an hour; those in a blocking command wait by trade and do not count.
      type: int
    blocked:
      description: Those that wait in a blocking command.
      type: int
    pubsub:
      description: Subscribers.
      type: int
    replicas:
      description: Replicas.
      type: int
    monitors:
      description: Those that run MONITOR.
      type: int
    normal_memory_bytes:
      description: Memory of the normal ones in bytes, buffers included.
      type: int
    memory_bytes:
      description: Memory of all of them in bytes, buffers included.
      type: int
    output_bytes:
      description: Replies that wait for their clients, in bytes.
      type: int
by_address:
  description: The clients by address (without port), most connections first, 20 groups at most.
  returned: always
  type: list
  elements: dict
  contains: &group
    name:
      description: What the clients of the group have in common.
      type: str
    connections:
      description: Number of clients.
      type: int
    idle_over_hour:
      description: Those that have been idle for over an hour.
      type: int
    blocked:
      description: Those that wait in a blocking command.
      type: int
    pubsub:
      description: Subscribers.
      type: int
    memory_bytes:
      description: Their memory in bytes.
      type: int
    output_bytes:
      description: Replies that wait for them, in bytes.
      type: int
    oldest_seconds:
      description: How long the oldest has been connected.
      type: int
    client_names:
      description: Up to three of their names, in alphabetical order.
      type: list
      elements: str
by_user:
  description: The same by ACL user.
  returned: always
  type: list
  elements: dict
  contains: *group
by_library:
  description: The same by library and version, of clients that tell (CLIENT SETINFO, Redis 7.2 and newer).
  returned: always
  type: list
  elements: dict
  contains: *group
by_name:
  description: The same by name, of clients that have one.
  returned: always
  type: list
  elements: dict
  contains: *group
worst:
  description: The clients that are ahead, O(worst) of them at most; whoever has nothing of the kind is left out.
  returned: always
  type: dict
  contains:
    memory:
      description: By memory.
      type: list
      elements: dict
      contains: &client
        id:
          description: Number of the connection, for CLIENT KILL ID.
          type: int
        address:
          description: Address and port.
          type: str
        name:
          description: Its name, empty where it has none.
          type: str
        user:
          description: The user that it is logged in as.
          type: str
        library:
          description: Library and version, empty where it does not tell.
          type: str
        flags:
          description: Its flags, as in CLIENT LIST.
          type: str
        age_seconds:
          description: How long it has been connected.
          type: int
        idle_seconds:
          description: How long it has sent nothing.
          type: int
        last_command:
          description: Its last command, without arguments.
          type: str
        memory_bytes:
          description: Its memory in bytes, buffers included.
          type: int
        output_bytes:
          description: Replies that wait for it, in bytes.
          type: int
    output:
      description: By replies that wait for them.
      type: list
      elements: dict
      contains: *client
    idle:
      description: By idle time; subscribers and clients in a blocking command wait by trade and are left out.
      type: list
      elements: dict
      contains: *client
    age:
      description: By age.
      type: list
      elements: dict
      contains: *client
"""


from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aragora.redis.plugins.module_utils._client import Unavailable
from ansible_collections.aragora.redis.plugins.module_utils._clients_server import check_options, read, report
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import CONNECTION_RULES, connection_argument_spec
from ansible_collections.aragora.redis.plugins.module_utils._manners import conversation


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **connection_argument_spec(),
            "addresses": {"type": "list", "elements": "str"},
            "users": {"type": "list", "elements": "str"},
            "names": {"type": "list", "elements": "str"},
            "flags": {"type": "list", "elements": "str"},
            "min_idle": {"type": "int"},
            "limit": {"type": "int", "default": 20_000},
            "worst": {"type": "int", "default": 10},
        },
        supports_check_mode=True,
        **CONNECTION_RULES,
    )
    try:
        check_options(module.params)
        with conversation(module) as client:
            clients = read(client, module.params["limit"])
    except (ValueError, Unavailable) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **report(clients, module.params))


if __name__ == "__main__":
    main()
