#!/usr/bin/python
# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_client_slot
short_description: Get a connection to a Redis or Valkey server that has none left, and make room for more
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Redis keeps no spare connection for those who mend it. This module knocks until one of the clients goes and it gets that place, and
    raises C(maxclients) over it before anything else, so that others can follow.
  - It never lowers C(maxclients), and closes nobody's connection.
  - Where the limit of open files does not allow as many, it takes as many as the server offers.
extends_documentation_fragment:
  - aragora.redis.connection
attributes:
  check_mode:
    support: full
    description: It knocks once; a server without a free connection is no failure then.
  diff_mode:
    support: full
    description: Shows what changes.
options:
  maxclients:
    description:
      - How many clients to allow at least. Without it, 45 % more than are connected where 80 % of the limit are in use, and otherwise what
        is allowed already.
    type: int
  most:
    description:
      - Never allow more than this many, for example because the process may not open more files.
    type: int
  wait_timeout:
    description:
      - How many seconds to knock.
    type: float
    default: 30
  persist:
    description:
      - With V(rewrite) CONFIG REWRITE writes the configuration file after a change, as in M(aragora.redis.redis_config).
    type: str
    choices: [none, rewrite]
    default: none
seealso:
  - module: aragora.redis.redis_config
  - module: aragora.redis.redis_client_kill
  - name: How Redis handles clients
    description: What maxclients and the limit of open files mean.
    link: https://redis.io/docs/latest/develop/reference/clients/
"""

EXAMPLES = r"""
- name: Get in again
  aragora.redis.redis_client_slot:
    url: "{{ lookup('ansible.builtin.env', 'REDIS_URL') }}"
    wait_timeout: 60
  register: slot

- name: Put the old limit back
  aragora.redis.redis_config:
    settings: "{{ slot.previous }}"
"""

RETURN = r"""
maxclients:
  description: How many clients are allowed after the call; null in check mode where nobody could ask.
  returned: success
  type: int
connected:
  description: How many clients are connected, this one included; null in check mode where nobody could ask.
  returned: success
  type: int
previous:
  description: The old value of what was changed, as O(aragora.redis.redis_config#module:settings) takes it.
  returned: success
  type: dict
  sample:
    maxclients: "10000"
persisted:
  description: Whether the configuration file was written.
  returned: success
  type: bool
attempts:
  description: How often it knocked.
  returned: success
  type: int
waited:
  description: Seconds that it took.
  returned: success
  type: float
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aragora.redis.plugins.module_utils._apply_settings import NotApplied
from ansible_collections.aragora.redis.plugins.module_utils._client import Unavailable, prepare
from ansible_collections.aragora.redis.plugins.module_utils._client_slot import answer, slot_argument_spec
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import CONNECTION_RULES, connection_argument_spec


def main() -> None:
    module = AnsibleModule(
        argument_spec={**connection_argument_spec(), **slot_argument_spec()},
        supports_check_mode=True,
        **CONNECTION_RULES,
    )
    prepare(module)
    try:
        result = answer(module.params, module.check_mode)
    except (ValueError, NotApplied, Unavailable) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
