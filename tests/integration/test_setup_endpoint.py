# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""setup_endpoint.yml on a host: the endpoint follows the master, keeps its secret, and a second run changes nothing."""

from __future__ import annotations

import json
import re

import pytest

from tests.lab import hosts
from tests.lab.servers import wait_for

SETUP = "playbooks/setup_endpoint.yml"
PASSWORD = 'planted # "pass" $word-81\''
FOLDER = "/etc/redis-endpoint/redis"

pytestmark = pytest.mark.skipif(bool(hosts.why_not()), reason=str(hosts.why_not()))


@pytest.fixture
def host():
    with hosts.host() as started:
        for port, line in ((7001, "port 7001"), (7002, "port 7002\nreplicaof 127.0.0.1 7001")):
            text = f"{line}\nrequirepass {json.dumps(PASSWORD)}\nmasterauth {json.dumps(PASSWORD)}\ndaemonize yes\n"
            started.run("tee", f"/tmp/{port}.conf", data=text)
            started.run("redis-server", f"/tmp/{port}.conf")
        wait_for(lambda: "link_status:up" in ask(started, 7002, "info", "replication"), "the replica")
        yield started


@pytest.fixture
def setup(play, tmp_path):
    def run(host, *words, **variables):
        path = tmp_path / "endpoint.json"
        servers = [{"name": f"cache{port}", "host": "127.0.0.1", "port": port} for port in (7001, 7002)]
        given = {"redis_endpoint_servers": servers, "redis_endpoint_password": PASSWORD, "redis_endpoint_interval": 200, **variables}
        path.write_text(json.dumps({"redis_endpoint": {"hosts": {"app": hosts.member(host, **given)}}}), encoding="utf-8")
        return play(SETUP, "-i", str(path), *words, timeout=240, **hosts.inventory(tmp_path)[1])

    return run


def ask(host, port, *words):
    return host.run("env", f"REDISCLI_AUTH={PASSWORD}", "redis-cli", "-p", str(port), *words, check=False)


def changes(played):
    assert played.status == 0, played.output
    return int(re.search(r"app\s+: ok=\d+\s+changed=(\d+)", played.output)[1])


def test_the_endpoint_follows_the_master_and_keeps_its_secret(host, setup):
    planned = setup(host, "--check", "--diff")
    assert changes(planned)
    assert host.run("ls", "/etc/redis-endpoint", check=False) == ""
    done = setup(host, "--diff", "-vvv", redis_endpoint_read_port=6381)
    assert changes(done)
    secret = next(line.split()[2] for line in host.run("cat", f"{FOLDER}/10-login.cfg").splitlines() if "setenv" in line)
    assert bytes.fromhex(secret).decode().split("\r\n")[4] == PASSWORD
    assert secret not in done.output
    assert "+  bind 127.0.0.1:6380" in done.output
    assert host.run("stat", "-c", "%U %a", f"{FOLDER}/10-login.cfg").split() == ["root", "600"]
    assert not host.shell(f"find /etc /run /tmp/*.cfg /var/log -type f -perm -o=r -exec grep -l {secret} {{}} + 2>/dev/null", check=False)
    wait_for(lambda: "role:master" in ask(host, 6380, "info", "replication"), "the endpoint to lead to the master")
    wait_for(lambda: "role:slave" in ask(host, 6381, "info", "replication"), "the endpoint to have seen the replica")
    # The replica takes over: what was connected is cut off, and what connects anew arrives there.
    ask(host, 7001, "shutdown", "nosave")
    ask(host, 7002, "replicaof", "no", "one")
    wait_for(lambda: "7002" in ask(host, 6380, "config", "get", "port"), "the endpoint to follow")
    assert "7002" in ask(host, 6381, "config", "get", "port"), "who reads is sent to the master where there is no replica"
    # Of two masters one throws away what it is told.
    host.run("redis-server", "/tmp/7001.conf")
    wait_for(lambda: "PONG" not in ask(host, 6380, "ping"), "the endpoint to refuse two masters")
    ask(host, 7001, "replicaof", "127.0.0.1", "7002")
    wait_for(lambda: "7002" in ask(host, 6380, "config", "get", "port"), "the endpoint to serve again")
    # What HAProxy does not understand is not written.
    broken = setup(host, redis_endpoint_bind="no such place")
    assert broken.status == 2
    assert "PONG" in ask(host, 6380, "ping")


def test_nobody_to_serve_is_an_error(play, tmp_path):
    path = tmp_path / "empty.json"
    path.write_text(json.dumps({"redis": {"hosts": {}}}), encoding="utf-8")
    played = play(SETUP, "-i", str(path))
    assert played.status == 2
    assert "no host is to have an endpoint" in played.output
