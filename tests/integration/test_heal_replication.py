# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole of heal_replication.yml: each state is planned, mended and then left alone, or refused with a sentence."""

from __future__ import annotations

import contextlib
import json

import pytest

from tests.conftest import FULL
from tests.lab import sentinels, servers
from tests.lab.scenarios import groups
from tests.lab.scenarios.scenario import link_is_up, pair
from tests.lab.servers import wait_for

HEAL = "playbooks/heal_replication.yml"
PASSWORD = "planted-password-71"


@pytest.fixture
def heal(play, tmp_path):
    """Run it by URLs: ``heal([server, …], "apply", redis_replication_heal_wait=5)``."""

    def run(members, mode, *words, **variables):
        urls = [member if isinstance(member, str) else member.url for member in members]
        given = {
            "redis_url": urls, "redis_remediation_mode": mode, "redis_guard_host": "localhost", "redis_guard_dir": str(tmp_path / "guard"),
            "redis_guard_settled": 1, "redis_guard_cooldown": 0, **variables,
        }  # fmt: skip
        return play(HEAL, "-e", json.dumps(given), *words, timeout=300)

    return run


def states(played):
    """{target's port: (state, why)} of a run, after the exit status was found to fit."""
    rows = played.report["timeline"]
    assert played.status == (2 if {row["state"] for row in rows} & {"refused", "escalated"} and rows[0]["mode"] == "apply" else 0), (
        played.output
    )
    return {int(row["target"].rpartition("-")[2]): (row["state"], row["why"]) for row in rows}


def everything(servers_, folder):
    """What a plan must not change: settings, roles, configuration files and ledger."""
    ledger = folder / "guard" / "ledger.json"
    told = [(s.client().config_get("*"), s.client().info("replication")["role"], (s.folder / "redis.conf").read_text()) for s in servers_]
    return told, ledger.exists() and ledger.read_text()


def setting(server, name):
    return server.client().config_get(name)[name]


def mended(heal, members, ill, folder, **variables):
    """Plan, apply, apply again: nothing, the remedy, nothing. Returns the run that mended."""
    before = everything(members, folder)
    planned = heal(members, "plan", **variables)
    assert states(planned)[ill.port][0] == "planned", planned.output
    assert everything(members, folder) == before, "a plan has changed something"
    done = heal(members, "apply", **variables)
    assert states(done)[ill.port] == ("resolved", ""), done.output
    after = everything(members, folder)
    again = heal(members, "apply", **variables)
    assert {state for state, dummy in states(again).values()} == {"nothing_to_do"}, again.output
    assert everything(members, folder) == after, "a second run has changed something"
    return done


def test_a_replica_with_a_wrong_password_gets_the_one_that_the_master_takes(binary, heal):
    with servers.running(binary, requirepass=PASSWORD) as master:
        link = {"replicaof": f"127.0.0.1 {master.port}", "masterauth": "another"}
        with servers.running(binary, requirepass=PASSWORD, **link) as replica:
            wait_for(lambda: "Unable to AUTH" in replica.log, "the master to refuse its replica")
            login = {"redis_connection": {"login_password": PASSWORD}}
            done = heal([replica, master], "apply", "-vvv", **login)
            assert states(done) == {replica.port: ("resolved", ""), master.port: ("resolved", "")}, done.output
            assert PASSWORD not in done.output.replace(json.dumps(login)[1:-1], "")
            wait_for(lambda: link_is_up(replica), "the link")
            assert [setting(member, "masterauth") for member in (replica, master)] == [PASSWORD] * 2
            assert "another" not in (replica.folder / "redis.conf").read_text(), "it would be forgotten at the next start"
            again = heal([replica, master], "apply", **login)
            assert {state for state, dummy in states(again).values()} == {"nothing_to_do"}


def test_a_replica_that_takes_writes_takes_no_more(binary, heal, tmp_path):
    with pair(binary, {"replica_read_only": "no"}) as (master, replica):
        mended(heal, [replica, master], replica, tmp_path)
        assert setting(replica, "replica-read-only") == "yes"


def test_two_masters_are_refused_with_both_histories(family_binary, heal):
    with groups.two_masters(family_binary) as place:
        played = heal(place["targets"], "apply")
        for state, why in states(played).values():
            assert state == "refused"
            assert "2 masters in one group" in why
            assert why.count("history ") == 2
            assert "keys, 0 replicas, up for" in why
            assert "no Sentinel with a quorum decides it" in why


@pytest.mark.skipif(not FULL, reason="several plays over a whole group, in make full only")
def test_sentinels_that_name_a_replica_watch_the_master_one_after_the_other(family_binary, heal):
    with pair(family_binary, requirepass=PASSWORD, masterauth=PASSWORD) as (master, replica), contextlib.ExitStack() as stack:
        guards = [stack.enter_context(sentinels.sentinel(family_binary, replica, 3)) for dummy in range(2)]
        wait_for(lambda: all(sentinels.master_of(guard)["num-other-sentinels"] == "1" for guard in guards), "them to meet", 30)
        long = 2 * sentinels.DOWN_AFTER_MS
        wait_for(lambda: all(sentinels.says_replica_for(guard) > long for guard in guards), "them to see a replica", 30)
        members = [f"redis://:{PASSWORD}@127.0.0.1:{member.port}" for member in (master, replica)] + [guard.url for guard in guards]
        planned = heal(members, "plan")
        assert [states(planned)[guard.port][0] for guard in guards] == ["planned"] * 2, planned.output
        assert all(int(sentinels.master_of(guard)["port"]) == replica.port for guard in guards)
        done = heal(members, "apply", redis_replication_heal_wait=20)
        assert all(int(sentinels.master_of(guard)["port"]) == master.port for guard in guards), done.output
        assert all(f"auth-pass {sentinels.NAME} " in (guard.folder / "redis.conf").read_text() for guard in guards)
        assert {state for state, dummy in states(heal(members, "apply")).values()} == {"nothing_to_do"}


@pytest.mark.skipif(not FULL, reason="several plays over a whole group, in make full only")
def test_an_accepted_promotion_without_a_quorum_and_then_the_other_replica(family_binary, heal):
    with sentinels.watched(family_binary, replicas=2, min_replicas_to_write=1, min_replicas_max_lag=10) as group:
        left, *others = group.sentinels
        group.master.client().set("order:1", "paid")
        wait_for(lambda: all(replica.client().exists("order:1") for replica in group.replicas), "both to have it")
        for server in (*others, group.master):
            server.stop()
        wait_for(lambda: sentinels.is_alone(left), "the last Sentinel to miss the others", sentinels.PATIENCE)
        wait_for(lambda: not any(map(link_is_up, group.replicas)), "the replicas to miss their master")
        members = [*group.replicas, left]
        asked = states(heal(members, "apply"))
        assert "no master, and the Sentinels" in str(asked), asked
        assert all(replica.client().info("replication")["role"] == "slave" for replica in group.replicas)
        for dummy in range(2):
            done = heal(members, "apply", redis_replication_heal_accept_lost_writes=True)
            promoted = [replica for replica in group.replicas if replica.client().info("replication")["role"] == "master"]
            assert len(promoted) == 1, done.output
            follower = next(replica for replica in group.replicas if replica is not promoted[0])
            if link_is_up(follower):
                break
        assert link_is_up(follower), done.output
        assert follower.client().info("replication")["master_port"] == promoted[0].port
        assert promoted[0].client().get("order:1") in (b"paid", "paid")
        wait_for(lambda: promoted[0].client().info("replication")["min_slaves_good_slaves"] == 1, "the replica to count")
        assert promoted[0].client().set("order:2", "paid")
