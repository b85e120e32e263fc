#!/usr/bin/python
# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_application_info
short_description: Tell how an application reaches its Redis, from its own host
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - "Runs on the host of the application and reads, in this order: its service, whether its own Python imports its Redis client, whether its
    URLs of Redis are set and equal, now and at its next start, whether Redis answers with that URL, its readiness, its own validation,
    its log, and how many connections its pools may open."
  - What it means is judged by P(aragora.redis.application_verdict#filter).
  - Variables, URLs and passwords never leave the host. Texts of the application are masked by what its environment keeps secret.
  - It never fails because a part cannot be read; why not stands in RV(denied), and says where C(become) would help.
attributes:
  check_mode:
    support: full
    description: No canary is written.
  diff_mode:
    support: none
    description: Nothing is changed.
options:
  application:
    description:
      - The profile of the application, as C(docs/application.md) tells; P(aragora.redis.application_profile#filter) completes one. It is
        shown
        with C(-vvv), so it should hold no secret.
    type: dict
    required: true
  parts:
    description:
      - What to read.
    type: list
    elements: str
    choices: [service, library, urls, redis, readiness, validation, journal, pool, fallback]
    default: [service, library, urls, redis, readiness, validation, journal, pool, fallback]
  canary:
    description:
      - Whether a key has to be written, replicated, read and deleted, with the application's own login. Its name begins with
        C(aragora.redis:canary:), and it ends by itself after 60 seconds if it cannot be deleted.
    type: bool
    default: false
  replicas:
    description:
      - How many replicas have to acknowledge the canary; without it, those that are connected.
    type: int
  journal_minutes:
    description:
      - How far back the log is read.
    type: int
    default: 15
  connect_timeout:
    description:
      - Seconds for the connection to Redis.
    type: float
    default: 3
  timeout:
    description:
      - Seconds for each answer of Redis.
    type: float
    default: 5
seealso:
  - module: aragora.redis.redis_application_probe
  - plugin: aragora.redis.application_verdict
    plugin_type: filter
"""

EXAMPLES = r"""
- name: See how the shop reaches its Redis
  aragora.redis.redis_application_info:
    application: {unit: shop.service, url_variables: [REDIS_URL], readiness: {url: "http://127.0.0.1:8080/readyz"}}
  become: true
  register: seen
"""

RETURN = r"""
application:
  description: What was found. A part that was not asked for, of which the profile says nothing, or that could not be read is null.
  returned: always
  type: dict
  contains:
    name:
      description: What reports call it.
      type: str
    service:
      description: Its unit or container, C(name), C(active_state), C(sub_state), C(result), C(restarts), C(switched_off),
        C(active_seconds),
        C(pid). Empty where there is none of that name.
      type: dict
    library:
      description: Whether its own Python imports its client, C(name), C(python), C(imported), C(version), C(error).
      type: dict
    urls:
      description:
        - C(variables), each with C(name), C(next) and C(running) (V(set), V(empty), V(missing) or V(not_read)), C(next_at) and
          C(running_at)
          (host, port and database, never the URL), C(drifted).
        - C(complete), C(equal), C(drifted), and C(troubles), one sentence each.
      type: dict
    redis:
      description: Redis with the application's own URL, C(at), C(state) (as of M(aragora.redis.redis_info)), C(reason), C(error),
        C(ping_ms),
        C(role), C(replicas), C(run_id), C(canary) (null where none was written, else what did not work).
      type: dict
    readiness:
      description: The answer, C(status) (null where nobody answers), C(json), C(text), C(error), C(took_ms).
      type: dict
    validation:
      description: Its own check, C(json) of its output, C(empty), C(exit_status) (which nobody should judge by), C(error).
      type: dict
    journal:
      description: Lines of its log that mean Redis, C(minutes), C(read), C(matched), C(by_pattern), C(samples) (masked).
      type: dict
    pool:
      description: How many connections it may open, C(variables), C(bound), C(clients), C(processes), C(instances), C(total).
      type: dict
    fallback:
      description: Whether its process has the variables of the fallback, C(variables_set), and the C(lease) of the fallback, where one is
        held.
      type: dict
denied:
  description: What could not be read, by part, and why.
  returned: always
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aragora.redis.plugins.module_utils._application_gather import gather, info_argument_spec
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import check_timeouts


def main() -> None:
    module = AnsibleModule(argument_spec=info_argument_spec(), supports_check_mode=True)
    try:
        check_timeouts(module.params)
        result = gather(module.params, module.check_mode)
    except ValueError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
