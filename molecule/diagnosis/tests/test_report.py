# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report on the controller names the cause of each host, and the hosts are as they were."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import testinfra

REPORTS = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "reports"


@pytest.fixture(scope="module")
def targets():
    report = json.loads((REPORTS / "latest" / "report.json").read_text(encoding="utf-8"))
    return {target["name"]: target for target in report["targets"]}


def loud(target):
    return [finding["id"] for finding in target["findings"] if finding["severity"] != "notice"]


@pytest.mark.parametrize(("name", "expected"), [("full", ["memory_limit_reached"]), ("stopped", ["process_down"]), ("well", [])])
def test_the_first_finding_is_the_cause(targets, name, expected):
    assert loud(targets[name])[:1] == expected


def test_the_report_is_for_its_owner_only():
    assert {path.stat().st_mode & 0o777 for path in (REPORTS / "latest").resolve().glob("**/*") if path.is_file()} == {0o600}


@pytest.mark.parametrize(("name", "running"), [("full", True), ("stopped", False), ("well", True)])
def test_nothing_was_changed_on_the_hosts(name, running):
    host = testinfra.get_host(f"docker://molecule-diagnosis-{name}")
    assert host.service("redis-server").is_running is running
    assert host.file("/etc/redis/redis.conf").contains("maxmemory 5mb")
