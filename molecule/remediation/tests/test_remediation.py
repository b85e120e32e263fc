# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Both servers work again, each by the action that its cause asks for, and the report of the second run has nothing to tell."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import testinfra

REPORTS = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "reports"
LEDGER = "/var/lib/aragora-redis/ledger.json"


def host(name):
    return testinfra.get_host(f"docker://molecule-remediation-{name}")


@pytest.mark.parametrize("name", ["full", "stopped"])
def test_it_takes_writes_again(name):
    assert host(name).service("redis-server").is_running
    assert host(name).check_output("redis-cli set canary yes") == "OK"


@pytest.mark.parametrize(("name", "action"), [("full", "tune_memory"), ("stopped", "restart")])
def test_one_action_each_mended_it(name, action):
    entries = json.loads(host(name).file(LEDGER).content_string)["entries"]
    assert [(entry["action"], entry["state"]) for entry in entries] == [(action, "resolved")]


def test_the_second_run_acts_no_more():
    report = json.loads((REPORTS / "latest" / "report.json").read_text(encoding="utf-8"))
    # Told is what people have to do, and what can wait.
    assert {row["action"] for row in report["timeline"]} <= {"people", "prevent"}
