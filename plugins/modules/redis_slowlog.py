#!/usr/bin/python
# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_slowlog
short_description: Read the slow log of a Redis or Valkey server, empty it, set its thresholds
version_added: 0.1.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Reads the slow log and groups it by command and key pattern, with what such a command costs and what to use in its place.
  - It only reads, unless O(reset), O(log_slower_than) or O(max_len) is given.
  - What this module itself sends is left out of RV(entries) and never counts as a change; with a threshold of V(0) the server logs that
    too. Commands of other modules of this collection are entries like any other.
extends_documentation_fragment:
  - aragora.redis.connection
attributes:
  check_mode:
    support: full
    description: Says what would change, and reads all the same.
  diff_mode:
    support: full
    description: Shows both thresholds and, with O(reset), the number of entries.
options:
  since_id:
    description:
      - Return only entries with a higher id, usually RV(last_id) of the time before.
      - The server counts from 0 again when it is restarted. Where the whole log is older than this id, all of it is taken for new.
    type: int
  limit:
    description:
      - How many entries to read at most, newest first. The filters choose among these.
      - With O(reset) the whole log is read, whatever this says.
    type: int
    default: 256
  commands:
    description:
      - Return only entries of these commands, in upper or lower case. V(CONFIG) stands for V(CONFIG GET) and its sisters too.
    type: list
    elements: str
  min_duration_ms:
    description:
      - Return only entries that took at least this many milliseconds.
    type: float
  since_seconds:
    description:
      - Return only entries that are at most this many seconds old by the server's clock.
    type: int
  client_names:
    description:
      - Return only entries of clients that had one of these names (CLIENT SETNAME).
    type: list
    elements: str
  addresses:
    description:
      - Return only entries of clients at these addresses, V(host) or V(host:port).
    type: list
    elements: str
  mask_arguments:
    description:
      - Whether arguments beyond the command and the pattern of its key are replaced by V(***).
      - With V(false) they may hold personal data; those of AUTH and similar commands stay hidden.
    type: bool
    default: true
  reset:
    description:
      - Whether to empty the log. All of it is returned first, read and deleted in one transaction, so that no entry is lost in between.
      - Filters are refused together with it, because they would lose entries; O(since_id) is not, as those were returned before.
      - A log that holds nothing but what this module sent counts as empty.
    type: bool
    default: false
  log_slower_than:
    description:
      - Log commands that run longer than this many B(microseconds), the server's C(slowlog-log-slower-than).
      - V(0) logs every command, V(-1) none.
      - It is set in the running server only. To keep it over a restart, use M(aragora.redis.redis_config).
    type: int
  max_len:
    description:
      - How many entries the server keeps, its C(slowlog-max-len). A shorter log loses its oldest entries with the next slow command.
      - It is set in the running server only. To keep it over a restart, use M(aragora.redis.redis_config).
    type: int
seealso:
  - module: aragora.redis.redis_config
  - module: aragora.redis.redis_info
  - name: SLOWLOG GET
    description: What an entry holds. The server cuts it to 32 arguments of 128 bytes, and leaves the time in queues and on the network out.
    link: https://redis.io/docs/latest/commands/slowlog-get/
"""

EXAMPLES = r"""
- name: See what holds the server up
  aragora.redis.redis_slowlog:
  register: slow

- name: Name the most expensive shape of command
  ansible.builtin.debug:
    msg: "{{ slow.groups[0].command }} {{ slow.groups[0].key_pattern }}: {{ slow.groups[0].instead }}"
  when: slow.groups | length > 0

- name: See what is new since then, of one application and over 50 ms only
  aragora.redis.redis_slowlog:
    since_id: "{{ slow.last_id }}"
    client_names: [checkout]
    min_duration_ms: 50

- name: Log more for an investigation
  aragora.redis.redis_slowlog:
    url: "{{ lookup('ansible.builtin.env', 'REDIS_URL') }}"
    log_slower_than: 1000
    max_len: 1024
  register: finer

- name: Take what was logged, and put the thresholds back
  aragora.redis.redis_slowlog:
    url: "{{ lookup('ansible.builtin.env', 'REDIS_URL') }}"
    reset: true
    log_slower_than: "{{ finer.previous.log_slower_than }}"
    max_len: "{{ finer.previous.max_len }}"
