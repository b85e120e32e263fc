# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Redis is gone and may not be started, aragora goes on without it, Redis comes back, and so does aragora; by playbooks only."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from pathlib import Path

import pytest
import testinfra

from tests.lab import receivers

ROOT = Path(os.environ["MOLECULE_PROJECT_DIRECTORY"])
FOLDER = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])
INVENTORY = Path(__file__).resolve().parents[1] / "inventory"
PLANTED = ("planted-redis-password-31", "planted-api-token-32", "planted-key-33", "planted-hook-34")
NAMES = ("opt", "etc")


def host(name):
    return testinfra.get_host(f"docker://molecule-aragora-{name}")


def results(done):
    """What verify.yml hands on of each host: its result, and the step at which it stopped."""
    told = json.loads(re.search(r"CUSTOM STATS: \*+\s+RUN: (\{.*\})", done.stdout)[1])["redis_verify_by_host"]
    return {name: f"{result['result']} {result['step']}" for name, result in told.items()}


def everywhere(command):
    return [host(name).run(command) for name in NAMES]


@pytest.fixture(scope="module")
def heard():
    """The words of a web hook that stands for the team's pager."""
    with receivers.hook() as hook:
        yield hook


class Story:
    """Runs playbooks, remembers what they said, and prints how long they took."""

    def __init__(self, hook):
        self.hook = hook
        self.said = ""

    def play(self, playbook, **variables):
        channel = {"name": "pager", "audience": "team", "url": f"json://127.0.0.1:{self.hook.port}/planted-hook-34"}
        more = {"redis_escalation_channels": [channel], "redis_guard_settled": 1, "redis_guard_cooldown": 0, **variables}
        command = ["ansible-playbook", "-vvv", "--diff", "-i", str(INVENTORY), f"playbooks/{playbook}.yml", "-e", json.dumps(more)]
        begun = time.monotonic()
        environment = {**os.environ, "ANSIBLE_SHOW_CUSTOM_STATS": "true"}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False)
        self.said += done.stdout + done.stderr
        print(f"{playbook}: {time.monotonic() - begun:.1f} s, exit status {done.returncode}")
        return done

    @property
    def report(self):
        return json.loads((FOLDER / "reports" / "latest" / "report.json").read_text(encoding="utf-8"))

    def states(self, action):
        return [row["state"] for row in self.report["timeline"] if row["action"] == action]


@pytest.fixture(scope="module")
def story(heard):
    return Story(heard)


def test_redis_is_gone_and_the_diagnosis_names_it(story):
    everywhere("systemctl mask --now redis-server")
    done = story.play("diagnose")
    assert done.returncode == 0, done.stdout[-3000:]
    assert [target["findings"][0]["id"] for target in story.report["targets"]] == ["process_down", "process_down"]
    assert "logins fail with HTTP 502 or 504" in done.stdout


def test_it_may_not_be_started_so_aragora_goes_on_without_it(story, heard):
    done = story.play("remediate", redis_remediation_mode="apply", redis_remediation_allow=["restart"], redis_escalation_deadline=1)
    assert done.returncode == 2, done.stdout[-3000:]
    assert story.states("restart") == ["refused", "refused"]
    assert story.states("fallback_enable") == ["mitigated", "mitigated"], done.stdout[-5000:]
    assert story.states("escalate") == ["escalated", "escalated"]
    assert len(heard.posted) == len(NAMES)
    assert all(b"revoked tokens are accepted" in body for dummy, dummy, body in heard.posted)


def test_logins_work_meanwhile_and_everybody_can_see_how(story):
    done = story.play("verify")
    assert done.returncode == 0, done.stdout[-3000:]
    assert results(done) == {"opt": "degraded urls", "etc": "degraded urls"}
    assert "its probe was answered as it should be" in done.stdout
    for name in NAMES:
        assert json.loads(host(name).file("/etc/ansible/facts.d/redis_fallback.fact").content_string)["aragora.service"]["phase"] == "on"


def test_redis_is_back_and_so_is_aragora(story):
    everywhere("systemctl unmask redis-server && systemctl start redis-server")
    allowed = {"redis_remediation_mode": "apply", "redis_remediation_allow": ["restart", "fallback_disable"]}
    done = story.play("remediate", redis_fallback_settled=2, **allowed)
    assert done.returncode == 0, done.stdout[-5000:]
    assert story.states("fallback_disable") == ["resolved", "resolved"]
    assert story.states("verify") == ["resolved", "resolved"]
    for name in NAMES:
        assert not host(name).file("/etc/ansible/facts.d/redis_fallback.fact").exists
        assert host(name).run("ls /etc/systemd/system/aragora.service.d").stdout.split() == ["distributed.conf"] * (name == "etc")
        ledger = json.loads(host(name).file("/var/lib/aragora-redis/ledger.json").content_string)
        assert not ledger.get("incidents")


def test_logins_reach_redis_again(story):
    done = story.play("verify")
    assert done.returncode == 0, done.stdout[-3000:]
    assert results(done) == {"opt": "works None", "etc": "works None"}
    assert "its probe wrote 2 key(s) to Redis, which were deleted" in done.stdout


def test_no_planted_secret_is_anywhere_to_be_seen(story):
    texts = {"the output": story.said}
    texts |= {str(path): path.read_text(errors="replace") for path in (FOLDER / "reports").rglob("*") if path.is_file()}
    for name in NAMES:
        words = " ".join(f"-e {secret}" for secret in PLANTED)
        found = host(name).run(f"find /etc /var/lib /var/log /run /tmp -type f -perm -o=r -exec grep -al {words} {{}} +").stdout
        assert not found, f"everybody may read it on {name}"
    seen = [(place, secret) for place, text in texts.items() for secret in PLANTED if secret in text]
    assert not seen
