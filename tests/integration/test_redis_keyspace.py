# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_keyspace against every server of the matrix."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tests.lab import keys as lab_keys
from tests.lab import servers
from tests.lab.delay import delayed

FEW = 600
MANY = 20_000
STATES = "aragora-redis-keyspace-*"


@pytest.fixture
def small(server):
    """A few keys of every type, one of them big."""
    lab_keys.fill(server, FEW)
    with server.client() as client:
        client.zadd("ranking:all", {str(member): member for member in range(1_500)})
        client.xadd("events:1", {"a": 1})
        client.set("blob:1", b"x" * 150_000)
    return server


@pytest.fixture
def full(family_binary):
    """A server with many keys."""
    with servers.running(family_binary) as started:
        lab_keys.fill(started, MANY)
        yield started


@pytest.fixture
def keyspace(run_module):
    """Run the module and return its ``keyspace``; it never fails and never changes anything."""

    def run(server, **options):
        result = run_module("redis_keyspace", **{"url": server.url, **options})
        assert not result.get("failed"), result["msg"]
        assert result["changed"] is False
        return result["keyspace"]

    return run


def by_pattern(found):
    return {row["pattern"]: row for row in found["patterns"]}


def usage(server):
    """What MEMORY USAGE says of each key, by pattern."""
    sizes: dict[str, int] = {}
    with server.client() as client:
        for key in client.scan_iter(count=1000):
            pattern = next((name for name in lab_keys.PATTERNS if key.startswith(name.split("*")[0].encode())), key.decode())
            sizes[pattern] = sizes.get(pattern, 0) + client.memory_usage(key)
    return sizes


def test_a_full_scan_is_exact(small, keyspace):
    found = keyspace(small, mode="full")
    truth = usage(small)
    assert (found["keys_total"], found["keys_read"], found["complete"], found["stopped_because"]) == (FEW + 3, FEW + 3, True, "end")
    assert (found["cursor"], found["denied"], found["unsure"], found["keys_refused"]) == (None, {}, [], 0)
    rows = by_pattern(found)
    for pattern, share in lab_keys.PATTERNS.items():
        assert rows[pattern]["key_count"] == rows[pattern]["keys_read"] == FEW * share
        assert rows[pattern]["bytes"]["value"] == rows[pattern]["bytes"]["high"] == truth[pattern]
    assert found["bytes"]["value"] == sum(truth.values())
    assert found["types"] == {
        "string": FEW * 0.6 + 1,
        "hash": FEW * 0.1,
        "set": FEW * 0.1,
        "zset": FEW * 0.1 + 1,
        "list": FEW * 0.1,
        "stream": 1,
    }
    assert rows["session:*"]["ttl"]["expiring_percent"] == 100.0
    assert rows["session:*"]["ttl"]["never_bytes_percent"] == {"value": 0, "low": 0, "high": 0}
    assert set(rows["session:*"]["ttl"]["percent"]) <= {"under_1_day", "under_7_days"}
    assert (rows["user:*:name"]["ttl"]["expiring_percent"], rows["user:*:name"]["ttl"]["percent"]) == (0.0, {"never": 100.0})
    assert rows["user:*:name"]["ttl"]["never_bytes_percent"] == rows["user:*:name"]["bytes_percent"]
    assert rows["user:*:name"]["encodings_percent"] == {"embstr": 100.0}
    assert abs(found["unexplained_bytes"]) < 1_000_000


def test_big_keys_are_named_with_what_makes_them_big(small, keyspace):
    found = keyspace(small, mode="full", biggest=2)
    assert [(big["key"], big["type"], big["members"]) for big in found["big_keys"]] == [
        ("blob:1", "string", None),
        ("ranking:all", "zset", 1_500),
    ]
    assert found["big_keys"][0]["bytes"] >= 150_000
    assert [big["key"] for big in found["biggest"]] == ["blob:1", "ranking:all"]
    assert len(found["biggest_by_type"]["hash"]) == 2
    assert found["biggest_by_type"]["hash"][0]["members"] == 3


