#!/usr/bin/python
# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_backup
short_description: Take a backup of a Redis or Valkey server, and test it
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Has the server save (C(BGSAVE)), and copies the file that was written. Where that file is out of reach, because the server is on another
    machine or nobody is root, C(redis-cli --rdb) gets one over replication, if that program is here; its password is never an argument.
  - "The backup is tested: a throw-away server of the same program loads it, in a folder of its own, on a Unix socket, and is gone
    at the end. Keys and keys with a TTL in each database have to be as many as the server said at the moment of the save, and keys
    that were looked at before and after have to have their type and their expiry. What does not fit is no backup: the module fails and
    leaves no file."
  - Room on the disks is looked at before. For the test there has to be memory for a second copy of the data; the throw-away server is the
    first that the kernel ends.
  - The role P(aragora.redis.redis_backup#role) fetches the file and keeps it on the controller.
extends_documentation_fragment:
  - aragora.redis.connection
attributes:
  check_mode:
    support: full
    description: Says in which way it would be taken, and takes none.
  diff_mode:
    support: none
    description: The data does not change.
options:
  dest:
    description:
      - A folder on the machine where the module runs, for the new file C(dump.rdb). It belongs to whoever the folder belongs to, with the
        mode 0600; a file that is there already is not overwritten.
    type: path
    required: true
  way:
    description:
      - How the file is got. With V(file) it is the one that the server writes itself, with V(replication) the one of C(redis-cli --rdb);
        with V(auto) the first, where it can be read from here.
    type: str
    choices: [auto, file, replication]
    default: auto
  pid:
    description:
      - The server's process on this machine, where that is known; its data directory is found by it, in a container, too.
    type: int
  test:
    description:
      - Whether it is tested. Where there is no program that reads the file, or no memory, it is not, which is no failure; see
        C(backup.untested_because).
    type: bool
    default: true
  program:
    description:
      - Path of the server program for the test. Without it C(redis-server) or C(valkey-server) of this machine.
    type: path
  sample:
    description:
      - How many keys are compared by type and expiry.
    type: int
    default: 500
  wait_timeout:
    description:
      - How many seconds saving, getting and loading may take, each.
    type: float
    default: 3600
seealso:
  - module: aragora.redis.redis_backup_store
  - module: aragora.redis.redis_save
  - name: Redis persistence
    description: What RDB files are, and what is good and bad about them.
    link: https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/
"""

EXAMPLES = r"""
- name: Take a backup, and see that it can be loaded
  aragora.redis.redis_backup:
    url: "{{ lookup('ansible.builtin.env', 'REDIS_URL') }}"
    dest: /var/tmp/mine
  register: taken
"""

RETURN = r"""
path:
  description: The file.
  returned: success, but not in check mode
  type: str
backup:
  description:
    - "What is known of it: C(sha256), C(bytes), C(rdb_magic) and C(rdb_version); of the server C(address), C(product), C(version),
      C(run_id), C(role), C(modules), C(functions), C(used_memory); C(taken_at), and C(way)."
    - "C(said) is what the server said of its databases at the save, C({db0: {keys: [least, most], expires: [least, most]}}); equal numbers
      are exact, others say what clients have written meanwhile. C(counted) is what stands in the file, with C(types) and how many have
      C(expired) since; null where it was not tested."
    - C(tested), C(untested_because), C(compared_keys).
  returned: success, but not in check mode
  type: dict
would:
  description: One sentence of what would be done.
  returned: in check mode
  type: str
untested_because:
  description: Why it could not be tested, as far as that can be told before; empty otherwise.
  returned: in check mode
  type: str
seconds:
  description: How long all of it took.
  returned: success, but not in check mode
  type: float
"""


from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aragora.redis.plugins.module_utils._backup_server import backed_up, backup_argument_spec, check_options
from ansible_collections.aragora.redis.plugins.module_utils._client import Refused, Unavailable
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import CONNECTION_RULES, connection_argument_spec
from ansible_collections.aragora.redis.plugins.module_utils._interrupts import Interrupted, interruptible
from ansible_collections.aragora.redis.plugins.module_utils._manners import conversation


def main() -> None:
    module = AnsibleModule(
        argument_spec={**connection_argument_spec(), **backup_argument_spec()},
        supports_check_mode=True,
        **CONNECTION_RULES,
    )
    try:
        check_options(module.params)
        with interruptible(), conversation(module) as client:
            result = backed_up(client, module.params, module.check_mode)
    except (ValueError, OSError, Unavailable, Refused, Interrupted) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
