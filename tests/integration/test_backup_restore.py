# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""backup.yml: what is kept can be restored, is for its owner only, and holds no secrets."""

from __future__ import annotations

import json
import stat

import pytest

from tests.lab import servers

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
