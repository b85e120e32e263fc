#!/usr/bin/python
# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_keyspace
short_description: Tell which keys of a Redis or Valkey server hold the memory, by pattern, without hurting it
version_added: 0.1.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Reads a sample of the keys, or all of them, and tells for each pattern of key names how many there are, what they hold, which types and
    encodings they have and when they expire; and which keys are big.
  - It is made for servers in production. It asks SCAN, TYPE, MEMORY USAGE and PTTL of each key, OBJECT ENCODING of every 16th, in small
    batches; it never sends KEYS or MONITOR and runs no script. Its own PINGs on a second connection tell how much longer other clients
    wait because of it, and it slows down or gives up before that is more than O(max_added_latency).
  - It only reads. The server counts hits for these commands, but no key becomes younger; the up to 50 biggest collections of each type
    are asked for their length, which counts as a use before Redis 7.2 (there is no CLIENT NO-TOUCH).
  - "Run as a task, a scan of more than 10 seconds shows how far it is: C(34 % · 1.7 M of 5 M keys · ETA 12 s)."
extends_documentation_fragment:
  - aragora.redis.connection
attributes:
  check_mode:
    support: full
    description: The module changes nothing.
  diff_mode:
    support: none
    description: The module changes nothing.
options:
  mode:
    description:
      - With V(sample) some of the keys are read, and what they hold all together is estimated; with V(full) all keys are read.
    type: str
    choices: [sample, full]
    default: sample
  seconds:
    description:
      - How many seconds to read at most, V(0) for no limit. Without it 1.5 for a sample and 3600 for a full scan.
    type: float
  keys:
    description:
      - How many keys to read at most, a few more where SCAN gives them at once; V(0) for no limit. Without it 100000 for a sample and no
        limit for a full scan.
    type: int
  max_added_latency:
    description:
      - How many milliseconds longer other clients may have to wait, by the 95th percentile of the module's own PINGs. After each batch
        the server has as long for others as the batch took. Above this limit batches become smaller, from 100 keys down to 16, then
        the pauses longer, and in the end the scan stops. The module runs at a lower priority, too.
      - V(0) reads as fast as it can, in batches of 150 keys without a pause, and measures nothing.
    type: float
    default: 1.0
  prefer_replica:
    description:
      - Whether to read from an online replica when the server is a master that has one, with the same credentials.
        RV(keyspace.server) tells which was read and RV(keyspace.why_this_server) why it is the master.
    type: bool
    default: true
  patterns:
    description:
      - Patterns as in SCAN's MATCH (V(session:*)), in place of those learned from the names. A key counts for the first that it matches,
        and for V(*) when there is none.
      - Without it what changes from name to name becomes V(*); numbers, ids, UUIDs, hashes, dates, addresses. Beyond 1000 patterns the
        least are merged into wider ones.
    type: list
    elements: str
  most_patterns:
    description:
      - How many patterns to return, those with the most memory first. The others are summed up in RV(keyspace.others).
    type: int
    default: 50
  biggest:
    description:
      - How many of the biggest keys to return, overall and for each type.
    type: int
    default: 10
  mask_keys:
    description:
      - Whether to show patterns in place of the names of keys, because names may hold personal data. A pattern that is the name of a single
        key is widened.
    type: bool
    default: false
  cursor:
    description:
      - Go on where an earlier scan has stopped, its RV(keyspace.cursor). The result is about the keys from there on.
      - It is of use as long as the server that was read is not restarted.
    type: str
  slice_seconds:
    description:
      - How many seconds a single run of the module may read, from V(1) on. It then returns RV(state) and RV(progress) for the next one.
      - Used by the action plugin, which gives V(10) where the task gives nothing else.
    type: float
  state:
    description:
      - A state that a run with O(slice_seconds) has returned, to go on with the same options. Used by the action plugin.
    type: path
