#!/usr/bin/python
# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_acl
short_description: Declare the users of a Redis or Valkey server and what they may do
version_added: 0.2.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Declares a user as a whole, adjusts the rules of one, or removes one, in one command that is done as a whole or not at all.
  - "Users are compared by what they mean, not by how a server describes them: V(+@all -keys) and what Redis 6.2 or 7.0 makes of it are
    the same. For that it asks the server for the commands of its categories."
  - It refuses to lock out the user that it is logged in as.
extends_documentation_fragment:
  - aragora.redis.connection
attributes:
  check_mode:
    support: full
    description: Rules that the server does not know are not found in check mode.
  diff_mode:
    support: full
    description: Shows the rules, and of passwords how many there are.
options:
  name:
    description:
      - Name of the user.
    type: str
    required: true
  state:
    description:
      - V(present) makes the user just what O(rules) say, whatever it was before. What no rule gives is not given.
      - V(adjusted) applies O(rules) on top of those that the user has, so that V(-keys) takes one command away. The user has to exist.
      - V(absent) removes the user and closes its connections.
    type: str
    choices: [present, adjusted, absent]
    default: present
  rules:
    description:
      - "ACL rules, as ACL SETUSER takes them: V(~app:*), V(&events:*), V(+@read), V(-keys), V(nopass), V((+get ~other:*)) …"
      - With O(state=present) a user is on unless the rules hold V(off), and has no channels that they do not hold, on all releases.
      - "Passwords do not belong here, see O(passwords). Selectors, V(%R~) and V(-config|get) need Redis 7.0."
    type: list
    elements: str
    default: []
  passwords:
    description:
      - Passwords of the user, or their SHA-256 as C(#) and 64 hexadecimal digits. Only hashes are sent, and none is ever shown.
      - With O(state=present) the user has these and no others; an empty list takes all away. With O(state=adjusted) they are added.
      - Without it passwords stay as they are, and so does that a user needs none.
    type: list
    elements: str
  persist:
    description:
      - How a change is kept over a restart; V(save) is ACL SAVE, for a server with an C(aclfile), V(rewrite) is CONFIG REWRITE, for one
        without, and V(auto) the one of them that the server can do.
      - Only a change is kept. A server without such a file is no error, see RV(persist_reason); where the file cannot be written the
        user is put back as it was, and the module fails.
    type: str
    choices: [none, auto, save, rewrite]
    default: none
  allow_lockout:
    description:
      - Whether the user that the module is logged in as may be removed, switched off, or lose its password or what this module needs.
    type: bool
    default: false
notes:
  - "The user needs C(+ping +acl|whoami +acl|list +acl|cat +acl|setuser), and C(+acl|deluser), C(+acl|save) or C(+config|rewrite) where
    these are asked for."
seealso:
  - module: aragora.redis.redis_config
  - name: ACL rules
    description: All rules and categories.
    link: https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/
  - name: ACL SETUSER
    description: What each rule does.
    link: https://redis.io/docs/latest/commands/acl-setuser/
"""

EXAMPLES = r"""
- name: Declare the user of an application, and keep it over a restart
  aragora.redis.redis_acl:
    name: shop
    rules: ["~shop:*", "&shop:*", "+@all", "-@admin", "-@dangerous"]
    passwords: ["{{ vault_shop_password }}"]
    persist: auto

- name: Take KEYS away
  aragora.redis.redis_acl:
    name: shop
    state: adjusted
    rules: [-keys]
  register: taken

- name: Give back exactly what it had
  aragora.redis.redis_acl:
    name: shop
    rules: "{{ taken.previous }}"

- name: Remove a user
  aragora.redis.redis_acl:
    url: "{{ lookup('ansible.builtin.env', 'REDIS_URL') }}"
    name: old
    state: absent
"""

RETURN = r"""
rules:
  description:
    - The rules of the user as it is now, in the server's own words and without password hashes; in check mode as they would be given.
    - Null for a user that is not there.
  returned: success
  type: list
  elements: str
  sample: ["on", "~shop:*", "resetchannels", "+@all", "-keys"]
previous:
  description:
    - The same as it was before. As O(rules) of O(state=present) they make the user what it was, while its passwords stay.
    - Passwords that were taken away are not in it, and have to be given anew.
  returned: success
  type: list
  elements: str
password_count:
  description: How many passwords the user has.
  returned: success
  type: int
persisted:
  description: Whether this call has written the change where it lasts over a restart.
  returned: success
  type: bool
persist_reason:
  description: Why not, else null.
  returned: success
  type: str
"""


from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aragora.redis.plugins.module_utils._acl_rules import secrets
from ansible_collections.aragora.redis.plugins.module_utils._acl_server import acl_argument_spec, answer
from ansible_collections.aragora.redis.plugins.module_utils._client import Unavailable
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import CONNECTION_RULES, connection_argument_spec
from ansible_collections.aragora.redis.plugins.module_utils._manners import conversation


def main() -> None:
    module = AnsibleModule(
        argument_spec={**connection_argument_spec(), **acl_argument_spec()},
        supports_check_mode=True,
        **CONNECTION_RULES,
    )
    show_what_is_no_secret(module)
    try:
        with conversation(module) as client:
            result = answer(client, module.params, module.check_mode)
    except (ValueError, Unavailable) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


def show_what_is_no_secret(module: AnsibleModule) -> None:
    """Take back the masking of rules, but of none that holds a password, nor of a rule that is one."""
    rules, passwords = set(module.params["rules"]), set(module.params["passwords"] or [])
    logins = {module.params[name] for name, option in connection_argument_spec().items() if option.get("no_log")}
    module.no_log_values.difference_update({rule for rule in rules if not secrets([rule])} - passwords - logins)
    module.no_log_values.update(secrets(rules))


if __name__ == "__main__":
    main()
