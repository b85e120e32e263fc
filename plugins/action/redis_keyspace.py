# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_keyspace in slices, so that a long scan can say how far it is. A scan that fits into one slice is one call of the module."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.aragora.redis.plugins.module_utils._report.text import human_duration, human_number

SLICE_SECONDS = 10


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible carries no types
    """See the documentation of the module of this name."""

    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module until it has a result; a state that is left behind is deleted."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        if self._task.async_val:
            # Nobody watches: one call, and the result is fetched later.
            result.update(self._execute_module(task_vars=variables, wrap_async=True))
            return result
        options = {"slice_seconds": SLICE_SECONDS, **self._task.args}
        state: str | None = None
        try:
            while True:
                part = self._execute_module(module_args={**options, **({"state": state} if state else {})}, task_vars=variables)
                if part.get("failed") or "progress" not in part:
                    break
                state = part["state"]
                Display().display(f"[{variables.get('inventory_hostname', '')}] {sentence(part['progress'])}")
        finally:
            if state:
                removal = {"path": state, "state": "absent"}
                self._execute_module(module_name="ansible.legacy.file", module_args=removal, task_vars=variables)
        result.update(part)
        return result


def sentence(progress: dict[str, Any]) -> str:
    """How far a scan is: ``34 % · 1.7 M of 5 M keys · ETA 12 s``."""
    percent = f"{progress['share'] * 100:.0f} %"
    keys = f"{human_number(progress['read'])} of {human_number(progress['keys'])} keys"
    return f"{percent} · {keys} · ETA {human_duration(round(progress['eta_seconds']))}"
