#!/usr/bin/python
# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_application_probe
short_description: Ask an application for something that needs Redis, and see that it wrote there
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Runs on the host of the application, sends the one request that C(probe) of its profile describes, looks for the keys that it writes
    with
    the application's own URL of Redis, and deletes exactly those.
  - Keys that were there before the request are neither counted nor deleted, and each key must hold C({id}) or C({number}).
attributes:
  check_mode:
    support: full
    description: Nothing is asked; RV(probe) is null.
  diff_mode:
    support: none
    description: What the request writes is deleted again.
options:
  application:
    description:
      - The profile of the application, as C(docs/application.md) tells. It is shown with C(-vvv), so it should hold no secret.
    type: dict
    required: true
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
  - module: aragora.redis.redis_application_info
"""

EXAMPLES = r"""
- name: Prove that a login reaches Redis
  aragora.redis.redis_application_probe:
    application:
      unit: shop.service
      url_variables: [REDIS_URL]
      probe: {url: "http://127.0.0.1:8080/login", method: POST, body: {user: "probe-{id}"}, status: 401, keys: ["shop:login:probe-{id}"]}
  become: true
"""

RETURN = r"""
probe:
  description: What came of it; null in check mode, and where the profile has no probe.
  returned: always
  type: dict
  contains:
    status:
      description: HTTP status; null where nobody answered.
      type: int
    json:
      description: The answer, masked; null where it is no JSON.
      type: raw
    text:
      description: The beginning of an answer that is no JSON, masked.
      type: str
    error:
      description: Why nobody answered.
      type: str
    took_ms:
      description: How long it took.
      type: int
    key_count:
      description: How many keys were looked for.
      type: int
    found:
      description: How many of them were in Redis.
      type: int
    wrote_to_redis:
      description: Whether one was; null where nobody could look.
      type: bool
    left:
      description: Keys that could not be deleted.
      type: list
      elements: str
denied:
  description: What could not be read, by part, and why.
  returned: always
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aragora.redis.plugins.module_utils._application_gather import application_argument_spec
from ansible_collections.aragora.redis.plugins.module_utils._application_probe import probe
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import check_timeouts


def main() -> None:
    module = AnsibleModule(argument_spec=application_argument_spec(), supports_check_mode=True)
    try:
        check_timeouts(module.params)
        result = probe(module.params, module.check_mode)
    except ValueError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
