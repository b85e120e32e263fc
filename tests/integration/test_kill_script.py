# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""kill_script.yml on every server of the matrix: plan, apply, once more; what cannot be killed is an incident."""

from __future__ import annotations

import pytest

from tests.lab import servers
from tests.lab.scenarios.availability import ENDLESS, busy, is_busy
from tests.lab.scenarios.scenario import pair

KILL = "playbooks/kill_script.yml"
APPLY = ("-e", "redis_remediation_mode=apply", "-e", "redis_guard_settled=0.5", "-e", "redis_guard_cooldown=0")


@pytest.fixture
def guarded(tmp_path):
    """What gives servers by URL a ledger."""
    return ("-e", "redis_guard_host=localhost", "-e", f"redis_guard_dir={tmp_path}/guard")


def state_of(played):
    (row,) = played.report["timeline"]
    return row["state"]


def test_plan_apply_and_once_more(binary, play, guarded, tmp_path):
    with servers.running(binary, lua_time_limit=100) as server, busy(server, "EVAL", ENDLESS, 0):
        planned = play(KILL, *guarded, REDIS_URL=server.url)
        assert (planned.status, state_of(planned)) == (0, "planned"), planned.output
        assert "SCRIPT KILL ends the script" in planned.output
        assert is_busy(server)
        assert not (tmp_path / "guard").exists()
        done = play(KILL, *APPLY, *guarded, REDIS_URL=server.url)
        assert (done.status, state_of(done)) == (0, "resolved"), done.output
        assert server.client().ping()
        again = play(KILL, *APPLY, *guarded, REDIS_URL=server.url)
        assert (again.status, state_of(again)) == (0, "nothing_to_do"), again.output


def test_on_a_replica(family_binary, play, guarded):
    with pair(family_binary, lua_time_limit=100) as members:
        replica = members[1]
        with busy(replica, "EVAL", ENDLESS, 0):
            played = play(KILL, *APPLY, *guarded, REDIS_URL=replica.url)
            assert (played.status, state_of(played)) == (0, "resolved"), played.output
