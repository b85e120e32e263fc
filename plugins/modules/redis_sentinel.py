#!/usr/bin/python
# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_sentinel
short_description: What a Sentinel watches, and its settings
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Declares the groups that a running Sentinel watches, and its settings, by its own commands (C(SENTINEL MONITOR), C(SET), C(REMOVE),
    C(CONFIG SET)), and has it write its file (C(FLUSHCONFIG)). The file itself is never touched, for Sentinel keeps in it what it knows.
  - "The address of a group that is watched already is never changed: a failover may have moved the master. O(monitors[].host) and
    O(monitors[].port) count for the first time only; see RV(moved)."
  - Where Sentinel refuses one thing, what was done before is taken back.
  - "Sentinel does not tell the login that it uses (O(monitors[].auth_user), O(monitors[].auth_pass)). Where the module runs on its host and
    may read its file, the login is compared with that file, which Sentinel writes whenever a setting changes. Elsewhere the login is set
    when the group is first watched, and when Sentinel calls the master down although the declared login works from here; otherwise it is
    left alone, and the group stands in RV(not_compared)."
extends_documentation_fragment:
  - aragora.redis.connection
attributes:
  check_mode:
    support: full
    description: It does not wait.
  diff_mode:
    support: full
    description: Passwords are masked.
options:
  monitors:
    description:
      - Groups. Those that are not named stay as they are.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description:
          - Name of the group, as clients ask for it.
        type: str
        required: true
      state:
        description:
          - With V(absent) the Sentinel forgets the group.
        type: str
        choices: [present, absent]
        default: present
      host:
        description:
          - Address of its master; a name only with O(resolve_hostnames). Needed where the group is not watched yet.
        type: str
      port:
        description:
          - Port of its master.
        type: int
        default: 6379
      quorum:
        description:
          - How many Sentinels have to agree that the master is down. Needed where the group is not watched yet.
        type: int
      down_after_milliseconds:
        description:
          - For how long an instance has to be silent before it counts as down.
        type: int
      failover_timeout:
        description:
          - Milliseconds that a failover may take, half of what has to pass between two.
        type: int
      parallel_syncs:
        description:
          - How many replicas follow a new master at once.
        type: int
      auth_user:
        description:
          - ACL user by which the Sentinel logs in to the servers of the group.
        type: str
      auth_pass:
        description:
          - Its password; that of the user C(default) without O(monitors[].auth_user).
          - One with a space or a quote is refused. Sentinel writes it to its file as it is, and could not read that at its next start.
        type: str
      forget:
        description:
          - Replicas and Sentinels, V(address:port), that are gone for good. Where the Sentinel remembers one of them, it forgets all but
            the master (C(SENTINEL RESET)) and finds the others again within some seconds.
          - It is refused while one of them still answers, and while the master is down or failed over.
          - Ask one Sentinel at a time, with 30 seconds between two.
        type: list
        elements: str
        default: []
  resolve_hostnames:
    description:
      - Whether names of hosts are taken beside addresses.
    type: bool
  announce_hostnames:
    description:
      - Whether names are told to clients and to other Sentinels, in place of addresses.
    type: bool
  announce_ip:
    description:
      - Address under which other Sentinels find this one. Empty means the one by which it connects to them.
    type: str
  announce_port:
    description:
      - Port under which other Sentinels find this one. V(0) means its own.
    type: int
  flush:
    description:
      - Have the Sentinel write its file even where nothing changes, and fail where it cannot.
    type: bool
    default: false
  peer_user:
    description:
      - ACL user by which the Sentinel logs in to the other Sentinels.
    type: str
  peer_password:
    description:
      - Password by which the Sentinel logs in to the other Sentinels. Without it a Sentinel uses its own C(requirepass) for that.
    type: str
  wait_sentinels:
    description:
      - Wait until the Sentinel knows so many Sentinels of each declared group, itself included, and C(CKQUORUM) is content.
    type: int
  wait_replicas:
    description:
      - Wait until the Sentinel knows so many replicas of each declared group, and C(CKQUORUM) is content.
    type: int
  wait_timeout:
    description:
      - How many seconds to wait at most.
    type: float
    default: 60
notes:
  - Without a port, V(26379) is meant.
  - C(requirepass), C(bind), ports and TLS of a Sentinel cannot be changed while it runs; they stand in its file before it starts.
seealso:
  - module: aragora.redis.redis_replication
  - name: Sentinel
    description: What the settings mean.
    link: https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/
"""

EXAMPLES = r"""
- name: Watch a group
  aragora.redis.redis_sentinel:
    login_password: "{{ vault_sentinel }}"
    monitors:
      - name: mymaster
        host: 10.0.0.1
        quorum: 2
        down_after_milliseconds: 5000
        auth_pass: "{{ vault_redis }}"
    wait_sentinels: 3

- name: Forget one
  aragora.redis.redis_sentinel:
    login_host: 10.0.0.1
    monitors:
      - name: old
        state: absent
"""

RETURN = r"""
masters:
  description: The address of each master that the Sentinel knows now, by group.
  returned: success
  type: dict
  sample: {"mymaster": {"host": "10.0.0.1", "port": 6379}}
moved:
  description: Declared groups whose master is at another address than the declared one, after a failover for example. It stays there.
  returned: success
  type: list
  elements: str
not_compared:
  description: Declared groups whose login could not be compared, and was left alone.
  returned: success
  type: list
  elements: str
persisted:
  description: Whether the Sentinel has written its file.
  returned: success
  type: bool
persist_reason:
  description: Why it has not, null when it has.
  returned: success
  type: str
waited:
  description: Seconds until the groups were complete.
  returned: success
  type: float
"""


from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aragora.redis.plugins.module_utils._client import Unavailable
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import (
    CONNECTION_RULES,
    DEFAULT_SENTINEL_PORT,
    connection_argument_spec,
)
from ansible_collections.aragora.redis.plugins.module_utils._manners import conversation
from ansible_collections.aragora.redis.plugins.module_utils._sentinel_server import declare, sentinel_argument_spec


def main() -> None:
    module = AnsibleModule(
        argument_spec={**connection_argument_spec(), **sentinel_argument_spec()},
        supports_check_mode=True,
        **CONNECTION_RULES,
    )
    if not module.params["url"] and not module.params["login_unix_socket"]:
        module.params["login_port"] = module.params["login_port"] or DEFAULT_SENTINEL_PORT
    try:
        with conversation(module) as client:
            result = declare(client, module.params, module.check_mode)
    except (ValueError, Unavailable) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
