# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_info against every server of the matrix."""

from __future__ import annotations

import contextlib

import pytest

from tests.lab import clusters, sentinels, servers
from tests.lab.scenarios.scenario import fill, pair


def test_a_snapshot_of_a_healthy_server_is_complete(server, run_module):
    result = run_module("redis_info", url=server.url, window=0.2)
    snapshot = result["snapshot"]
    assert result["changed"] is False
    assert snapshot["availability"]["state"] == "up"
    assert snapshot["denied"] == {}
    assert snapshot["info"]["server"]["tcp_port"] == server.port
    read = {part for part in ("config", "rates", "slowlog", "clients", "latency", "memory", "acl", "modules") if snapshot[part] is not None}
    assert len(read) == 8
    assert snapshot["latency"]["probe"]["samples"] > 5
    assert snapshot["memory"]["stats"]["total.allocated"] > 0


def test_valkey_is_known_by_its_own_version(binary, server, run_module):
    found = run_module("redis_info", url=server.url, window=0)["snapshot"]["server"]
    assert found["product"] == ("valkey" if "valkey" in binary.name else "redis")
    version = ".".join(found["version"].split(".")[:2])
    assert f"{found['product']}-{version}" in servers.matrix()


def test_a_database_that_is_not_there_is_noticed(server, run_module):
    assert run_module("redis_info", url=f"{server.url}/15", window=0)["snapshot"]["denied"] == {}
    snapshot = run_module("redis_info", url=server.url, login_db=99, window=0)["snapshot"]
    assert snapshot["availability"]["state"] == "up"
    assert snapshot["denied"] == {"database": "the database 99 cannot be chosen: ERR DB index is out of range"}


def test_watching_a_quiet_server_does_not_make_it_look_busy(server, run_module):
    rates = run_module("redis_info", url=server.url, window=0.5)["snapshot"]["rates"]
    assert rates["stats"]["total_commands_processed"] == 0
    assert rates["commands"] == {}
    assert rates["stats"]["total_connections_received"] == 0


def test_rates_are_those_of_the_window(server, run_module):
    with contextlib.closing(server.client()) as client:
        rates = run_module("redis_info", url=server.url, window=0.5, _while=lambda: client.incr("counter"))["snapshot"]["rates"]
        counted = int(client.get("counter"))
    # One every 10 ms at most, for the time of the window only.
    assert 0 < rates["commands"]["incrby"] * rates["window_seconds"] < counted
    assert rates["commands"]["incrby"] <= 101


def test_only_what_was_asked_for_is_read(server, run_module):
    snapshot = run_module("redis_info", url=server.url, window=0, gather_subset=["slowlog"])["snapshot"]
    assert snapshot["info"]
    assert snapshot["slowlog"]
    assert not any(snapshot[part] for part in ("config", "clients", "memory", "acl", "modules", "rates", "latency"))
    snapshot = run_module("redis_info", url=server.url, window=0, gather_subset=["!slowlog", "!config"])["snapshot"]
    assert snapshot["slowlog"] is None
    assert snapshot["config"] is None
    assert snapshot["clients"]


