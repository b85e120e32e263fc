# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_guard and its ledger on a real file system, with several runs at once."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import stat

import pytest
from ansible_collections.aragora.redis.plugins.module_utils import _guard_book, _ledger_file

DEFAULTS = {name: option.get("default") for name, option in _guard_book.guard_argument_spec().items()}
ACTION = {"server": "cache1:6379", "group": "shop", "action": "restart", "risk": "safe", "run_id": "run-1", "who": "alice"}


@pytest.fixture
def guard(run_module, tmp_path):
    """The module, on a folder of its own."""
    return lambda state, **options: run_module("redis_guard", state=state, dir=str(tmp_path / "guard"), **{**ACTION, **options})


def ledger(tmp_path):
    return json.loads((tmp_path / "guard" / "ledger.json").read_text())


def test_an_action_from_its_beginning_to_its_end(guard, tmp_path):
    assert guard("begun", findings=["process_down"])["allowed"]
    assert ledger(tmp_path)["leases"]["shop"]["server"] == "cache1:6379"
    refused = guard("begun", run_id="run-2", who="bob")
    assert (refused["allowed"], refused["changed"], refused["reason"]) == (False, False, "leased")
    assert "alice" in refused["sentence"]
    assert guard("renewed")["changed"]
    guard("ended", outcome="resolved", details={"before": "1gb", "after": "2gb"})
    (line,) = [json.loads(text) for text in (tmp_path / "guard" / "audit.jsonl").read_text().splitlines()]
    assert (line["who"], line["action"], line["outcome"], line["details"]["after"]) == ("alice", "restart", "resolved", "2gb")
    assert guard("queried", run_id="run-3")["reason"] == "cooldown"


def test_a_lease_on_another_members_ledger_is_taken_and_given_back(guard, tmp_path):
    assert guard("leased", server="cache2:6379")["allowed"]
    assert guard("begun", run_id="run-2", who="bob")["reason"] == "group_leased"
    assert guard("released", run_id="run-2")["changed"] is False
    assert ledger(tmp_path)["leases"]
    assert guard("released")["changed"] is True
    assert ledger(tmp_path) == {"schema": 1, "entries": [], "leases": {}, "pending": []}


def test_everything_it_writes_is_for_its_owner_only(guard, tmp_path):
    guard("begun")
    guard("ended", outcome="resolved")
    assert stat.S_IMODE((tmp_path / "guard").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "guard").iterdir()} == {0o600}


def test_check_mode_judges_and_writes_nothing(guard, tmp_path):
    assert guard("begun", _check_mode=True)["allowed"]
    assert guard("ended", outcome="resolved", _check_mode=True)["changed"]
    assert not (tmp_path / "guard").exists()


def test_a_freeze_file_refuses_with_its_own_words(guard, tmp_path):
    guard("queried")
    (tmp_path / "guard").mkdir(mode=0o700)
    (tmp_path / "guard" / "freeze").write_text("we migrate until noon")
    assert "we migrate until noon" in guard("begun")["sentence"]


def test_temporary_settings_are_known_until_they_are_put_back(guard):
    guard("begun")
    name = guard("pending", settings={"slowlog-log-slower-than": "10000"}, due=0)["id"]
    (restore,) = guard("queried", run_id="run-2")["overdue"]
    assert (restore["id"], restore["settings"]) == (name, {"slowlog-log-slower-than": "10000"})
    guard("restored", run_id="run-2", restores=[name])
    assert guard("queried", run_id="run-2")["overdue"] == []


def test_an_incident_keeps_its_clock_until_it_is_closed(guard, tmp_path):
    first = guard("opened", findings=["process_down"])
    assert (first["changed"], first["incident"]["due"]) == (True, False)
    again = guard("opened", run_id="run-2", findings=["process_down"])
    assert (again["changed"], again["incident"]["since"]) == (False, first["incident"]["since"])
    assert guard("queried", deadline=0)["incident"]["due"]
    assert guard("escalated", deadline=0)["changed"]
    assert guard("queried", deadline=0)["incident"]["again_in"] > 3590
    assert guard("closed")["changed"]
    assert guard("closed")["changed"] is False
    assert guard("queried")["incident"] is None
    lines = [json.loads(text) for text in (tmp_path / "guard" / "audit.jsonl").read_text().splitlines()]
    assert [(line["action"], line["outcome"]) for line in lines] == [("incident", state) for state in ("opened", "escalated", "closed")]


