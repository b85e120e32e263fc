#!/usr/bin/python
# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_report_changes
short_description: Compare the report of a run with the last scheduled one
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Tells which findings are new or gone, what memory grew by, which key patterns are new, which commands became slower, and which settings
    have drifted from what is declared. What was so in the last report as well is not told again.
  - Compared with is the newest other run of the same folder that was O(state=kept). Other runs, such as those of remedies, are left alone.
  - It runs on the controller, as an action plugin; the target is not touched.
attributes:
  check_mode:
    support: full
    description: Nothing is written or removed.
  diff_mode:
    support: none
    description: See RV(changes).
options:
  state:
    description:
      - V(compared) compares and shows.
      - V(kept) makes this run the one that the next is compared with, and removes the oldest.
    type: str
    choices: [compared, kept]
    default: compared
  path:
    description:
      - Folder of the run, as M(aragora.redis.redis_report) returned it.
    type: path
    required: true
  settings:
    description:
      - The declared settings of all servers, as for M(aragora.redis.redis_config).
    type: dict
    default: {}
  settings_of:
    description:
      - What is declared for single servers beside, by their names.
    type: dict
    default: {}
  keep:
    description:
      - How many such runs are kept, at least 1.
    type: int
    default: 30
  result:
    description:
      - For O(state=kept), what V(compared) returned.
    type: dict
    default: {}
seealso:
  - module: aragora.redis.redis_report
"""

EXAMPLES = r"""
- name: What has changed?
  aragora.redis.redis_report_changes:
    path: "{{ redis_diagnosis_report.path }}"
    settings:
      maxmemory: 2gb
"""

RETURN = r"""
since:
  description: Name of the run that was compared with; null where there is none.
  returned: for state=compared
  type: str
changes:
  description: What has changed, C({target, kind, severity, sentence}), the worst first. Kinds are V(server), V(finding), V(growth),
    V(pattern), V(command) and V(drift).
  returned: for state=compared
  type: list
  elements: dict
drift:
  description: By server, where its settings differ from the declared ones, new or not.
  returned: for state=compared
  type: dict
words:
  description: C(title) and C(body) (Markdown) of a notification; empty where nothing changed.
  returned: for state=compared
  type: dict
forgotten:
  description: Names of the runs that were removed.
  returned: for state=kept
  type: list
  elements: str
"""
