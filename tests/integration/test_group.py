# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``make group``, as docs/try.md tells of it."""

from __future__ import annotations

import subprocess
import uuid

import pytest
import yaml

from tests.conftest import ROOT
from tests.lab import group, hosts


@pytest.mark.skipif(bool(hosts.why_not()), reason=str(hosts.why_not()))
def test_a_group_stands_is_diagnosed_and_goes(play, tmp_path, capfd):
    network = f"aragora-redis-group-{uuid.uuid4().hex[:8]}"
    folder = tmp_path / "group"
    try:
        assert group.main([], network, folder) == 0, capfd.readouterr()
        assert f". {folder}/env" in capfd.readouterr().out
        assert folder.stat().st_mode & 0o777 == 0o700
        script = f". {folder}/env; echo $ANSIBLE_INVENTORY; echo $ANSIBLE_CONNECTION_PLUGINS; command -v ansible-playbook"
        inventory, plugins, program = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout.split()
        assert program == str(ROOT / ".venv" / "bin" / "ansible-playbook")
        environment = {"ANSIBLE_CONNECTION_PLUGINS": plugins, "ANSIBLE_PIPELINING": "true"}
        played = play("playbooks/diagnose.yml", "-i", inventory, **environment)
        assert played.status == 0, played.output
        assert [target["name"] for target in played.report["targets"]] == list(group.NAMES)
        assert not {"no_high_availability", "auth_missing", "sentinel_quorum_lost"} & {name for at in range(3) for name in played.ids(at)}
        passwords = yaml.safe_load((folder / "inventory.yml").read_text())["redis"]["vars"]
        assert passwords["redis_sentinel_redis_password"] not in played.output
    finally:
        assert group.main(["end"], network, folder) == 0
    assert not folder.exists()
    left = subprocess.run(["docker", "ps", "--all", "--quiet", f"--filter=name={network}"], capture_output=True, text=True, check=True)
    assert left.stdout == ""


def test_what_is_not_understood_makes_nothing(tmp_path, capsys):
    assert group.main(["stop"], "nothing", tmp_path / "group") == 2
    assert "give 'end' to end it" in capsys.readouterr().err
    assert not (tmp_path / "group").exists()
