#!/usr/bin/python
# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_client_kill
short_description: Close idle connections of one client of a Redis or Valkey server
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Closes connections that have been idle for long and belong to a client that is named, longest idle first and not more than O(most).
  - Each is closed by its id, and looked at once more right before; one that came alive meanwhile is spared. A client may still send a
    command at the very moment when its connection is closed. It gets no reply then, and nothing that was acknowledged is lost.
  - Replicas, masters and Sentinels are never closed, nor is this module's own connection. Who waits by trade, or is in the middle of
    something, is spared unless O(also) names it.
extends_documentation_fragment:
  - aragora.redis.connection
attributes:
  check_mode:
    support: full
    description: RV(killed) lists whom it would close.
  diff_mode:
    support: full
    description: Shows what changes.
options:
  addresses:
    description:
      - Close only connections from these addresses, V(host) or V(host:port).
      - At least one of this, O(users), O(libraries) and O(names) has to be given; of those that are given a connection has to match each.
    type: list
    elements: str
  users:
    description:
      - Close only connections that are logged in as one of these users.
    type: list
    elements: str
  libraries:
    description:
      - Close only connections of one of these client libraries, with or without its version, as clients tell it (CLIENT SETINFO, Redis 7.2
        and newer).
    type: list
    elements: str
  names:
    description:
      - Close only connections that have one of these names (CLIENT SETNAME).
    type: list
    elements: str
  min_idle:
    description:
      - Close only connections that have sent nothing for at least this many seconds.
    type: int
    required: true
  most:
    description:
      - Close at most this many, 1000 at most.
    type: int
    default: 100
  also:
    description:
      - Who is not spared, V(monitor) for those that run MONITOR, whatever O(min_idle) says, because they are sent something all the time,
        V(subscriber), V(blocked) for those that wait in a blocking command,
        V(transaction) for those inside MULTI.
    type: list
    elements: str
    choices: [monitor, subscriber, blocked, transaction]
    default: []
  limit:
    description:
      - Up to how many connected clients CLIENT LIST is asked for, because it holds the server while it is written. With more clients the
        module fails and says how many there are.
    type: int
    default: 20000
seealso:
  - module: aragora.redis.redis_client_info
  - name: CLIENT KILL
    description: What closing a connection means.
    link: https://redis.io/docs/latest/commands/client-kill/
"""

EXAMPLES = r"""
- name: Close what one application has left open for an hour
  aragora.redis.redis_client_kill:
    names: [checkout]
    min_idle: 3600

- name: See whom it would close
  aragora.redis.redis_client_kill:
    addresses: [10.0.0.7]
    min_idle: 600
    most: 20
  check_mode: true
  register: idle

- name: Close a MONITOR that was left on
  aragora.redis.redis_client_kill:
    users: [ops]
    min_idle: 1
    also: [monitor]
"""

RETURN = r"""
killed:
  description: The connections that were closed, longest idle first; in check mode those that would be.
  returned: success
  type: list
  elements: dict
  contains: &client
    id:
      description: Number of the connection.
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
      description: How long it had sent nothing.
      type: int
    last_command:
      description: Its last command, without arguments.
      type: str
    memory_bytes:
      description: Its memory in bytes, buffers included.
      type: int
    output_bytes:
      description: Replies that waited for it, in bytes.
      type: int
spared:
  description: Connections that were chosen and not closed, because they came alive or went by themselves meanwhile.
  returned: success
  type: list
  elements: dict
  contains: *client
"""


from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aragora.redis.plugins.module_utils._client import Unavailable
from ansible_collections.aragora.redis.plugins.module_utils._client_kill import answer, check_options, kill_argument_spec
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import CONNECTION_RULES, connection_argument_spec
from ansible_collections.aragora.redis.plugins.module_utils._manners import conversation


def main() -> None:
    module = AnsibleModule(
        argument_spec={**connection_argument_spec(), **kill_argument_spec()},
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