class TestKeyspace:
    """The sample of the keys, which has to be named."""

    @pytest.fixture
    def filled(self, server):
        with server.client() as client:
            for number in range(300):
                client.set(f"session:{number}", "x" * 100, ex=600)
            client.set("user:ann", "x" * 200_000)
        return server

    def test_it_is_taken_where_it_is_named_and_names_no_key(self, filled, run_module):
        snapshot = run_module("redis_info", url=filled.url, window=0.2, gather_subset=["all", "keyspace"])["snapshot"]
        found = snapshot["keyspace"]
        assert (found["keys_read"], found["complete"], found["masked"]) == (301, True, True)
        assert {row["pattern"] for row in found["patterns"]} == {"session:*", "user:*"}
        assert "ann" not in str(found)
        assert snapshot["rates"]["commands"] == {}, "the sample ran within the window"
        assert snapshot["clients"]
        assert snapshot["denied"] == {}

    @pytest.mark.parametrize("subset", [["all"], ["info"], ["!slowlog"], ["all", "keyspace", "!keyspace"]])
    def test_it_is_not_taken_where_it_is_not_named(self, filled, run_module, subset):
        snapshot = run_module("redis_info", url=filled.url, window=0, gather_subset=subset)["snapshot"]
        assert snapshot["keyspace"] is None
        assert snapshot["denied"] == {}

    def test_an_empty_server_has_none_and_that_is_no_trouble(self, server, run_module):
        snapshot = run_module("redis_info", url=server.url, window=0, gather_subset=["keyspace"])["snapshot"]
        assert (snapshot["keyspace"], snapshot["denied"]) == (None, {})

    def test_of_several_databases_the_fullest_is_read(self, filled, run_module):
        with filled.client(db=3) as client:
            client.mset({f"page:{number}": "x" for number in range(1000)})
        found = run_module("redis_info", url=filled.url, window=0, gather_subset=["keyspace"])["snapshot"]["keyspace"]
        assert (found["db"], found["keys_read"]) == (3, 1000)

    def test_with_many_targets_it_is_left_out(self, filled, run_module):
        for number, taken in ((8, True), (9, False)):
            snapshots = run_module("redis_info", targets=[filled.url] * number, window=0, gather_subset=["keyspace"])["snapshots"]
            assert {bool(snapshot["keyspace"]) for snapshot in snapshots} == {taken}

    @pytest.mark.parametrize(
        ("permissions", "words"),
        [(("~*", "-scan"), "refuses SCAN (NOPERM"), (("~other:*",), "none of the 301 keys that were asked may be looked at")],
    )
    def test_what_is_refused_is_denied_and_no_error(self, filled, run_module, permissions, words):
        filled.client().execute_command("ACL", "SETUSER", "ops", "on", ">Sesame-7391", "+@all", *permissions)
        login = {"login_user": "ops", "login_password": "Sesame-7391"}
        snapshot = run_module("redis_info", url=filled.url, window=0, gather_subset=["all", "keyspace"], **login)["snapshot"]
        assert snapshot["keyspace"] is None
        assert list(snapshot["denied"]) == ["keyspace"]
        assert words in snapshot["denied"]["keyspace"]

    def test_of_a_master_its_replica_is_read(self, family_binary, run_module):
        with pair(family_binary) as (master, replica):
            fill(master, 100)
            servers.wait_for(lambda: replica.client().dbsize() == 100, "the replica to be in step")
            found = run_module("redis_info", url=master.url, window=0, gather_subset=["keyspace"])["snapshot"]["keyspace"]
        assert found["server"]["address"] == f"127.0.0.1:{replica.port}"


def test_the_client_list_is_not_asked_for_above_the_limit(server, run_module):
    with contextlib.ExitStack() as stack:
        for dummy in range(6):
            client = stack.enter_context(contextlib.closing(server.client(single_connection_client=True)))
            client.ping()
        snapshot = run_module("redis_info", url=server.url, window=0, clients_limit=5)["snapshot"]
    assert snapshot["clients"] is None
    assert "7 clients: CLIENT LIST is not asked for above clients_limit (5)" in snapshot["denied"]["clients"]


def test_the_slow_log_is_read_up_to_the_limit(server, run_module):
    client = server.client()
    client.config_set("slowlog-log-slower-than", 0)
    for number in range(30):
        client.set(f"key:{number}", number)
    slowlog = run_module("redis_info", url=server.url, window=0, slowlog_entries=10)["snapshot"]["slowlog"]
    assert len(slowlog["entries"]) == 10
    assert slowlog["length"] > 30


def test_renamed_commands_are_denied_in_the_servers_words(binary, run_module):
    with servers.running(binary, rename_command='CONFIG ""\nSLOWLOG hidden') as server:
        snapshot = run_module("redis_info", url=server.url, window=0)["snapshot"]
    assert snapshot["availability"]["state"] == "up"
    assert set(snapshot["denied"]) == {"config", "slowlog"}
    assert "unknown command" in snapshot["denied"]["config"].lower()


def test_reading_changes_nothing(server, run_module):
    client = server.client()
    client.set("key", "value")
    before = client.config_get("*")
    run_module("redis_info", url=server.url, window=0)
    assert client.config_get("*") == before
    assert client.dbsize() == 1


def test_many_targets_come_back_in_their_order(server, run_module):
    gone = f"redis://127.0.0.1:{servers.free_port()}"
    snapshots = run_module("redis_info", targets=[gone, server.url, gone, server.url], window=0)["snapshots"]
    assert [snapshot["availability"]["state"] for snapshot in snapshots] == ["refused", "up", "refused", "up"]


