#!/usr/bin/python
# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_config
short_description: Set settings of a running Redis or Valkey server, all of them or none
version_added: 0.1.0
author:
  - The aragora.redis contributors (@aragora)
description:
  - Declares any number of settings in one call and changes what means something else on the server.
  - "Values are compared by what they mean to Redis: V(1gb) is V(1073741824), V(AKE) is V(KEA), V(allkeys-LRU) is V(allkeys-lru),
    C(slave-priority) is C(replica-priority)."
  - "All or nothing: an unknown setting, a bad value or one that the server does not keep fails, and no setting is changed. Redis 7.0 and
    newer and Valkey take all settings in one CONFIG SET; older servers take them one by one, and the old values are put back."
  - After the change the settings are read back.
extends_documentation_fragment:
  - aragora.redis.connection
attributes:
  check_mode:
    support: full
    description: What only the server can judge (a number out of its range, for example) is not found in check mode.
  diff_mode:
    support: full
    description: Secrets are masked.
options:
  settings:
    description:
      - Values by the name of the setting; names in any case, and in any of their spellings that Redis or Valkey has had
        (C(masterauth) and C(primaryauth), C(hash-max-ziplist-entries) and C(hash-max-listpack-entries)).
      - "Sizes are whole numbers of bytes or have Redis's own units: V(k) is 1000, V(kb) is 1024, V(100m) is 100000000 and V(100mb) is
        104857600. C(maxmemory-clients) also takes a share such as V(5%). Settings that are no sizes take no units."
      - Settings that are V(yes) or V(no) also take a bool.
      - "C(save) takes a text (V(3600 1 300 100)), a list of pairs or a mapping of seconds to changes; an empty text turns it off."
      - "C(client-output-buffer-limit) takes a text (V(replica 256mb 64mb 60)), a list of such texts, or a mapping of the class to such a
        text without its class, to a list, or to C(hard), C(soft) and C(seconds). Classes that are not mentioned stay as they are."
      - "In C(notify-keyspace-events) the letters C(n), C(o) and C(c) cannot be declared beside all classes of C(A): servers do not tell
        whether these are on then."
      - C(unixsocketperm) is a text in quotes, because YAML turns V(0700) into V(448).
      - Settings of modules, and such that are newer than this collection, are compared as they are written.
      - Values of settings whose names tell that they are secrets (C(requirepass), C(masterauth), C(tls-key-file-pass)) are never shown.
    type: dict
    required: true
  persist:
    description:
      - With V(rewrite) CONFIG REWRITE writes the configuration file after a change.
      - It is only written when this call has changed something. Settings that were changed at run time before stay out of the file
        until the next change.
      - A server that was started without a configuration file is no error; see RV(persist_reason).
      - When the server cannot write the file, the old values are put back and the module fails.
      - Redis appends settings that stood in an included file to the main file; from then on the include has no effect on them.
      - With V(always) the file is written also where nothing had to be set, so that it holds what runs; that is a change each time.
    type: str
    choices: [none, rewrite, always]
    default: none
  allow_eviction:
    description:
      - Whether C(maxmemory) may be set below the memory in use, or C(maxmemory-policy) so that eviction begins at once.
      - In use is C(used_memory) without C(mem_not_counted_for_evict), as Redis itself counts.
    type: bool
    default: false
notes:
  - "A setting that can only be given at the start of the server, or that is protected (C(dir) and C(dbfilename) since Redis 7.0, unless
    C(enable-protected-configs) allows it) is not changed and is no error: see RV(restart_required). The others are still set."
  - Who changes C(port), C(bind) or C(requirepass) must connect by the new value in the next task.
seealso:
  - module: aragora.redis.redis_info
  - name: Redis configuration
    description: All settings, with their units.
    link: https://redis.io/docs/latest/operate/oss_and_stack/management/config/
  - name: CONFIG REWRITE
    description: What is written into the configuration file.
    link: https://redis.io/docs/latest/commands/config-rewrite/
"""

EXAMPLES = r"""
- name: Limit the memory and keep it so after a restart
  aragora.redis.redis_config:
    settings:
      maxmemory: 2gb
      maxmemory-policy: allkeys-lru
    persist: rewrite

- name: Give replicas more room, and tell about expired keys
  aragora.redis.redis_config:
    settings:
      client-output-buffer-limit:
        replica: 512mb 128mb 60
      notify-keyspace-events: Ex
      save: {3600: 1, 300: 100}
      appendonly: true
  register: tuned

- name: Put the old values back
  aragora.redis.redis_config:
    settings: "{{ tuned.previous }}"

