# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The limit is where it should be, now and after a restart, the book was kept, and the second run did nothing."""

from __future__ import annotations

import json

import testinfra

host = testinfra.get_host("docker://molecule-memory-cache1")
LEDGER = "/var/lib/aragora-redis/ledger.json"


def test_the_limit_has_room_and_writes_work():
    limit = int(host.check_output("redis-cli config get maxmemory").split()[1])
    assert limit > 10 * 1024 * 1024
    assert host.check_output("redis-cli set canary yes") == "OK"


def test_the_limit_is_kept_over_a_restart():
    before = host.check_output("redis-cli config get maxmemory")
    host.check_output("systemctl restart redis-server")
    host.check_output("for i in $(seq 100); do redis-cli ping 2>/dev/null | grep -q PONG && break; sleep 0.1; done")
    assert host.check_output("redis-cli config get maxmemory") == before


def test_the_ledger_knows_the_one_action():
    assert host.file(LEDGER).mode == 0o600
    ledger = json.loads(host.file(LEDGER).content_string)
    assert [(entry["action"], entry["state"]) for entry in ledger["entries"]] == [("tune_memory", "resolved")]
    assert ledger["leases"] == {}