def test_an_unusable_server_fails_only_where_the_caller_minds(run_module):
    gone = f"redis://127.0.0.1:{servers.free_port()}"
    assert "failed" not in run_module("redis_info", url=gone)
    result = run_module("redis_info", url=gone, fail_on_unavailable=True)
    assert result["failed"]
    assert "refuses connections: no process listens there" in result["msg"]
    assert result["snapshot"]["availability"]["state"] == "refused"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"gather_subset": ["memroy"]}, "unknown part 'memroy': choose from all, info,"),
        ({"window": -1}, "window is -1: give seconds from 0 to 60"),
        ({"slowlog_entries": -1}, "slowlog_entries is -1: give a number from 0 to 100000"),
        ({"timeout": 0}, "timeout is 0.0: give seconds between 0 and 300"),
        ({"targets": []}, "targets is empty"),
        ({"login_port": 70000}, "port 70000"),
        ({"login_user": "ops"}, "the user 'ops' is given without a password"),
        ({"sentinels": ["a/b"], "service_name": "mymaster"}, "the Sentinel 'a/b' cannot be read"),
        ({"url": "redis://localhost", "sentinels": ["a"], "service_name": "m"}, "mutually exclusive"),
        ({"sentinels": ["127.0.0.1"]}, "service_name"),
    ],
)
def test_bad_options_get_one_sentence(run_module, options, sentence):
    result = run_module("redis_info", **options)
    assert result["failed"]
    assert sentence in result["msg"]
    assert "Traceback" not in str(result)


class TestThroughSentinels:
    """The Sentinels say where the master is; they have credentials of their own."""

    @pytest.fixture
    def sentinel(self, family_binary):
        @contextlib.contextmanager
        def start(master, password=None):
            monitor = f"monitor mymaster 127.0.0.1 {master.port} 1"
            with servers.running(family_binary, sentinel_mode=True, sentinel=monitor, requirepass=password, save=None) as started:
                yield started

        return start

    @pytest.fixture
    def master(self, family_binary):
        with servers.running(family_binary, requirepass="Sesame-7391") as started:
            yield started

    def test_the_master_is_found_and_used_with_its_own_password(self, sentinel, master, run_module):
        with sentinel(master, password="Guard-1204") as guard:
            options = {"sentinels": [f"127.0.0.1:{guard.port}"], "service_name": "mymaster", "sentinel_password": "Guard-1204"}
            snapshot = run_module("redis_info", **options, login_password="Sesame-7391", window=0)["snapshot"]
        assert snapshot["availability"]["state"] == "up"
        assert snapshot["server"]["port"] == master.port

    def test_a_sentinel_that_is_gone_is_passed_over(self, sentinel, master, run_module):
        with sentinel(master) as guard:
            options = {"sentinels": [f"127.0.0.1:{servers.free_port()}", f"127.0.0.1:{guard.port}"], "service_name": "mymaster"}
            snapshot = run_module("redis_info", **options, login_password="Sesame-7391", window=0)["snapshot"]
        assert snapshot["availability"]["state"] == "up"

    def test_sentinels_that_are_all_gone_are_the_failure(self, run_module):
        port = servers.free_port()
        snapshot = run_module("redis_info", sentinels=[f"127.0.0.1:{port}"], service_name="mymaster", window=0)["snapshot"]
        assert snapshot["availability"]["state"] == "refused"
        assert snapshot["server"]["port"] == port

    def test_the_password_of_the_server_is_not_that_of_the_sentinels(self, sentinel, master, run_module):
        with sentinel(master, password="Guard-1204") as guard:
            options = {"sentinels": [f"127.0.0.1:{guard.port}"], "service_name": "mymaster", "login_password": "Sesame-7391"}
            snapshot = run_module("redis_info", **options, window=0)["snapshot"]
        assert snapshot["availability"]["state"] == "auth_required"
        assert snapshot["server"]["port"] == guard.port

    def test_an_unknown_service_gets_one_sentence(self, sentinel, master, run_module):
        with sentinel(master) as guard:
            result = run_module("redis_info", sentinels=[f"127.0.0.1:{guard.port}"], service_name="cache")
        assert "knows no master named 'cache': set service_name" in result["msg"]

    def test_a_sentinel_itself_can_be_read(self, sentinel, master, run_module):
        with sentinel(master) as guard:
            snapshot = run_module("redis_info", url=guard.url, window=0.1, gather_subset=["all", "keyspace"])["snapshot"]
        assert snapshot["server"]["mode"] == "sentinel"
        assert snapshot["keyspace"] is None
        assert snapshot["sentinel"]["masters"][0]["name"] == "mymaster"


