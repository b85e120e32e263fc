# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_restore on every server of the matrix: the same keys, types and TTLs come back, whatever was there, and it is a master again."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import threading
import time
from pathlib import Path

import pytest

from tests.integration.test_redis_backup import leftovers, nothing_is_left, variety
from tests.lab import network, servers
from tests.lab.scenarios.scenario import fill, link_is_up, pair
from tests.lab.servers import wait_for

AOF = {"appendonly": "yes", "save": "3600 1"}


def content(server):
    """Everything that it holds: value, and when it expires."""
    found = {}
    for db in (0, 9):
        client = server.client(db=db)
        now = time.time()
        for key in client.scan_iter(count=1000):
            left = client.pttl(key)
            found[db, key] = (client.type(key), client.object("encoding", key), left if left < 0 else round(now + left / 1000))
    return found


def backup(run_module, server, folder, **options):
    folder.mkdir()
    done = run_module("redis_backup", url=server.url, dest=str(folder), **options)
    assert done.get("changed"), done
    return {"src": done["path"], "backup": done["backup"]}


def same(first, second):
    return first.keys() == second.keys() and all(
        first[key][:2] == second[key][:2] and abs(first[key][2] - second[key][2]) <= 1 for key in first
    )


def follows(server):
    """The port of the master that it follows, 0 for none. By its log: while it loads, it answers hardly anybody."""
    told = re.findall(r"(?:REPLICAOF \S+:(\d+)|(?:MASTER|PRIMARY) MODE) enabled", server.log)
    return int(told[-1] or 0) if told else 0


def folder_of_child(pid):
    """The working directory of the only process that this one has started."""
    child = int(Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii"))
    return Path(f"/proc/{child}/cwd").readlink()


def test_keys_types_and_ttls_come_back(binary, run_module, tmp_path):
    with servers.running(binary, **AOF) as server:
        variety(server.client(single_connection_client=True))
        was, before = content(server), leftovers()
        taken = backup(run_module, server, tmp_path / "one", program=str(binary))
        server.client().delete("text", "hash")
        server.client().set("new", "1")
        refused = run_module("redis_restore", url=server.url, program=str(binary), **taken)
        assert "holds keys, which would be replaced" in refused["msg"]
        assert refused["touched"] is False
        looked = run_module("redis_restore", url=server.url, program=str(binary), _check_mode=True, **taken)
        assert looked["counted"] == taken["backup"]["counted"], looked
        assert server.client().exists("new")
        done = run_module("redis_restore", url=server.url, program=str(binary), accept_data_loss=True, **taken)
        assert done.get("changed"), done
        assert same(content(server), was)
        info = server.client().info()
        assert (info["role"], done["persisted"]) == ("master", True), done
        assert server.client().config_get("masterauth")["masterauth"] == ""
        nothing_is_left(before)
        server.client().set("after", "1")
        was = content(server)
        server.stop()
        with servers.running(binary, folder=server.folder, **AOF) as again:
            wait_for(lambda: not again.client().info("persistence")["loading"], "its append-only file")
            assert same(content(again), was), "it is in the append-only file, too"


def test_what_has_expired_since_is_not_missed(family_binary, run_module, tmp_path):
    with servers.running(family_binary) as server:
        server.client().set("lasting", "1")
        # Long enough to be in the backup, also where that begins late.
        for milliseconds in (2_500, 10_000, 40_000):
            server.client().set("short", "1", px=milliseconds)
            taken = backup(run_module, server, tmp_path / str(milliseconds), program=str(family_binary))
            if server.client().exists("short"):
                break
        wait_for(lambda: not server.client().exists("short"), "its end")
        server.client().delete("lasting")
        done = run_module("redis_restore", url=server.url, program=str(family_binary), **taken)
        assert server.client().keys("*") == [b"lasting"]
    assert done["counted"]["db0"] == {"keys": 2, "expires": 1, "types": {"string": 1}, "expired": 1}
    # A server counts what has expired until it has come by.
    assert done["restored"] in ({"db0": {"keys": 1, "expires": 0}}, {"db0": {"keys": 2, "expires": 1}})


@pytest.mark.parametrize("login", [{"masterauth": 'a "b" \\c'}, {"masteruser": "repl", "masterauth": "y"}])
def test_the_login_of_a_replica_stays_what_it_was(family_binary, run_module, tmp_path, login):
    with servers.running(family_binary) as server:
        server.client().set("a", "1")
        for name, value in {**login, "requirepass": "x"}.items():
            server.client().config_set(name, value)
        password = {"url": server.url, "login_password": "x"}
        (tmp_path / "one").mkdir()
        taken = run_module("redis_backup", dest=str(tmp_path / "one"), program=str(family_binary), **password)
        done = run_module(
            "redis_restore", src=taken["path"], backup=taken["backup"], program=str(family_binary), accept_data_loss=True, **password
        )
        assert done.get("changed"), done
        config = server.client(password="x").config_get("master*")
    assert {name: config[name] for name in login} == login


def test_replicas_get_it_too(family_binary, run_module, tmp_path):
    with pair(family_binary) as (master, replica):
        fill(master, 1_000)
        taken = backup(run_module, master, tmp_path / "one", program=str(family_binary))
        master.client().set("new", "1")
        refused = run_module("redis_restore", url=replica.url, program=str(family_binary), accept_data_loss=True, **taken)
        assert "is a replica: restore its master" in refused["msg"]
        done = run_module("redis_restore", url=master.url, program=str(family_binary), accept_data_loss=True, **taken)
        assert done.get("restored") == {"db0": {"keys": 1_000, "expires": 0}}, done
        wait_for(lambda: link_is_up(replica) and replica.client().dbsize() == 1_000, "the replica")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"counted": {"db0": {"keys": 2, "expires": 0}}}, "the backup is not what its manifest says: db0 holds 1 keys, and should hold 2"),
        ({"counted": None, "said": {"db0": {"keys": [1, 1], "expires": [1, 1]}}}, "holds 0 keys with a TTL, and should hold 1"),
    ],
)
def test_a_backup_that_is_not_what_it_says_is_not_restored(family_binary, run_module, tmp_path, changes, words):
    with servers.running(family_binary) as server:
        server.client().set("a", "1")
        taken = backup(run_module, server, tmp_path / "one", program=str(family_binary))
        server.client().set("b", "1")
        taken["backup"].update(changes)
        done = run_module("redis_restore", url=server.url, program=str(family_binary), accept_data_loss=True, **taken)
        assert words in done["msg"]
        assert (done["touched"], server.client().dbsize()) == (False, 2)