seealso:
  - module: aragora.redis.redis_info
  - name: MEMORY USAGE
    description: What the size of a key is. Of large collections the server looks at 5 members only, which is an estimate of its own.
    link: https://redis.io/docs/latest/commands/memory-usage/
  - name: SCAN
    description: What is guaranteed while keys come and go.
    link: https://redis.io/docs/latest/commands/scan/
"""

EXAMPLES = r"""
- name: See which keys hold the memory, in two seconds
  aragora.redis.redis_keyspace:
  register: keys

- name: Name the pattern that holds the most
  ansible.builtin.debug:
    msg: "{{ keys.keyspace.patterns[0].pattern }} holds {{ keys.keyspace.patterns[0].bytes_percent.value }} % of the memory"
  when: keys.keyspace.patterns | length > 0

- name: Read every key of a production master at night, unseen by its clients
  aragora.redis.redis_keyspace:
    url: "{{ lookup('ansible.builtin.env', 'REDIS_URL') }}"
    mode: full
    max_added_latency: 0.5

- name: Read a part now, with names that may be shown to anybody
  aragora.redis.redis_keyspace:
    patterns: ["session:*", "cart:*"]
    mask_keys: true
    keys: 500000
    seconds: 30
  register: first

- name: Read the next part
  aragora.redis.redis_keyspace:
    cursor: "{{ first.keyspace.cursor }}"
  when: first.keyspace.cursor is not none
