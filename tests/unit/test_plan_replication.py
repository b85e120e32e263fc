# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What heal_replication would do, on snapshots of real servers."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis import engine
from ansible_collections.aragora.redis.plugins.module_utils._plans import every

SNAPSHOTS = Path(__file__).parent / "snapshots"
HEALTHY = sorted((SNAPSHOTS / "healthy").glob("*.json"))
GROUPS = sorted((SNAPSHOTS / "groups").glob("healthy*.json"))


def document(name):
    return json.loads((SNAPSHOTS / f"{name}.json").read_text(encoding="utf-8"))


def snapshot_of(name, **values):
    """A captured snapshot with other values at some paths (``__`` for the dots)."""
    snapshot = copy.deepcopy(document(name)["snapshot"])
    return changed(snapshot, **values)


def changed(snapshot, **values):
    for path, value in values.items():
        *folders, last = path.split("__")
        part = snapshot
        for folder in folders:
            part[folder] = part.get(folder) or {}
            part = part[folder]
        part[last] = value
    return snapshot


def plan(snapshot, *peers, **options):
    given = {"name": "me", "peers": engine.diagnose_targets(peers, [f"peer{number}" for number in range(len(peers))]), **options}
    return every.plan("heal_replication", snapshot, given)


def of_group(name, place, **options):
    snapshots = document(f"groups/{name}")["snapshots"]
    return plan(snapshots[place], *(other for number, other in enumerate(snapshots) if number != place), **options)


def said(found):
    return "; ".join(found["steps"] + found["refused"])


def replica_of(master, **values):
    """A replica that is cut off, of the history of the master, and what its master tells."""
    cut = {
        "role": "slave", "master_host": "10.0.0.9", "master_port": 6379, "master_link_status": "down", "slave_repl_offset": 100,
        "slave_priority": 100, "slave_read_only": 1, "master_sync_in_progress": 0,
        "master_replid": master["info"]["replication"]["master_replid"],
    }  # fmt: skip
    snapshot = copy.deepcopy(master)
    snapshot["server"].update({"host": "10.0.0.2", "run_id": "2" * 40, "role": "slave"})
    snapshot["info"]["replication"] = cut
    return changed(snapshot, **values)


@pytest.fixture
def master():
    snapshot = copy.deepcopy(document("groups/healthy")["snapshots"][0])
    snapshot["server"].update({"host": "10.0.0.1"})
    snapshot["info"]["replication"]["master_repl_offset"] = 1000
    return snapshot


@pytest.mark.parametrize("path", HEALTHY, ids=lambda path: path.stem)
def test_a_healthy_server_is_left_alone(path):
    found = plan(json.loads(path.read_text(encoding="utf-8"))["snapshot"])
    assert (found["steps"], found["refused"], found["settings"]) == ([], [], {})


@pytest.mark.parametrize("path", GROUPS, ids=lambda path: path.stem)
def test_a_healthy_group_is_left_alone(path):
    for place in range(len(document(f"groups/{path.stem}")["snapshots"])):
        found = of_group(path.stem, place)
        assert (found["steps"], found["refused"]) == ([], []), said(found)


def test_two_masters_are_refused_with_both_histories():
    found = of_group("masters_many", 0)
    assert found["steps"] == []
    assert len([text for text in found["refused"] if "history " in text and "keys, " in text]) == 2


def test_a_replica_of_nobody_that_was_looked_at_says_whom_to_name():
    assert "give all servers of its group" in said(plan(snapshot_of("replication_link_down")))


def test_a_replica_follows_the_only_master_of_its_group(master):
    found = plan(replica_of(master), master)
    assert found["follow"] == {"host": "10.0.0.1", "port": 6379}
    assert "it goes on where it was" in said(found)


def test_what_only_the_replica_knows_is_not_thrown_away(master):
    ahead = replica_of(master, info__replication__slave_repl_offset=1500)
    assert "it knows 500 bytes of writes that peer0 has never seen" in said(plan(ahead, master))
    assert plan(ahead, master)["follow"] == {}
    accepted = plan(ahead, master, accept_lost_writes=True)
    assert (accepted["follow"]["host"], accepted["lossy"]) == ("10.0.0.1", True)
    assert accepted["steps"][0].startswith("accepted: ")


