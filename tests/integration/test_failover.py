# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""failover.yml by URL under Sentinel: the plan changes nothing, apply switches once and loses nothing, refusals are sentences."""

from __future__ import annotations

import json

from tests.lab import sentinels, writer
from tests.lab.servers import wait_for

FAILOVER = "playbooks/failover.yml"
PASSWORD = "plantedFailover-41"
APPLY = ("-e", "redis_remediation_mode=apply", "-e", "redis_guard_settled=1")


def words(group, tmp_path, **variables):
    known = {
        "redis_guard_host": "localhost", "redis_guard_dir": str(tmp_path / "guard"), "redis_url": [group.master.url, group.replicas[0].url],
        "redis_failover_sentinels": [f"127.0.0.1:{group.sentinels[0].port}"], "redis_failover_cooldown": 0, **variables,
    }  # fmt: skip
    return ("-e", json.dumps(known))


def test_it_is_planned_then_done_then_left_alone(binary, play, tmp_path):
    secured = {"requirepass": PASSWORD, "masterauth": PASSWORD}
    with sentinels.watched(binary, sentinel_lines=f"down-after-milliseconds {sentinels.NAME} 3000", **secured) as group:
        (tmp_path / "login.yml").write_text(json.dumps({"redis_connection": {"login_password": PASSWORD}}))
        login = ("-e", f"@{tmp_path / 'login.yml'}", "-vvv")
        planned = play(FAILOVER, *words(group, tmp_path), *login)
        assert planned.status == 0, planned.output
        assert sorted(row["state"] for row in planned.report["timeline"]) == ["nothing_to_do", "planned"], planned.output
        assert "would become the master in place of" in planned.output
        assert group.master.client().info("replication")["role"] == "master"
        assert not (tmp_path / "guard").exists()
        with writer.following(writer.by_sentinels(group.sentinels, sentinels.NAME, PASSWORD)) as seen:
            done = play(FAILOVER, *words(group, tmp_path), *login, *APPLY)
        assert done.status == 0, done.output
        assert sorted(row["state"] for row in done.report["timeline"]) == ["nothing_to_do", "resolved"], done.output
        assert group.master.client().info("replication")["role"] == "slave"
        new = writer.by_sentinels(group.sentinels, sentinels.NAME, PASSWORD)()
        assert (len(seen.acknowledged) > 1000, writer.lost(new, seen.acknowledged)) == (True, [])
        assert PASSWORD not in planned.output + done.output
        again = play(FAILOVER, *words(group, tmp_path, redis_url=group.master.url), *login, *APPLY)
        assert [row["state"] for row in again.report["timeline"]] == ["nothing_to_do"], again.output
        assert "it is a replica of" in again.output


def test_what_speaks_against_it_is_a_refusal(binary, play, tmp_path):
    with sentinels.watched(binary, replicas=1, sentinels=1, replica_priority=0) as group:
        wait_for(lambda: group.replicas[0].client().info("replication")["slave_priority"] == 0, "its priority")
        played = play(FAILOVER, *words(group, tmp_path, redis_url=group.master.url, redis_failover_patience=0), *APPLY)
        assert played.status == 2, played.output
        (row,) = played.report["timeline"]
        assert (row["state"], "its priority is 0" in row["why"]) == ("refused", True)
        assert group.master.client().info("replication")["role"] == "master"
