#!/usr/bin/python
# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_fallback
short_description: Let an application go on without Redis for a while
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Gives the unit of an application other variables, by a drop-in of systemd that names an environment file of its own, sorted after all
    others so that it wins; or the service of a compose project, by an override file.
  - One switch takes several calls. Where V(enabled) or V(disabled) answers RV(restart), go on with V(restarted), V(awaited) and
    V(confirmed); where one of them fails, go back with V(restored), V(restarted) and V(confirmed).
  - The fallback is a lease, which several incidents may hold, C(<dir>/fallback/<unit>.json). It is seen in the local fact
    C(ansible_local.redis_fallback). A timer of systemd reminds when the time of all of them is over, and ends the fallback by itself when
    Redis, as the application's normal environment names it, answers as master for a while.
  - A run that is killed between any two steps leaves an application that can be started, and the next run finishes it.
  - It runs on the host of the application, as root. Values of the application's environment are compared there and never returned. Those of
    C(fallback) in the profile are shown; they hold no passwords.
attributes:
  check_mode:
    support: full
    description: Says what would be done.
  diff_mode:
    support: full
    description: The files before and after. What somebody has changed in them is not shown.
options:
  state:
    description:
      - V(queried) only looks.
      - V(enabled) writes the files and takes the lease for O(incident), or takes the lease only where the fallback is on.
      - V(disabled) gives the lease back, and takes the files away where nobody else holds it.
      - V(renewed) prolongs the lease of O(incident).
      - V(restarted) restarts the unit, or recreates the service of compose.
      - V(awaited) waits until the application is ready and runs with the environment that it should have, and fails when it does not
        become so within C(fallback.within).
      - V(confirmed) ends what V(enabled) or V(disabled) has begun.
      - V(restored) goes back to where that began.
    type: str
    choices: [queried, enabled, renewed, disabled, restored, restarted, awaited, confirmed]
    default: queried
  application:
    description:
      - The whole profile of the application, as the filter P(aragora.redis.application_profile#filter) completes it.
    type: dict
    required: true
  incident:
    description:
      - Who holds the fallback. For O(state=disabled), V(all) stands for everybody.
    type: str
    default: manual
  who:
    description:
      - Who runs it.
    type: str
    default: unknown
  why:
    description:
      - A sentence for those who find the fallback on.
    type: str
    default: ""
  lease:
    description:
      - For how many seconds O(incident) holds it, 60 to 2592000.
    type: int
    default: 14400
  settled:
    description:
      - For how many seconds Redis has to answer as master before the timer ends the fallback.
    type: int
    default: 30
  accept_inconsistency:
    description:
      - Whether to switch it on where several instances run, each of which goes its own way then.
    type: bool
    default: false
  accept_drift:
    description:
      - Whether to go on where somebody has changed our files; what was written there is lost.
    type: bool
    default: false
  dir:
    description:
      - Folder of the ledger; the leases lie in C(fallback) below it.
    type: path
    default: /var/lib/aragora-redis
seealso:
  - module: aragora.redis.redis_guard
"""

EXAMPLES = r"""
- name: Is the fallback on?
  aragora.redis.redis_fallback:
    application: "{{ redis_application_whole }}"
  register: fallback

- name: What would be done?
  aragora.redis.redis_fallback:
    state: enabled
    application: "{{ redis_application_whole }}"
    incident: INC-42
    who: alice
    why: Redis has lost its disk
  check_mode: true
  diff: true
"""

RETURN = r"""
restart:
  description: Whether the application has to be restarted (or recreated) now.
  returned: success
  type: bool
refused:
  description: Why it is not done, one sentence each; nothing was changed then.
  returned: success
  type: list
  elements: str
steps:
  description: What is done, or would be, one sentence each; and what it costs.
  returned: success
  type: list
  elements: str
held:
  description: Who holds it beside O(incident), where that keeps it on.
  returned: O(state=disabled), where others hold it
  type: list
  elements: str
name:
  description: The unit, or a name for the service of compose.
  returned: success
  type: str
kind:
  description: V(unit), V(compose) or V(none).
  returned: success
  type: str
status:
  description: "C(phase): V(off), V(on), or V(enabling) and V(disabling) where a run was broken off; C(since), C(until), C(expired),
    C(holders) by incident, C(variables) by name only, C(drift) as sentences, and in C(losing) variables that something else sets."
  returned: success
  type: dict
sentences:
  description: The same for people.
  returned: success
  type: list
  elements: str
ready_seconds:
  description: How long it took to become ready.
  returned: O(state=awaited)
  type: float
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aragora.redis.plugins.module_utils._fallback_book import answer, fallback_argument_spec
from ansible_collections.aragora.redis.plugins.module_utils._fallback_bundle import packed
from ansible_collections.aragora.redis.plugins.module_utils._host_commands import Denied
from ansible_collections.aragora.redis.plugins.module_utils._ledger_file import Unusable


def main() -> None:
    module = AnsibleModule(argument_spec=fallback_argument_spec(), supports_check_mode=True)
    try:
        module.exit_json(**answer(module.params, module.check_mode, packed()))
    except (Denied, Unusable, ValueError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
