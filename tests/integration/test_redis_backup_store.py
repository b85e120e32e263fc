# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_backup_store as a task: what is refused is one sentence; what it keeps is tested with backup.yml."""

from __future__ import annotations

import yaml

from tests.conftest import ROOT


def test_what_cannot_be_used_is_told_in_a_sentence(play, tmp_path):
    (tmp_path / "plain").write_text("")
    tasks = [
        {"aragora.redis.redis_backup_store": {"state": "found", "server": "a", "dir": str(tmp_path)}, "ignore_errors": True},
        {"aragora.redis.redis_backup_store": {"state": "prepared", "server": "a", "dir": f"{tmp_path}/plain"}, "ignore_errors": True},
        {"aragora.redis.redis_backup_store": {"state": "kept", "server": "a"}, "ignore_errors": True},
        # Roles go on where there is none.
        {"aragora.redis.redis_backup_store": {"state": "found", "server": "a"}, "register": "found", "failed_when": False},
        {"ansible.builtin.assert": {"that": "found.msg is match('there is no backup in')"}},
    ]
    (tmp_path / "tasks.yml").write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    played = play(str(tmp_path / "tasks.yml"), ANSIBLE_COLLECTIONS_PATH=str(ROOT / "collections"))
    assert played.status == 0, played.output
    assert "there is no backup in" in played.output
    assert "cannot be used (Not a directory): set redis_backup_dir" in " ".join(played.output.split())
    assert "missing: path" in played.output
    assert "Traceback" not in played.output
