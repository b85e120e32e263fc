# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What failover.yml does to one server: a master hands over, a replica takes the place of a dead one, and nobody is switched twice."""

from __future__ import annotations

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._plans import failover

PLANNED = {"plan": ["it would"], "refused": [], "master_state": "up"}
FORCED = {**PLANNED, "forced": True, "master_state": "refused", "master_run_id": "new", "master": "b:1", "was": "a:1"}


def snapshot(role="slave", run_id="mine", state="up"):
    replication = {"role": role, "master_host": "a", "master_port": 1}
    return {"availability": {"state": state}, "info": {"replication": replication}, "server": {"run_id": run_id}}


@pytest.mark.parametrize(
    ("seen", "asked", "taken", "role", "words"),
    [
        (snapshot("master"), PLANNED, [], "slave", "it would"),
        (snapshot(), PLANNED, [], None, "it is a replica of a:1"),
        (snapshot(), FORCED, [], "slave", "it would"),
        (snapshot(run_id="new"), FORCED, [], "master", "it would"),
        # It was promoted in the turn of another one, and is a master like others now.
        (snapshot("master", run_id="new"), PLANNED, [FORCED], None, "it was made the master in this run"),
        # Another shard of the same run.
        (snapshot("master", run_id="other"), PLANNED, [FORCED], "slave", "it would"),
        (snapshot(), {"refused": ["dead; by force"], "master_state": "refused"}, [], None, "dead; by force"),
        # Its link is down, and its master is not.
        (snapshot(), {"refused": ["its link is down"], "master_state": "up"}, [], None, "it is a replica of"),
        (snapshot("", state="refused"), {"msg": "refused"}, [], None, "choose one of its replicas"),
        (snapshot("", state="refused"), {"msg": "refused"}, [FORCED], None, "b:1 takes the place of a:1"),
        (snapshot("master"), {"msg": "no Sentinel answers"}, [], None, "no Sentinel answers"),
    ],
)
def test_the_turn_of_one_server(seen, asked, taken, role, words):
    told = failover.plan(seen, {"asked": asked, "taken": taken})
    assert told.get("role") == role
    assert words in " ".join([*told["steps"], *told["refused"], told.get("idle", "")])
    assert bool(told["steps"]) == (role is not None)
