#!/usr/bin/python
# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_guard
short_description: Decide whether a change to Redis may be made now, and keep the book of it
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Every remedy asks this module before it touches anything, and tells it how it ended. The ledger lies on the Redis host (or on one host
    for servers that are only known by URL), so that the command line, AWX and events share it, and it survives a reboot.
  - "It refuses while a freeze file is there, while another run holds the lease of the group, within the cooldown of an action, beyond a
    number of actions an hour, and when the same finding came back too often: then no remedy mends it, and a person has to look."
  - "It does not talk to Redis. Files in O(dir), all of them for their owner only: C(ledger.json), C(audit.jsonl) with one line for
    each action that ended, and C(freeze), which people make; its text is shown."
attributes:
  check_mode:
    support: full
    description: The verdict is the same; nothing is written.
  diff_mode:
    support: none
    description: The ledger is bookkeeping.
options:
  state:
    description:
      - V(queried) only looks.
      - V(begun) takes the lease and writes down that the action begins, if it may; else RV(allowed) is false.
      - V(leased) takes the lease only, on the ledger of another member of the group.
      - V(renewed) prolongs the lease; it fails when another run has it by now.
      - V(pending) writes down temporary O(settings) with their lasting values, before they are set.
      - V(restored) strikes out the O(restores) that were put back.
      - V(ended) writes down O(outcome), appends a line to the audit file and gives the lease back.
      - V(released) gives the lease back, and nothing else.
      - V(opened) writes down that an incident of the server has begun; one that is open keeps its beginning, so that its clock does not
        start again.
      - V(escalated) writes down that people were told of it, V(closed) that it is over. All three append a line to the audit file, where
        they change something.
    type: str
    choices: [queried, leased, begun, renewed, pending, restored, ended, released, opened, escalated, closed]
    default: queried
  server:
    description:
      - The server, as the ledger knows it; by convention inventory name and port.
    type: str
    required: true
  group:
    description:
      - The replication group, of which one server at a time is touched. Without it the server is a group of its own.
    type: str
  action:
    description:
      - The action, one word such as V(tune_memory).
    type: str
  risk:
    description:
      - V(safe) actions may run by themselves, V(guarded) ones only when O(named), V(human) ones never.
    type: str
    choices: [safe, guarded, human]
    default: guarded
  named:
    description:
      - Whether the operator has named this action.
    type: bool
    default: false
  findings:
    description:
      - The findings that the action is to mend, or of which the incident consists.
    type: list
    elements: str
    default: []
  run_id:
    description:
      - Name of the run. Needed for all states but V(queried), V(restored), V(opened) and V(closed).
    type: str
  who:
    description:
      - Who runs it, for the ledger and for those who are refused meanwhile.
    type: str
    default: unknown
  outcome:
    description:
      - How the action ended, for O(state=ended).
    type: str
    choices: [resolved, mitigated, nothing_to_do, refused, escalated, failed]
  details:
    description:
      - What the audit line is to hold beside that, such as values before and after.
    type: dict
    default: {}
  settings:
    description:
      - For O(state=pending), the settings that are changed for a while, with the values to put back.
    type: dict
    default: {}
  due:
    description:
      - For O(state=pending), in how many seconds they have to be put back, whatever happens.
    type: int
    default: 900
  restores:
    description:
      - For O(state=restored), the RV(overdue) or own entries that were put back, by their C(id).
    type: list
    elements: str
    default: []
  dir:
    description:
      - Folder of the ledger.
    type: path
    default: /var/lib/aragora-redis
  cooldown:
    description:
      - Seconds between two equal actions on one server. A safe action that is O(named) does not wait.
    type: int
    default: 900
  hourly:
    description:
      - How many actions a server may see within an hour.
    type: int
    default: 6
  breaker:
    description:
      - How often an action may be tried within an hour for one finding.
    type: int
    default: 3
  lease:
    description:
      - How many seconds a lease holds; a run that was killed blocks the others no longer than that.
    type: int
    default: 300
  wait:
    description:
      - How many seconds to wait for a lease that another run holds for another server of the group. One for this server is not waited for.
    type: int
    default: 0
  deadline:
    description:
      - How many seconds after its beginning an incident is escalated.
    type: int
    default: 900
  again:
    description:
      - After how many seconds people are told again of an incident that is still open.
    type: int
    default: 3600
"""

EXAMPLES = r"""
- name: Ask before anything is touched
  aragora.redis.redis_guard:
    state: begun
    server: cache1:6379
    action: tune_memory
    named: true
    findings: [memory_limit_reached]
    run_id: "{{ run }}"
    who: "{{ lookup('ansible.builtin.env', 'USER') }}"
  register: guard

- name: Stop here when it may not be done now
  ansible.builtin.fail:
    msg: "{{ guard.sentence }}"
  when: not guard.allowed

- name: Keep the book
  aragora.redis.redis_guard:
    state: ended
    server: cache1:6379
    action: tune_memory
    run_id: "{{ run }}"
    outcome: resolved

- name: Start the clock of an incident
  aragora.redis.redis_guard:
    state: opened
    server: cache1:6379
    findings: [process_down]

- name: See what is pending
  aragora.redis.redis_guard:
    server: cache1:6379
"""

RETURN = r"""
allowed:
  description: Whether the action may run, or went on being allowed.
  returned: success
  type: bool
reason:
  description: "Why not, as a word: V(frozen), V(human), V(not_allowed), V(leased) (this server), V(group_leased) (another one of its
    group), V(breaker), V(cap) or V(cooldown); empty when it may."
  returned: success
  type: str
sentence:
  description: The same for people.
  returned: success
  type: str
retry_after:
  description: Seconds after which it is worth asking again, 0 where waiting does not help.
  returned: success
  type: int
counted:
  description: "Actions on this server within the hour: C({this_hour, same_action, same_finding})."
  returned: success
  type: dict
overdue:
  description: "Temporary settings that are to be put back, C({id, settings, due, run_id}); those of runs that hold no lease any more, too."
  returned: success
  type: list
  elements: dict
id:
  description: Name of the entry that V(pending) has made.
  returned: when O(state=pending)
  type: str
incident:
  description: "The open incident of the server, as the call leaves it, or null: C({since, findings, escalated_at, age, seconds_left,
    again_in, due, sentence}), times in Unix seconds. C(due) is true when its deadline is over and people were not told within O(again)."
  returned: success
  type: dict
ledger:
  description: Path of the ledger.
  returned: success
  type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aragora.redis.plugins.module_utils._guard_book import NEEDED, answer, guard_argument_spec
from ansible_collections.aragora.redis.plugins.module_utils._ledger_file import Unusable


def main() -> None:
    module = AnsibleModule(argument_spec=guard_argument_spec(), supports_check_mode=True, required_if=NEEDED)
    try:
        module.exit_json(**answer(module.params, module.check_mode))
    except (Unusable, ValueError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
