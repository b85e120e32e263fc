#!/usr/bin/python
# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_failover
short_description: Make a replica the master of Redis or Valkey, without losing a write
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - One planned switchover, under Sentinel, where no Sentinel watches, or in a cluster. It needs the master alive.
  - Where the master is dead O(force) promotes the replica that knows most. What has not reached it is lost, so it needs
    O(accept_data_loss); what would be lost stands in RV(plan), and without O(force) in RV(refused).
  - It refuses unless everything is well. Under Sentinel every Sentinel has to answer and to name the same master, CKQUORUM to be OK, no
    failover to be in progress and none to be in TILT. Everywhere a replica has to be fit (its priority is not 0, its link is up, it is no
    more than O(max_lag_bytes) behind), and no save, rewrite or synchronisation may be running.
  - "Under Sentinel no acknowledged write is lost: writes are held at the master (C(CLIENT PAUSE) for less than C(down-after-milliseconds))
    until every replica has them, then C(SENTINEL FAILOVER) is sent, and the old master is made a replica before it takes writes again;
    whoever has waited is answered C(READONLY). C(SENTINEL FAILOVER) alone waits for no replica, and lets the old master take writes for
    some seconds."
  - On any doubt before the failover has begun, and when it is interrupted, writes are let through and nothing has changed. A pause ends by
    itself.
  - It waits until every Sentinel, the old master, the other replicas and the application's endpoint agree. Connections of clients to the
    old master are closed, as Sentinel does.
extends_documentation_fragment:
  - aragora.redis.connection
attributes:
  check_mode:
    support: full
    description: Tells in RV(plan) or RV(refused) what would be done or what speaks against it.
  diff_mode:
    support: full
    description: The master before and after.
options:
  mode:
    description:
      - How to switch. V(auto) is V(sentinel) where O(sentinels) are given, V(cluster) at a node of a cluster, else V(plain).
      - For V(plain) and V(cluster) the connection leads to the master or to one of its replicas.
      - V(plain) refuses while Sentinels watch the master.
    type: str
    choices: [auto, sentinel, plain, cluster]
    default: auto
  candidate:
    description:
      - The replica that is to become the master, as V(host:port). Where it is the master, nothing is done.
      - Sentinels choose by themselves, by priority, then offset, then run id; they are not asked where they would choose another one.
    type: str
  away_from:
    description:
      - Only where this server, V(host:port) or its run id, is the master anything is done.
    type: str
  max_lag_bytes:
    description:
      - How many bytes a replica may be behind when the switchover begins.
    type: int
    default: 1048576
  cooldown:
    description:
      - For how many seconds at least the Sentinels must have known the present master.
    type: float
    default: 60
  patience:
    description:
      - For how many seconds to wait for what speaks against it to pass.
    type: float
    default: 0
  pause_ms:
    description:
      - For how many milliseconds writes may be held at most; without it 5000. Under Sentinel never more than 80 % of
        C(down-after-milliseconds).
    type: int
  coordinated:
    description:
      - Whether to let Sentinel have the master hand over by itself (C(SENTINEL FAILOVER … COORDINATED)), which Valkey 9 can.
    type: bool
    default: false
  endpoint_url:
    description:
      - The application's own way to its master, such as a proxy, as a URL with its login. It has to lead to the new master.
    type: str
  wait_timeout:
    description:
      - How many seconds to wait at most until everybody agrees.
    type: float
    default: 60
  force:
    description:
      - Whether a replica is to take the place of a master that is dead; the connection leads to one of its replicas. While the master
        answers this changes nothing.
      - "Where no Sentinel watches: C(REPLICAOF NO ONE) at the replica that knows most, and the others follow it. In a cluster:
        C(CLUSTER FAILOVER FORCE), once most masters agree that it is gone. Under Sentinel it is refused, for they decide; where they have
        lost their quorum see the playbook C(heal_replication)."
      - It is refused while any replica still hears the master, and while one of those that were named cannot be asked.
    type: bool
    default: false
  accept_data_loss:
    description:
      - Whether writes may be lost that the dead master had acknowledged and no replica has. O(force) needs it.
    type: bool
    default: false
  replicas:
    description:
      - All replicas of the dead master, as V(host:port) by which they reach each other, where there is no cluster; nobody else can tell.
        V([]) where the connection leads to the only one.
    type: list
    elements: str
  takeover:
    description:
      - Whether a replica in a cluster may take over without a vote (C(CLUSTER FAILOVER TAKEOVER)) where most masters are gone. Where a vote
        can be had it is asked for. If the others are alive and only cut off, both sides go on with the same slots.
    type: bool
    default: false
notes:
  - With O(sentinels) the O(url) may be given too; it is then the login of the servers, whose addresses come from the Sentinels.
