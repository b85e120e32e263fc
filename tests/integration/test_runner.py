# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks as AWX runs them: through ansible-runner, by their files, with what a job before has handed on; and in the built image."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import uuid

import pytest

from tests.conftest import FULL, ROOT, environment_of_a_user
from tests.lab import environment, harmless, hosts, servers

# Those of the workflow of an incident; with FULL=1 all that there are.
OUTSIDE = harmless.PLAYBOOKS if FULL else ["diagnose", "remediate", "verify", "escalate"]
INSIDE = harmless.PLAYBOOKS if FULL else ["diagnose", "remediate"]
SECRETS = {place: f"{place}Secret-of-the-lab" for place in harmless.PLACES}
ISOLATED = ("--process-isolation", "--process-isolation-executable", "docker", "--container-option=--network=host")

# What a playbook says that misses a part of the collection.
UNKNOWN = re.compile(r"Traceback|couldn't resolve module|the role '.*' was not found|The \w+ plugin '.*' was not found")


@pytest.fixture
def runner(tmp_path):
    """``runner("playbooks/diagnose.yml", variables, REDIS_URL=…)`` → (status, output, what it hands on)."""
    if why := environment.why_not():
        pytest.skip(why)

    def run(playbook, variables=None, *words, inventory=None, **named):
        folder = tmp_path / f"run-{len(list(tmp_path.iterdir()))}"
        (folder / "env").mkdir(parents=True)
        (folder / "inventory").mkdir()
        if inventory:
            (folder / "inventory" / "hosts.json").write_text(json.dumps(inventory))
        (folder / "env" / "extravars").write_text(json.dumps({"redis_diagnosis_window": 0.1, **(variables or {})}))
        (folder / "env" / "envvars").write_text(json.dumps({"REDIS_URL": "", **named}))
        given = {**environment_of_a_user(), "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_HOME": str(folder / "home")}
        place = ("--project-dir", str(ROOT))
        if "--process-isolation" in words:
            # There it sees its own folder only, and the project in it, of which AWX has a clone.
            place = ()
            for name in environment.project():
                (folder / "project" / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, folder / "project" / name, follow_symlinks=False)
        # Its container is called by it.
        ident = uuid.uuid4().hex
        done = environment.runner(folder, *place, "-p", playbook, "--ident", ident, *words, environment=given)
        events = [json.loads(path.read_text()) for path in (folder / "artifacts" / ident / "job_events").glob("*.json")]
        stats = [event["event_data"].get("artifact_data", {}) for event in events if event["event"] == "playbook_on_stats"]
        return done.returncode, done.stdout + done.stderr, stats[0] if stats else {}

    return run


@pytest.fixture(scope="module")
def image():
    if why := hosts.why_not():
        pytest.skip(why)
    return environment.image()


@pytest.fixture(scope="module")
def server():
    with harmless.running(SECRETS) as started:
        yield started


@pytest.fixture
def harmlessly(runner, server, tmp_path):
    """``harmlessly("diagnose", …)``: run it as its row says, and look how it ended."""

    def run(playbook, *words):
        how, expected = harmless.ROWS[playbook]
        given = tmp_path / "given"
        given.mkdir()
        variables = {"redis_report_dir": str(tmp_path / "reports"), **harmless.variables(server.port, tmp_path, given, SECRETS)}
        cmdline = (f"--cmdline={shlex.join(how)}",) if how else ()
        status, output, dummy = runner(f"playbooks/{playbook}.yml", variables, *words, *cmdline, inventory=harmless.inventory())
        print(f"{playbook}: {status}", *re.findall(r"fatal: .{,300}", output)[:1])
        assert "PLAY RECAP" in output, output
        assert not UNKNOWN.search(output), output
        assert expected in (harmless.ANY, status), output[-3000:]

    return run


@pytest.mark.parametrize("playbook", OUTSIDE)
def test_a_playbook_runs_by_its_file(playbook, harmlessly):
    harmlessly(playbook)


@pytest.mark.parametrize("playbook", INSIDE)
def test_a_playbook_runs_in_the_image(playbook, harmlessly, image, tmp_path):
    harmlessly(playbook, *ISOLATED, "--container-image", image, "--container-volume-mount", f"{tmp_path}:{tmp_path}")


def test_a_workflow_hands_results_on_and_every_job_works_with_them(runner, family_binary, tmp_path):
    # AWX gives the artifacts of a job to those after it as extra variables, which win over everything.
    with servers.running(family_binary, maxmemory="20mb", maxmemory_policy="noeviction") as server:
        reports = {"redis_report_dir": str(tmp_path / "reports")}
        status, output, found = runner("playbooks/diagnose.yml", reports, REDIS_URL=server.url)
        assert status == 0, output
        assert found["redis_diagnosis_summary"]["root_causes"] is not None
        handed_on = {**found, **reports}
        for name, told in (("remediate", {}), ("escalate", {"redis_escalation_now": "true"}), ("diagnose", {})):
            status, output, found = runner(f"playbooks/{name}.yml", {**handed_on, **told}, REDIS_URL=server.url)
            assert status == 0, output
            handed_on = {**handed_on, **found}
        assert {"redis_remediation_state", "redis_remediation_timeline", "redis_diagnosis_summary"} <= set(handed_on)


def test_the_collection_in_the_image_diagnoses_and_plans(runner, image, server):
    url = f"redis://:{SECRETS['requirepass']}@127.0.0.1:{server.port}"
    for name in ("diagnose", "remediate"):
        status, output, found = runner(f"aragora.redis.{name}", None, *ISOLATED, "--container-image", image, REDIS_URL=url)
        assert status == 0, output
        assert found
