#!/usr/bin/python
# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_sentinel_info
short_description: Read what all Sentinels believe of a Redis or Valkey master
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Asks the Sentinels that are given, then all others that they tell of (32 at most), what each of them believes, says where they agree
    and where not, and asks the master that they name for its role.
  - It never fails because a Sentinel is silent; that is a result. It only reads.
extends_documentation_fragment:
  - aragora.redis.connection
attributes:
  check_mode:
    support: full
    description: Nothing is changed.
  diff_mode:
    support: none
    description: Nothing is changed.
notes:
  - Give O(sentinels), or the O(url) of one Sentinel. All Sentinels are asked with the same credentials, O(sentinel_user),
    O(sentinel_password) and O(sentinel_tls), or those of the O(url).
  - The master is asked with O(login_user), O(login_password) and O(tls), or with those of O(url) where O(sentinels) names the Sentinels.
  - O(service_name) is not needed here; without it every master that they watch is told of.
seealso:
  - module: aragora.redis.redis_failover
  - name: Sentinel
    description: What its words mean.
    link: https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/
"""

EXAMPLES = r"""
- name: What do they believe?
  aragora.redis.redis_sentinel_info:
    sentinels: ["10.0.0.1", "10.0.0.2:26379"]
    service_name: mymaster
    sentinel_password: "{{ vault_sentinel }}"
    login_password: "{{ vault_redis }}"
  register: watched

- name: Go on only where they agree
  ansible.builtin.assert:
    that: watched.agreed
    fail_msg: "{{ watched.masters | map(attribute='differences') | flatten | join('; ') }}"
"""

RETURN = r"""
agreed:
  description: Whether every Sentinel answers, and all of them say the same of every master.
  returned: success
  type: bool
sentinels:
  description:
    - "What each Sentinel believes: C({address, id, state, error, tilt, tilt_seconds, masters}). C(state) is V(up), or why it says nothing,
      in the words of M(aragora.redis.redis_info)."
    - "Each of its masters: C({name, host, port, address, runid, flags, config_epoch, quorum, down_after_ms, failover_timeout_ms,
      parallel_syncs, role_reported, role_reported_ms, failover, quorum_check, replicas, sentinels}); C(quorum_check) is C({ok, text}) of
      CKQUORUM."
  returned: success
  type: list
  elements: dict
masters:
  description:
    - "Each master, over all Sentinels: C({name, host, port, address, agreed, addresses, quorum, quorum_ok, failover, known_by, differences,
      role})."
    - "C(addresses) are C({address: [Sentinels that name it]}), C(differences) sentences."
    - "C(role) is what that server says of itself, C({state, error, role, run_id, offset, replicas, master})."
  returned: success
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aragora.redis.plugins.module_utils._client import prepare
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import connection_argument_spec
from ansible_collections.aragora.redis.plugins.module_utils._sentinel_views_server import answer


def main() -> None:
    module = AnsibleModule(
        argument_spec=connection_argument_spec(),
        supports_check_mode=True,
        required_one_of=[("url", "sentinels")],
        required_together=[("client_cert_file", "client_key_file")],
    )
    prepare(module)
    try:
        result = answer(module.params)
    except ValueError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