seealso:
  - module: aragora.redis.redis_sentinel_info
  - name: FAILOVER
    description: How a master hands over where no Sentinel watches.
    link: https://redis.io/docs/latest/commands/failover/
  - name: CLIENT PAUSE
    description: What is held.
    link: https://redis.io/docs/latest/commands/client-pause/
"""

EXAMPLES = r"""
- name: What would happen?
  aragora.redis.redis_failover:
    sentinels: [10.0.0.1, 10.0.0.2, 10.0.0.3]
    service_name: mymaster
    login_password: "{{ vault_redis }}"
  check_mode: true
  register: planned

- name: Have another master than this host before it is rebooted
  aragora.redis.redis_failover:
    sentinels: [10.0.0.1, 10.0.0.2, 10.0.0.3]
    service_name: mymaster
    login_password: "{{ vault_redis }}"
    away_from: 10.0.0.1:6379
    endpoint_url: redis://cache.example.org

- name: Hand over where no Sentinel watches
  aragora.redis.redis_failover:
    login_host: 10.0.0.1
    candidate: 10.0.0.2:6379

- name: The master is dead; have the replica that knows most in its place
  aragora.redis.redis_failover:
    login_host: 10.0.0.2
    replicas: [10.0.0.2:6379, 10.0.0.3:6379]
    force: true
    accept_data_loss: true
"""

RETURN = r"""
mode:
  description: How it was, or would be, switched.
  returned: success
  type: str
was:
  description: The master before.
  returned: success
  type: str
  sample: 10.0.0.1:6379
master:
  description: The master after; in check mode the one that would be it.
  returned: success
  type: str
master_run_id:
  description: Its run id.
  returned: success
  type: str
master_state:
  description:
    - Whether the master before could be asked, V(up), or why not, as a word of
      RV(aragora.redis.redis_info#module:snapshot.availability.state).
  returned: success
  type: str
forced:
  description: Whether it was, or would be, done by force.
  returned: when it was switched, or would be
  type: bool
behind_bytes:
  description: What another replica had and the new master has not.
  returned: by force
  type: int
may_lose_bytes:
  description: >-
    About what the dead master has written since its link broke, if it worked on and wrote as on average; null where that is not known
    (Redis 6.2).
  returned: by force
  type: int
plan:
  description: What was, or would be, done; the first sentence says who wins and why.
  returned: success
  type: list
  elements: str
refused:
  description: In check mode, what speaks against it now.
  returned: success
  type: list
  elements: str
idle:
  description: Why there was nothing to do.
  returned: when there was nothing to do
  type: str
replicas:
  description: The replicas before.
  returned: success
  type: list
  elements: str
sentinels:
  description: The Sentinels that were asked.
  returned: success
  type: list
  elements: str
held_ms:
  description: For how long writes were held; 0 where that is not known.
  returned: when it was switched
  type: int
lost_bytes:
  description: What the old master had written beyond what the new one has; it fails where that is not 0. Null by force.
  returned: when it was switched
  type: int
late:
  description: Whether the promotion came after writes were let through.
  returned: when it was switched
  type: bool
persisted:
  description: "The servers that could not write their new role into their configuration file, C({address: why})."
  returned: when it was switched
  type: dict
seconds:
  description: How long all of it took.
  returned: when it was switched
  type: float
reason:
  description: "Why not, as a word: V(refused), V(lag) (a replica did not catch up while writes were held), V(interrupted), V(not_promoted),
    V(not_demoted), V(unsettled) (switched, but not everybody agrees), V(lost) (switched, and writes may be lost) or V(unavailable)."
  returned: failure
  type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aragora.redis.plugins.module_utils._client import Unavailable, hide_url_secrets, prepare
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import connection_argument_spec
from ansible_collections.aragora.redis.plugins.module_utils._failover_server import answer, failover_argument_spec
from ansible_collections.aragora.redis.plugins.module_utils._failover_ways import NotSwitched


def main() -> None:
    module = AnsibleModule(
        argument_spec={**connection_argument_spec(), **failover_argument_spec()},
        supports_check_mode=True,
        mutually_exclusive=[("url", "login_unix_socket")],
        required_together=[("client_cert_file", "client_key_file")],
        required_by={"sentinels": ("service_name",)},
    )
    prepare(module)
    hide_url_secrets(module, [module.params["endpoint_url"]])
    try:
        result = answer(module.params, module.check_mode)
    except NotSwitched as error:
        module.fail_json(msg=str(error), reason=error.reason)
    except Unavailable as error:
        module.fail_json(msg=str(error), reason="unavailable")
    except ValueError as error:
        module.fail_json(msg=str(error))
    if result["changed"]:
        result["diff"] = {"before": f"master: {result['was']}\n", "after": f"master: {result['master']}\n"}
    module.exit_json(**result)


if __name__ == "__main__":
    main()
