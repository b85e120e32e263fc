#!/usr/bin/python
# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_flush
short_description: Delete the keys of a pattern, or of one database, from a Redis or Valkey server
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - "By pattern: C(SCAN) with C(MATCH), and C(UNLINK) of each key that it names, in small batches with pauses. As
    M(aragora.redis.redis_keyspace) does, it measures how much longer other clients have to wait because of it, and slows down or gives up
    before that is more than O(max_added_latency). Nothing else is deleted."
  - Every key is deleted that matched when it began and is still there. One that is written meanwhile is deleted only where the walk has not
    passed its place yet.
  - "By database: C(FLUSHDB ASYNC). C(FLUSHALL) is never sent."
  - A replica is refused. Of a node of a cluster its own part of the keys is walked through.
  - There is no way back but a backup; the role P(aragora.redis.redis_flush#role) takes one first.
extends_documentation_fragment:
  - aragora.redis.connection
attributes:
  check_mode:
    support: full
    description: Looks for a key that would be deleted, for two seconds; one that is not found by then is taken to be there.
  diff_mode:
    support: none
    description: Names of keys may be personal.
options:
  by:
    description:
      - Whether the keys of O(pattern) go, or all of O(db).
    type: str
    choices: [pattern, db]
    required: true
  pattern:
    description:
      - A pattern as in SCAN's MATCH. One that stands for every key, such as V(*), is refused.
    type: str
  db:
    description:
      - The number of the database, for a pattern as well.
    type: int
    required: true
  most_keys:
    description:
      - Stop before more keys than that would be gone; a database that holds more is refused. Nobody should find out afterwards how many
        there were.
    type: int
    required: true
  max_added_latency:
    description:
      - How many milliseconds longer other clients may have to wait, as O(aragora.redis.redis_keyspace#module:max_added_latency). V(0) goes
        as fast as it can.
    type: float
    default: 1.0
  seconds:
    description:
      - How long it may take at most.
    type: float
    default: 3600
seealso:
  - module: aragora.redis.redis_keyspace
  - name: UNLINK
    description: How keys are deleted without waiting for their memory.
    link: https://redis.io/docs/latest/commands/unlink/
"""

EXAMPLES = r"""
- name: Forget all sessions of the old shop, 50000 at most
  aragora.redis.redis_flush:
    url: "{{ lookup('ansible.builtin.env', 'REDIS_URL') }}"
    by: pattern
    pattern: "oldshop:session:*"
    db: 0
    most_keys: 50000
"""

RETURN = r"""
deleted:
  description: How many keys were deleted.
  returned: success
  type: int
stopped_because:
  description:
    - V(end) (all were looked at), V(most_keys), V(seconds), V(latency) (other clients had to wait too long even at the slowest pace),
      V(refused) (see RV(error)) or V(check mode). What was deleted until then stays deleted.
  returned: success
  type: str
error:
  description: The server's own words where it refuses to delete a key.
  returned: by pattern, but not in check mode
  type: str
seconds:
  description: How long it took.
  returned: by pattern, but not in check mode
  type: float
latency:
  description: What other clients felt, as RV(aragora.redis.redis_keyspace#module:keyspace).
  returned: by pattern, but not in check mode
  type: dict
"""


from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aragora.redis.plugins.module_utils._client import Unavailable
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import CONNECTION_RULES, connection_argument_spec
from ansible_collections.aragora.redis.plugins.module_utils._flush_server import check_options, flush_argument_spec, flushed
from ansible_collections.aragora.redis.plugins.module_utils._manners import conversation


def main() -> None:
    module = AnsibleModule(
        argument_spec={**connection_argument_spec(), **flush_argument_spec()},
        supports_check_mode=True,
        required_if=[("by", "pattern", ("pattern",))],
        **CONNECTION_RULES,
    )
    try:
        check_options(module.params)
        with conversation(module) as client:
            result = flushed(client, module.params, module.check_mode)
    except (ValueError, Unavailable) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
