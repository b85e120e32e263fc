# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One works and has written to the Redis of another host, one is in its fallback, and nothing is left.

Then Redis is lost and comes back: remediate.yml, which works on the host of Redis, sees to the application on its own host.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import testinfra
import yaml

ROOT = Path(os.environ["MOLECULE_PROJECT_DIRECTORY"])
FOLDER = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])
INVENTORY = Path(__file__).resolve().parents[1] / "inventory"
# One of its hosts is in its fallback for ever.
PROFILE = yaml.safe_load((INVENTORY / "hosts.yml").read_text(encoding="utf-8"))["all"]["vars"]["redis_application"] | {"hosts": ["app"]}
GIVEN = {
    "redis_application": PROFILE,
    "redis_connection": {"login_password": "molecule"},
    "redis_guard_settled": 1,
    "redis_guard_cooldown": 0,
}


def remediate(**variables):
    """What came of it, and the states of each action in the report."""
    given = {**GIVEN, "redis_remediation_mode": "apply", "redis_report_dir": str(FOLDER / "reports"), **variables}
    command = ["ansible-playbook", "-i", str(INVENTORY), "playbooks/remediate.yml", "-e", json.dumps(given)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    timeline = json.loads((FOLDER / "reports" / "latest" / "report.json").read_text(encoding="utf-8"))["timeline"]
    return done, {row["action"]: row["state"] for row in timeline}


def url_of_the_shop():
    """The URL with which the application was started."""
    pid = host("app").check_output("systemctl show --property=MainPID --value shop")
    words = host("app").run(f"tr '\\0' '\\n' </proc/{pid}/environ").stdout.splitlines()
    return next(word.partition("=")[2] for word in words if word.startswith("REDIS_URL="))


def host(name):
    return testinfra.get_host(f"docker://molecule-verify-{name}")


@pytest.mark.parametrize(("name", "verdict"), [("app", "works  True"), ("alone", "degraded urls")])
def test_what_came_of_it(name, verdict):
    assert host(name).file("/run/verified").content_string.replace("None", "").strip() == verdict


def test_redis_was_written_to_and_nothing_is_left():
    redis = "redis-cli --no-auth-warning -a molecule"
    assert "cmdstat_incr" in host("cache").check_output(f"{redis} info commandstats")
    assert host("cache").check_output(f"{redis} -n 1 dbsize") == "0"
    assert host("cache").check_output(f"{redis} dbsize") == "0"


def test_while_its_redis_is_lost_the_application_goes_on_without():
    host("cache").check_output("systemctl mask --now redis-server")
    done, states = remediate(redis_remediation_allow=["restart"], redis_escalation_deadline=0)
    assert done.returncode == 2, done.stdout[-3000:]
    assert (states["restart"], states["fallback_enable"]) == ("refused", "mitigated"), done.stdout[-3000:]
    assert url_of_the_shop() == ""
    assert not host("cache").file("/etc/ansible/facts.d/redis_fallback.fact").exists


def test_when_its_redis_is_back_the_application_is_too():
    host("cache").check_output("systemctl unmask redis-server && systemctl start redis-server")
    done, states = remediate(redis_remediation_allow=["fallback_disable"], redis_fallback_settled=1)
    assert done.returncode == 0, done.stdout[-3000:]
    assert states["fallback_disable"] == "resolved", done.stdout[-3000:]
    assert url_of_the_shop() == "redis://:molecule@cache:6379/1"
    assert not host("app").file("/etc/ansible/facts.d/redis_fallback.fact").exists
