# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_report_changes: compares the report of this run with the last one of its kind, on the controller."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.aragora.redis.plugins.module_utils._names import file_name
from ansible_collections.aragora.redis.plugins.module_utils._report import changes
from ansible_collections.aragora.redis.plugins.module_utils._report.files import (
    COMPARED,
    as_json,
    compared_runs,
    read_snapshot,
    replace_private_file,
)
from ansible_collections.aragora.redis.plugins.module_utils._snapshot import plain

SPEC = {
    "state": {"type": "str", "choices": ["compared", "kept"], "default": "compared"},
    "path": {"type": "path", "required": True},
    "settings": {"type": "dict", "default": {}},
    "settings_of": {"type": "dict", "default": {}},
    "keep": {"type": "int", "default": 30},
    "result": {"type": "dict", "default": {}},
}
COLOURS = {"critical": "red", "warning": "yellow", "notice": None}


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible carries no types
    """See the documentation of the module of this name."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Compare, or remember that people know of it and forget what is too old."""
        super().run(tmp, task_vars)
        dummy, options = self.validate_argument_spec(SPEC)
        if options["keep"] < 1:
            raise AnsibleActionFail(f"keep is {options['keep']}: the last report is needed for the next one, give at least 1")
        folder = Path(options["path"])
        try:
            if options["state"] == "kept":
                return self._keep(folder, plain(options["result"]), options["keep"])
            return _compared(folder, plain(options["settings"]), plain(options["settings_of"]))
        except (KeyError, TypeError, ValueError) as error:
            raise AnsibleActionFail(f"{folder} is no report of this collection: {error}") from None
        except OSError as error:
            raise AnsibleActionFail(f"{error.filename or folder} cannot be used ({error.strerror or error})") from None

    def _keep(self, folder: Path, result: dict[str, Any], most: int) -> dict[str, Any]:
        old = [run for run in compared_runs(folder.parent) if run != folder][: -(most - 1) or None]
        if not self._task.check_mode:
            replace_private_file(folder / COMPARED, as_json(result))
            for run in old:
                shutil.rmtree(run)
        return {"changed": False, "forgotten": [run.name for run in old]}


def _compared(folder: Path, settings: dict[str, Any], settings_of: dict[str, Any]) -> dict[str, Any]:
    earlier = [run for run in compared_runs(folder.parent) if run != folder]
    after = _side(folder)
    wanted = {name: {**settings, **(settings_of.get(name) or {})} for name in after["snapshots"]}
    after["drift"] = {name: lines for name, snapshot in after["snapshots"].items() if (lines := changes.drift(snapshot, wanted[name]))}
    result: dict[str, Any] = {"changed": False, "since": None, "drift": after["drift"], "changes": [], "words": {"title": "", "body": ""}}
    if earlier:
        before = {**_side(earlier[-1]), "drift": json.loads((earlier[-1] / COMPARED).read_text(encoding="utf-8"))["drift"]}
        found = changes.compare(before, after)
        since = earlier[-1].name
        result.update(since=since, changes=found, words=changes.words(found, since) if found else result["words"])
    _show(result)
    return result


def _side(folder: Path) -> dict[str, Any]:
    """The targets of a report, and their snapshots by name where they are to be had."""
    targets = json.loads((folder / "report.json").read_text(encoding="utf-8"))["targets"]
    places = {target["name"]: folder / "snapshots" / f"{file_name(target['name'])}.json" for target in targets}
    return {"targets": targets, "snapshots": {name: read_snapshot(str(path)) for name, path in places.items() if path.exists()}}


def _show(result: dict[str, Any]) -> None:
    display = Display()
    if not result["since"]:
        lines = [f"  {name}: {line}" for name, rows in result["drift"].items() for line in rows]
        display.display("\n".join(["This is the first report: there is nothing to compare it with.", *lines]))
    elif not result["changes"]:
        display.display(f"Nothing changed since {result['since']}.")
    else:
        display.display(f"{result['words']['title']}, since {result['since']}")
        for change in result["changes"]:
            display.display(f"  {change['target']}: {change['sentence']}", color=COLOURS[change["severity"]])