- name: Set the password of replication and put the server's old one back afterwards
  aragora.redis.redis_config:
    settings: "{{ tuned.previous | combine({'masterauth': vault_old_password}) }}"
"""

RETURN = r"""
settings:
  description: The values of all settings that were asked for, after the call; in check mode as they would be. Secrets are V(***).
  returned: success
  type: dict
  sample:
    maxmemory: "2147483648"
    maxmemory-policy: allkeys-lru
previous:
  description:
    - The old values of the settings that were changed. Given to O(settings), they restore the server.
    - "A secret is V(***) here and is refused as a value: replace it by the old secret, or leave it out. An empty one stays empty."
  returned: success
  type: dict
  sample:
    maxmemory: "0"
    maxmemory-policy: noeviction
persisted:
  description: Whether the configuration file was written.
  returned: success
  type: bool
persist_reason:
  description: Why it was not written, null when it was.
  returned: success
  type: str
  sample: the server was started without a configuration file
restart_required:
  description: Whether a wanted value waits for a restart of the server with that value.
  returned: success
  type: bool
restart_required_settings:
  description: The settings that wait, and were not changed.
  returned: success
  type: list
  elements: dict
  contains:
    setting:
      description: Its name.
      type: str
      sample: databases
    current:
      description: Its value.
      type: str
      sample: "16"
    wanted:
      description: The value that was asked for.
      type: str
      sample: "32"
    reason:
      description: V(immutable) or V(protected).
      type: str
    message:
      description: What to do, in one sentence.
      type: str
"""


from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aragora.redis.plugins.module_utils import _apply_settings, _settings_plan
from ansible_collections.aragora.redis.plugins.module_utils._client import Unavailable
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import CONNECTION_RULES, connection_argument_spec
from ansible_collections.aragora.redis.plugins.module_utils._manners import conversation

ARGUMENTS = {
    # no_log, because the module's start is logged before anybody can tell secrets from other values.
    "settings": {"type": "dict", "required": True, "no_log": True},
    "persist": {"type": "str", "choices": ["none", "rewrite", "always"], "default": "none"},
    "allow_eviction": {"type": "bool", "default": False},
}


def main() -> None:
    module = AnsibleModule(
        argument_spec={**connection_argument_spec(), **ARGUMENTS},
        supports_check_mode=True,
        **CONNECTION_RULES,
    )
    show_what_is_no_secret(module)
    wanted, rewrite, why_not = module.params["settings"], module.params["persist"] != "none", None
    try:
        with conversation(module) as client:
            config, info = _apply_settings.read(client, wanted)
            plan = _settings_plan.make_plan(wanted, config, info, client.endpoint.local)
            if not module.params["allow_eviction"]:
                _settings_plan.check_eviction(plan.changes, config, info)
            if plan.changes and not module.check_mode:
                refused, why_not = _apply_settings.apply(client, plan.changes, info, rewrite)
                plan = _settings_plan.without(plan, refused)
            written = module.params["persist"] == "always" and not plan.changes
            if written:
                why_not = _apply_settings.keep(client, info, module.check_mode)
    except (ValueError, _apply_settings.NotApplied, Unavailable) as error:
        module.fail_json(msg=str(error))
    changed = bool(plan.changes) or (written and why_not is None)
    why_not = persist_reason(module, changed or written, why_not)
    waiting = _settings_plan.waiting_rows(plan)
    module.exit_json(
        changed=changed,
        settings=_settings_plan.resulting(plan),
        previous=_settings_plan.previous(plan.changes),
        diff=_settings_plan.diff(plan.changes, client.endpoint.address),
        persisted=why_not is None,
        persist_reason=why_not,
        restart_required=bool(waiting),
        restart_required_settings=waiting,
    )


def show_what_is_no_secret(module: AnsibleModule) -> None:
    """Take back the masking of all values of ``settings`` but the secrets, and never that of a password of the connection."""
    wanted, spec = module.params["settings"], connection_argument_spec()
    passwords = _settings_plan.leaves([module.params[name] for name, option in spec.items() if option.get("no_log")])
    secrets = _settings_plan.secret_values(wanted)
    module.no_log_values.difference_update(_settings_plan.leaves(wanted) - secrets - passwords)
    module.no_log_values.update(secrets)


def persist_reason(module: AnsibleModule, changed: bool, why_not: str | None) -> str | None:
    """Why the configuration file was not written, None when it was."""
    if module.params["persist"] == "none":
        return "persist is none"
    if not changed:
        return "nothing was changed"
    return "check mode" if module.check_mode else why_not


if __name__ == "__main__":
    main()