"""

RETURN = r"""
entries:
  description: What was read and passed the filters, newest first.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: Number of the entry, counted since the server was started.
      type: int
    at:
      description: When the command was run, as a Unix time by the server's clock.
      type: int
    age_seconds:
      description: How long ago that was.
      type: int
    duration_us:
      description: How long the command held the server, in microseconds.
      type: int
    command:
      description: The command in upper case, with its subcommand where it has one.
      type: str
      sample: KEYS
    key_pattern:
      description: The first key with its changing parts as V(*), empty where there is none.
      type: str
      sample: session:*:cart
    arguments:
      description: The command's words, masked as O(mask_arguments) says.
      type: list
      elements: str
      sample: [HGETALL, "session:*:cart"]
    address:
      description: The client's address and port.
      type: str
    client_name:
      description: The client's name, empty where it has none.
      type: str
groups:
  description: The same entries taken together by command and key pattern, the most expensive group first.
  returned: always
  type: list
  elements: dict
  contains:
    command:
      description: The command in upper case.
      type: str
    key_pattern:
      description: The pattern that the keys have in common.
      type: str
    count:
      description: Number of entries.
      type: int
    total_us:
      description: Sum of their durations in microseconds.
      type: int
    p50_us:
      description: Median of their durations in microseconds.
      type: int
    p95_us:
      description: 95th percentile of their durations in microseconds.
      type: int
    max_us:
      description: Longest of their durations in microseconds.
      type: int
    addresses:
      description: Up to five addresses that the command came from, without ports, most frequent first.
      type: list
      elements: str
    client_names:
      description: Up to five names of the clients that it came from, most frequent first.
      type: list
      elements: str
    kind:
      description:
        - V(keyspace) walks all keys, V(collection) a whole value, V(range) a part of one; V(script), V(admin) and V(plain) are the others.
      type: str
    complexity:
      description: What the command costs, as its documentation says.
      type: str
      sample: O(N), N keys in the database
    instead:
      description: What is usually better, or null.
      type: str
      sample: SCAN with MATCH and COUNT, or an index set kept by the application
length:
  description: Number of entries in the log when it was read, those of this module included.
  returned: always
  type: int
last_id:
  description: The highest id that was seen, for the next O(since_id); V(-1) or O(since_id) for an empty log.
  returned: always
  type: int
truncated:
  description: Whether O(limit) left entries unread that O(since_id) asks for.
  returned: always
  type: bool
thresholds:
  description: What is logged from now on, or null when the server does not tell (CONFIG GET refused). In check mode, what would be.
  returned: always
  type: dict
  contains:
    log_slower_than:
      description: As O(log_slower_than), in microseconds.
      type: int
      sample: 10000
    log_slower_than_ms:
      description: The same in milliseconds, null when nothing is logged.
      type: float
      sample: 10.0
    max_len:
      description: As O(max_len).
      type: int
      sample: 128
previous:
  description: C(log_slower_than) and C(max_len) as they were before, to be put back later.
  returned: when O(log_slower_than) or O(max_len) is given
  type: dict
  sample:
    log_slower_than: 10000
    max_len: 128
"""


from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aragora.redis.plugins.module_utils._client import Unavailable
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import CONNECTION_RULES, connection_argument_spec
from ansible_collections.aragora.redis.plugins.module_utils._manners import conversation
from ansible_collections.aragora.redis.plugins.module_utils._slowlog_server import apply, check_options, read, report, states


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **connection_argument_spec(),
            "since_id": {"type": "int"},
            "limit": {"type": "int", "default": 256},
            "commands": {"type": "list", "elements": "str"},
            "min_duration_ms": {"type": "float"},
            "since_seconds": {"type": "int"},
            "client_names": {"type": "list", "elements": "str"},
            "addresses": {"type": "list", "elements": "str"},
            "mask_arguments": {"type": "bool", "default": True},
            "reset": {"type": "bool", "default": False},
            "log_slower_than": {"type": "int"},
            "max_len": {"type": "int"},
        },
        supports_check_mode=True,
        **CONNECTION_RULES,
    )
    try:
        check_options(module.params)
        with conversation(module) as client:
            log = read(client, module.params)
            before, after = states(log, module.params)
            if before != after and not module.check_mode:
                log = apply(client, log, before, after)
    except (ValueError, Unavailable) as error:
        module.fail_json(msg=str(error))
    result = report(log, before, after, module.params)
    module.exit_json(changed=before != after, diff={"before": before, "after": after}, **result)


if __name__ == "__main__":
    main()
