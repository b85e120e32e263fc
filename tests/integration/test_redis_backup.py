# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_backup on every server of the matrix: what it writes can be loaded and holds what the server held; what is no good is no backup."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.lab import servers
from tests.lab.scenarios.scenario import fill
from tests.lab.writer import writer

needs_tool = pytest.mark.skipif(not shutil.which("redis-cli"), reason="redis-cli is not on this machine")


def variety(client):
    """Every type, keys that expire, a key that is no text, a second database."""
    client.set("text", "1")
    client.set(b"\xff\x00\r\n", "bytes")
    client.rpush("list", 1, 2)
    client.sadd("set", 1)
    client.zadd("zset", {"a": 1})
    client.hset("hash", "a", 1)
    client.xadd("stream", {"a": 1})
    client.set("short", "1", ex=60)
    client.set("long", "1", ex=3_600)
    client.execute_command("SELECT", 9)
    client.set("elsewhere", "1", ex=500)
    client.execute_command("SELECT", 0)


def leftovers():
    return {path.name for path in Path("/var/tmp").glob("aragora-redis-scratch-*")}


def nothing_is_left(before):
    """Those of tests beside this one come and go; one that was forgotten stays."""
    new = leftovers() - before
    servers.wait_for(lambda: not new & leftovers(), "the folder of the throw-away server has not gone", 30)


def test_a_backup_holds_what_the_server_held(server, binary, run_module, tmp_path):
    variety(server.client(single_connection_client=True))
    before = leftovers()
    done = run_module("redis_backup", url=server.url, dest=str(tmp_path), program=str(binary))
    assert done.get("changed"), done
    backup, path = done["backup"], Path(done["path"])
    assert (backup["way"], backup["tested"], backup["untested_because"]) == ("file", True, "")
    assert backup["said"] == {"db0": {"keys": [9, 9], "expires": [2, 2]}, "db9": {"keys": [1, 1], "expires": [1, 1]}}
    assert backup["counted"]["db0"]["types"] | {"string": 3} == {"hash": 1, "list": 1, "set": 1, "stream": 1, "string": 3, "zset": 1}
    assert backup["counted"]["db9"] == {"keys": 1, "expires": 1, "types": {"string": 1}, "expired": 0}
    assert backup["compared_keys"] >= 7
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert hashlib.sha256(path.read_bytes()).hexdigest() == backup["sha256"]
    nothing_is_left(before)


def test_it_is_taken_while_clients_write(server, binary, run_module, tmp_path):
    fill(server, 20_000, 100, seconds=3_600)
    with writer(server) as acknowledged:
        servers.wait_for(lambda: len(acknowledged) > 100, "the writer to write")
        done = run_module("redis_backup", url=server.url, dest=str(tmp_path), program=str(binary))
    assert done.get("changed"), done
    least, most = done["backup"]["said"]["db0"]["keys"]
    assert least == most == done["backup"]["counted"]["db0"]["keys"]


