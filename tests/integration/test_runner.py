# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks as AWX runs them: through ansible-runner, by their files, with what a job before has handed on; and in the built image."""

from __future__ import annotations

import json

import pytest

from tests.conftest import ROOT, environment_of_a_user
from tests.lab import environment, hosts, servers


@pytest.fixture
def runner(tmp_path):
    """``runner("diagnose", handed_on, REDIS_URL=…)`` → (status, output, what it hands on)."""
    if why := environment.why_not():
        pytest.skip(why)

    def run(name, handed_on=None, *words, **variables):
        folder = tmp_path / f"run-{len(list(tmp_path.iterdir()))}"
        (folder / "env").mkdir(parents=True)
        (folder / "inventory").mkdir()
        (folder / "env" / "extravars").write_text(json.dumps({"redis_diagnosis_window": 0.1, **(handed_on or {})}))
        (folder / "env" / "envvars").write_text(json.dumps({"REDIS_URL": "", **variables}))
        given = {**environment_of_a_user(), "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_HOME": str(folder / "home")}
        place = () if "--process-isolation" in words else ("--project-dir", str(ROOT), "-p", f"playbooks/{name}.yml")
        done = environment.runner(folder, *place, "--ident", "job", *words, environment=given)
        events = [json.loads(path.read_text()) for path in (folder / "artifacts" / "job" / "job_events").glob("*.json")]
        stats = [event["event_data"].get("artifact_data", {}) for event in events if event["event"] == "playbook_on_stats"]
        return done.returncode, done.stdout + done.stderr, stats[0] if stats else {}

    return run


def test_a_workflow_hands_results_on_and_every_job_works_with_them(runner, family_binary, tmp_path):
    # AWX gives the artifacts of a job to those after it as extra variables, which win over everything.
    with servers.running(family_binary, maxmemory="20mb", maxmemory_policy="noeviction") as server:
        reports = {"redis_report_dir": str(tmp_path / "reports")}
        status, output, found = runner("diagnose", reports, REDIS_URL=server.url)
        assert status == 0, output
        assert found["redis_diagnosis_summary"]["root_causes"] is not None
        handed_on = {**found, **reports}
        for name, told in (("remediate", {}), ("escalate", {"redis_escalation_now": "true"}), ("diagnose", {})):
            status, output, found = runner(name, {**handed_on, **told}, REDIS_URL=server.url)
            assert status == 0, output
            handed_on = {**handed_on, **found}
        assert {"redis_remediation_state", "redis_remediation_timeline", "redis_diagnosis_summary"} <= set(handed_on)


def test_the_image_diagnoses_and_plans(runner, family_binary):
    if why := hosts.why_not():
        pytest.skip(why)
    image = environment.image()
    isolated = (
        "--process-isolation",
        "--process-isolation-executable",
        "docker",
        "--container-image",
        image,
        "--container-option=--network=host",
    )
    with servers.running(family_binary) as server:
        for name in ("diagnose", "remediate"):
            status, output, found = runner(name, None, *isolated, "-p", f"aragora.redis.{name}", REDIS_URL=server.url)
            assert status == 0, output
            assert found
