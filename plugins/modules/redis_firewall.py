#!/usr/bin/python
# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_firewall
short_description: Let a TCP port through the firewall of this host for named sources, and take exactly that away again
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Uses the firewall that is in charge; C(firewalld) or C(ufw) where they are active, else the chains of C(nftables) and of C(iptables)
    that filter what comes in. Where none filters, there is nothing to open.
  - "Each rule goes before all others and carries a comment, in C(firewalld) a priority of -100. Other rules are never touched."
  - Rules of C(ufw) and C(firewalld) last; those of C(nftables) and C(iptables) last until their rules are loaded anew.
attributes:
  check_mode:
    support: full
    description: Says what it would do.
  diff_mode:
    support: full
    description: Shows the rules.
options:
  state:
    description:
      - V(queried) only looks.
      - V(opened) lets O(sources) reach O(port).
      - V(closed) takes away O(rules), as an earlier V(opened) has returned them.
    type: str
    choices: [queried, opened, closed]
    default: queried
  port:
    description:
      - The TCP port.
    type: int
    default: 6379
  sources:
    description:
      - Addresses and networks that may reach it, such as V(10.0.0.5) or V(10.0.0.0/24); V(any) is everybody.
    type: list
    elements: str
    default: []
  rules:
    description:
      - For O(state=closed), the rules to take away.
    type: list
    elements: dict
    default: []
seealso:
  - module: aragora.redis.redis_network_info
"""

EXAMPLES = r"""
- name: Let the application in
  aragora.redis.redis_firewall:
    state: opened
    port: 6379
    sources: [10.0.0.5]
  become: true
  register: opened

- name: And out again
  aragora.redis.redis_firewall:
    state: closed
    rules: "{{ opened.rules }}"
  become: true
"""

RETURN = r"""
rules:
  description: What lets the sources through, whether it was there before or not; for O(state=closed) what was taken away.
  returned: success
  type: list
  elements: dict
  contains:
    firewall:
      description: V(nftables), V(iptables), V(ufw) or V(firewalld), with what else tells its place.
      type: str
    source:
      description: Who is let through.
      type: str
    port:
      description: The port.
      type: int
missing:
  description: Those of them that were not there.
  returned: success
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aragora.redis.plugins.module_utils import _firewall_run
from ansible_collections.aragora.redis.plugins.module_utils._host_commands import Denied


def main() -> None:
    module = AnsibleModule(argument_spec=_firewall_run.firewall_argument_spec(), supports_check_mode=True)
    try:
        result = _firewall_run.manage(module.params, module.check_mode)
    except (Denied, ValueError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
