#!/usr/bin/python
# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_save
short_description: Save the data of Redis or Valkey, and wait until it is saved
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Has the server write its RDB file in the background (C(BGSAVE)), and ends when the file is written. It fails where the save does.
  - A save or a rewrite of the append-only file that is running already is waited for first, for it may lack the newest changes.
  - Where nothing has changed since the last save, nothing is done.
extends_documentation_fragment:
  - aragora.redis.connection
attributes:
  check_mode:
    support: full
    description: Tells whether there is something to save, and saves nothing.
  diff_mode:
    support: none
    description: The data does not change.
options:
  wait_timeout:
    description:
      - How many seconds to wait at most; a save that takes longer goes on.
    type: float
    default: 600
seealso:
  - module: aragora.redis.redis_wait
  - name: BGSAVE
    description: What saving in the background means.
    link: https://redis.io/docs/latest/commands/bgsave/
"""

EXAMPLES = r"""
- name: Save before the server is restarted
  aragora.redis.redis_save:
    url: "{{ lookup('ansible.builtin.env', 'REDIS_URL') }}"
    wait_timeout: 1800
"""

RETURN = r"""
changes:
  description: How many changes were not saved before.
  returned: success
  type: int
waited:
  description: Seconds that it took.
  returned: success
  type: float
saved_at:
  description: When the data was last saved, in Unix seconds.
  returned: success
  type: int
"""


from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aragora.redis.plugins.module_utils._client import Unavailable
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import CONNECTION_RULES, connection_argument_spec
from ansible_collections.aragora.redis.plugins.module_utils._manners import conversation
from ansible_collections.aragora.redis.plugins.module_utils._save_server import check_options, save_argument_spec, saved


def main() -> None:
    module = AnsibleModule(
        argument_spec={**connection_argument_spec(), **save_argument_spec()},
        supports_check_mode=True,
        **CONNECTION_RULES,
    )
    try:
        check_options(module.params)
        with conversation(module) as client:
            result = saved(client, module.params["wait_timeout"], module.check_mode)
    except (ValueError, Unavailable) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