def test_a_replica_with_a_history_of_its_own_keeps_its_keys(master):
    stranger = replica_of(master, info__replication__master_replid="f" * 40, info__keyspace={"db0": {"keys": 7}})
    found = plan(stranger, master, group="shop")
    # Only a name for the group brings the two together.
    assert "was not looked at" in said(found)
    peers = engine.diagnose_targets([master], ["peer0"], replication_group="shop")
    found = every.plan("heal_replication", stranger, {"name": "me", "group": "shop", "peers": peers})
    assert "it holds 7 keys of a history of its own" in said(found)


def test_the_right_master_that_is_not_heard_is_a_matter_for_people(master):
    found = plan(replica_of(master, info__replication__master_host="10.0.0.1"), master)
    assert "it follows the right master, 10.0.0.1:6379, and does not hear it" in said(found)
    assert found["follow"] == {}


def test_a_copy_is_waited_for(master):
    found = plan(replica_of(master, info__replication__master_sync_in_progress=1), master, wait=7)
    assert found["wait"] == 7
    assert "wait for the copy" in said(found)


def test_the_password_is_the_one_that_the_master_has_taken(master):
    changed(
        master,
        server__url="redis://:***@10.0.0.1:6379",
        auth={"requirepass_set": True, "masterauth_set": False, "masterauth_equals_requirepass": False},
    )
    lost = replica_of(master, info__replication__master_host="10.0.0.1")
    found = plan(lost, master)
    assert (found["login_of"], found["follow"]) == ("peer0", {"host": "10.0.0.1", "port": 6379})
    other = changed(copy.deepcopy(master), server__url="redis://admin:***@10.0.0.1:6379")
    assert "replication logs in by the user admin" in said(plan(lost, other))
    assert "masterauth → the password given for replication" in said(plan(lost, other, password=True))
    unknown = changed(copy.deepcopy(master), server__url="redis://10.0.0.1:6379")
    assert "knows no password of the master peer0" in said(plan(lost, unknown))


def test_who_follows_its_master_by_the_name_of_the_inventory_is_not_sent_anywhere(master):
    lost = replica_of(master, info__replication__master_host="peer0")
    assert "it follows the right master, peer0:6379" in said(plan(lost, master, hosts={"peer0": "cache1.example.org"}))


def test_a_masterless_group_waits_for_sentinel_or_asks_for_the_loss():
    found = [of_group("master_missing", place) for place in (0, 1)]
    assert all(row["steps"] == [] for row in found)
    assert "what 127.0.0.1:" in "".join(map(said, found))
    assert "that one is promoted first" in "".join(map(said, found))
    accepted = [of_group("master_missing", place, accept_lost_writes=True) for place in (0, 1)]
    assert [row["promote"] for row in accepted].count(True) == 1
    assert next(row["role"] for row in accepted if row["promote"]) == "master"
    snapshots = [changed(copy.deepcopy(row)) for row in document("groups/master_missing")["snapshots"]]
    for row in snapshots:
        row["config"] = {**(row.get("config") or {}), "min-replicas-to-write": "1"}
    wanting = [plan(snapshots[place], snapshots[1 - place], accept_lost_writes=True) for place in (0, 1)]
    promoted = next(row for row in wanting if row["promote"])
    assert promoted["canary"] is False
    assert "takes no writes before so many of the other 1 replicas follow it" in said(promoted)


def test_the_backlog_holds_what_is_written_while_a_replica_is_away():
    found = plan(
        snapshot_of(
            "full_sync_repeated", rates__master_repl_offset=1024 * 1024, info__memory__maxmemory=0, info__memory__total_system_memory=2**36
        )
    )
    assert found["settings"]["repl-backlog-size"] == 120 * 1024 * 1024
    assert "1.00 MiB a second are written, and a replica may be away 120 s" in said(found)
    small = plan(snapshot_of("full_sync_repeated", rates__master_repl_offset=1024 * 1024, info__memory__maxmemory=10**9))
    assert small["settings"]["repl-backlog-size"] == 96 * 1024 * 1024
    assert "of its memory" in said(small)


