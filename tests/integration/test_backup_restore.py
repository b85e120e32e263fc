# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""backup.yml: what is kept can be restored, is for its owner only, and holds no secrets."""

from __future__ import annotations

import json
import stat

import pytest

from tests.incidents import users
from tests.lab import servers
from tests.lab.scenarios.scenario import pair

BACKUP = "playbooks/backup.yml"
PASSWORD = "Sesame-7391"


@pytest.fixture
def store(tmp_path):
    """Where the backups go, as words of a command."""
    return ("-e", f"redis_backup_dir={tmp_path}/backups")


def rows(played):
    return [(row["action"], row["state"]) for row in played.report["timeline"]]


def kept(tmp_path):
    """Manifests by their age, the oldest first."""
    return [json.loads(path.read_text()) for path in sorted((tmp_path / "backups").glob("*/*.json"))]


def test_backups_are_taken_tested_and_kept(family_binary, play, store, tmp_path):
    with servers.running(family_binary, requirepass=PASSWORD) as server:
        server.client().mset({"a": "1", "b": "2"})
        url = f"redis://:{PASSWORD}@127.0.0.1:{server.port}"
        looked = play(BACKUP, *store, "--check", REDIS_URL=url)
        assert looked.status == 0, looked.output
        assert "would save (BGSAVE) and copy the file (2 keys now)" in looked.output
        assert not (tmp_path / "backups").exists()
        done = [play(BACKUP, *store, "-e", "redis_backup_keep=1", "-vvv", REDIS_URL=url) for dummy in range(2)]
    assert [(played.status, rows(played)) for played in done] == [(0, [("backup", "resolved")])] * 2, done[0].output
    (manifest,) = kept(tmp_path)
    assert (manifest["tested"], manifest["counted"]["db0"]["keys"]) == (True, 2)
    folder = tmp_path / "backups" / f"127.0.0.1-{server.port}"
    assert {path.name for path in folder.iterdir()} == {manifest["file"], manifest["file"].replace(".rdb", ".json")}
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert PASSWORD not in done[0].output + json.dumps(manifest)


def test_a_server_that_is_down_has_no_backup(play, store, tmp_path):
    played = play(BACKUP, *store, REDIS_URL="redis://127.0.0.1:1")
    assert played.status == 2
    assert rows(played) == [("backup", "failed")]
    assert "127.0.0.1:1 refuses connections" in " ".join(played.output.split())
    assert not (tmp_path / "backups").exists()


@pytest.fixture
def guarded(tmp_path):
    """What gives servers by URL a ledger."""
    return ("-e", "redis_guard_host=localhost", "-e", f"redis_guard_dir={tmp_path}/guard")


RESTORE = "playbooks/restore.yml"
APPLY = ("-e", "redis_remediation_mode=apply", "-e", "redis_guard_settled=0.5", "-e", "redis_guard_cooldown=0")
ACCEPT = ("-e", "redis_restore_accept_data_loss=true")


def test_a_backup_is_planned_restored_and_taken_back(play, store, guarded, tmp_path):
    # As the user of its own with the least privileges.
    with users.standing("restore"), servers.running(servers.embedded(), requirepass=PASSWORD, appendonly="yes") as server:
        client, url = server.client(), f"redis://ops_remediate:{users.PASSWORD}@127.0.0.1:{server.port}"
        client.mset({"a": "1", "b": "2"})
        client.expire("a", 36_000)
        assert play(BACKUP, *store, REDIS_URL=url).status == 0
        first = kept(tmp_path)[0]["file"]
        client.delete("a")
        client.set("c", "3")
        before = client.config_get("*")
        planned = play(RESTORE, *store, *guarded, *ACCEPT, REDIS_URL=url)
        assert (planned.status, rows(planned)) == (0, [("restore", "planned")]), planned.output
        assert "take a backup of what is there now: 2 keys (db0: 2)" in planned.output
        assert "2 keys in place of 2" in planned.output
        assert (client.config_get("*"), client.exists("c"), len(kept(tmp_path))) == (before, 1, 1)
        assert not (tmp_path / "guard").exists()
        done = play(RESTORE, *store, *guarded, *APPLY, *ACCEPT, "-e", "redis_backup_keep=1", "-vvv", timeout=300, REDIS_URL=url)
        assert (done.status, rows(done)) == (0, [("restore", "resolved")]), done.output
        assert (client.exists("c"), client.get("b"), 35_000 < client.ttl("a") <= 36_000) == (0, b"2", True)
        assert client.config_get("*") == before
        assert not [secret for secret in (PASSWORD, users.PASSWORD) if secret in done.output]
        still, second = kept(tmp_path)
        assert still["file"] == first, "the one that was restored is not deleted for the other"
        assert second["reason"] == f"before {first} was restored"
        back = play(RESTORE, *store, *guarded, *APPLY, *ACCEPT, "-e", f"redis_restore_from={second['file']}", timeout=300, REDIS_URL=url)
        assert back.status == 0, back.output
        assert sorted(client.keys()) == [b"b", b"c"]
        assert users.refused({"url": server.url, "login_password": PASSWORD}) == []
    ledger = json.loads((tmp_path / "guard" / "ledger.json").read_text())
    assert ledger["pending"] == []


def test_what_does_not_hold_is_put_back(play, store, guarded, tmp_path):
    with pair(servers.embedded()) as (master, replica):
        master.client().set("a", "1")
        assert play(BACKUP, *store, REDIS_URL=master.url).status == 0
        master.client().set("b", "1")
        # Nobody knows whether the group works: a replica that hangs acknowledges nothing.
        replica.pause()
        played = play(RESTORE, *store, *guarded, *APPLY, *ACCEPT, "-e", "redis_guard_verify_timeout=4", REDIS_URL=master.url)
        assert (played.status, rows(played)) == (2, [("restore", "escalated")]), played.output[-3000:]
        assert "the old state is back" in played.output
        assert sorted(master.client().keys()) == [b"a", b"b"]
    assert len(kept(tmp_path)) == 2
