# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The diagnosis of an incident: playbooks/diagnose.yml, as people run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.incidents.lab import Place

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120


def _inventory(folder: str, url: str) -> list[str]:
    """This machine as the host of an inventory whose server is at this URL."""
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "redis_connection": {"url": url}}
    path = Path(folder) / "hosts.json"
    path.write_text(json.dumps({"redis": {"hosts": {"cache": local}}}), encoding="utf-8")
    return ["-i", str(path)]


def diagnose(place: Place) -> dict[str, Any]:
    """report.json of the servers at this place. RuntimeError where the playbook did not get that far."""
    connection = dict(place)
    by_host: bool = connection.pop("by_host", False)
    urls = connection.pop("targets", None) or [connection.pop("url")]
    asked = {} if by_host else {"redis_url": urls, "redis_connection": connection}
    with tempfile.TemporaryDirectory(prefix="aragora-redis-") as folder:
        variables = Path(folder) / "variables.json"
        variables.write_text(json.dumps({**asked, "redis_report_dir": f"{folder}/reports"}))
        command = ["ansible-playbook", "playbooks/diagnose.yml", "-e", f"@{variables}", *(_inventory(folder, urls[0]) if by_host else [])]
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "REDIS_"))}
        environment.update(
            {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_HOME": f"{folder}/home"}
        )
        done = subprocess.run(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        report = Path(folder) / "reports" / "latest" / "report.json"
        if done.returncode or not report.exists():
            raise RuntimeError(f"diagnose.yml ended with {done.returncode}: {' '.join((done.stdout + done.stderr).split())[-400:]}")
        document: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
        return document
