# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""tune_memory.yml and tidy_memory.yml on every server of the matrix: plan, apply, once more, and back."""

from __future__ import annotations

import contextlib
import json
import re

import pytest
import redis

from tests.lab import servers
from tests.lab.scenarios.scenario import fill, pair
from tests.lab.writer import lost, writer

TUNE = "playbooks/tune_memory.yml"
TIDY = "playbooks/tidy_memory.yml"
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


def test_a_plan_says_what_would_refuse_it_now(family_binary, play, guarded, tmp_path):
    (tmp_path / "guard").mkdir(mode=0o700)
    (tmp_path / "guard" / "freeze").write_text("release day")
    with full(family_binary) as server:
        fill_up(server)
        played = play(TUNE, *guarded, REDIS_URL=server.url)
    assert played.status == 0, played.output
    (row,) = played.report["timeline"]
    assert (row["state"], row["why"]) == ("planned", "it would be refused now: automatic changes are frozen here: release day")


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


def test_no_write_is_lost_beyond_those_that_the_plan_has_announced(family_binary, play, guarded):
    with servers.running(family_binary, maxmemory="64mb", maxmemory_policy="allkeys-lru") as server:
        fill(server, 20_000, 1000)
        with writer(server) as acknowledged:
            servers.wait_for(lambda: len(acknowledged) > 200, "the writer to write")
            lower = {"redis_memory_maxmemory": "18mb", "redis_memory_accept_eviction": True, "redis_memory_max_added_latency": 5000}
            played = play(TUNE, *APPLY, *guarded, "-e", json.dumps(lower), REDIS_URL=server.url)
        evicted = server.client().info("stats")["evicted_keys"]
        kept = server.client().dbsize()
        gone = lost(server, acknowledged)
        assert int(server.client().config_get("maxmemory")["maxmemory"]) == 18 * MIB
    assert (played.status, state_of(played)) == (0, "resolved"), played.output
    announced = int(re.search(r"in up to ([0-9,]+) keys are evicted", played.report["timeline"][0]["steps"][1])[1].replace(",", ""))
    assert kept + evicted >= 20_000 + len(acknowledged), "what is not there was counted as evicted"
    assert len(gone) <= evicted <= announced


def test_fragmentation_is_tidied_up_without_a_ledger_and_without_a_loss(play):
    with servers.running(servers.matrix()["redis-8.2"]) as server:
        fill(server, 200_000, 200)
        client = server.client()
        for start in range(0, 200_000, 2000):
            client.delete(*[f"key:{number}" for number in range(start, start + 2000, 2)])
        servers.wait_for(lambda: client.info("memory")["allocator_frag_bytes"] > 11 * MIB, "the server to see its fragmentation")
        before = client.config_get("*")
        with writer(server) as acknowledged:
            planned = play(TIDY, REDIS_URL=server.url)
            assert (planned.status, state_of(planned), client.config_get("*")) == (0, "planned", before), planned.output
            played = play(TIDY, *APPLY, "-e", "redis_memory_max_added_latency=5000", REDIS_URL=server.url)
        assert client.config_get("*") == before
        assert lost(server, acknowledged) == []
        assert len(acknowledged) > 1_000
    assert (played.status, state_of(played)) == (0, "resolved"), played.output
    assert "defragments for up to 60 s with at most 10 % of a core" in " ".join(planned.output.split())


def test_a_build_that_cannot_tidy_up_says_so(play, guarded, tmp_path):
    with servers.running(servers.matrix()["redis-7.0"]) as server:
        fill(server, 200_000, 200)
        client = server.client()
        for start in range(0, 200_000, 2000):
            client.delete(*[f"key:{number}" for number in range(start, start + 2000, 2)])
        servers.wait_for(lambda: client.info("memory")["allocator_frag_bytes"] > 11 * MIB, "the server to see its fragmentation")
        before = client.config_get("*")
        played = play(TIDY, *APPLY, *guarded, REDIS_URL=server.url)
        assert client.config_get("*") == before
    assert (played.status, state_of(played)) == (0, "mitigated"), played.output
    assert "this build of the server cannot defragment" in played.report["timeline"][0]["why"]
    assert json.loads((tmp_path / "guard" / "ledger.json").read_text())["pending"] == []