def test_a_sample_holds_the_truth_in_its_intervals(server, keyspace):
    lab_keys.fill(server, MANY)
    truth = usage(server)
    found = keyspace(server, keys=2_000)
    assert found["complete"] is False
    assert found["stopped_because"] == "keys"
    assert 2_000 <= found["keys_read"] < 2_200
    rows = by_pattern(found)
    assert set(rows) == set(lab_keys.PATTERNS)
    # Every start of a server gives another order of keys: of seven intervals of 95 % one may miss, two seldom, and none by far.
    bounds = {name: row["bytes"] for name, row in rows.items()}
    assert sum(not bound["low"] <= truth[name] <= bound["high"] for name, bound in bounds.items()) <= 2
    assert all(abs(bound["value"] - truth[name]) <= 2 * (bound["high"] - bound["value"]) for name, bound in bounds.items())
    for name, share in lab_keys.PATTERNS.items():
        assert rows[name]["key_count"] == pytest.approx(MANY * share, rel=0.4)
    assert abs(found["bytes"]["value"] - sum(truth.values())) <= 2 * (found["bytes"]["high"] - found["bytes"]["value"])


def test_reading_leaves_no_trace(small, run_module):
    with small.client() as client:
        time.sleep(1.1)
        before = client.dbsize(), client.object("idletime", "cart:5"), client.object("idletime", "user:3:name")
        result = run_module("redis_keyspace", url=small.url, mode="full", _check_mode=True)
        after = client.dbsize(), client.object("idletime", "cart:5"), client.object("idletime", "user:3:name")
        commands = set(client.info("commandstats"))
    assert result["changed"] is False
    assert after[0] == before[0]
    assert after[2] >= before[2] >= 1
    assert not commands & {"cmdstat_keys", "cmdstat_monitor"}


def test_check_mode_reads_the_same(full, run_module):
    for check_mode in (True, False):
        result = run_module("redis_keyspace", url=full.url, mode="full", _check_mode=check_mode)
        assert result["keyspace"]["keys_read"] == MANY


def test_the_budget_of_seconds_is_kept(full, keyspace):
    found = keyspace(full, mode="full", seconds=0.02)
    assert found["stopped_because"] == "seconds"
    assert 0 < found["keys_read"] < MANY
    assert found["seconds"] < 0.5


def test_parts_add_up_to_the_whole(full, keyspace):
    cursor, read, rows = None, 0, 0
    for dummy in range(10):
        part = keyspace(full, keys=6_000, cursor=cursor)
        cursor, read, rows = part["cursor"], read + part["keys_read"], rows + sum(row["keys_read"] for row in part["patterns"])
        assert part["complete"] is False
        if cursor is None:
            break
    assert part["stopped_because"] == "end"
    assert read == rows == MANY


def test_a_cursor_of_another_server_is_refused(full, run_module):
    result = run_module("redis_keyspace", url=full.url, cursor=f"{'0' * 40}/0/17")
    assert result["failed"] is True
    assert "is of a server that is not there any more" in result["msg"]
    other_db = run_module("redis_keyspace", url=full.url, cursor="-/3/17")
    assert "the database 3" in other_db["msg"]


def test_who_may_not_wait_ends_the_scan(full, keyspace):
    # On this link others wait for each batch, and that more than for what else the machine does.
    with delayed(full.port, 0.0, rate=250_000) as port:
        found = keyspace(full, url=f"redis://{full.host}:{port}", mode="full", max_added_latency=0.0001)
    assert found["stopped_because"] == "latency"
    assert found["latency"]["slowed"] > 5
    assert found["latency"]["paused_seconds"] > 0
    assert found["latency"]["batch_keys"] == 16
    assert found["cursor"]


def test_without_a_limit_nothing_is_measured(full, keyspace):
    found = keyspace(full, mode="full", max_added_latency=0)
    assert found["complete"] is True
    assert found["latency"]["busy"] == {"samples": 0}


def test_given_patterns_replace_the_learned_ones(full, keyspace):
    found = keyspace(full, mode="full", patterns=["user:*[02468]:name", "user:*", "nothing:*"])
    assert {name: row["key_count"] for name, row in by_pattern(found).items()} == {
        "user:*": MANY * 0.1, "user:*[02468]:name": MANY * 0.1, "*": MANY * 0.8,
    }  # fmt: skip