@pytest.fixture(scope="module")
def watched(binary):
    """A master, two replicas and three Sentinels that know each other."""
    with sentinels.watched(binary, requirepass="Sesame-7391", masterauth="Sesame-7391") as group:
        yield group


class TestSentinels:
    """What a Sentinel knows."""

    def test_a_sentinel_tells_of_its_master_the_replicas_and_the_others(self, watched, run_module):
        snapshot = run_module("redis_info", url=watched.sentinels[0].url, window=0)["snapshot"]
        (master,) = snapshot["sentinel"]["masters"]
        assert snapshot["denied"] == {}
        assert snapshot["sentinel"]["tilt"] is False
        assert master["port"] == watched.master.port
        assert {replica["port"] for replica in master["replicas"]} == {replica.port for replica in watched.replicas}
        assert {other["port"] for other in master["sentinels"]} == {guard.port for guard in watched.sentinels[1:]}
        assert master["quorum_check"]["ok"] is True
        assert "Sesame" not in str(snapshot)

    def test_sentinels_know_each_other_by_the_id_that_each_gives(self, watched, run_module):
        parts = [run_module("redis_info", url=guard.url, window=0)["snapshot"]["sentinel"] for guard in watched.sentinels[:2]]
        assert parts[0]["id"] in {other["runid"] for other in parts[1]["masters"][0]["sentinels"]}

    def test_a_master_counts_the_sentinels_that_watch_it(self, watched, run_module):
        clients = run_module("redis_info", url=watched.master.url, login_password="Sesame-7391", window=0)["snapshot"]["clients"]
        assert clients["sentinels"] == 3

    def test_what_a_user_may_not_ask_is_denied_and_no_lost_quorum(self, watched, run_module):
        guard = watched.sentinels[-1].client()
        guard.execute_command(
            "ACL", "SETUSER", "ops", "on", ">Guard-1204", "+ping", "+info", "+client", "+sentinel|masters", "+sentinel|myid"
        )
        options = {"url": watched.sentinels[-1].url, "login_user": "ops", "login_password": "Guard-1204", "window": 0}
        snapshot = run_module("redis_info", **options)["snapshot"]
        (master,) = snapshot["sentinel"]["masters"]
        assert (master["replicas"], master["sentinels"], master["quorum_check"]) == (None, None, None)
        assert {"sentinel REPLICAS", "sentinel SENTINELS", "sentinel CKQUORUM"} <= set(snapshot["denied"])


def test_of_hundreds_of_masters_the_first_are_asked_for(family_binary, run_module):
    ports = [servers.free_port() for dummy in range(120)]
    lines = "\n".join(f"monitor shop-{place} 127.0.0.1 {port} 1" for place, port in enumerate(ports))
    with servers.running(family_binary, sentinel_mode=True, sentinel=lines, save=None) as guard:
        snapshot = run_module("redis_info", url=guard.url, window=0)["snapshot"]
    masters = snapshot["sentinel"]["masters"]
    assert len(masters) == 120
    assert sum(master["quorum_check"] is not None for master in masters) == 100
    assert snapshot["denied"]["sentinel"] == "120 masters: replicas, Sentinels and quorum are asked for of the first 100 only"


def test_a_node_tells_which_slots_it_hands_over(family_binary, run_module):
    with clusters.clustered(family_binary, masters=2, replicas=1) as cluster:
        source, target = cluster.masters
        source.client().execute_command("CLUSTER", "SETSLOT", 0, "MIGRATING", clusters.node_id(target))
        part = run_module("redis_info", url=source.url, window=0)["snapshot"]["cluster"]
    (moving,) = part["moving_slots"]
    assert moving["slot"] == 0
    assert moving["to"].endswith(f":{target.port}")
    assert [node["replicas"] for node in part["nodes"] if "master" in node["flags"]] == [1, 1]
