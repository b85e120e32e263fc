# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""tune_memory.yml on every server of the matrix: plan, apply, once more, and back."""

from __future__ import annotations

import contextlib
import json

import pytest
import redis

from tests.lab import servers
from tests.lab.scenarios.scenario import fill, pair

TUNE = "playbooks/tune_memory.yml"
APPLY = ("-e", "redis_remediation_mode=apply", "-e", "redis_guard_settled=1", "-e", "redis_guard_cooldown=0")
MIB = 1024 * 1024


@pytest.fixture
def guarded(tmp_path):
    """What gives servers by URL a ledger."""
    return ("-e", "redis_guard_host=localhost", "-e", f"redis_guard_dir={tmp_path}/guard")


def full(binary, **directives):
    """A server whose memory is full."""
    return servers.running(binary, **{"maxmemory": "20mb", "maxmemory_policy": "noeviction", **directives})


def fill_up(server):
    client = server.client()
    with contextlib.suppress(redis.exceptions.OutOfMemoryError):
        for place in range(1_000):
            client.set(f"k{place}", "x" * 100_000)


def state_of(played):
    (row,) = played.report["timeline"]
    return row["state"]


def test_a_plan_changes_nothing_and_says_what_would_be(binary, play, guarded, tmp_path):
    with full(binary) as server:
        fill_up(server)
        before = server.client().config_get("*")
        played = play(TUNE, *guarded, REDIS_URL=server.url)
        assert server.client().config_get("*") == before
    assert played.status == 0, played.output
    assert not (tmp_path / "guard").exists()
    assert "maxmemory 20 MiB → " in played.output
    assert state_of(played) == "planned"


def test_it_mends_and_has_nothing_to_do_the_second_time(binary, play, guarded, tmp_path):
    with full(binary) as server:
        fill_up(server)
        played = play(TUNE, *APPLY, *guarded, REDIS_URL=server.url)
        assert played.status == 0, played.output
        assert state_of(played) == "resolved"
        limit = int(server.client().config_get("maxmemory")["maxmemory"])
        assert limit > 25 * MIB
        assert f"maxmemory {limit // MIB}mb" in (server.folder / "redis.conf").read_text(), "it is kept over a restart"
        server.client().set("one more", "x" * 1000)
        again = play(TUNE, *APPLY, *guarded, REDIS_URL=server.url)
        assert (again.status, state_of(again)) == (0, "nothing_to_do")
        assert int(server.client().config_get("maxmemory")["maxmemory"]) == limit
    lines = [json.loads(line) for line in (tmp_path / "guard" / "audit.jsonl").read_text().splitlines()]
    assert [line["outcome"] for line in lines] == ["resolved"]
    evidence = list((tmp_path / "reports").glob("2*/evidence/*.json"))
    assert len(evidence) == 2, "seen before anything was touched, in both runs"


def test_what_does_not_hold_is_put_back(family_binary, play, guarded):
    with pair(family_binary, maxmemory="20mb", maxmemory_policy="noeviction") as (master, replica):
        fill_up(master)
        # The replica hangs: the canary is never acknowledged, so nobody knows whether the group works.
        replica.pause()
        played = play(TUNE, *APPLY, *guarded, "-e", "redis_guard_verify_timeout=6", REDIS_URL=master.url)
        assert int(master.client().config_get("maxmemory")["maxmemory"]) == 20 * MIB
    assert played.status == 2
    assert state_of(played) == "escalated"
    assert "0 of 1 replicas have acknowledged" in played.output
    assert "the old state is back" in played.output


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ("900gb", "900gb is more than 80 % of the host's RAM"),
        ("2 gigs", "redis_memory_maxmemory is '2 gigs'"),
    ],
)
def test_what_would_do_harm_is_refused(family_binary, play, guarded, wanted, sentence):
    with full(family_binary) as server:
        fill(server, 10_000, 500)
        before = server.client().config_get("*")
        played = play(TUNE, *APPLY, *guarded, "-e", json.dumps({"redis_memory_maxmemory": wanted}), REDIS_URL=server.url)
        assert server.client().config_get("*") == before
    assert played.status == 2
    assert sentence in " ".join(played.output.split())


def test_the_engineers_own_number_is_taken(family_binary, play, guarded):
    with full(family_binary) as server:
        played = play(
            TUNE, *APPLY, *guarded, "-e", "redis_memory_maxmemory=64mb", "-e", "redis_memory_policy=volatile-lru", REDIS_URL=server.url
        )
        config = server.client().config_get("maxmemory*")
    assert played.status == 0, played.output
    assert (config["maxmemory"], config["maxmemory-policy"]) == (str(64 * MIB), "volatile-lru")


def test_a_password_in_the_url_is_told_nowhere(family_binary, play, guarded):
    with full(family_binary, requirepass="Sesame-7391") as server:
        played = play(TUNE, *APPLY, *guarded, "-vvv", REDIS_URL=f"redis://:Sesame-7391@127.0.0.1:{server.port}")
    assert played.status == 0, played.output
    assert "Sesame" not in played.output
    for path in played.reports.rglob("*"):
        assert not path.is_file() or "Sesame" not in path.read_text(errors="replace"), path