def test_another_database_is_read_when_asked_for(server, keyspace):
    with server.client(db=3) as client:
        client.set("only:3", "x")
    assert keyspace(server, login_db=3)["patterns"][0]["pattern"] == "only:*"
    empty = keyspace(server)
    assert (empty["keys_total"], empty["patterns"], empty["complete"]) == (0, [], True)
    assert empty["unexplained_bytes"] is None or empty["unexplained_bytes"] < 10**6


HOSTILE = [
    b"a\x1b[31mred\x07", b"line\r\nfeed", b"\xff\xfe\x00\x80", b"<script>alert(1)</script>", "turn\u202earound".encode(), b"", b"  ",
    b"{{ 7*7 }}", b"$5\r\nhello\r\n", b"blob:" + b"x" * 1_000_000,
]  # fmt: skip


def test_hostile_names_are_read_and_shown_harmless(server, run_module):
    with server.client() as client:
        for name in HOSTILE:
            client.set(name, "v")
        client.hset(b"\r\n\x00hash", "f", "v")
    result = run_module("redis_keyspace", url=server.url, mode="full", biggest=50)
    found = result["keyspace"]
    assert found["keys_read"] == len(HOSTILE) + 1
    shown = [big["key"] for big in found["biggest"]] + [row["pattern"] for row in found["patterns"]]
    assert all(text.isprintable() for text in shown), shown
    assert all(len(text) <= 200 for text in shown)
    assert len(found["biggest"]) == len(HOSTILE) + 1
    assert next(big for big in found["biggest"] if big["type"] == "hash")["members"] == 1


def test_masked_names_are_nowhere(server, run_module):
    with server.client() as client:
        for name in ("user:ann:mail", "bob", "session:8f14e45f-ceea-467f-a0e6-e0c1b7b5f3ff", "token:77001", "trudy@example.com"):
            client.set(name, "x" * 200_000)
    shown = json.dumps(run_module("redis_keyspace", url=server.url, mask_keys=True)["keyspace"])
    shown = re.sub(r'"run_id": "\w+"', "", shown)
    assert not [secret for secret in ("ann", "bob", "8f14e45f", "77001", "trudy", "example") if secret in shown]


@pytest.fixture
def as_user(small, run_module):
    """Run the module as a user with just these permissions."""

    def run(*permissions, **options):
        with small.client() as client:
            client.execute_command("ACL", "SETUSER", "watcher", "reset", "on", ">pw", *permissions)
        return run_module("redis_keyspace", url=small.url, login_user="watcher", login_password="pw", **options)

    return run


def test_who_may_not_scan_is_told_in_one_sentence(as_user):
    result = as_user("~*", "+ping")
    assert result["failed"] is True
    assert "refuses SCAN (NOPERM" in result["msg"]
    assert result["msg"].endswith("grant this user +scan +type +memory|usage +pttl")


def test_without_memory_usage_keys_are_counted_all_the_same(as_user):
    found = as_user("~*", "+ping", "+scan", "+type", "+pttl", mode="full")["keyspace"]
    assert set(found["denied"]) == {"memory", "encoding"}
    assert "NOPERM" in found["denied"]["memory"]
    assert (found["bytes"], found["patterns"][0]["bytes"]) == (None, None)
    assert by_pattern(found)["session:*"]["keys_read"] == FEW * 0.3
    assert found["keys_total"] == 0, "neither INFO nor DBSIZE was allowed"


def test_the_fewest_permissions_that_are_enough(as_user):
    found = as_user("~*", "+ping", "+scan", "+type", "+pttl", "+memory", mode="full")["keyspace"]
    assert set(found["denied"]) == {"encoding"}
    assert found["bytes"]["value"] > 100_000
    assert found["cursor"] is None


