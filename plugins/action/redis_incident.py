# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_incident: the document of an incident and its evidence, on the controller."""

from __future__ import annotations

import datetime
import re
import time
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.aragora.redis.plugins.module_utils._names import file_name
from ansible_collections.aragora.redis.plugins.module_utils._report import (
    document,
    html,
    incident,
    incident_html,
    incident_markdown,
    incident_words,
)
from ansible_collections.aragora.redis.plugins.module_utils._report.files import as_json, private_folder, replace_private_file
from ansible_collections.aragora.redis.plugins.module_utils._snapshot import plain

SPEC = {
    "dir": {"type": "path", "required": True},
    "run": {"type": "str", "required": True},
    "server": {"type": "str", "required": True},
    "incident": {"type": "dict", "default": {}},
    "application": {"type": "dict", "default": {}},
    "before": {"type": "dict", "default": {}},
    "after": {"type": "dict", "required": True},
    "timeline": {"type": "list", "elements": "dict", "default": []},
    "told": {"type": "list", "elements": "dict", "default": []},
    "fallback": {"type": "dict", "default": {}},
}
RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,80}")


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible carries no types
    """See the documentation of the module of this name."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Build the document, write it and its evidence, and say it in the words of a message."""
        super().run(tmp, task_vars)
        dummy, given = self.validate_argument_spec(SPEC)
        options = {name: plain(value) for name, value in given.items()}
        if not RUN.fullmatch(options["run"]):
            raise AnsibleActionFail(f"the run {options['run']!r} is not the name of one: give what redis_report state=prepared returned")
        for name in ("before", "after"):
            if options[name] and not {"snapshot", "diagnosis"} <= set(options[name]):
                raise AnsibleActionFail(f"'{name}' is not what the filter diagnose_targets makes: name, snapshot, diagnosis")
        rest = {name: options[name] for name in ("application", "timeline", "told", "fallback")}
        whole = incident.build(
            options["server"], options["incident"], options["after"],
            before=options["before"] or None, run_id=options["run"], now=time.time(), **rest,
        )  # fmt: skip
        folder = Path(options["dir"]).expanduser().absolute() / options["run"] / "incidents" / file_name(options["server"])
        files = {} if self._task.check_mode else self._files(whole, options)
        try:
            for name, text in files.items():
                private_folder(folder)
                replace_private_file(folder / name, text)
        except OSError as error:
            raise AnsibleActionFail(f"{folder} cannot be written ({error.strerror or error}): set redis_report_dir") from None
        return {
            "changed": False,
            "path": str(folder) if files else None,
            "files": [str(folder / name) for name in files],
            "words": incident_words.words(whole),
            "impact": whole["impact"],
            "open_points": whole["open_points"],
        }

    def _files(self, whole: dict[str, Any], options: dict[str, Any]) -> dict[str, str]:
        """What the team gets: the document, and the report of the server as it is now."""
        after = {**options["after"], "name": options["after"].get("name") or options["server"]}
        made = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
        report = document.build([after], options["run"], made, options["timeline"])
        return {
            "incident.md": incident_markdown.render(whole),
            "incident.html": incident_html.render(whole),
            "report.html": html.render(report, {str(after["name"]): after["snapshot"]}),
            "report.json": as_json(report),
        }
