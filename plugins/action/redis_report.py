# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_report: shows findings in the terminal and writes them as files, on the controller."""

from __future__ import annotations

import contextlib
import datetime
import errno
import os
import re
import shutil
import uuid
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.engine import diagnose_groups, diagnose_targets
from ansible_collections.aragora.redis.plugins.module_utils._report import document, html, markdown, terminal
from ansible_collections.aragora.redis.plugins.module_utils._report.files import (
    as_json,
    private_file,
    private_folder,
    read_previous,
    read_snapshot,
    save_snapshots,
)
from ansible_collections.aragora.redis.plugins.module_utils._snapshot import plain

SPEC = {
    "state": {"type": "str", "choices": ["prepared", "kept", "written"], "default": "written"},
    "dir": {"type": "path", "required": True},
    "run": {"type": "str"},
    "diagnosed": {"type": "list", "elements": "dict", "default": []},
    "saved": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"name": {"type": "str", "required": True}, "path": {"type": "path", "required": True}, "state": {"type": "str"}},
    },
    "judging": {
        "type": "dict",
        "default": {},
        "options": {
            "thresholds": {"type": "dict"},
            "workload_role": {"type": "str"},
            "group": {"type": "str"},
            "expected_replicas": {"type": "raw"},
            "previous": {"type": "list", "elements": "dict"},
        },
    },
    "previous": {"type": "str"},
    "name": {"type": "str"},
    "snapshot": {"type": "dict"},
    "timeline": {"type": "list", "elements": "dict", "default": []},
    "show": {"type": "bool", "default": True},
}

NEEDED = [("state", "written", ["run"]), ("state", "kept", ["run", "name", "snapshot"])]


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible carries no types
    """See the documentation of the module of this name."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Prepare the folder of a run, or write and show its report."""
        super().run(tmp, task_vars)
        dummy, options = self.validate_argument_spec(SPEC, required_if=NEEDED)
        # Relative to where the playbook was called, not to where it lies: an installed collection is no place for reports.
        folder = Path(options["dir"]).expanduser().absolute()
        try:
            if options["state"] == "prepared":
                return {"previous": read_previous(folder, options["previous"]), **self._prepare(folder)}
            if options["state"] == "kept":
                return self._keep(folder / _checked_run(options["run"]), options)
            saved = _judged(options["saved"], options["judging"])
            together = diagnose_groups([*saved, *_checked(plain(options["diagnosed"]))]) if saved else _checked(plain(options["diagnosed"]))
            names = {item["name"] for item in saved}
            return self._write(folder / _checked_run(options["run"]), options, together, names)
        except ValueError as error:
            raise AnsibleActionFail(str(error)) from None
        except OSError as error:
            raise AnsibleActionFail(
                f"the report folder {folder} cannot be written ({error.strerror or error}): set redis_report_dir to a folder of yours"
            ) from None

    def _prepare(self, folder: Path) -> dict[str, Any]:
        """The name of a new run, and the certainty that its report can be kept, before anything is read."""
        now = datetime.datetime.now(datetime.timezone.utc)
        run = f"{now:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}"
        if self._task.check_mode:
            return {"changed": False, "run": run, "path": None}
        private_folder(folder)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, "no permission to write into it")
        return {"changed": False, "run": run, "path": str(folder / run)}

    def _keep(self, folder: Path, options: dict[str, Any]) -> dict[str, Any]:
        """Keep a snapshot as evidence, before anything is touched."""
        if self._task.check_mode:
            return {"changed": False, "path": None}
        private_folder(folder)
        path = save_snapshots(folder / "evidence", {options["name"]: plain(options["snapshot"])})[options["name"]]
        return {"changed": False, "path": path}

    def _write(self, folder: Path, options: dict[str, Any], diagnosed: list[dict[str, Any]], saved: set[str]) -> dict[str, Any]:
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
        report = document.build(diagnosed, options["run"], now, plain(options["timeline"]))
        snapshots = {str(item["name"]): item["snapshot"] for item in diagnosed}
        if len(snapshots) < len(diagnosed):
            raise AnsibleActionFail("two servers of 'diagnosed' have the same name: give each its own, or use the filter diagnose_targets")
        if not self._task.check_mode:
            _write_files(folder, report, snapshots, saved)
        if options["show"]:
            _show(report, None if self._task.check_mode else folder)
        return {
            "changed": False,
            "path": None if self._task.check_mode else str(folder),
            "summary": report["summary"],
            "targets": [{key: target[key] for key in ("name", "url", "availability", "findings")} for target in report["targets"]],
        }


def _write_files(folder: Path, report: dict[str, Any], snapshots: dict[str, Any], saved: set[str]) -> None:
    private_folder(folder)
    save_snapshots(folder / "snapshots", {name: snapshot for name, snapshot in snapshots.items() if name not in saved})
    private_file(folder / "report.json", as_json(report))
    private_file(folder / "report.md", markdown.render(report))
    private_file(folder / "report.html", html.render(report, snapshots))
    _link(folder.parent / "latest", folder.name)


def _judged(saved: list[dict[str, Any]], judging: dict[str, Any]) -> list[dict[str, Any]]:
    """What the saved snapshots say, each with its name. ValueError for a file that is none, and for what cannot be judged by."""
    return diagnose_targets(
        [read_snapshot(item["path"]) for item in saved],
        [item["name"] for item in saved],
        judging.get("thresholds"),
        judging.get("workload_role"),
        replication_group=judging.get("group"),
        expected_replicas=judging.get("expected_replicas"),
        previous=judging.get("previous") or (),
    )


def _checked_run(run: str) -> str:
    """The name of a run, if it is one: nothing that leads out of the folder."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,80}", run):
        raise AnsibleActionFail(f"the run {run!r} is not the name of one: give the value that state=prepared returned")
    return run


def _checked(diagnosed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The entries, if each has its name, snapshot and diagnosis."""
    for entry in diagnosed:
        if not (entry.get("name") and isinstance(entry.get("snapshot"), dict) and isinstance(entry.get("diagnosis"), dict)):
            raise AnsibleActionFail("an entry of 'diagnosed' is not what the filter diagnose_targets makes: name, snapshot, diagnosis")
    return diagnosed


def _link(link: Path, target: str) -> None:
    """Point ``latest`` at this run at once, so that nobody ever finds it missing; a real file of that name is left alone."""
    if link.exists() and not link.is_symlink():
        return
    new = link.with_name(f".latest-{uuid.uuid4().hex[:8]}")
    new.symlink_to(target)
    with contextlib.suppress(FileNotFoundError):
        new.replace(link)


def _show(report: dict[str, Any], folder: Path | None) -> None:
    display = Display()
    width = min(shutil.get_terminal_size((100, 40)).columns, 140)
    for text, colour in terminal.lines(report, width):
        display.display(text, color=colour)
    if folder:
        display.display(f"\nReport: {folder / 'report.html'} (also .md and .json)")
