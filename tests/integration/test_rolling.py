# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""rolling_restart.yml and rolling_upgrade.yml by URL: where nothing is known of the hosts nobody is touched. Hosts: molecule/rolling."""

from __future__ import annotations

import json

import pytest

from tests.lab import servers
from tests.lab.servers import wait_for


# A survey of AWX says "false", and what it says wins.
@pytest.mark.parametrize(
    ("playbook", "told"),
    [
        ("playbooks/rolling_restart.yml", {}),
        ("playbooks/rolling_upgrade.yml", {}),
        ("playbooks/rolling_upgrade.yml", {"redis_guard_with_host": "false"}),
    ],
)
def test_by_url_nobody_is_touched(family_binary, play, tmp_path, playbook, told):
    with servers.running(family_binary) as master, servers.running(family_binary, replicaof=f"127.0.0.1 {master.port}") as replica:
        wait_for(lambda: replica.client().info("replication")["master_link_status"] == "up", "replication")
        variables = {
            "redis_url": [master.url, replica.url], "redis_guard_host": "localhost", "redis_guard_dir": str(tmp_path / "guard"),
            "redis_rolling_young": 0, "redis_remediation_mode": "apply", "redis_rolling_package": "no-such-package", **told,
        }  # fmt: skip
        played = play(playbook, "-e", json.dumps(variables))
        rows = played.report["timeline"]
        assert (played.status, {row["state"] for row in rows}) == (2, {"refused"}), played.output
        # Replicas come first, and whoever comes after one that was refused says where the walk has ended. Both may be in one second.
        why = {row["target"]: row["why"] for row in rows}
        assert f"the walk has ended at 127.0.0.1-{replica.port}" in why[f"127.0.0.1-{master.port}"]
        assert "nothing is known of its host" in why[f"127.0.0.1-{replica.port}"]
        assert master.client().info("replication")["role"] == "master"
