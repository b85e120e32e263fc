# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_incident from a real server's snapshot to its files."""

from __future__ import annotations

import json

from tests.conftest import ROOT
from tests.lab import servers


def tasks_of(tmp_path, url, **more):
    common = {"dir": str(tmp_path / "reports"), "run": "run-1", "server": "cache/1", "after": "{{ seen[0] }}", "incident": {"since": 1.7e9}}
    seen = "{{ [redis.snapshot] | aragora.redis.diagnose_targets(['cache1']) }}"
    return [
        {"aragora.redis.redis_info": {"url": url, "window": 0.1}, "register": "redis"},
        {"ansible.builtin.set_fact": {"seen": seen}},
        *({"aragora.redis.redis_incident": {**common, **one}, "register": "incident", **more} for one in ({}, {"before": "{{ seen[0] }}"})),
        {"ansible.builtin.debug": {"msg": "FILES {{ incident.files | length }} PATH {{ incident.path }}"}},
    ]


def played(play, tmp_path, tasks):
    (tmp_path / "incident.yml").write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    return play(str(tmp_path / "incident.yml"), ANSIBLE_COLLECTIONS_PATH=str(ROOT / "collections"))


def test_it_is_written_for_its_owner_and_may_be_written_again(family_binary, play, tmp_path):
    with servers.running(family_binary) as server:
        done = played(play, tmp_path, tasks_of(tmp_path, server.url))
    assert done.status == 0, done.output
    (folder,) = (tmp_path / "reports" / "run-1" / "incidents").iterdir()
    assert sorted(path.name for path in folder.iterdir()) == ["incident.html", "incident.md", "report.html", "report.json"]
    assert {path.stat().st_mode & 0o777 for path in [folder, *folder.iterdir()]} == {0o700, 0o600}
    assert "| State | up | up |" in (folder / "incident.md").read_text()
    assert json.loads((folder / "report.json").read_text())["targets"][0]["name"] == "cache1"


def test_check_mode_writes_nothing_and_a_wrong_run_is_a_sentence(play, tmp_path):
    url = f"redis://127.0.0.1:{servers.free_port()}"
    done = played(play, tmp_path, tasks_of(tmp_path, url, check_mode=True))
    assert done.status == 0, done.output
    assert "FILES 0" in done.output
    assert not (tmp_path / "reports").exists()
    wrong = {"dir": str(tmp_path), "run": "../x", "server": "a", "after": {"snapshot": {}, "diagnosis": {}}}
    done = played(play, tmp_path, [{"aragora.redis.redis_incident": wrong}])
    assert done.status != 0
    assert "is not the name of one" in " ".join(done.output.split())
