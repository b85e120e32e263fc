# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_info without the round trip of a module where the module would run in this very Python: half the time of a diagnosis by URL.

It calls the same code with the same options; everywhere else the module itself is run.
"""

from __future__ import annotations

import sys
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import CONNECTION_RULES, connection_argument_spec
from ansible_collections.aragora.redis.plugins.module_utils._gather import answer
from ansible_collections.aragora.redis.plugins.module_utils._gather_plan import info_argument_spec


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible carries no types
    """See the documentation of the module of this name."""

    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Take the snapshots here, or let the module take them there."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        if not self._is_here(task_vars or {}):
            result.update(self._execute_module(task_vars=task_vars, wrap_async=self._task.async_val))
            return result
        try:
            dummy, options = self.validate_argument_spec({**connection_argument_spec(), **info_argument_spec()}, **CONNECTION_RULES)
            return answer(options)
        except (AnsibleActionFail, ValueError) as error:
            # A result, as the module would give one: failed_when of a task does not see exceptions.
            return {"failed": True, "msg": str(error)}

    def _is_here(self, task_vars: dict[str, Any]) -> bool:
        """Whether a module of this task would run on this machine, as this user, in this Python, and with nothing else asked of it."""
        interpreter = self._templar.template(task_vars.get("ansible_python_interpreter"))
        plain = not (self._task.async_val or any(self._task.environment or []))
        return bool(plain and self._connection.transport == "local" and not self._connection.become and interpreter == sys.executable)
