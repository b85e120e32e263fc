#!/usr/bin/python
# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_script_kill
short_description: End the script or function that keeps a Redis or Valkey server busy
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - A server that is busy with a script for longer than C(busy-reply-threshold) (5 seconds) refuses all else with BUSY, and says whether
    SCRIPT KILL or FUNCTION KILL ends it. That command is sent, and the module waits until the server answers again.
  - A server that is not busy is left alone.
  - What has written already cannot be killed. Then the module fails, see RV(reason); it never sends SHUTDOWN NOSAVE, which would lose data.
extends_documentation_fragment:
  - aragora.redis.connection
attributes:
  check_mode:
    support: full
    description: What has written already, and cannot be killed for that, is not found in check mode.
  diff_mode:
    support: full
    description: Shows what the server is busy with.
options:
  wait_timeout:
    description:
      - Seconds to wait until the server answers again.
    type: float
    default: 10.0
seealso:
  - module: aragora.redis.redis_info
  - name: SCRIPT KILL
    description: What it can end.
    link: https://redis.io/docs/latest/commands/script-kill/
  - name: FUNCTION KILL
    description: The same for functions.
    link: https://redis.io/docs/latest/commands/function-kill/
"""

EXAMPLES = r"""
- name: End a script that never ends
  aragora.redis.redis_script_kill:
    url: "{{ lookup('ansible.builtin.env', 'REDIS_URL') }}"
"""

RETURN = r"""
kind:
  description: What kept the server busy, V(script) or V(function); null where nothing did.
  returned: success
  type: str
command:
  description: The command that ended it, or in check mode would; null where the server was not busy.
  returned: success
  type: str
  sample: SCRIPT KILL
said:
  description: The server's own words; empty where it was not busy.
  returned: success
  type: str
seconds:
  description: How long it took until the server answered again.
  returned: success
  type: float
reason:
  description: "Why it goes on, as a word; V(unkillable) (it has written already), V(module) (a command of a module), V(refused),
    V(goes_on) (still busy after O(wait_timeout)) or V(unavailable)."
  returned: failure
  type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aragora.redis.plugins.module_utils._client import prepare
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import CONNECTION_RULES, connection_argument_spec
from ansible_collections.aragora.redis.plugins.module_utils._script_kill import NotKilled, answer, kill_argument_spec


def main() -> None:
    module = AnsibleModule(
        argument_spec={**connection_argument_spec(), **kill_argument_spec()},
        supports_check_mode=True,
        **CONNECTION_RULES,
    )
    prepare(module)
    try:
        result = answer(module.params, module.check_mode)
    except NotKilled as error:
        module.fail_json(msg=str(error), reason=error.reason)
    except ValueError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
