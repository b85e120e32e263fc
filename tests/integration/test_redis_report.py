# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_report as a task of its own, with names and texts that strangers chose."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis import engine
from ansible_collections.aragora.redis.plugins.module_utils._snapshot import empty

from tests.conftest import ROOT
from tests.lab import servers

HOSTILE = "\x1b[31mred\x1b[0m <script>alert(1)</script> `code` [link](http://x) @everyone |cell| \u202erev\r\n# heading"


@pytest.fixture
def report(play, tmp_path):
    """Run redis_report on prepared data: ``report([("name", snapshot)])``."""

    def run(named, *words):
        diagnosed = [{"name": name, "snapshot": snapshot, "diagnosis": engine.diagnose(snapshot)} for name, snapshot in named]
        (tmp_path / "diagnosed.json").write_text(json.dumps(diagnosed))
        options = {"dir": "{{ redis_report_dir }}"}
        tasks = [
            {"aragora.redis.redis_report": {**options, "state": "prepared"}, "register": "prepared"},
            {"aragora.redis.redis_report": {**options, "run": "{{ prepared.run }}", "diagnosed": "{{ diagnosed }}"}, "register": "written"},
            {"ansible.builtin.debug": {"msg": "path is {{ written.path }}"}},
        ]
        variables = {"diagnosed": f"{{{{ lookup('ansible.builtin.file', '{tmp_path}/diagnosed.json') | from_json }}}}"}
        playbook = tmp_path / "report.yml"
        playbook.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "vars": variables, "tasks": tasks}]))
        return play(str(playbook), *words, ANSIBLE_COLLECTIONS_PATH=str(ROOT / "collections"))

    return run


def refused(name="127.0.0.1", error=""):
    snapshot = empty(name, 6379, None, f"redis://{name}:6379", local=True)
    snapshot["availability"].update({"state": "refused", "error": error})
    return snapshot


def test_a_report_is_prepared_shown_and_written(report):
    played = report([("cache", refused())])
    assert played.status == 0, played.output
    assert "CRITICAL  cache" in played.output
    assert played.ids() == ["process_down"]


def test_check_mode_writes_nothing(report):
    played = report([("cache", refused())], "--check")
    assert "CRITICAL  cache" in played.output
    assert not played.reports.exists()


def test_texts_of_strangers_neither_colour_nor_format(report):
    played = report([(HOSTILE, refused(error=HOSTILE))])
    assert played.status == 0, played.output
    assert "\x1b[31mred" not in played.output
    run = played.reports / "latest"
    markdown = (run / "report.md").read_text(encoding="utf-8")
    assert "<script>" not in markdown
    assert "@everyone" not in markdown
    assert "\n# heading" not in markdown
    assert "\\`code\\`" in markdown
    assert "<script>" not in (run / "report.html").read_text(encoding="utf-8")
    assert played.report["targets"][0]["name"] == HOSTILE, "the JSON keeps what was read"


def test_names_cannot_lead_out_of_the_folder(report):
    played = report([("../../escaped", refused()), ("..#..#escaped", refused("127.0.0.2")), ("..", refused("127.0.0.3"))])
    snapshots = list((played.reports / "latest" / "snapshots").iterdir())
    assert len(snapshots) == 3
    assert not list(played.reports.parent.rglob("escaped*"))


def test_latest_points_to_the_newest_run_and_a_file_of_that_name_is_kept(report):
    report([("cache", refused())])
    played = report([("cache", refused())])
    assert len([path for path in played.reports.iterdir() if path.is_dir() and not path.is_symlink()]) == 2
    newest = max((path for path in played.reports.iterdir() if not path.is_symlink()), key=lambda path: path.stat().st_mtime_ns)
    assert Path.readlink(played.reports / "latest").name == newest.name
    (played.reports / "latest").unlink()
    (played.reports / "latest").write_text("mine")
    report([("cache", refused())])
    assert (played.reports / "latest").read_text() == "mine"


def test_a_folder_that_others_may_write_is_refused(report, tmp_path):
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o777)
    played = report([("cache", refused())], "-e", f"redis_report_dir={tmp_path}/shared")
    assert played.status != 0
    assert "others may write into it" in played.output
    assert list((tmp_path / "shared").iterdir()) == []


