#!/usr/bin/python
# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_restore
short_description: Put a backup back into a running Redis or Valkey server
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - A throw-away server of the same program loads the backup, on this machine, never as root, and is counted. Then the server copies from
    it as a replica does (C(REPLICAOF)), is compared, and made a master again. B(All that it held before is gone then.)
  - Nothing is restarted and no file is moved. Until the new data has come whole, clients read what was there before; they cannot write
    meanwhile. The server writes its RDB file and its append-only file anew by itself, which is waited for.
  - It ends as a master in any case, also where the module is interrupted; only one that is killed leaves a replica of a server that is gone
    (C(REPLICAOF NO ONE)).
  - A node of a cluster and a replica are refused. Sentinels would take the master for one that has become a replica; do not use it
    under Sentinel. The role P(aragora.redis.redis_restore#role) looks for that, and takes a backup first.
extends_documentation_fragment:
  - aragora.redis.connection
attributes:
  check_mode:
    support: full
    description: The backup is loaded and counted, and the server is not touched.
  diff_mode:
    support: none
    description: The data is not shown.
options:
  src:
    description:
      - The RDB file, on the machine where the module runs. A server that reads it has to be there, too.
    type: path
    required: true
  backup:
    description:
      - Its manifest, as M(aragora.redis.redis_backup) returned it. A file that does not hold what it says is not restored.
    type: dict
    required: true
  accept_data_loss:
    description:
      - Whether keys that the server holds may be lost.
    type: bool
    default: false
  address:
    description:
      - An address of this machine at which the server finds it. The throw-away server listens there while the data is copied, with the
        C(masterauth) of the server as its password, or a new one for this once. The data is not encrypted on its way.
    type: str
    default: 127.0.0.1
  pid:
    description:
      - The server's process on this machine, where that is known; its program is found by it.
    type: int
  program:
    description:
      - Path of the program of the throw-away server. Without it that of the server, or C(redis-server) or C(valkey-server) of this machine.
    type: path
  wait_timeout:
    description:
      - How many seconds loading, copying and saving may take, each.
    type: float
    default: 3600
seealso:
  - module: aragora.redis.redis_backup
  - name: REPLICAOF
    description: What becomes of the data of a server that is made a replica.
    link: https://redis.io/docs/latest/commands/replicaof/
"""

EXAMPLES = r"""
- name: Find the newest backup, and see that it is whole
  aragora.redis.redis_backup_store:
    state: found
    server: cache1
  register: stored
  delegate_to: localhost

- name: Restore it into a server that is empty
  aragora.redis.redis_restore:
    src: "{{ stored.path }}"
    backup: "{{ stored.backup }}"
"""

RETURN = r"""
counted:
  description: What stands in the backup, as RV(aragora.redis.redis_backup#module:backup) tells it.
  returned: success
  type: dict
held:
  description: "What the server held before, C({db0: {keys, expires}})."
  returned: success
  type: dict
restored:
  description: What it holds now; without what has expired since the backup was taken.
  returned: success, but not in check mode
  type: dict
program:
  description: The program of the throw-away server.
  returned: success
  type: str
persisted:
  description: Whether it is on the disk, too.
  returned: success, but not in check mode
  type: bool
persist_reason:
  description: Why it is not, else null.
  returned: success, but not in check mode
  type: str
touched:
  description: Whether the server may hold other data than before.
  returned: failure
  type: bool
"""


from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aragora.redis.plugins.module_utils._client import Refused, Unavailable
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import CONNECTION_RULES, connection_argument_spec
from ansible_collections.aragora.redis.plugins.module_utils._interrupts import Interrupted, interruptible
from ansible_collections.aragora.redis.plugins.module_utils._manners import conversation
from ansible_collections.aragora.redis.plugins.module_utils._restore_server import NotRestored, restore_argument_spec, restored


def main() -> None:
    module = AnsibleModule(
        argument_spec={**connection_argument_spec(), **restore_argument_spec()},
        supports_check_mode=True,
        **CONNECTION_RULES,
    )
    try:
        with interruptible(), conversation(module) as client:
            result = restored(client, module.params, module.check_mode)
    except NotRestored as error:
        module.fail_json(msg=str(error), touched=error.touched)
    except (ValueError, OSError, Unavailable, Refused) as error:
        module.fail_json(msg=str(error), touched=False)
    except Interrupted as error:
        module.fail_json(msg=str(error), touched=True)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
