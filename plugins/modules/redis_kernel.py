#!/usr/bin/python
# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_kernel
short_description: Set what Redis and Valkey need of the kernel, now and after a reboot
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Sets C(vm.overcommit_memory), C(net.core.somaxconn) and the transparent huge pages of a host, and keeps them in
    C(/etc/sysctl.d/60-aragora-redis.conf) and C(/etc/tmpfiles.d/aragora-redis.conf). It needs root.
  - What is so already, and is set so at boot by somebody else, is left alone.
  - Each value stands on its own. What cannot be set, because this is a container, is told in RV(left), is not kept in a file, and does not
    keep the others from being set.
  - Our files remember what a value was before, for O(state=absent).
  - The kernel is that of the whole machine; other services there have the same values.
attributes:
  check_mode:
    support: full
    description: Whether the kernel takes a value is only known when it is set.
  diff_mode:
    support: full
    description: The values, and the files.
options:
  state:
    description:
      - V(absent) puts back what was before where nobody has changed it since, and removes our files. The other options do not count then.
    type: str
    choices: [present, absent]
    default: present
  overcommit:
    description:
      - Whether C(vm.overcommit_memory) is to be V(1), so that a fork for RDB or AOF is not refused.
    type: bool
    default: true
  somaxconn:
    description:
      - The least C(net.core.somaxconn), that is C(tcp-backlog) of the servers on the host; V(0) leaves it alone. Redis uses a larger one
        from its next start on.
    type: int
    default: 0
  huge_pages:
    description:
      - V(madvise) leaves transparent huge pages to those who ask for them, V(never) to nobody; empty leaves them alone.
    type: str
    choices: ["", madvise, never]
    default: ""
seealso:
  - module: aragora.redis.redis_host_info
"""

EXAMPLES = r"""
- name: Have the kernel as Redis needs it
  aragora.redis.redis_kernel:
    somaxconn: 511
    huge_pages: madvise
"""

RETURN = r"""
steps:
  description: What was done, or would be in check mode, one sentence each.
  returned: success
  type: list
  elements: str
  sample: ["vm.overcommit_memory 0 → 1", "writes /etc/sysctl.d/60-aragora-redis.conf"]
left:
  description: What could not be done, or will not last, one sentence each.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aragora.redis.plugins.module_utils import _kernel_host


def main() -> None:
    module = AnsibleModule(argument_spec=_kernel_host.kernel_argument_spec(), supports_check_mode=True)
    try:
        result = _kernel_host.answer(module.params, module.check_mode)
    except (ValueError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
