#!/usr/bin/python
# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_notify
short_description: Tell people, by whatever they read
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Sends a message to channels that apprise knows - mail, Slack, PagerDuty, webhooks and more than a hundred others. It does not talk to
    Redis. Run it on the controller, with C(delegate_to=localhost).
  - All channels are told at once. One that fails or hangs does not stop the others; it is reported by its name. Neither its URL nor the
    words of its error are shown, because they hold tokens; the reason is one of a few sentences.
  - A channel that hangs is given up and ended after O(timeout). It may have got the message all the same.
requirements:
  - apprise, where the module runs
attributes:
  check_mode:
    support: full
    description: Nothing is sent; RV(would_tell) names who would be told, and RV(missed) whose URL cannot be used.
  diff_mode:
    support: none
    description: Nothing on a host is changed.
options:
  urls:
    description:
      - The channels.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: What reports call it. Without it the kind of its URL and its place, such as V(mailto-1).
        type: str
      url:
        description: URL as apprise reads it, U(https://github.com/caronc/apprise/wiki). It is a secret.
        type: str
        required: true
      audience:
        description: Who reads it.
        type: str
        choices: [users, team]
        default: team
  audience:
    description:
      - Tell only the channels of this audience.
    type: str
    choices: [users, team]
  title:
    description:
      - The subject.
    type: str
    required: true
  body:
    description:
      - The message, in Markdown. Channels that know no Markdown get it as text or HTML.
    type: str
    required: true
  attach:
    description:
      - Files to attach, where a channel takes any. Files that are not there are left out; a channel that refuses the message with files
        gets it without.
    type: list
    elements: path
    default: []
  kind:
    description:
      - What it is about. Channels show it by a colour or a severity.
    type: str
    choices: [failure, warning, success, info]
    default: failure
  timeout:
    description:
      - Seconds for all channels together.
    type: float
    default: 30.0
  require:
    description:
      - The module fails unless V(any) channel was told, or V(all) were; with V(none) it never fails for a channel.
    type: str
    choices: [any, all, none]
    default: any
"""

EXAMPLES = r"""
- name: Page the team
  aragora.redis.redis_notify:
    urls:
      - {name: pager, url: "{{ vault_pagerduty_url }}"}
      - {name: status page, url: "{{ vault_status_url }}", audience: users}
    audience: team
    title: Redis is down on cache1
    body: "It has been down for **15 minutes**, and no remedy helped."
    attach: [redis-reports/latest/report.html]
  delegate_to: localhost
"""

RETURN = r"""
channels:
  description: "Each channel, C({name, audience, sent, error}); C(error) is empty where it was told, or would be."
  returned: always
  type: list
  elements: dict
told:
  description: Names of the channels that were told.
  returned: always
  type: list
  elements: str
would_tell:
  description: In check mode, names of the channels that would be told.
  returned: always
  type: list
  elements: str
missed:
  description: Names of the channels that were not told.
  returned: always
  type: list
  elements: str
attached:
  description: Names of the files that were there to be attached.
  returned: always
  type: list
  elements: str
"""

import sys

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aragora.redis.plugins.module_utils._notify_apprise import SPEC, Unusable, answer


def main() -> None:
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    try:
        result = answer(module.params, module.check_mode, sys.executable)
    except (Unusable, ValueError) as error:
        module.fail_json(msg=str(error))
    objection = result.pop("objection")
    if objection:
        module.fail_json(msg=objection, **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