def test_keys_that_may_not_be_looked_at_are_counted(as_user):
    found = as_user("~user:*", "+@all", mode="full")["keyspace"]
    assert found["keys_refused"] == FEW * 0.8 + 3
    assert list(by_pattern(found)) == ["user:*:name"]
    assert found["complete"] is False


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"seconds": -1}, "seconds is -1"),
        ({"keys": -5}, "keys is -5"),
        ({"max_added_latency": -1}, "max_added_latency is -1"),
        ({"biggest": 500}, "biggest is 500"),
        ({"most_patterns": 0}, "most_patterns is 0"),
        ({"slice_seconds": 0.1}, "slice_seconds is 0.1"),
        ({"patterns": [""]}, "patterns"),
        ({"cursor": "x"}, "the cursor 'x' cannot be read"),
        ({"state": "/etc/passwd"}, "the state /etc/passwd cannot be used"),
        ({"mode": "half"}, "mode"),
        ({"timeout": 0}, "timeout is 0"),
        ({"login_db": 99}, "refuses the database 99"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_one_sentence(full, run_module, options, words):
    result = run_module("redis_keyspace", url=full.url, **options)
    assert result["failed"] is True
    assert words in result["msg"]
    assert "\n" not in result["msg"]


def test_a_server_that_is_not_there_is_one_sentence(run_module):
    result = run_module("redis_keyspace", url="redis://:hunter2@127.0.0.1:1")
    assert "127.0.0.1:1 refuses connections" in result["msg"]
    assert "hunter2" not in json.dumps(result)


def linked(client):
    return client.info("replication").get("master_link_status") == "up"


@pytest.fixture
def pair(binary):
    """A master with a replica that has all its keys, both with a password."""
    login = {"requirepass": "pw", "masterauth": "pw"}
    with servers.running(binary, **login) as master, servers.running(binary, **login) as replica:
        lab_keys.fill(master, FEW)
        with replica.client() as client:
            client.replicaof("127.0.0.1", master.port)
            servers.wait_for(lambda: linked(client) and client.dbsize() == FEW, "the replica")
        with master.client() as client:
            servers.wait_for(lambda: client.info("replication")["slave0"]["state"] == "online", "the master to see it")
        yield master, replica


def test_a_replica_is_read_in_place_of_its_master(pair, keyspace):
    master, replica = pair
    found = keyspace(master, login_password="pw", mode="full")
    assert found["server"]["address"] == f"127.0.0.1:{replica.port}"
    assert found["server"]["role"] == "slave"
    assert found["why_this_server"] is None
    assert (found["keys_read"], found["complete"]) == (FEW, True)
    with master.client() as client:
        assert "cmdstat_scan" not in client.info("commandstats")


def test_the_parts_of_a_scan_are_read_from_the_same_replica(pair, keyspace):
    master, dummy = pair
    first = keyspace(master, login_password="pw", keys=200)
    second = keyspace(master, login_password="pw", keys=10_000, cursor=first["cursor"])
    assert second["server"] == first["server"]
    assert first["keys_read"] + second["keys_read"] == FEW


def test_the_master_is_read_when_the_replica_is_not_wanted_or_not_usable(pair, keyspace):
    master, replica = pair
    unwanted = keyspace(master, login_password="pw", prefer_replica=False)
    assert (unwanted["server"]["role"], unwanted["why_this_server"]) == ("master", "prefer_replica is false")
    with replica.client() as client:
        client.config_set("requirepass", "other")
    closed = keyspace(master, login_password="pw", mode="full")
    assert closed["server"]["role"] == "master"
    assert f"the replica 127.0.0.1:{replica.port} cannot be used" in closed["why_this_server"]
    assert closed["keys_read"] == FEW


def test_a_node_of_a_cluster_is_read_and_said_to_be_one(binary, keyspace):
    with servers.running(binary, cluster_enabled="yes") as node:
        with node.client() as client:
            client.execute_command("CLUSTER", "ADDSLOTS", *range(16384))
            servers.wait_for(lambda: client.execute_command("CLUSTER INFO")["cluster_state"] == "ok", "the cluster")
            for number in range(300):
                client.set(f"user:{number}", "x")
        found = keyspace(node, mode="full")
        assert (found["node_of_cluster"], found["keys_read"], found["complete"]) == (True, 300, True)
        part = keyspace(node, keys=50)
        assert any("slot by slot" in sentence for sentence in part["unsure"])


def test_a_server_that_dies_gives_what_was_read_so_far(family_binary, run_module):
    with servers.running(family_binary) as server:
        lab_keys.fill(server, 200_000)
        client = server.client()
        killed: list[bool] = []

        def kill() -> None:
            if not killed and client.info("commandstats").get("cmdstat_scan", {}).get("calls", 0) > 10:
                server.process.kill()
                killed.append(True)

        found = run_module("redis_keyspace", url=server.url, mode="full", max_added_latency=0, _while=kill)["keyspace"]
    assert (found["complete"], found["stopped_because"]) == (False, "unavailable")
    assert f"127.0.0.1:{server.port}" in found["error"]
    assert 0 < found["keys_read"] < 200_000
    assert sum(row["keys_read"] for row in found["patterns"]) == found["keys_read"]
    assert found["bytes"]["high"] > found["bytes"]["value"] > 0


@pytest.fixture
def slices(run_module):
    """Run the module slice by slice, as the action plugin does; returns every result."""

    def run(url, between=lambda: None, **options):
        results = [run_module("redis_keyspace", url=url, slice_seconds=1, **options)]
        while "state" in results[-1]:
            between()
            results.append(run_module("redis_keyspace", url=url, slice_seconds=1, state=results[-1]["state"], **options))
        return results

    return run


@pytest.fixture
def large(family_binary):
    """A server with more keys than a second is enough for."""
    with servers.running(family_binary) as started:
        lab_keys.fill(started, 400_000)
        yield started


def test_slices_add_up_to_one_scan(large, slices):
    *parts, last = slices(large.url, mode="full")
    assert parts
    assert all(Path(part["state"]).name.startswith("aragora-redis-keyspace-") for part in parts)
    assert 0 < parts[0]["progress"]["share"] < 1
    found = last["keyspace"]
    assert (found["keys_read"], found["complete"]) == (400_000, True)
    assert {row["pattern"]: row["key_count"] for row in found["patterns"]} == {
        name: 400_000 * share for name, share in lab_keys.PATTERNS.items()
    }
    assert not Path(parts[0]["state"]).exists()


def test_a_server_that_dies_between_slices_gives_what_was_read(large, slices):
    *parts, last = slices(large.url, between=large.stop, mode="full")
    found = last["keyspace"]
    assert (found["stopped_because"], found["complete"]) == ("unavailable", False)
    assert found["keys_read"] == parts[-1]["progress"]["read"] > 0
    assert not Path(parts[0]["state"]).exists()


def tasks(*options):
    play = {"hosts": "localhost", "gather_facts": False, "module_defaults": {"group/aragora.redis.redis": {"url": "{{ redis_url }}"}}}
    return yaml.safe_dump([{**play, "tasks": [{"aragora.redis.redis_keyspace": dict(one), "register": "found"} for one in options]}])


def played(play, folder, server, *options):
    (folder / "play.yml").write_text(tasks(*options))
    temporary = folder / "tmp"
    environment = {"ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"), "ANSIBLE_REMOTE_TMP": str(temporary)}
    return play(str(folder / "play.yml"), "-e", f"redis_url={server.url}", "-v", **environment), temporary


