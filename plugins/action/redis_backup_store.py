# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_backup_store: the folder of the backups, on the controller."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.aragora.redis.plugins.module_utils import _backup, _backup_store
from ansible_collections.aragora.redis.plugins.module_utils._snapshot import plain

SPEC = {
    "state": {"type": "str", "choices": ["prepared", "kept", "found"], "required": True},
    "dir": {"type": "path", "default": "redis-backups"},
    "server": {"type": "str", "required": True},
    "bytes": {"type": "int", "default": 0},
    "path": {"type": "path"},
    "backup": {"type": "dict", "default": {}},
    "reason": {"type": "str", "default": "asked for"},
    "keep": {"type": "int", "default": 7},
    "name": {"type": "str", "default": "latest"},
}


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible carries no types
    """See the documentation of the module of this name."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Prepare, keep or find."""
        super().run(tmp, task_vars)
        try:
            dummy, given = self.validate_argument_spec(SPEC, required_if=[("state", "kept", ("path", "backup"))])
            return self._done({name: plain(value) for name, value in given.items()})
        except OSError as error:
            said = f"{error.filename or 'the folder'} cannot be used ({error.strerror or error}): set redis_backup_dir"
        except (AnsibleActionFail, ValueError) as error:
            said = str(error)
        # A result, as the module would give one: failed_when of a task does not see exceptions.
        return {"failed": True, "msg": said}

    def _done(self, options: dict[str, Any]) -> dict[str, Any]:
        folder = Path(options["dir"]).expanduser().absolute()
        if options["state"] == "found":
            manifest, path = _backup_store.found(folder, options["server"], options["name"])
            return {"changed": False, "path": str(path), "backup": manifest, "sentence": _backup.shown(manifest)}
        if self._task.check_mode:
            return {"changed": options["state"] == "kept"}
        if options["state"] == "prepared":
            return {"changed": False, "path": str(_backup_store.prepared(folder, options["server"], options["bytes"]))}
        whole = {**options["backup"], "server": options["server"], "reason": options["reason"]}
        manifest, deleted = _backup_store.kept(Path(options["path"]), whole, options["keep"])
        path = Path(options["path"]).with_name(manifest["file"])
        return {"changed": True, "path": str(path), "backup": manifest, "sentence": _backup.shown(manifest), "deleted": deleted}
