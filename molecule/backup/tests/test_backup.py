# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was flushed is back without a restart, and after one; every backup was tested, and nothing is left on the host."""

from __future__ import annotations

import json
import os
from pathlib import Path

import testinfra

host = testinfra.get_host("docker://molecule-backup-cache1")
LEDGER = "/var/lib/aragora-redis/ledger.json"
BACKUPS = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "backups" / "cache1"


def test_everything_is_back_with_its_time_and_without_a_restart():
    pid = host.check_output("pidof redis-server")
    assert host.file("/run/first-pid").content_string.strip() == pid
    assert host.check_output("redis-cli dbsize") == "2001"
    assert 80_000 < int(host.check_output("redis-cli ttl page:7")) <= 86_400
    assert "role:master" in host.check_output("redis-cli info replication")


def test_it_is_in_the_append_only_file_too():
    host.check_output("systemctl restart redis-server")
    host.check_output("for i in $(seq 100); do redis-cli ping 2>/dev/null | grep -q PONG && break; sleep 0.1; done")
    assert host.check_output("redis-cli dbsize") == "2001"


def test_every_backup_was_tested_with_the_program_of_the_host():
    manifests = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(BACKUPS.glob("*.json"))]
    reasons = ["before page:* was flushed", f"before {manifests[0]['file']} was restored", "asked for"]
    assert [(row["way"], row["tested"], row["reason"]) for row in manifests] == [("file", True, reason) for reason in reasons]
    assert [row["counted"]["db0"]["keys"] for row in manifests] == [2_001, 1, 2_001]


def test_nothing_is_left_on_the_host():
    assert host.check_output("ls -d /var/tmp/aragora* 2>/dev/null || true") == ""
    assert host.check_output("redis-cli config get masterauth").split() == ["masterauth"]


def test_the_ledger_knows_both_actions():
    ledger = json.loads(host.file(LEDGER).content_string)
    assert [(entry["action"], entry["state"]) for entry in ledger["entries"]] == [("flush", "resolved"), ("restore", "resolved")]
    assert (ledger["leases"], ledger["pending"]) == ({}, [])