def test_a_planted_link_is_not_followed(report, tmp_path):
    played = report([("cache", refused())])
    run = (played.reports / "latest").resolve().name
    (played.reports / run / "report.json").unlink()
    (tmp_path / "precious").write_text("mine")
    (played.reports / run / "report.json").symlink_to(tmp_path / "precious")
    again = report([("cache", refused())], "-e", json.dumps({"prepared": {"run": run}}))
    assert again.status != 0
    assert (tmp_path / "precious").read_text() == "mine"


def test_a_run_cannot_lead_out_of_the_folder(report):
    played = report([("cache", refused())], "-e", json.dumps({"prepared": {"run": "../../out"}}))
    assert "is not the name of one" in played.output


def test_two_servers_of_one_name_are_refused(report):
    played = report([("cache", refused()), ("cache", refused("127.0.0.2"))])
    assert played.status != 0
    assert "have the same name" in played.output


def test_a_folder_that_cannot_be_written_is_named(report, tmp_path):
    (tmp_path / "file").touch()
    played = report([("cache", refused())], "-e", f"redis_report_dir={tmp_path}/file/reports")
    assert played.status != 0
    assert f"the report folder {tmp_path}/file/reports cannot be written" in " ".join(played.output.split())


@pytest.fixture
def saved_report(play, server, tmp_path):
    """Save snapshots of a server and of none, and report on them, by ``saved_report(options of redis_report)``."""

    def run(*words, **options):
        report = {"dir": "{{ redis_report_dir }}"}
        targets = [server.url, "redis://127.0.0.1:1", server.url]
        tasks = [
            {"aragora.redis.redis_report": {**report, "state": "prepared"}, "register": "prepared"},
            {
                "aragora.redis.redis_info": {"targets": targets, "window": 0, "save_to": f"{tmp_path}/saved"},
                "register": "fleet",
            },
            {"aragora.redis.redis_report": {**report, "run": "{{ prepared.run }}", "saved": "{{ fleet.saved }}", **options}},
        ]
        playbook = tmp_path / "saved.yml"
        playbook.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
        return play(str(playbook), *words, ANSIBLE_COLLECTIONS_PATH=str(ROOT / "collections"))

    return run


@pytest.fixture
def server(family_binary):
    with servers.running(family_binary) as started:
        yield started


class TestSavedSnapshots:
    def test_they_are_judged_from_their_files(self, saved_report, server, tmp_path):
        played = saved_report()
        assert played.status == 0, played.output
        assert [target["name"] for target in played.report["targets"]] == [
            "127.0.0.1:1",
            *(f"127.0.0.1:{server.port}{n}" for n in ("", "#2")),
        ]
        assert played.ids() == ["process_down"]
        assert {path.stat().st_mode & 0o777 for path in (tmp_path / "saved").iterdir()} == {0o600}

    def test_no_file_is_overwritten(self, saved_report, tmp_path):
        assert saved_report().status == 0
        before = {path.name: path.read_bytes() for path in (tmp_path / "saved").iterdir()}
        again = saved_report()
        assert again.status
        assert "give an empty folder" in again.output
        assert {path.name: path.read_bytes() for path in (tmp_path / "saved").iterdir()} == before

    def test_a_file_that_is_no_snapshot_is_a_sentence(self, saved_report, tmp_path):
        (tmp_path / "odd.json").write_text("[1")
        played = saved_report(saved=[{"name": "odd", "path": f"{tmp_path}/odd.json"}])
        assert played.status
        assert f"{tmp_path}/odd.json cannot be read as a snapshot" in played.output

    def test_thresholds_are_applied(self, saved_report):
        played = saved_report(judging={"thresholds": {"memroy_high": 1}})
        assert played.status
        assert "memroy_high" in played.output

    def test_in_check_mode_nothing_is_saved(self, saved_report, tmp_path):
        saved_report("--check", saved=[], diagnosed=[])
        assert not (tmp_path / "saved").exists()