def test_an_incident_in_check_mode_is_told_and_not_written(guard, tmp_path):
    found = guard("opened", findings=["process_down"], _check_mode=True)
    assert (found["changed"], found["incident"]["seconds_left"]) == (True, 900)
    assert not (tmp_path / "guard").exists()
    assert "no incident of cache1:6379 is open" in guard("escalated")["msg"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 99, "entries": [], "leases": {}, "pending": []}'])
def test_a_damaged_ledger_is_a_sentence_and_stays_as_it_is(guard, tmp_path, text):
    (tmp_path / "guard").mkdir(mode=0o700)
    (tmp_path / "guard" / "ledger.json").write_text(text)
    result = guard("begun")
    assert f"the ledger {tmp_path}/guard/ledger.json is damaged" in result["msg"]
    assert (tmp_path / "guard" / "ledger.json").read_text() == text


def test_a_folder_that_others_may_write_is_refused(guard, tmp_path):
    (tmp_path / "guard").mkdir()
    (tmp_path / "guard").chmod(0o777)
    assert "not this user's alone" in guard("begun")["msg"]


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_what_others_may_have_written_is_not_even_read(guard, tmp_path, mode):
    # What it holds as pending would be set on the server, a password or a folder of theirs.
    planted = {"id": "a1", "server": ACTION["server"], "settings": {"requirepass": "theirs"}, "due": 0, "run_id": "run-0"}
    (tmp_path / "guard").mkdir()
    (tmp_path / "guard" / "ledger.json").write_text(json.dumps({"schema": 1, "entries": [], "leases": {}, "pending": [planted]}))
    (tmp_path / "guard").chmod(mode)
    result = guard("queried")
    assert "not this user's alone" in result["msg"]
    assert "overdue" not in result


@pytest.mark.parametrize("name", ["ledger.json", "freeze"])
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(guard, tmp_path, name):
    (tmp_path / "guard").mkdir(mode=0o700)
    os.mkfifo(tmp_path / "guard" / name)
    result = guard("queried")
    assert "it is no file" in result.get("msg", "") + result.get("sentence", "")


def _begin(folder, run, answers):
    options = {**DEFAULTS, **ACTION, "state": "begun", "dir": str(folder), "run_id": run, "named": True}
    answers.put(_guard_book.answer(options, check_mode=False)["allowed"])


def test_of_many_runs_at_once_one_begins(tmp_path):
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    runs = [context.Process(target=_begin, args=(tmp_path / "guard", f"run-{number}", answers)) for number in range(12)]
    for run in runs:
        run.start()
    found = [answers.get(timeout=30) for dummy in runs]
    for run in runs:
        run.join(30)
    assert sorted(found) == [False] * 11 + [True]
    assert len(ledger(tmp_path)["entries"]) == 1


def _write_for_ever(folder):
    for number in range(100_000):
        options = {**DEFAULTS, **ACTION, "state": "pending", "dir": str(folder), "settings": {f"s{number % 50}": "1"}}
        _guard_book.answer(options, check_mode=False)


def test_a_writer_that_is_killed_leaves_a_ledger_that_can_be_read(tmp_path):
    context = multiprocessing.get_context("fork")
    folder = tmp_path / "guard"
    for number in range(10):
        writer = context.Process(target=_write_for_ever, args=(folder,))
        writer.start()
        while not (folder / "ledger.json").exists():
            pass
        writer.join(0.01 * number)
        os.kill(writer.pid, signal.SIGKILL)
        writer.join(10)
        assert _ledger_file.read(folder)["schema"] == 1
        options = {**DEFAULTS, **ACTION, "state": "begun", "dir": str(folder), "named": True, "hourly": 99}
        assert _guard_book.answer(options, check_mode=False)["allowed"], "the lock of a dead writer is nobody's"
