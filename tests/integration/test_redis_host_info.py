# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_host_info on this machine: real processes, real sockets, real files, with and without root. Units: test_hosts.py."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.lab import ports, servers

PARTS = {"listeners", "unit", "container", "process", "config", "kernel", "memory", "disk", "files", "firewall", "log", "oom", "network"}
PASSWORD = "Sesame-7391"
MIB = 2**20


@pytest.fixture
def started(family_binary):
    with servers.running(family_binary) as server:
        yield server


def told(server, run_module, **options):
    return run_module("redis_host_info", port=server.port, config_file=str(server.folder / "redis.conf"), **options)


def test_a_running_server(started, run_module):
    result = told(started, run_module)
    host = result["host"]
    assert result["changed"] is False
    assert {"port", *PARTS} == set(host)
    assert host["listeners"] == [{"address": "127.0.0.1", "port": started.port, "waiting": 0}]
    assert host["process"]["pid"] == started.process.pid
    assert host["process"]["state"] in "SR"
    assert host["process"]["rss_bytes"] > MIB
    assert host["process"]["listens_on"] == [f"127.0.0.1:{started.port}"]
    assert host["process"]["open_files_soft"] > 0
    assert host["process"]["age_seconds"] < 60
    assert host["disk"]["path"] == str(started.folder)
    assert 0 < host["disk"]["free_percent"] <= 100
    assert host["config"]["settings"]["port"] == str(started.port)
    assert host["kernel"]["somaxconn"] > 0
    assert host["memory"]["total_bytes"] > host["memory"]["available_bytes"] > 0
    assert host["files"]["data"]["writable"] is True
    assert host["unit"] == {}
    assert host["log"]["reason"] is None
    assert any("Ready to accept connections" in line["text"] for line in host["log"]["lines"])


def test_check_mode_is_the_same(started, run_module):
    assert told(started, run_module, _check_mode=True)["host"]["process"]["pid"] == started.process.pid


def test_nobody_is_there(run_module):
    result = run_module("redis_host_info", port=servers.free_port())
    assert (result["host"]["listeners"], result["host"]["process"], result["host"]["unit"]) == ([], {}, {})


def test_another_program_has_the_port(run_module):
    with ports.web_server() as port:
        host = run_module("redis_host_info", port=port)["host"]
    assert host["process"]["pid"] == os.getpid()
    assert "redis" not in host["process"]["name"]


def test_a_stopped_process(started, run_module):
    started.pause()
    assert told(started, run_module)["host"]["process"]["state"] == "T"


def test_a_busy_process(started, run_module):
    client = started.client(socket_timeout=None)
    with contextlib.closing(client):
        connection = client.connection_pool.get_connection()
        connection.send_command("EVAL", "while true do end", 0)
        servers.wait_for(lambda: told(started, run_module)["host"]["process"]["cpu_percent"] > 50, "the process to be seen busy")
        connection.disconnect()


def test_connections_that_are_not_accepted_yet(started, run_module):
    started.pause()
    with contextlib.ExitStack() as stack:
        for dummy in range(3):
            stack.enter_context(contextlib.closing(servers.socket.create_connection(("127.0.0.1", started.port), 5)))
        assert told(started, run_module)["host"]["listeners"][0]["waiting"] >= 3


def test_the_last_rdb(started, run_module):
    client = started.client()
    client.set("key", "x" * 1000)
    client.save()
    disk = told(started, run_module)["host"]["disk"]
    assert disk["rdb_bytes"] > 100
    assert disk["rdb_age_seconds"] < 60


def test_why_it_did_not_start_without_the_password_that_was_misspelt(family_binary, run_module, tmp_path):
    with servers.running(family_binary, wait=False, folder=tmp_path, maxmemroy="10mb") as server:
        servers.wait_for(lambda: server.process.poll() is not None, "the server to give up")
    # Its first words go to standard error, as those of a unit go to the journal.
    again = subprocess.run([family_binary, tmp_path / "redis.conf"], capture_output=True, text=True, timeout=20, check=False)
    (tmp_path / "log").write_text((again.stdout + again.stderr).replace("maxmemroy", "requirepas"))
    log = told(server, run_module)["host"]["log"]
    assert log["reason"] == "bad_directive"
    assert log["config_line"] == "requirepas ***"
    assert log["config_line_number"] > 0


