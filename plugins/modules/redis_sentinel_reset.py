#!/usr/bin/python
# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_sentinel_reset
short_description: Let a Sentinel forget the Sentinels and replicas that are gone for good
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - A Sentinel never forgets a replica or another Sentinel by itself. Those that are gone for good count for the majority that a failover
    needs, and are reported as missing. C(SENTINEL RESET) forgets all that it knows of a master, and it learns anew who is there.
  - Nothing is done where nobody is gone. It fails, and changes nothing, while a failover is running, while the Sentinel does not reach the
    master, and where fewer than O(keep_sentinels) and O(keep_replicas) answer.
  - Afterwards it waits until the Sentinel knows so many again.
  - Call it for one Sentinel after the other, at least 30 seconds apart.
extends_documentation_fragment:
  - aragora.redis.connection
attributes:
  check_mode:
    support: full
    description: Tells who would be forgotten.
  diff_mode:
    support: none
    description: What a Sentinel knows is no configuration of yours.
options:
  master_name:
    description:
      - Name of the master, as the Sentinel knows it. No pattern.
    type: str
    required: true
  keep_sentinels:
    description:
      - How many other Sentinels have to be there, before and after.
    type: int
    default: 0
  keep_replicas:
    description:
      - How many replicas have to be there, before and after. The old master that a failover has just made one counts when it has answered.
    type: int
    default: 0
  wait_timeout:
    description:
      - How many seconds to wait for those. A replica is found by the master's INFO, which is asked for every ten seconds.
    type: float
    default: 60
seealso:
  - name: Removing the old master or unreachable replicas
    description: When and how to reset.
    link: https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/#removing-the-old-master-or-unreachable-replicas
"""

EXAMPLES = r"""
- name: Forget a Sentinel whose host is gone
  aragora.redis.redis_sentinel_reset:
    url: redis://sentinel1:26379
    master_name: mymaster
    keep_sentinels: 2
    keep_replicas: 2
"""

RETURN = r"""
forgotten:
  description: Who was gone, as C(ip:port).
  returned: success
  type: list
  elements: str
waited:
  description: Seconds that it took.
  returned: success
  type: float
"""


from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aragora.redis.plugins.module_utils._client import Unavailable
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import CONNECTION_RULES, connection_argument_spec
from ansible_collections.aragora.redis.plugins.module_utils._manners import conversation
from ansible_collections.aragora.redis.plugins.module_utils._sentinel_reset import check_options, reset, reset_argument_spec


def main() -> None:
    module = AnsibleModule(
        argument_spec={**connection_argument_spec(), **reset_argument_spec()},
        supports_check_mode=True,
        **CONNECTION_RULES,
    )
    try:
        check_options(module.params)
        with conversation(module) as client:
            result = reset(client, module.params, module.check_mode)
    except (ValueError, Unavailable) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
