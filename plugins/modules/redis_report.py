#!/usr/bin/python
# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_report
short_description: Show and write the report of a diagnosis
version_added: 0.1.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - "Shows the findings in the terminal, the worst server first, and writes them as C(report.json), C(report.md) and C(report.html),
    with each server's snapshot beside them, into a folder of the run that only its owner can read. The link C(latest) points to it."
  - It runs on the controller, as an action plugin; the target is not touched.
attributes:
  check_mode:
    support: full
    description: In check mode the report is shown and not written.
  diff_mode:
    support: none
    description: A report is new each time.
options:
  state:
    description:
      - V(prepared) names a new run and makes sure that its report can be kept, before anything is read.
      - V(kept) keeps O(snapshot) in the folder of the run, as evidence, before anything is touched.
      - V(written) shows and writes the report of such a run.
    type: str
    choices: [prepared, kept, written]
    default: written
  dir:
    description:
      - The folder of all reports. A relative path begins at the working directory of the playbook's caller.
    type: path
    required: true
  run:
    description:
      - Name of the run, as V(prepared) returned it.
    type: str
  diagnosed:
    description:
      - What was found, C({name, snapshot, diagnosis}) a server; C(snapshot) from M(aragora.redis.redis_info), C(diagnosis) from the filter
        P(aragora.redis.diagnose#filter).
    type: list
    elements: dict
    default: []
  saved:
    description:
      - Snapshots in files, as O(aragora.redis.redis_info#module:save_to) leaves them. They are judged here, together with O(diagnosed).
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the server.
        type: str
        required: true
      path:
        description: The file on the controller.
        type: path
        required: true
      state:
        description: State of the server; it is read from the file again.
        type: str
  judging:
    description:
      - How to judge O(saved), as options of the filter P(aragora.redis.diagnose_targets#filter).
    type: dict
    default: {}
    suboptions:
      thresholds:
        description: Limits that differ from the defaults, by name. An unknown name is an error.
        type: dict
      workload_role:
        description: What the servers are used for. Without it each server's own numbers decide.
        type: str
      group:
        description: Name of the replication group that all of them belong to.
        type: str
      expected_replicas:
        description: How many replicas the master of a group should have online.
        type: raw
      previous:
        description: RV(previous), to compare with.
        type: list
        elements: dict
  previous:
    description:
      - With O(state=prepared), an earlier report to compare with; the folder of its run, its C(report.json), one file of its folder
        C(snapshots), or V(latest) for the newest in O(dir), if there is one.
    type: str
  name:
    description:
      - For O(state=kept), what the file is called.
    type: str
  snapshot:
    description:
      - For O(state=kept), the snapshot.
    type: dict
  timeline:
    description:
      - What a remediation did, C({at, target, mode, action, risk, findings, state, steps, why}) for each action; it stands before the
        findings.
    type: list
    elements: dict
    default: []
  show:
    description:
      - Whether V(written) shows the report in the terminal.
    type: bool
    default: true
seealso:
  - module: aragora.redis.redis_info
"""

EXAMPLES = r"""
- name: Make room for a report
  aragora.redis.redis_report:
    state: prepared
    dir: ./redis-reports
  register: prepared

- name: Take a snapshot
  aragora.redis.redis_info:
    url: redis://127.0.0.1
  register: redis

- name: Show and write what it says
  aragora.redis.redis_report:
    dir: ./redis-reports
    run: "{{ prepared.run }}"
    diagnosed:
      - name: cache
        snapshot: "{{ redis.snapshot }}"
        diagnosis: "{{ redis.snapshot | aragora.redis.diagnose }}"

- name: Read hundreds of servers
  aragora.redis.redis_info:
    targets: "{{ redis_urls }}"
    save_to: "{{ prepared.path }}/snapshots"
  register: fleet

- name: Judge them, and show and write what they say
  aragora.redis.redis_report:
    dir: ./redis-reports
    run: "{{ prepared.run }}"
    saved: "{{ fleet.saved }}"
"""

RETURN = r"""
run:
  description: Name of the run, its time and a random part.
  returned: when O(state=prepared)
  type: str
  sample: 20260301T031502Z-5f0c2d1a
previous:
  description:
    - Of each snapshot of the earlier report what later ones are compared with, for the filter P(aragora.redis.diagnose_targets#filter).
  returned: when O(state=prepared)
  type: list
  elements: dict
path:
  description: Folder of the run; null in check mode.
  returned: success
  type: str
summary:
  description: "Counts of C(critical), C(warning) and C(notice), C(by_cause), and C(root_causes) as C({target, id, severity, title})."
  returned: when O(state=written)
  type: dict
targets:
  description: "Each server with its findings, worst first: C({name, url, availability, findings})."
  returned: when O(state=written)
  type: list
  elements: dict
"""
