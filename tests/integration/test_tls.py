# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers that are reached over TLS alone, with a certificate of one's own: what works without TLS works with it."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys

import pytest

from tests.conftest import FULL, ROOT
from tests.lab import sentinels, servers, tls
from tests.lab.scenarios.scenario import fill

PASSWORD = "Sesame-5120"
APPLY = ("-e", "redis_remediation_mode=apply", "-e", "redis_guard_settled=0.5", "-e", "redis_guard_cooldown=0")
LIMIT = 20 * 1024 * 1024


def program(name):
    binary = servers.matrix()[name]
    if binary is None:
        pytest.skip(f"{name}, which speaks TLS, is not on this machine")
    return binary


@pytest.fixture(scope="module", params=servers.WITH_TLS)
def tls_binary(request):
    return program(request.param)


@pytest.fixture(scope="module")
def circle(tmp_path_factory):
    return tls.circle(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """A certificate that another CA has signed."""
    return tls.circle(tmp_path_factory.mktemp("stranger"), "other CA")


@pytest.fixture(params=servers.WITH_TLS if FULL else servers.WITH_TLS[:1])
def server(request, circle):
    with tls.closed(program(request.param), circle, requirepass=PASSWORD, maxmemory=LIMIT, appendonly="yes") as started:
        yield started


@pytest.fixture
def secure(play, tmp_path):
    """Run a playbook on a server by its URL, with the files of somebody, a ledger and a folder for backups."""

    def run(playbook, url, files, *words, **environment):
        where = {"redis_connection": files, "redis_guard_host": "localhost", "redis_guard_dir": f"{tmp_path}/guard"}
        where["redis_backup_dir"] = f"{tmp_path}/backups"
        played = play(f"playbooks/{playbook}.yml", "-e", json.dumps(where), *words, "-vvv", REDIS_URL=url, **environment)
        left = [path.read_text(encoding="utf-8", errors="replace") for path in tmp_path.rglob("*") if path.is_file()]
        assert PASSWORD not in "".join((played.output, *left))
        assert "PRIVATE KEY" not in "".join((played.output, *left))
        return played

    return run


def url_of(server):
    return f"rediss://:{PASSWORD}@127.0.0.1:{server.port}"


def rows(played):
    return [(row["action"], row["state"]) for row in played.report["timeline"]]


def test_it_is_diagnosed_mended_and_reported(secure, circle, server):
    fill(server, 30_000, 1000)
    url = url_of(server)
    looked = secure("diagnose", url, circle.connection)
    assert (looked.status, looked.report["targets"][0]["availability"]["state"]) == (0, "up"), looked.output[-3000:]
    assert looked.ids()[0] == "memory_limit_reached"
    done = secure("remediate", url, circle.connection, *APPLY, "-e", json.dumps({"redis_remediation_allow": ["tune_memory"]}))
    assert ("tune_memory", "resolved") in rows(done), done.output[-3000:]
    assert int(server.client().config_get("maxmemory")["maxmemory"]) > LIMIT
    told = secure("report", url, circle.connection)
    assert told.status == 0, told.output[-3000:]


def test_its_keys_are_read_backed_up_and_restored(secure, circle, server):
    server.client().mset({"a": "1", "b": "2"})
    url = url_of(server)
    scanned = secure("diagnose", url, circle.connection, "-e", "redis_diagnosis_keyspace=full")
    assert scanned.status == 0, scanned.output[-3000:]
    kept = secure("backup", url, circle.connection)
    assert rows(kept) == [("backup", "resolved")], kept.output[-3000:]
    server.client().delete("a")
    restored = secure("restore", url, circle.connection, *APPLY, "-e", "redis_restore_accept_data_loss=true")
    assert rows(restored) == [("restore", "resolved")], restored.output[-3000:]
    assert server.client().get("a") == b"1"


@pytest.fixture(scope="module")
def group(tls_binary, circle):
    """A master, a replica and Sentinels, all over TLS. None of the tests changes it but the last."""
    lines = f"sentinel-pass {PASSWORD}\ndown-after-milliseconds {sentinels.NAME} 5000"
    with tls.watched(tls_binary, circle, requirepass=PASSWORD, masterauth=PASSWORD, sentinel_lines=lines) as watched:
        yield watched


def by_sentinels(group, circle):
    return {
        **circle.connection,
        "sentinels": [f"127.0.0.1:{group.sentinels[0].port}"],
        "service_name": sentinels.NAME,
        "sentinel_tls": True,
    }


class TestSentinels:
    """Over TLS, by host and port and by URL."""

    def test_the_master_is_found_through_them(self, group, circle, run_module):
        found = run_module("redis_info", **by_sentinels(group, circle), tls=True, login_password=PASSWORD, window=0)["snapshot"]
        assert (found["availability"]["state"], found["server"]["port"]) == ("up", group.master.port), found["availability"]
        assert found["server"]["role"] == "master"

    def test_a_sentinel_is_read_by_its_url(self, group, circle, run_module):
        found = run_module("redis_info", url=group.sentinels[0].url, **circle.connection, window=0)["snapshot"]
        assert (found["server"]["mode"], found["denied"]) == ("sentinel", {})
        (master,) = found["sentinel"]["masters"]
        assert master["port"] == group.master.port

    @pytest.mark.parametrize("by_url", [True, False])
    def test_all_of_them_are_asked(self, group, circle, run_module, by_url):
        where = (
            {"url": group.sentinels[0].url, **circle.connection, "tls": True} if by_url else {**by_sentinels(group, circle), "tls": True}
        )
        told = run_module("redis_sentinel_info", **where, login_password=PASSWORD)
        assert ([view["state"] for view in told["sentinels"]], told["agreed"]) == (["up"] * 3, True), told
        assert told["masters"][0]["role"]["role"] == "master", told

    def test_sentinels_of_another_circle_are_not_trusted(self, group, circle, stranger, run_module):
        other = {**by_sentinels(group, circle), **stranger.connection, "tls": True, "login_password": PASSWORD}
        availability = run_module("redis_info", **other, window=0)["snapshot"]["availability"]
        assert (availability["state"], availability["reason"]) == ("tls", "unknown_ca")

    def test_a_replica_is_declared_and_a_setting_set(self, group, circle, run_module):
        (replica,) = group.replicas
        where = {"url": replica.url, "login_password": PASSWORD, **circle.connection}
        follows = {"role": "replica", "master_host": "127.0.0.1", "master_port": group.master.port, "master_password": PASSWORD}
        again = run_module("redis_replication", **where, **follows)
        assert again.get("changed") is False, again
        asked = run_module("redis_replication", **where, **follows, ask_sentinels=[f"127.0.0.1:{group.sentinels[0].port}"])
        assert asked.get("changed") is False, asked

    def test_a_switchover(self, group, circle, run_module):
        options = {**by_sentinels(group, circle), "tls": True, "login_password": PASSWORD, "cooldown": 0, "patience": 10}
        done = run_module("redis_failover", **options)
        assert done.get("changed"), done
        assert done["master"] == f"127.0.0.1:{group.replicas[0].port}"


@pytest.fixture
def files(request, circle, stranger):
    """What somebody brings along who will not get in."""
    old = circle.authority.issue("old", days=(-20, -10))
    of_circle, of_stranger = circle.connection, stranger.connection
    return {
        "none": {"ca_certs": of_circle["ca_certs"]},
        "stranger's": {**of_stranger, "ca_certs": of_circle["ca_certs"]},
        "expired": {**of_circle, "client_cert_file": str(old.certificate), "client_key_file": str(old.key)},
        "stranger's CA": {**of_circle, "ca_certs": of_stranger["ca_certs"]},
        "not its key": {**of_circle, "client_key_file": of_stranger["client_key_file"]},
        "no key in the file": {**of_circle, "client_key_file": of_circle["ca_certs"]},
        "another name": of_circle,
    }[request.param]


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ("none", "client_certificate_required"),
        ("stranger's", "client_certificate_refused"),
        ("expired", "client_certificate_refused"),
        ("stranger's CA", "unknown_ca"),
        ("not its key", "unreadable_file"),
        ("no key in the file", "unreadable_file"),
        ("another name", "hostname_mismatch"),
    ],
    indirect=["files"],
)
def test_who_may_not_get_in_is_told_why(tls_binary, circle, run_module, files, reason):
    with tls.closed(tls_binary, circle) as server:
        url = server.url.replace("127.0.0.1", "localhost") if reason == "hostname_mismatch" else server.url
        for dummy in range(2):
            availability = run_module("redis_info", url=url, **files, window=0)["snapshot"]["availability"]
            assert (availability["state"], availability["reason"]) == ("tls", reason), availability
        refused = run_module("redis_config", url=url, **files, settings={})
    assert (refused["failed"], refused["availability"]["reason"]) == (True, reason), refused
    assert "PRIVATE KEY" not in json.dumps(refused)


def test_a_key_with_a_passphrase_is_refused_and_asked_for_by_nobody(tls_binary, circle):
    """At a terminal OpenSSL would wait there for the passphrase, for ever."""
    locked = circle.authority.locked(circle.client, PASSWORD)
    files = {**circle.connection, "client_key_file": str(locked.key)}
    with tls.closed(tls_binary, circle) as server:
        options = json.dumps({"ANSIBLE_MODULE_ARGS": {"url": server.url, **files, "window": 0}})
        module = f"{sys.executable} {ROOT}/plugins/modules/redis_info.py {shlex.quote(options)}"
        said = subprocess.run(
            ["script", "-qec", module, "/dev/null"], capture_output=True, text=True, timeout=30, check=False, env=at_home()
        )
    assert "pass phrase" not in said.stdout
    availability = json.loads(said.stdout)["snapshot"]["availability"]
    assert (availability["state"], availability["reason"]) == ("tls", "unreadable_file")


def at_home():
    """An environment in which modules find the collection."""
    return {**os.environ, "PYTHONPATH": str(ROOT / "collections")}
