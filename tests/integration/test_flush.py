# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""flush.yml: it plans, takes a backup, deletes what it named while clients write, and finds nothing the second time."""

from __future__ import annotations

import json

from tests.incidents import users
from tests.lab import servers
from tests.lab.scenarios.scenario import fill
from tests.lab.writer import lost, writer

FLUSH = "playbooks/flush.yml"
APPLY = ("-e", "redis_remediation_mode=apply", "-e", "redis_guard_settled=0.5", "-e", "redis_guard_cooldown=0")
PATTERN = ("-e", "redis_flush_pattern=page:*")


def state_of(played):
    (row,) = played.report["timeline"]
    return row["state"]


def test_a_flush_is_planned_backed_up_and_done_once(play, tmp_path):
    words = ("-e", "redis_guard_host=localhost", "-e", f"redis_guard_dir={tmp_path}/guard", "-e", f"redis_backup_dir={tmp_path}/backups")
    application = {"redis_application": {"impact": [{"keys": ["page:*"], "means": "pages load slowly"}]}}
    # As the user of its own with the least privileges.
    with users.standing("flush"), servers.running(servers.embedded(), maxmemory="500mb", maxmemory_policy="allkeys-lru") as server:
        url = f"redis://ops_remediate:{users.PASSWORD}@{server.host}:{server.port}"
        fill(server, 3_000, 20, prefix="page:")
        planned = play(FLUSH, *words, *PATTERN, "-e", json.dumps(application), REDIS_URL=url)
        assert (planned.status, state_of(planned)) == (0, "planned"), planned.output
        assert "delete 3,000 keys that match page:* in db0" in planned.output
        assert "for users: pages load slowly" in planned.output
        assert (server.client().dbsize(), (tmp_path / "backups").exists(), (tmp_path / "guard").exists()) == (3_000, False, False)
        with writer(server) as acknowledged:
            done = play(FLUSH, *words, *PATTERN, *APPLY, REDIS_URL=url)
        assert (done.status, state_of(done)) == (0, "resolved"), done.output
        assert lost(server, acknowledged) == []
        assert server.client().dbsize() == len(acknowledged)
        (manifest,) = [json.loads(path.read_text()) for path in (tmp_path / "backups").glob("*/*.json")]
        assert (manifest["tested"], manifest["reason"]) == (True, "before page:* was flushed")
        assert manifest["counted"]["db0"]["keys"] >= 3_000
        again = play(FLUSH, *words, *PATTERN, *APPLY, REDIS_URL=url)
        assert (again.status, state_of(again)) == (0, "nothing_to_do"), again.output
        assert users.refused({"url": server.url}) == []


def test_without_a_backup_nothing_is_deleted(play, tmp_path):
    words = ("-e", "redis_guard_host=localhost", "-e", f"redis_guard_dir={tmp_path}/guard", "-e", f"redis_backup_dir={tmp_path}/file")
    (tmp_path / "file").write_text("")
    with servers.running(servers.embedded(), maxmemory="500mb", maxmemory_policy="allkeys-lru") as server:
        fill(server, 10, 20, prefix="page:")
        played = play(FLUSH, *words, *PATTERN, *APPLY, REDIS_URL=server.url)
        assert (played.status, server.client().dbsize()) == (2, 10)
        assert "set redis_backup_dir" in " ".join(played.output.split())
        nothing = ("-e", "redis_backup_program=/bin/false", "-e", f"redis_backup_dir={tmp_path}/backups")
        planned = play(FLUSH, *words, *PATTERN, *nothing, REDIS_URL=server.url)
        assert (planned.status, state_of(planned)) == (2, "failed"), planned.output
        assert "cannot be tested (/bin/false does not say which version it is)" in planned.report["timeline"][0]["why"]
        done = play(FLUSH, *words, *PATTERN, *nothing, *APPLY, REDIS_URL=server.url)
        assert (done.status, state_of(done), server.client().dbsize()) == (2, "escalated", 10), done.output


def test_what_cannot_be_meant_is_one_sentence(play):
    with servers.running(servers.embedded()) as server:
        played = play(FLUSH, "-e", "redis_flush_pattern=*", REDIS_URL=server.url)
    assert (played.status, state_of(played)) == (2, "failed"), played.output
    assert played.report["timeline"][0]["why"].startswith(
        "the pattern '*' stands for every key: to flush a whole database, give its number"
    )