def test_a_window_for_two_masters_is_closed_on_all_who_may_be_one():
    for place in range(3):
        found = of_group("split_brain_window", place)
        assert found["settings"] == {"min-replicas-to-write": 1}, said(found)
    assert of_group("split_brain_window", 0, min_replicas=0)["settings"] == {}


def test_a_sentinel_that_lost_the_others_asks_whether_they_are_gone_for_good():
    found = plan(snapshot_of("sentinel_quorum_lost"))
    assert found["steps"] == []
    assert "too few Sentinels answer" in said(found)
    assert "redis_replication_heal_forget=[" in said(found)
    gone = [f"{other['ip']}:{other['port']}" for other in snapshot_of("sentinel_quorum_lost")["sentinel"]["masters"][0]["sentinels"]]
    assert "wants 2 Sentinels and 1 are left" in said(plan(snapshot_of("sentinel_quorum_lost"), forget=gone))
    fewer = snapshot_of("sentinel_quorum_lost")
    fewer["sentinel"]["masters"][0]["quorum"] = 1
    assert [row["sentinels"] for row in plan(fewer, forget=gone)["sentinel"]["reset"]] == [0]
    fewer["sentinel"]["masters"][0]["flags"].append("failover_in_progress")
    assert "a failover of mymaster is running" in said(plan(fewer, forget=gone))


def test_files_of_a_sentinel_go_to_its_user():
    found = plan(snapshot_of("sentinel_config_readonly", denied={}))
    assert [(row["owner"], row["was"]["owner"]) for row in found["files"]] == [("nobody", "root")]
    assert "needs root" in said(plan(snapshot_of("sentinel_config_readonly", denied={"host config": "needs root"})))


@pytest.mark.parametrize(
    ("options", "word"),
    [({"master": "cache1"}, "_master"), ({"wait": "soon"}, "_wait"), ({"away": 0}, "_away"), ({"forget": "a:1"}, "_forget")],
)
def test_options_that_cannot_be_meant_are_named(options, word):
    with pytest.raises(ValueError, match=f"redis_replication_heal{word}"):
        plan(snapshot_of("replication_link_down"), **options)


def misled(epoch=0):
    """A healthy group whose three Sentinels name the first replica, and have nobody to promote."""
    snapshots = copy.deepcopy(document("groups/healthy-sentinels")["snapshots"])
    replica = snapshots[1]
    for snapshot in snapshots[3:]:
        row = snapshot["sentinel"]["masters"][0]
        row.update({
            "port": replica["server"]["port"], "runid": replica["server"]["run_id"], "role-reported": "slave", "role-reported-time": 60_000,
            "config-epoch": epoch, "replicas": [],
        })  # fmt: skip
    return snapshots


def sentinel_plan(snapshots, left_out=0):
    peers = snapshots[:3] + snapshots[4 : len(snapshots) - left_out]
    return plan(snapshots[3], *peers)


def test_a_sentinel_that_names_a_replica_is_told_the_true_master():
    snapshots = misled()
    found = sentinel_plan(snapshots)
    assert found["refused"] == [], said(found)
    (row,) = found["sentinel"]["move"]
    assert (row["port"], row["sentinels"], row["login_of"]) == (snapshots[0]["server"]["port"], 2, "")
    assert "which is the master, in place of" in said(found)


def test_a_sentinel_is_not_moved_on_doubt():
    assert "(config-epoch 3)" in said(sentinel_plan(misled(epoch=3)))
    assert "SENTINEL REMOVE mymaster on all of them first" in said(sentinel_plan(misled(epoch=3)))
    assert "2 other Sentinels of mymaster answer it, and 1 were looked at" in said(sentinel_plan(misled(), left_out=1))
    other = misled()
    other[4]["sentinel"]["masters"][0].update({"port": other[2]["server"]["port"], "runid": other[2]["server"]["run_id"]})
    assert "the Sentinels name different servers" in said(sentinel_plan(other))
    cut = misled()
    cut[1]["info"]["replication"]["master_link_status"] = "down"
    assert "does not hear" in said(sentinel_plan(cut))
    chosen = misled()
    chosen[3]["sentinel"]["masters"][0]["replicas"] = [{"ip": "127.0.0.1", "port": 1, "flags": ["slave"]}]
    assert "fails over by itself" in said(sentinel_plan(chosen))
