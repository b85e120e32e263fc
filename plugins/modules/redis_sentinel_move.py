#!/usr/bin/python
# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_sentinel_move
short_description: Let a Sentinel that names a replica watch its true master
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Where somebody has made the master a replica by hand, Sentinels without a candidate or a quorum name it for ever. This lets one of them
    forget the group (C(SENTINEL REMOVE)) and watch the true master (C(SENTINEL MONITOR)) with the same quorum, times and login.
  - It fails, and changes nothing, unless the named server has said for more than 2 × C(down-after-milliseconds) that it is a replica, no
    failover is running, and the new one lets the Sentinel in and says C(master) to C(ROLE). It fails as well where the Sentinel cannot
    write its file, and where it has scripts or renamed commands, which C(SENTINEL MONITOR) would forget.
  - Afterwards it waits until the Sentinel has seen the new master, and O(keep_sentinels) others, for 5 seconds. Where it does not, the old
    address and all settings come back.
  - A Sentinel that begins to watch follows any other one that remembers a failover (C(config-epoch) above 0) and names the old address.
    This is noticed, and what was before comes back.
  - Call it for one Sentinel after the other.
extends_documentation_fragment:
  - aragora.redis.connection
attributes:
  check_mode:
    support: full
    description: All that speaks against it is looked for.
  diff_mode:
    support: full
    description: The two addresses.
options:
  master_name:
    description:
      - Name of the group, as the Sentinel knows it.
    type: str
    required: true
  host:
    description:
      - Address of the true master, as the Sentinel reaches it.
    type: str
    required: true
  port:
    description:
      - Port of the true master.
    type: int
    default: 6379
  auth_user:
    description:
      - ACL user by which the Sentinel logs in to the servers of the group. See O(auth_pass).
    type: str
  auth_pass:
    description:
      - Password by which the Sentinel logs in to the servers of the group. It counts only where the file of the Sentinel cannot be read by
        the module, for that tells the login which it has.
    type: str
  keep_sentinels:
    description:
      - How many other Sentinels it has to know afterwards.
    type: int
    default: 0
  wait_timeout:
    description:
      - How many seconds to wait for those and the new master, at least 5.
    type: float
    default: 60
seealso:
  - module: aragora.redis.redis_sentinel
  - name: Sentinel
    description: Monitors, and how Sentinels agree on an address.
    link: https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/
"""

EXAMPLES = r"""
- name: Name the true master
  aragora.redis.redis_sentinel_move:
    url: redis://sentinel1:26379
    master_name: mymaster
    host: 10.0.0.2
    auth_pass: "{{ vault_redis }}"
    keep_sentinels: 2
"""

RETURN = r"""
before:
  description: The address that it named, C(ip:port).
  returned: success
  type: str
after:
  description: The address that it names now.
  returned: success
  type: str
waited:
  description: Seconds that it took.
  returned: success
  type: float
"""


from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aragora.redis.plugins.module_utils._client import Unavailable
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import CONNECTION_RULES, connection_argument_spec
from ansible_collections.aragora.redis.plugins.module_utils._manners import conversation
from ansible_collections.aragora.redis.plugins.module_utils._sentinel_move import check_options, move, move_argument_spec


def main() -> None:
    module = AnsibleModule(
        argument_spec={**connection_argument_spec(), **move_argument_spec()},
        supports_check_mode=True,
        **CONNECTION_RULES,
    )
    try:
        check_options(module.params)
        with conversation(module) as client:
            result = move(client, module.params, module.check_mode)
    except (ValueError, Unavailable) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
