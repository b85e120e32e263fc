#!/usr/bin/python
# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_application_pool
short_description: Bound the connection pools of an application in its environment file
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Sets variables that bound connection pools in the environment file that the application's unit reads, on its host. Only variables that
    the profile names for that are taken, and every other byte of the file stays as it is.
  - "A variable is changed where it is set now; of several files the last one counts, because it wins. Where none sets it, it is added to
    the last one. Owner and mode of the file stay, and whoever reads it meanwhile sees the old file or the new one."
  - The application reads the file when it is started the next time.
attributes:
  check_mode:
    support: full
    description: Tells what would change.
  diff_mode:
    support: full
    description: Shows these variables, and nothing else of the file.
options:
  application:
    description:
      - The profile of the application, as C(docs/application.md) tells; P(aragora.redis.application_profile#filter) completes one.
    type: dict
    required: true
  variables:
    description:
      - Numbers of connections by the name of the variable, which must be one of C(pool.variables) of the profile; null takes the variable
        out of the file.
    type: dict
    required: true
seealso:
  - module: aragora.redis.redis_application_info
"""

EXAMPLES = r"""
- name: Let each client of the application open 20 connections
  aragora.redis.redis_application_pool:
    application: "{{ redis_application_whole }}"
    variables:
      ARAGORA_REDIS_MAX_CONNECTIONS: 20
  become: true
"""

RETURN = r"""
previous:
  description: The old values, as O(variables) takes them; null where one was not set.
  returned: success
  type: dict
  sample:
    ARAGORA_REDIS_MAX_CONNECTIONS: "50"
files:
  description: The file in which each of them is set.
  returned: success
  type: dict
  sample:
    ARAGORA_REDIS_MAX_CONNECTIONS: /opt/aragora/.env
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aragora.redis.plugins.module_utils._application_pool import answer, pool_argument_spec


def main() -> None:
    module = AnsibleModule(argument_spec=pool_argument_spec(), supports_check_mode=True)
    try:
        result = answer(module.params, module.check_mode)
    except ValueError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
