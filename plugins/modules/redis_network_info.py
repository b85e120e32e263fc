#!/usr/bin/python
# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_network_info
short_description: Follow the way from this machine to a Redis or Valkey server, hop by hop
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Resolves the name, asks for the route to each of its addresses, connects to the port of each, shakes hands over TLS where that is
    wanted, logs in and sends C(PING). Nothing is changed.
  - It looks from where it runs, so delegate it to the host of the application. A hop that cannot be taken is no failure of the module; what
    lies behind it is null.
  - Needs Python alone. Without redis-py the certificate is read but not validated.
extends_documentation_fragment:
  - aragora.redis.connection
attributes:
  check_mode:
    support: full
    description: It only looks.
  diff_mode:
    support: none
    description: It changes nothing.
seealso:
  - module: aragora.redis.redis_host_info
  - module: aragora.redis.redis_firewall
"""

EXAMPLES = r"""
- name: How far does the application come?
  aragora.redis.redis_network_info:
    login_host: cache1.example.com
  delegate_to: shop1
"""

RETURN = r"""
network:
  description: The way as it was found.
  returned: success
  type: dict
  contains:
    asked_on:
      description: Name of the machine that looked.
      type: str
    host:
      description: The name or address that was asked for.
      type: str
    port:
      description: The port that was asked for.
      type: int
    tls_wanted:
      description: Whether TLS was asked for.
      type: bool
    name:
      description: The resolver's answer, with C(is_address) (nothing had to be resolved), C(error), C(took_ms) and its C(resolvers).
      type: dict
    addresses:
      description: Every address of the name, at most 8.
      type: list
      elements: dict
      contains:
        address:
          description: The address.
          type: str
        family:
          description: V(ipv4) or V(ipv6).
          type: str
        source:
          description: The address that this machine sends from; null where there is no route.
          type: str
        device:
          description: The device that packets leave by, where C(ip) tells it.
          type: str
        gateway:
          description: The next router; null where the address is on a link of this machine.
          type: str
        state:
          description: V(open), V(refused), V(timeout), V(reset) or V(unreachable).
          type: str
        reason:
          description: V(host_answers) or V(host_silent) on other ports after a time-out; V(prohibited) by this machine itself.
          type: str
        error:
          description: The words of the operating system.
          type: str
        connect_ms:
          description: How long the connection took.
          type: float
    tls:
      description: C(version), C(cipher), C(certificate) and the C(names) that it is for; null where TLS was not asked for.
      type: dict
    answer:
      description: C(state) and C(reason) as those of the C(availability) of M(aragora.redis.redis_info), C(error) and C(ping_ms).
      type: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aragora.redis.plugins.module_utils import _network_way
from ansible_collections.aragora.redis.plugins.module_utils._client import Unavailable, find_endpoint, hide_url_secrets, missing_library
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import CONNECTION_RULES, check_timeouts, connection_argument_spec


def main() -> None:
    module = AnsibleModule(argument_spec=connection_argument_spec(), supports_check_mode=True, **CONNECTION_RULES)
    options = module.params
    hide_url_secrets(module, [options["url"]])
    if options["sentinels"] and missing_library():
        module.fail_json(msg=missing_library())
    try:
        check_timeouts(options)
        network = _network_way.look(find_endpoint(options), options["connect_timeout"], options["timeout"])
    except (ValueError, Unavailable) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, network=network)


if __name__ == "__main__":
    main()