"""

RETURN = r"""
keyspace:
  description: What was read.
  returned: when the scan is over
  type: dict
  contains:
    server:
      description: The server that was read; C(address), C(role) (V(master) or V(slave), in the server's words) and C(run_id).
      type: dict
    why_this_server:
      description: Why no replica was read although O(prefer_replica) would like one, else null.
      type: str
      sample: it has no replica that is online
    node_of_cluster:
      description: Whether the server is a node of a cluster. Then everything is about its own part of the keys.
      type: bool
    db:
      description: The database that was read.
      type: int
    mode:
      description: As given.
      type: str
    keys_total:
      description: Number of keys in the database when the scan began.
      type: int
    keys_read:
      description: Number of keys that were read.
      type: int
    keys_refused:
      description: How many of them this user may not look at.
      type: int
    complete:
      description: Whether every key was read. Then nothing is estimated but what MEMORY USAGE itself estimates.
      type: bool
    stopped_because:
      description:
        - Why the scan ended; V(end) (there are no more keys), V(keys) or V(seconds) (the budget), V(latency) (other clients had to wait
          too long even at the slowest pace), V(unavailable) (the server was gone, see RV(keyspace.error)).
      type: str
    error:
      description: What happened to the server, else null.
      type: str
    cursor:
      description: For O(cursor), to go on from here; null when there are no more keys.
      type: str
    seconds:
      description: How long keys were read.
      type: float
    keys_per_second:
      description: Keys read in a second.
      type: int
    latency:
      description:
        - What other clients felt; C(quiet) are the milliseconds of PINGs that waited for nothing, C(busy) of those that stood right
          behind a batch, each with C(samples), C(p50), C(p99) and C(max); C(added_p50_ms) and C(added_p99_ms) are their differences.
        - C(limit_ms) is O(max_added_latency), C(batch_keys) the size of batches at the end, C(slowed) how often the pace was slowed down,
          C(paused_seconds) the sum of the pauses.
      type: dict
    masked:
      description: As O(mask_keys).
      type: bool
    denied:
      description:
        - What this user may not ask, V(type), V(memory), V(ttl) or V(encoding), in the server's own words. Without V(memory) there are
          no bytes.
      type: dict
    bytes:
      description: Memory of all keys, C(value) with its 95 % confidence interval from C(low) to C(high).
      type: dict
      sample: {value: 512000000, low: 498000000, high: 526000000}
    unexplained_bytes:
      description:
        - What the server's own account of its data set holds beyond that; much of it in a sample means that giants were missed.
        - Null where the server does not tell, or has keys in several databases.
      type: int
    unsure:
      description: One sentence for each reason to trust the numbers less than their intervals say.
      type: list
      elements: str
    types:
      description: Estimated number of keys by type.
      type: dict
    ttl:
      description:
        - C(expiring_percent) is the share of keys with a TTL, C(percent) the shares by remaining time, V(never), V(under_1_minute),
          V(under_1_hour), V(under_1_day), V(under_7_days), V(under_30_days), V(over_30_days).
        - C(never_bytes_percent) is the share of all memory that never expires, C(value) with its 95 % confidence interval from C(low) to
          C(high).
      type: dict
    patterns:
      description: The patterns, the one with the most memory first.
      type: list
      elements: dict
      contains:
        pattern:
          description: The pattern.
          type: str
          sample: session:*:cart
        merged:
          description: Whether rarer patterns were merged into it.
          type: bool
        keys_read:
          description: Number of its keys that were read.
          type: int
        key_count:
          description: Estimated number of its keys.
          type: int
        keys_percent:
          description: Its share of the keys.
          type: float
        bytes:
          description: Estimated memory, as RV(keyspace.bytes).
          type: dict
        bytes_percent:
          description: Its share of the memory, C(value) with the 95 % confidence interval from C(low) to C(high).
          type: dict
        bytes_per_key:
          description: Mean size of its keys.
          type: int
        types:
          description: Estimated number of its keys by type.
          type: dict
        encodings_percent:
          description: Shares of the encodings among those of its keys that were asked.
          type: dict
        ttl:
          description: As RV(keyspace.ttl).
          type: dict
        biggest:
          description: The three biggest of its keys that were read, as RV(keyspace.biggest).
          type: list
          elements: dict
    others:
      description: The patterns beyond O(most_patterns), C(patterns) is their number, C(key_count) and C(bytes) what they hold.
      type: dict
    biggest:
      description: The biggest keys that were read.
      type: list
      elements: dict
      contains:
        key:
          description: The name on one harmless line, at most 200 characters; with O(mask_keys) its pattern.
          type: str
        pattern:
          description: The pattern that it counts for.
          type: str
        type:
          description: Its type.
          type: str
        bytes:
          description: Its size by MEMORY USAGE.
          type: int
        members:
          description: Number of members of a collection, null for other types and where it is not known.
          type: int
        ttl_seconds:
          description: Seconds until it expires, null when it does not.
          type: int
    biggest_by_type:
      description: The biggest keys of each type.
      type: dict
    big_keys:
      description:
        - Keys beyond what Redis serves well, among the 50 biggest of each type; strings over 100 kB, hashes over 5000 fields, sets, lists
          and sorted sets over 1000 members. Each as in RV(keyspace.biggest).
      type: list
      elements: dict
state:
  description: The file in which the scan waits for its next run, for O(state).
  returned: when O(slice_seconds) were over first
  type: str
progress:
  description: How far the scan is, C(read) of C(keys), C(share) from 0 to 1, C(eta_seconds), C(seconds).
  returned: when O(slice_seconds) were over first
  type: dict
"""

import os
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aragora.redis.plugins.module_utils._client import Unavailable, hide_url_secrets
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import CONNECTION_RULES, connection_argument_spec
from ansible_collections.aragora.redis.plugins.module_utils._keyspace_run import answer, check_options, keyspace_argument_spec, resume
from ansible_collections.aragora.redis.plugins.module_utils._manners import conversation

NICENESS = 10


def main() -> None:
    module = AnsibleModule(
        argument_spec={**connection_argument_spec(), **keyspace_argument_spec()},
        supports_check_mode=True,
        **CONNECTION_RULES,
    )
    folder = str(Path(module.tmpdir).parent)
    try:
        check_options(module.params)
        if module.params["max_added_latency"]:
            # On the server's own machine the scan must not take the processor from it.
            os.nice(NICENESS)
        if module.params["state"]:
            hide_url_secrets(module, [module.params["url"]])
            result = resume(module.params, folder)
        else:
            with conversation(module) as client:
                result = answer(client, module.params, folder)
    except (ValueError, Unavailable) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
