# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_info without the round trip of a module where the module would run in this very Python: half the time of a diagnosis by URL.

It calls the same code with the same options; everywhere else the module itself is run.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import CONNECTION_RULES, connection_argument_spec
from ansible_collections.aragora.redis.plugins.module_utils._gather import answer
from ansible_collections.aragora.redis.plugins.module_utils._gather_plan import info_argument_spec
from ansible_collections.aragora.redis.plugins.module_utils._names import target_names
from ansible_collections.aragora.redis.plugins.module_utils._report.files import save_snapshots


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible carries no types
    """See the documentation of the module of this name."""

    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Take the snapshots here, or let the module take them there, and save them where that is wanted."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        try:
            if self._is_here(task_vars or {}):
                dummy, options = self.validate_argument_spec({**connection_argument_spec(), **info_argument_spec()}, **CONNECTION_RULES)
                result = answer(options)
            else:
                result.update(self._execute_module(task_vars=task_vars, wrap_async=self._task.async_val))
            return self._saved(result)
        except (AnsibleActionFail, ValueError) as error:
            # A result, as the module would give one: failed_when of a task does not see exceptions.
            return {"failed": True, "msg": str(error)}

    def _saved(self, result: dict[str, Any]) -> dict[str, Any]:
        """The result with the places of its snapshots in their place, where ``save_to`` says so."""
        folder = self._task.args.get("save_to")
        if not folder or "snapshots" not in result or self._task.check_mode:
            return result
        snapshots = result.pop("snapshots")
        names = target_names(snapshots)
        place = Path(folder).expanduser().absolute()
        if place.is_dir() and any(place.iterdir()):
            raise ValueError(f"save_to: {place} holds files already: give an empty folder, so that nothing is overwritten")
        try:
            paths = save_snapshots(place, dict(zip(names, snapshots)))
        except OSError as error:
            raise ValueError(f"save_to: {place} cannot be written ({error.strerror or error}): give a folder of yours") from None
        states = [snapshot["availability"]["state"] for snapshot in snapshots]
        return {**result, "saved": [{"name": name, "path": paths[name], "state": state} for name, state in zip(names, states)]}

    def _is_here(self, task_vars: dict[str, Any]) -> bool:
        """Whether a module of this task would run on this machine, as this user, in this Python, and with nothing else asked of it."""
        interpreter = self._templar.template(task_vars.get("ansible_python_interpreter"))
        plain = not (self._task.async_val or any(self._task.environment or []))
        return bool(plain and self._connection.transport == "local" and not self._connection.become and interpreter == sys.executable)
