# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The diagnosis of an incident: playbooks/diagnose.yml, as people run it."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from tests.incidents.lab import Place
from tests.lab import hosts

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120


def diagnose(place: Place) -> dict[str, Any]:
    """report.json of the servers at this place. RuntimeError where the playbook did not get that far."""
    with tempfile.TemporaryDirectory(prefix="aragora-redis-") as folder:
        variables = Path(folder) / "variables.json"
        variables.write_text(json.dumps({**_by_url(place), "redis_report_dir": f"{folder}/reports"}))
        words, by_host = hosts.inventory(Path(folder), **place.get("hosts", {}))
        command = ["ansible-playbook", "playbooks/diagnose.yml", *words, "-e", f"@{variables}"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "REDIS_"))}
        environment.update(
            {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_HOME": f"{folder}/home", **by_host}
        )
        done = subprocess.run(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        report = Path(folder) / "reports" / "latest" / "report.json"
        if done.returncode or not report.exists():
            raise RuntimeError(f"diagnose.yml ended with {done.returncode}: {' '.join((done.stdout + done.stderr).split())[-400:]}")
        document: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
        return document


def _by_url(place: Place) -> dict[str, Any]:
    """What leads to the servers, where that is not the inventory."""
    if "hosts" in place:
        return {}
    connection = dict(place)
    urls = connection.pop("targets", None) or [connection.pop("url")]
    return {"redis_url": urls, "redis_connection": connection}
