# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks that an incident is found and mended by, or that must refuse to, as people run them."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from tests.incidents import users
from tests.incidents.incident import Incident
from tests.incidents.lab import Place
from tests.lab import ansible_runs, hosts

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120
# Of the actions whose playbook has another name.
OWN = {"wait": "wait_loading"}


def diagnose(place: Place, incident: Incident) -> dict[str, Any]:
    """report.json of the servers at this place, by diagnose.yml. RuntimeError where the playbook did not get that far."""
    return _played("diagnose.yml", place if incident.as_given else users.logged_in(place, "ops_diagnose"), {})


def remediate(place: Place, incident: Incident) -> dict[str, Any]:
    """report.json of the servers at this place after a playbook that may take the action of the incident."""
    with tempfile.TemporaryDirectory(prefix="aragora-redis-") as folder:
        # The ledger of a host that lives for a minute may lie where it belongs; that of this machine must not.
        here = "hosts" not in place or any(host.get("ansible_connection") == "local" for host in place["hosts"].values())
        ledger = {"redis_guard_dir": f"{folder}/guard"} if here else {}
        by_url = {} if "hosts" in place else {"redis_guard_host": "localhost"}
        allowed = {"redis_remediation_mode": "apply", "redis_remediation_allow": [incident.mends], "redis_guard_settled": 1}
        if incident.ledger:
            _write(Path(folder) / "guard", incident.ledger(_server(place)))
        playbook = incident.playbook or (f"{OWN.get(str(incident.mends), incident.mends)}.yml" if incident.refuses else "remediate.yml")
        way = place if incident.as_given else users.logged_in(place, "ops_remediate")
        return _played(playbook, way, {**by_url, **ledger, **allowed, **incident.given})


def _server(place: Place) -> str:
    """What the ledger calls a server by URL."""
    return str(place["url"]).rpartition("/")[2].replace(":", "-")


def _write(folder: Path, files: dict[str, str]) -> None:
    folder.mkdir(mode=0o700)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o600)


def _played(playbook: str, place: Place, given: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="aragora-redis-") as folder:
        variables = Path(folder) / "variables.json"
        variables.write_text(json.dumps({**_by_url(place), **given, "redis_report_dir": f"{folder}/reports"}))
        words, by_host = hosts.inventory(Path(folder), **place.get("hosts", {}))
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "REDIS_"))}
        environment.update(
            {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_HOME": f"{folder}/home", **by_host}
        )
        done = ansible_runs.play([f"playbooks/{playbook}", *words, "-e", f"@{variables}"], ROOT, environment, PATIENCE)
        report = Path(folder) / "reports" / "latest" / "report.json"
        if not report.exists():
            raise RuntimeError(f"{playbook} ended with {done.returncode}: {' '.join((done.stdout + done.stderr).split())[-400:]}")
        document: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
        return {**document, "exit_status": done.returncode}


def _by_url(place: Place) -> dict[str, Any]:
    """What leads to the servers, where that is not the inventory."""
    if "hosts" in place:
        return {}
    connection = {name: value for name, value in place.items() if name != "writes_to"}
    urls = connection.pop("targets", None) or [connection.pop("url")]
    return {"redis_url": urls, "redis_connection": connection}