def test_a_damaged_file_is_not_restored(family_binary, run_module, tmp_path):
    with servers.running(family_binary) as server:
        fill(server, 100)
        taken = backup(run_module, server, tmp_path / "one", program=str(family_binary))
        data = bytearray((tmp_path / "one" / "dump.rdb").read_bytes())
        data[len(data) // 2] ^= 0xFF
        (tmp_path / "one" / "dump.rdb").write_bytes(data)
        done = run_module("redis_restore", url=server.url, program=str(family_binary), accept_data_loss=True, **taken)
        assert done["touched"] is False, done
        assert server.client().dbsize() == 100


def test_a_newer_file_is_refused_before_anything_is_loaded(run_module, tmp_path):
    matrix = servers.matrix()
    if not (matrix["valkey-9.1"] and matrix["redis-6.2"]):
        pytest.skip("valkey-9.1 and redis-6.2 are not both on this machine")
    with servers.running(matrix["valkey-9.1"]) as server, servers.running(matrix["redis-6.2"]) as other:
        server.client().set("a", 1)
        taken = backup(run_module, server, tmp_path / "one")
        done = run_module("redis_restore", url=other.url, program=str(matrix["valkey-9.1"]), **taken)
    assert "the backup cannot be restored here: it is a file of Valkey 9 or newer" in done["msg"]


def test_more_than_maxmemory_is_refused(family_binary, run_module, tmp_path):
    with servers.running(family_binary) as server:
        fill(server, 2_000)
        taken = backup(run_module, server, tmp_path / "one", program=str(family_binary))
        server.client().config_set("maxmemory", "2mb")
        done = run_module("redis_restore", url=server.url, program=str(family_binary), accept_data_loss=True, **taken)
        assert "raise that first" in done["msg"]
        assert done["touched"] is False


def test_who_is_interrupted_leaves_a_master(family_binary, run_module, tmp_path):
    with servers.running(family_binary, key_load_delay=200) as server:
        fill(server, 20_000, 100)
        taken = backup(run_module, server, tmp_path / "one", program=str(family_binary))
        before = leftovers()

        def interrupt(process):
            if follows(server):
                process.terminate()

        options = {**taken, "url": server.url, "program": str(family_binary), "accept_data_loss": True}
        done = run_module("redis_restore", _beside=interrupt, **options)
        assert done.get("msg") == "interrupted by SIGTERM", done
        assert server.client().info("replication")["role"] == "master"
        assert server.client().config_get("masterauth")["masterauth"] == ""
    nothing_is_left(before)


def test_a_server_that_answers_nobody_while_it_copies_is_waited_for(run_module, tmp_path):
    """As one does that frees a large data set, or loads a large key: for longer than any time-out of its clients."""
    with servers.running(servers.embedded(), key_load_delay=200) as server:
        fill(server, 20_000, 100)
        taken = backup(run_module, server, tmp_path / "one", program=str(servers.embedded()))
        server.client().set("new", "1")
        silent = []

        def hang(dummy):
            if not silent and follows(server):
                server.pause()
                silent.append(threading.Timer(8.0, server.process.send_signal, [signal.SIGCONT]))
                silent[0].start()

        options = {"url": server.url, "timeout": 1, "program": str(servers.embedded()), "accept_data_loss": True}
        done = run_module("redis_restore", _beside=hang, **options, **taken)
        assert done.get("restored") == {"db0": {"keys": 20_000, "expires": 0}}, done
        assert silent
        assert server.client().info("replication")["role"] == "master"
        assert server.client().config_get("masterauth")["masterauth"] == ""


def test_who_is_killed_leaves_no_server_behind(family_binary, run_module, tmp_path):
    with servers.running(family_binary, key_load_delay=200) as server:
        fill(server, 20_000, 100)
        taken = backup(run_module, server, tmp_path / "one", program=str(family_binary))
        seen = {}

        def kill(process):
            if not seen and (port := follows(server)):
                seen[port] = folder_of_child(process.pid)
                process.kill()

        with pytest.raises(AssertionError, match="said nothing"):
            run_module("redis_restore", _beside=kill, url=server.url, program=str(family_binary), accept_data_loss=True, **taken)
        port, folder = seen.popitem()

        def is_gone():
            with socket.socket() as sock:
                return sock.connect_ex(("127.0.0.1", port))

        servers.wait_for(is_gone, "the throw-away server has stayed behind")
    # Only this one: others belong to tests beside this one.
    shutil.rmtree(folder)


@pytest.mark.skipif(network.why_not() is not None, reason=str(network.why_not()))
def test_a_server_elsewhere_finds_us_by_our_address_only(run_module, tmp_path):
    with (
        network.host() as host,
        servers.running(servers.embedded(), host=host.address, launcher=host.launcher, protected_mode="no") as server,
    ):
        client = server.client()
        client.set("a", "1")
        (tmp_path / "one").mkdir()
        taken = run_module("redis_backup", url=server.url, dest=str(tmp_path / "one"), way="replication")
        options = {"src": taken["path"], "backup": taken["backup"], "program": str(servers.embedded()), "accept_data_loss": True}
        client.set("b", "1")
        # Its own loopback leads nowhere, as in a container.
        done = run_module("redis_restore", url=server.url, **options)
        assert "has not come to 127.0.0.1:" in done["msg"]
        assert (done["touched"], client.info("replication")["role"], client.dbsize()) == (False, "master", 2)
        assert client.config_get("masterauth")["masterauth"] == ""
        address = host.address.rpartition(".")[0] + ".1"
        done = run_module("redis_restore", url=server.url, address=address, **options)
        assert done["restored"] == {"db0": {"keys": 1, "expires": 0}}, done


def test_an_address_at_which_nobody_finds_us_changes_nothing(family_binary, run_module, tmp_path):
    with servers.running(family_binary) as server:
        server.client().set("a", "1")
        taken = backup(run_module, server, tmp_path / "one", program=str(family_binary))
        done = run_module("redis_restore", url=server.url, address="192.0.2.1", accept_data_loss=True, **taken)
        assert "192.0.2.1 is none of this machine" in done["msg"]
        assert (done["touched"], server.client().info("replication")["role"]) == (False, "master")


def test_the_rights_that_the_documentation_names_are_enough(family_binary, run_module, tmp_path):
    look = ["+info", "+config|get", "+bgsave", "+lastsave", "+scan", "+type", "+pttl", "+time", "+select"]
    with servers.running(family_binary, repl_diskless_sync_delay=0) as server:
        client = server.client()
        client.set("a", "1")
        login = {"url": server.url, "login_user": "ops", "login_password": "x", "program": str(family_binary)}

        def allow(*rights):
            client.execute_command("ACL", "SETUSER", "ops", "reset", "on", ">x", "~*", "+ping", *rights)

        allow(*look)
        taken = []
        for way in ("file", "replication"):
            (tmp_path / way).mkdir()
            taken.append(run_module("redis_backup", dest=str(tmp_path / way), way=way, **login))
            allow(*look, "+sync", "+psync", "+replconf")
        assert [row.get("backup", row)["tested"] for row in taken] == [True, True], taken
        allow(*look, "+config|set", "+replicaof")
        done = run_module("redis_restore", src=taken[0]["path"], backup=taken[0]["backup"], accept_data_loss=True, **login)
        assert done.get("restored"), done
        allow("+info", "+select", "+scan", "+unlink", "+dbsize", "+flushdb")
        login.pop("program")
        gone = run_module("redis_flush", by="pattern", pattern="a*", db=0, most_keys=1, **login)
        assert gone["deleted"] == 1, gone
        assert "deleted" in run_module("redis_flush", by="db", db=0, most_keys=1, **login)
