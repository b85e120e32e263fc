#!/usr/bin/python
# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_memory_purge
short_description: Have Redis or Valkey give memory back to the system
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Asks the allocator (C(MEMORY PURGE)) to give back the pages that it keeps and does not use, and tells how many it gave back.
  - Only jemalloc can; with another allocator nothing is done, see RV(supported).
  - Changed is what gave back a mebibyte at least. Less comes and goes by itself.
extends_documentation_fragment:
  - aragora.redis.connection
attributes:
  check_mode:
    support: full
    description: Tells whether the allocator keeps so much that something may be given back.
  diff_mode:
    support: full
    description: The resident memory before and after.
seealso:
  - module: aragora.redis.redis_memory_defrag
  - name: MEMORY PURGE
    description: What the command does.
    link: https://redis.io/docs/latest/commands/memory-purge/
"""

EXAMPLES = r"""
- name: Give back what was freed
  aragora.redis.redis_memory_purge:
    url: "{{ lookup('ansible.builtin.env', 'REDIS_URL') }}"
"""

RETURN = r"""
supported:
  description: Whether the allocator is jemalloc.
  returned: success
  type: bool
sentence:
  description: What came of it.
  returned: success
  type: str
  sample: 38.2 MiB were given back
before_bytes:
  description: The resident memory before, in bytes.
  returned: success
  type: int
after_bytes:
  description: The resident memory afterwards.
  returned: success
  type: int
given_back_bytes:
  description: How much less that is.
  returned: success
  type: int
"""


from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aragora.redis.plugins.module_utils._client import Unavailable
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import CONNECTION_RULES, connection_argument_spec
from ansible_collections.aragora.redis.plugins.module_utils._manners import conversation
from ansible_collections.aragora.redis.plugins.module_utils._memory_purge import purged


def main() -> None:
    module = AnsibleModule(
        argument_spec=connection_argument_spec(),
        supports_check_mode=True,
        **CONNECTION_RULES,
    )
    try:
        with conversation(module) as client:
            result = purged(client, module.check_mode)
    except (ValueError, Unavailable) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