def test_a_port_in_use_is_named_from_the_log_file(started, family_binary, run_module, tmp_path):
    with servers.running(family_binary, wait=False, folder=tmp_path, port=started.port) as second:
        servers.wait_for(lambda: second.process.poll() is not None, "the second server to give up")
        result = run_module("redis_host_info", port=started.port, config_file=str(tmp_path / "redis.conf"))
    assert result["host"]["log"]["reason"] == "port_in_use"


def test_no_secret_is_told(family_binary, run_module):
    with servers.running(family_binary, config_file=False, requirepass=PASSWORD, masterauth=PASSWORD, set_proc_title="no") as server:
        assert PASSWORD not in json.dumps(run_module("redis_host_info", port=server.port))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"port": 0}, "port is 0: give a number from 1 to 65535"),
        ({"port": 70000}, "port is 70000"),
        ({"log_lines": -1}, "log_lines is -1"),
        ({"unit": "--version"}, "does not begin with a dash"),
        ({"port": "many"}, "port"),
    ],
)
def test_options_that_cannot_be_meant(run_module, options, sentence):
    result = run_module("redis_host_info", **options)
    assert result["failed"]
    assert sentence in result["msg"]


def test_what_is_missing_is_said(run_module, started, tmp_path):
    result = told(started, run_module, data_dir=str(tmp_path / "nowhere"), container="no-such-container")
    assert "nowhere" in result["denied"]["disk"]
    assert "container" in result["denied"]
    assert result["host"]["process"]["pid"] == started.process.pid


READ = """
import json, shutil, sys
from ansible_collections.aragora.redis.plugins.module_utils import _host_reading
if sys.argv[2:] == ["bare"]:
    shutil.which = lambda *words, **options: None
print(json.dumps(_host_reading.read(json.loads(sys.argv[1]))))
"""


def read_by(python, collections, server, *words, **how):
    """What another Python, or another user, reads; nothing but the standard library is needed for that."""
    options = {"port": server.port, "unit": None, "container": None, "data_dir": None, "config_file": None, "log_lines": 5}
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(collections), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [python, "-c", READ, json.dumps(options), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment, cwd="/", **how)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def runs(python, **how):
    return bool(python) and not subprocess.run([python, "-c", ""], check=False, capture_output=True, timeout=20, **how).returncode


@pytest.fixture
def code_for_all():
    """The code where every user may read it."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        place = Path(folder) / "ansible_collections" / "aragora" / "redis" / "plugins"
        shutil.copytree(ROOT / "plugins" / "module_utils", place / "module_utils", ignore=shutil.ignore_patterns("__pycache__"))
        yield folder


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_without_root_what_needs_it_is_listed_and_the_rest_is_there(started, code_for_all):
    nobody = {"user": 65534, "group": 65534, "extra_groups": []}
    if not Path("/usr/bin/python3").exists() or not runs("/usr/bin/python3", **nobody):
        pytest.skip("there is no Python that nobody may run")
    result = read_by("/usr/bin/python3", code_for_all, started, **nobody)
    assert result["host"]["process"]["pid"] == started.process.pid, "found by its name"
    assert result["host"]["process"]["rss_bytes"] > 0
    assert result["host"]["process"]["listens_on"] is None
    assert result["host"]["kernel"]["overcommit_memory"] is not None
    assert result["host"]["disk"] is None
    assert "needs root (-b)" in result["denied"]["disk"]
    assert "firewall" in result["denied"]


def test_missing_tools_are_named_and_nothing_fails(started):
    result = read_by(sys.executable, ROOT / "collections", started, "bare")
    assert result["denied"]["firewall"] == "nft is not installed; iptables is not installed; ip6tables is not installed"
    assert "dmesg is not installed" in result["denied"]["oom"]
    assert result["host"]["process"]["pid"] == started.process.pid


@pytest.mark.parametrize("version", ["3.9", "3.13"])
def test_it_runs_on_other_pythons_without_anything_installed(started, version):
    python = next(
        iter([*Path.home().glob(f".pyenv/versions/{version}.*/bin/python"), *filter(None, [shutil.which(f"python{version}")])]), ""
    )
    if not runs(python):
        pytest.skip(f"python{version} is not on this machine")
    assert read_by(python, ROOT / "collections", started)["host"]["process"]["pid"] == started.process.pid


def test_it_is_quick(started, run_module):
    begun = time.monotonic()
    told(started, run_module)
    assert time.monotonic() - begun < 10
