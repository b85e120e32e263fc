#!/usr/bin/python
# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_incident
short_description: Write the document of an incident
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - "Writes C(incident.md) and C(incident.html) - since when, what it means to users, what is open, what was done, who was told, the numbers
    before and now, the findings - and beside them the C(report.html) and C(report.json) of the server. The folder is
    C(incidents/<server>) in that of the run; only its owner can read it. Written again, they are replaced."
  - It also says the incident in the words of a message, for M(aragora.redis.redis_notify).
  - It runs on the controller, as an action plugin; the target is not touched.
attributes:
  check_mode:
    support: full
    description: In check mode the words are returned and nothing is written.
  diff_mode:
    support: none
    description: The document is new each time.
options:
  dir:
    description:
      - The folder of all reports, as in M(aragora.redis.redis_report).
    type: path
    required: true
  run:
    description:
      - Name of the run, as M(aragora.redis.redis_report) returned it for V(prepared).
    type: str
    required: true
  server:
    description:
      - What people call the server.
    type: str
    required: true
  incident:
    description:
      - The incident, as M(aragora.redis.redis_guard) returns it.
    type: dict
    default: {}
  application:
    description:
      - The whole profile of the application, C(redis_application_whole); its C(impact) says what the findings mean to users.
    type: dict
    default: {}
  before:
    description:
      - The server when the incident began, C({name, snapshot, diagnosis}), where that is known.
    type: dict
    default: {}
  after:
    description:
      - The server now, C({name, snapshot, diagnosis}) of the filter P(aragora.redis.diagnose_targets#filter).
    type: dict
    required: true
  timeline:
    description:
      - What a remediation did, as for M(aragora.redis.redis_report).
    type: list
    elements: dict
    default: []
  told:
    description:
      - Who was told, the C(channels) of M(aragora.redis.redis_notify).
    type: list
    elements: dict
    default: []
  fallback:
    description:
      - What came of the fallback, C({state, why}) with the state V(on) or V(refused).
    type: dict
    default: {}
seealso:
  - module: aragora.redis.redis_report
  - module: aragora.redis.redis_notify
"""

EXAMPLES = r"""
- name: Write the incident down
  aragora.redis.redis_incident:
    dir: ./redis-reports
    run: "{{ prepared.run }}"
    server: cache1
    incident: "{{ guard.incident }}"
    application: "{{ redis_application_whole }}"
    after: "{{ ([redis.snapshot] | aragora.redis.diagnose_targets(['cache1'])) | first }}"
"""

RETURN = r"""
path:
  description: Folder of the document, null in check mode.
  returned: always
  type: str
files:
  description: The files in it, for attaching them.
  returned: always
  type: list
  elements: str
words:
  description: "The incident as a message, C({users: {title, body}, team: {title, body}}), bodies in Markdown."
  returned: always
  type: dict
impact:
  description: What it means to users.
  returned: always
  type: list
  elements: str
open_points:
  description: What nobody could mend, and what has to be taken back later.
  returned: always
  type: list
  elements: str
"""
