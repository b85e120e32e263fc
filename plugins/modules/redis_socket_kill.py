#!/usr/bin/python
# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_socket_kill
short_description: Close idle sockets of the address that holds most connections to a port
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - The last resort where a Redis or Valkey server has no connection left, nobody goes, and so nobody can log in to close any. It needs root
    on the host of the server, C(ss) of iproute2, and a kernel with C(CONFIG_INET_DIAG_DESTROY).
  - Only the address that holds more than half of the port's connections is touched, only sockets over which nothing came for O(min_idle)
    seconds, longest idle first. Each is looked at once more right before.
  - "From outside nobody sees what a connection is for: subscribers and clients in a blocking command are idle, too, and are closed. Where
    Redis can be asked, use M(aragora.redis.redis_client_kill), which spares them."
attributes:
  check_mode:
    support: full
    description: RV(killed) lists what it would close.
  diff_mode:
    support: none
    description: See RV(killed).
options:
  port:
    description:
      - Port of the server on this host.
    type: int
    required: true
  min_idle:
    description:
      - Close only sockets over which nothing came for at least this many seconds.
    type: int
    required: true
  most:
    description:
      - Close at most this many.
    type: int
    default: 100
seealso:
  - module: aragora.redis.redis_client_kill
  - module: aragora.redis.redis_client_slot
"""

EXAMPLES = r"""
- name: Let go of what somebody has left open for an hour
  aragora.redis.redis_socket_kill:
    port: 6379
    min_idle: 3600
    most: 10
"""

RETURN = r"""
killed:
  description: The sockets that were closed; in check mode those that would be.
  returned: success
  type: list
  elements: dict
  contains:
    local:
      description: Address and port of the server.
      type: str
    peer:
      description: Address and port of the client.
      type: str
    idle_seconds:
      description: How long nothing had come.
      type: int
holder:
  description: The address that holds more than half of the connections; null where nobody does.
  returned: success
  type: str
connections:
  description: How many connections to the port there were.
  returned: success
  type: int
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aragora.redis.plugins.module_utils import _host_sockets, _socket_kill


def main() -> None:
    module = AnsibleModule(argument_spec=_socket_kill.socket_argument_spec(), supports_check_mode=True)
    tool = module.get_bin_path("ss")
    if not tool:
        module.fail_json(msg="ss is missing on this host: install iproute2")
    try:
        options = _socket_kill.checked(module.params)
        sockets = _socket_kill.read(module.run_command, tool, options["port"])
        chosen = _host_sockets.chosen(sockets, options["min_idle"], options["most"])
        killed = chosen if module.check_mode else _socket_kill.kill(module.run_command, tool, chosen, options)
    except ValueError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=bool(killed), killed=killed, holder=_host_sockets.holder(sockets), connections=len(sockets))


if __name__ == "__main__":
    main()