@needs_tool
def test_without_its_host_it_is_got_by_replication(server, binary, run_module, tmp_path):
    variety(server.client(single_connection_client=True))
    server.client().config_set("repl-diskless-sync-delay", 0)
    done = run_module("redis_backup", url=server.url, dest=str(tmp_path), program=str(binary), way="replication")
    assert done.get("changed"), done
    assert (done["backup"]["way"], done["backup"]["tested"]) == ("replication", True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dump.rdb"]


def test_the_program_of_the_server_itself_is_taken(server, run_module, tmp_path):
    done = run_module("redis_backup", url=server.url, dest=str(tmp_path))
    assert (done["backup"]["tested"], done["backup"]["untested_because"]) == (True, "")


@needs_tool
def test_the_password_is_no_argument_and_the_data_for_its_owner_only(family_binary, run_module, tmp_path):
    seen, modes = [], set()

    def look():
        modes.update(stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("dump.rdb*"))
        seen.append(subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout)

    with servers.running(family_binary, requirepass="Sesame-7391", rdb_key_save_delay=3_000) as server:
        client = server.client()
        client.mset({str(number): "x" for number in range(100)})
        done = run_module("redis_backup", url=f"redis://:Sesame-7391@127.0.0.1:{server.port}", dest=str(tmp_path), way="replication",
                          program=str(family_binary), _while=look)  # fmt: skip
    assert done.get("changed"), done
    assert modes == {0o600}
    assert any("--rdb" in text for text in seen)
    assert not any("Sesame" in text for text in seen)
    assert "Sesame" not in str(done)


def test_nothing_is_written_in_check_mode(family_binary, run_module, tmp_path):
    with servers.running(family_binary) as server:
        server.client().set("a", 1)
        done = run_module("redis_backup", url=server.url, dest=str(tmp_path), _check_mode=True)
        assert done["would"] == "would save (BGSAVE) and copy the file (1 keys now), and load it into a throw-away server to count it"
        assert done["untested_because"] == ""
        done = run_module("redis_backup", url=server.url, dest=str(tmp_path), program="/bin/false", _check_mode=True)
        assert done["would"].endswith("and cannot test it: /bin/false does not say which version it is")
        assert not (server.folder / "dump.rdb").exists()
    assert list(tmp_path.iterdir()) == []


def test_a_save_that_fails_is_no_backup(family_binary, run_module, tmp_path):
    with servers.running(family_binary) as server:
        server.client().set("a", "1")
        (server.folder / "dump.rdb").mkdir()
        done = run_module("redis_backup", url=server.url, dest=str(tmp_path))
    assert "could not save its data" in done["msg"]
    assert list(tmp_path.iterdir()) == []


def test_a_program_that_cannot_read_it_is_no_failure(run_module, tmp_path):
    matrix = servers.matrix()
    if not (matrix["valkey-9.1"] and matrix["redis-6.2"]):
        pytest.skip("valkey-9.1 and redis-6.2 are not both on this machine")
    with servers.running(matrix["valkey-9.1"]) as server:
        server.client().set("a", 1)
        done = run_module("redis_backup", url=server.url, dest=str(tmp_path), program=str(matrix["redis-6.2"]))
    assert (done["backup"]["tested"], done["backup"]["counted"]) == (False, None)
    assert "file of Valkey 9 or newer" in done["backup"]["untested_because"]
    assert done["backup"]["said"] == {"db0": {"keys": [1, 1], "expires": [0, 0]}}


@contextlib.contextmanager
def unable(binary):
    """A program that says which server it is, and can load nothing; whoever runs it."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        program = Path(name) / "redis-server"
        program.write_text(f'#!/bin/sh\n[ "$1" = --version ] && exec {binary} --version\necho "Short read or OOM loading DB"\nexit 1\n')
        program.chmod(0o755)
        yield program


def test_what_cannot_be_loaded_is_no_backup(server, binary, run_module, tmp_path):
    server.client().set("a", 1)
    with unable(binary) as program:
        done = run_module("redis_backup", url=server.url, dest=str(tmp_path), program=str(program))
    assert done["msg"] == "the backup is no good: it cannot be loaded: Short read or OOM loading DB"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else to load a file")
def test_a_program_that_root_alone_may_run_is_no_failure(family_binary, run_module, tmp_path):
    with servers.running(family_binary) as server, unable(family_binary) as program:
        program.parent.chmod(0o700)
        done = run_module("redis_backup", url=server.url, dest=str(tmp_path), program=str(program))
    assert done["backup"]["untested_because"] == f"{program} cannot be run by somebody else than root (Permission denied)"


def test_what_is_there_already_is_not_overwritten(family_binary, run_module, tmp_path):
    (tmp_path / "dump.rdb").write_text("mine")
    with servers.running(family_binary) as server:
        done = run_module("redis_backup", url=server.url, dest=str(tmp_path))
    assert done["failed"]
    assert (tmp_path / "dump.rdb").read_text() == "mine"


def test_a_server_that_is_not_there(run_module, tmp_path):
    assert "127.0.0.1:1" in run_module("redis_backup", url="redis://127.0.0.1:1", dest=str(tmp_path))["msg"]


def test_a_sentinel_holds_no_data(family_binary, run_module, tmp_path):
    with servers.running(family_binary, sentinel_mode=True, save=None) as sentinel:
        assert "is a Sentinel, which holds no data" in run_module("redis_backup", url=sentinel.url, dest=str(tmp_path))["msg"]


@pytest.mark.parametrize(("option", "value"), [("wait_timeout", 0), ("sample", -1)])
def test_numbers_that_cannot_be_meant(run_module, tmp_path, option, value):
    assert option in run_module("redis_backup", url="redis://127.0.0.1:1", dest=str(tmp_path), **{option: value})["msg"]