def test_a_long_scan_shows_how_far_it_is_and_leaves_nothing_behind(large, play, tmp_path):
    # Tests beside this one make clients wait as well; it is not to give up because of them.
    done, temporary = played(play, tmp_path, large, {"mode": "full", "slice_seconds": 1, "max_added_latency": 1000})
    assert done.status == 0, done.output
    lines = re.findall(r"^\[localhost\] (\d+) % · [\d.]+ k of 400 k keys · ETA \d+ s$", done.output, re.MULTILINE)
    assert lines
    assert lines == sorted(lines, key=int)
    assert '"keys_read": 400000' in done.output
    assert '"progress"' not in done.output
    assert not list(temporary.rglob(STATES))


def test_a_long_scan_that_fails_leaves_nothing_behind(large, play, tmp_path):
    with large.client() as client:
        client.execute_command("ACL", "SETUSER", "watcher", "on", ">pw", "~*", "+@all")
    options = {"mode": "full", "slice_seconds": 1, "login_user": "watcher", "login_password": "{{ 'p' ~ 'w' }}"}
    done, temporary = played(play, tmp_path, large, {**options, "max_added_latency": 0.0001, "seconds": 1})
    assert done.status == 0, done.output
    assert not list(temporary.rglob(STATES))


def test_a_short_scan_is_one_call_of_the_module(full, play, tmp_path):
    done, dummy = played(play, tmp_path, full, {"keys": 1000})
    assert done.status == 0, done.output
    assert "ETA" not in done.output
    with full.client() as client:
        assert client.info("commandstats")["cmdstat_dbsize"]["calls"] == 1
