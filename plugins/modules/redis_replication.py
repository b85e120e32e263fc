#!/usr/bin/python
# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_replication
short_description: Make a Redis or Valkey server a master, or a replica of another one
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Declares the role of a running server, its master, and the login that it uses there, and waits until a replica is in step.
  - A server that follows the master already, by name or by address, is left as it is.
  - "It refuses what would do harm: to change a server that Sentinel watches (see O(sentinel_watched)); to make a replica of a server
    with data that the master does not have, which a replica throws away (see O(accept_data_loss)); to let a server follow one that
    follows it; a node of a cluster."
  - What the server holds and what the master has is compared by their replication histories and offsets, not by keys.
  - The master is asked with the login that the replica will use, so a wrong password is found before anything is changed.
  - Where a replica does not come into step in time, its old role, master and login come back. Data that it has thrown away by then
    does not.
extends_documentation_fragment:
  - aragora.redis.connection
attributes:
  check_mode:
    support: full
    description: Everything is looked at and refused as otherwise.
  diff_mode:
    support: full
    description: Passwords are masked.
options:
  role:
    description:
      - What the server shall be.
    type: str
    choices: [master, replica]
    required: true
  master_host:
    description:
      - Name or address of the master, as the server shall reach it. Needed for O(role=replica).
    type: str
  master_port:
    description:
      - Port of the master. With C(tls-replication) that of TLS.
    type: int
    default: 6379
  master_user:
    description:
      - ACL user by which the server logs in to a master (C(masteruser)). Without it, that stays as it is; an empty one takes it away.
      - A master may have it, too, for the day on which it becomes a replica.
    type: str
  master_password:
    description:
      - Password by which the server logs in to a master (C(masterauth)). Without it, that stays as it is.
    type: str
  accept_data_loss:
    description:
      - Whether data may be thrown away that the server holds and the master does not have.
    type: bool
    default: false
  sentinel_watched:
    description:
      - With V(refuse) the role and the master of a server are not changed while Sentinels are connected to it, for they decide both.
      - V(accept) does not look for Sentinels.
    type: str
    choices: [refuse, accept]
    default: refuse
  ask_sentinels:
    description:
      - Sentinels as V(host) or V(host:port) that are asked as well whether they watch the server, with O(sentinel_user),
        O(sentinel_password) and O(sentinel_tls). One that cannot be asked is an error.
    type: list
    elements: str
    default: []
  persist:
    description:
      - With V(rewrite) CONFIG REWRITE writes the configuration file after a change. Where the server cannot write it, this is no error;
        see RV(persist_reason).
    type: str
    choices: [none, rewrite]
    default: rewrite
  wait_timeout:
    description:
      - How many seconds a replica may take to be in step with its master, also when nothing had to be changed. V(0) does not wait.
    type: float
    default: 300
seealso:
  - module: aragora.redis.redis_wait
  - module: aragora.redis.redis_sentinel
  - name: Replication
    description: How it works, and what histories and offsets are.
    link: https://redis.io/docs/latest/operate/oss_and_stack/management/replication/
"""

EXAMPLES = r"""
- name: Follow the master
  aragora.redis.redis_replication:
    role: replica
    master_host: 10.0.0.1
    master_password: "{{ vault_redis }}"
    login_password: "{{ vault_redis }}"

- name: Stand alone
  aragora.redis.redis_replication:
    role: master

- name: Take a server over whose data is not needed any more
  aragora.redis.redis_replication:
    role: replica
    master_host: cache1.example.org
    accept_data_loss: true
    wait_timeout: 1800
"""

RETURN = r"""
role:
  description: The role after the call, V(master) or V(replica); in check mode as it would be.
  returned: success
  type: str
master:
  description: The master that the server follows, null for a master.
  returned: success
  type: dict
  sample: {"host": "10.0.0.1", "port": 6379}
previous:
  description: C(role) and C(master) before.
  returned: success
  type: dict
  sample: {"role": "master", "master": null}
waited:
  description: Seconds until the server was as declared.
  returned: success
  type: float
persisted:
  description: Whether the configuration file was written.
  returned: success
  type: bool
persist_reason:
  description: Why it was not written, null when it was.
  returned: success
  type: str
  sample: the server was started without a configuration file
"""


from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aragora.redis.plugins.module_utils._apply_settings import NotApplied
from ansible_collections.aragora.redis.plugins.module_utils._client import Refused, Unavailable
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import CONNECTION_RULES, connection_argument_spec
from ansible_collections.aragora.redis.plugins.module_utils._manners import conversation
from ansible_collections.aragora.redis.plugins.module_utils._replication_server import declare, replication_argument_spec


def main() -> None:
    module = AnsibleModule(
        argument_spec={**connection_argument_spec(), **replication_argument_spec()},
        supports_check_mode=True,
        required_if=[("role", "replica", ["master_host"])],
        **CONNECTION_RULES,
    )
    try:
        with conversation(module) as client:
            result = declare(client, module.params, module.check_mode)
    except (ValueError, NotApplied, Refused, Unavailable) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
