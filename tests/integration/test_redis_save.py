# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_save on every server of the matrix: the file is written when it ends, and it says why not where it is not."""

from __future__ import annotations

import pytest

from tests.lab import servers


def test_changes_are_saved_once(server, run_module):
    server.client().set("a", "1")
    looked = run_module("redis_save", url=server.url, _check_mode=True)
    assert (looked["changed"], looked["changes"]) == (True, 1)
    assert not (server.folder / "dump.rdb").exists()
    first = run_module("redis_save", url=server.url)
    assert (first["changed"], first["changes"]) == (True, 1)
    assert (server.folder / "dump.rdb").stat().st_size > 0
    again = run_module("redis_save", url=server.url)
    assert (again["changed"], again["changes"], again["saved_at"]) == (False, 0, first["saved_at"])


def test_a_save_that_runs_already_is_waited_for_and_another_one_made(family_binary, run_module):
    with servers.running(family_binary, rdb_key_save_delay=200) as server:
        client = server.client()
        for number in range(5_000):
            client.set(number, "x")
        client.bgsave()
        client.set("late", "1")
        result = run_module("redis_save", url=server.url)
        assert (result["changed"], client.info("persistence")["rdb_changes_since_last_save"]) == (True, 0)


def test_it_says_when_the_time_is_over(family_binary, run_module):
    with servers.running(family_binary, rdb_key_save_delay=100_000) as server:
        server.client().mset({str(number): "x" for number in range(200)})
        result = run_module("redis_save", url=server.url, wait_timeout=0.5)
        assert "after 0.5 s" in result["msg"]
        assert "a save is running" in result["msg"]
        server.client().config_set("rdb-key-save-delay", 0)


def test_a_save_that_fails_is_no_success(server, run_module):
    # It listens before it looks for data: only when it answers has it found none.
    server.client().set("a", "1")
    (server.folder / "dump.rdb").mkdir()
    result = run_module("redis_save", url=server.url)
    assert "could not save its data" in result["msg"]


def test_a_user_who_may_not_save(server, run_module):
    server.client().execute_command("ACL", "SETUSER", "app", "on", ">secret", "~*", "+@all", "-bgsave")
    server.client().set("a", "1")
    result = run_module("redis_save", url=server.url, login_user="app", login_password="secret")
    assert result["failed"]
    assert "BGSAVE" in result["msg"].upper()


@pytest.mark.parametrize("seconds", [-1, 1e9])
def test_a_time_that_cannot_be_meant(run_module, seconds):
    result = run_module("redis_save", url="redis://127.0.0.1:1", wait_timeout=seconds)
    assert "wait_timeout" in result["msg"]
