# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_report: shows findings in the terminal and writes them as files, on the controller."""

from __future__ import annotations

import contextlib
import datetime
import errno
import json
import os
import re
import shutil
import stat
import uuid
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.aragora.redis.plugins.module_utils import _previous
from ansible_collections.aragora.redis.plugins.module_utils._report import document, html, markdown, terminal
from ansible_collections.aragora.redis.plugins.module_utils._snapshot import plain

LARGEST_SNAPSHOT = 64 * 1024 * 1024
SPEC = {
    "state": {"type": "str", "choices": ["prepared", "written"], "default": "written"},
    "dir": {"type": "path", "required": True},
    "run": {"type": "str"},
    "diagnosed": {"type": "list", "elements": "dict"},
    "previous": {"type": "str"},
}


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible carries no types
    """See the documentation of the module of this name."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Prepare the folder of a run, or write and show its report."""
        super().run(tmp, task_vars)
        dummy, options = self.validate_argument_spec(SPEC, required_if=[("state", "written", ["run", "diagnosed"])])
        # Relative to where the playbook was called, not to where it lies: an installed collection is no place for reports.
        folder = Path(options["dir"]).expanduser().absolute()
        try:
            if options["state"] == "prepared":
                return {"previous": _previous_digests(folder, options["previous"]), **self._prepare(folder)}
            return self._write(folder / _checked_run(options["run"]), options["run"], _checked(plain(options["diagnosed"])))
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
        _private_folder(folder)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, "no permission to write into it")
        return {"changed": False, "run": run, "path": str(folder / run)}

    def _write(self, folder: Path, run: str, diagnosed: list[dict[str, Any]]) -> dict[str, Any]:
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
        report = document.build(diagnosed, run, now)
        snapshots = {str(item["name"]): item["snapshot"] for item in diagnosed}
        if len(snapshots) < len(diagnosed):
            raise AnsibleActionFail("two servers of 'diagnosed' have the same name: give each its own, or use the filter diagnose_targets")
        if not self._task.check_mode:
            _write_files(folder, report, snapshots)
        _show(report, None if self._task.check_mode else folder)
        return {
            "changed": False,
            "path": None if self._task.check_mode else str(folder),
            "summary": report["summary"],
            "targets": [{key: target[key] for key in ("name", "url", "availability", "findings")} for target in report["targets"]],
        }


def _previous_digests(folder: Path, previous: str | None) -> list[dict[str, Any]]:
    """Digests of an earlier report's snapshots: of a run's folder, its report.json, or one of them; none while there is no ``latest``."""
    if not previous or (previous == "latest" and not (folder / "latest").exists()):
        return []
    place = folder / "latest" if previous == "latest" else Path(previous).expanduser().absolute()
    place = place.parent if place.name == "report.json" else place
    paths = sorted((place / "snapshots").glob("*.json")) if place.is_dir() else [place]
    if not paths:
        raise AnsibleActionFail(f"redis_diagnosis_previous: {place} holds no snapshots: give the folder of a report, or 'latest'")
    try:
        return [_previous.digest(_text(path), str(path)) for path in paths]
    except OSError as error:
        raise AnsibleActionFail(f"redis_diagnosis_previous: {error.filename} cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise AnsibleActionFail(f"redis_diagnosis_previous: {error}") from None


def _text(path: Path) -> str:
    """A snapshot's text. ValueError for what is no file, or larger than any snapshot."""
    if not stat.S_ISREG(path.stat().st_mode) or path.stat().st_size > LARGEST_SNAPSHOT:
        raise ValueError(f"{path} is no snapshot: it is no file, or larger than {LARGEST_SNAPSHOT >> 20} MiB")
    return path.read_text(encoding="utf-8", errors="replace")


def _write_files(folder: Path, report: dict[str, Any], snapshots: dict[str, Any]) -> None:
    _private_folder(folder / "snapshots")
    for place, (name, snapshot) in enumerate(snapshots.items()):
        path = folder / "snapshots" / f"{_file_name(name)}.json"
        # Two names may become one file name: nothing is overwritten.
        _private_file(path.with_name(f"{path.stem}-{place}.json") if path.exists() else path, _as_json(snapshot))
    _private_file(folder / "report.json", _as_json(report))
    _private_file(folder / "report.md", markdown.render(report))
    _private_file(folder / "report.html", html.render(report, snapshots))
    _link(folder.parent / "latest", folder.name)


def _as_json(data: Any) -> str:
    return json.dumps(data, indent=2, ensure_ascii=True, default=str) + "\n"


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


def _private_folder(path: Path) -> None:
    """Make the folder, readable by its owner only. One that exists must be ours alone to write: others could plant links in it."""
    for missing in reversed([path, *path.parents]):
        if not missing.exists():
            missing.mkdir(mode=0o700)
    state = path.stat()
    if state.st_uid not in (0, os.geteuid()) or state.st_mode & 0o022:
        raise PermissionError(errno.EPERM, "others may write into it")


def _private_file(path: Path, text: str) -> None:
    """A new file for its owner only; what is there already, be it a link, is an error."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)


def _link(link: Path, target: str) -> None:
    """Point ``latest`` at this run at once, so that nobody ever finds it missing; a real file of that name is left alone."""
    if link.exists() and not link.is_symlink():
        return
    new = link.with_name(f".latest-{uuid.uuid4().hex[:8]}")
    new.symlink_to(target)
    with contextlib.suppress(FileNotFoundError):
        new.replace(link)


def _file_name(name: str) -> str:
    """A target's name as a file name: nothing that leads out of the folder."""
    return re.sub(r"[^A-Za-z0-9.:_-]", "_", name).lstrip(".")[:120] or "target"


def _show(report: dict[str, Any], folder: Path | None) -> None:
    display = Display()
    width = min(shutil.get_terminal_size((100, 40)).columns, 140)
    for text, colour in terminal.lines(report, width):
        display.display(text, color=colour)
    if folder:
        display.display(f"\nReport: {folder / 'report.html'} (also .md and .json)")
