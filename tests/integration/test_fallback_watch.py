# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The watch of a fallback: it reminds when the time is over, and ends the fallback only when Redis is master again."""

from __future__ import annotations

import json

import pytest
from ansible_collections.aragora.redis.plugins.module_utils import _fallback_redis

from tests.lab import certificates, hosts, servers, shop_unit

PASSWORD = "watchSecret-51"


@pytest.mark.parametrize("user", ["", "app"])
def test_a_master_is_known_by_its_role(family_binary, user):
    with servers.running(family_binary, requirepass=PASSWORD) as server:
        client = server.client()
        client.execute_command("ACL", "SETUSER", "app", "on", f">{PASSWORD}", "~*", "+ping", "+info")
        assert _fallback_redis.stays_master(f"redis://{user}:{PASSWORD}@127.0.0.1:{server.port}/0?socket_timeout=2", 0)
        assert _fallback_redis.role(f"redis://{user}:wrong@127.0.0.1:{server.port}") == ""
        assert _fallback_redis.role(f"redis://127.0.0.1:{server.port}") == ""
        client.replicaof("127.0.0.1", "1")
        assert _fallback_redis.role(f"redis://{user}:{PASSWORD}@127.0.0.1:{server.port}") == "slave"
    assert _fallback_redis.role(f"redis://127.0.0.1:{server.port}") == ""


@pytest.mark.parametrize(("trusts", "role"), [(True, "master"), (False, "")])
def test_a_master_is_asked_over_tls(tmp_path, trusts, role):
    binary = servers.matrix()["redis-7.0"]
    if binary is None:
        pytest.skip("the only server with TLS is Debian's, which is not on this machine")
    authority = certificates.Authority(tmp_path)
    pair = authority.issue("good")
    tls = {"tls_cert_file": pair.certificate, "tls_key_file": pair.key, "tls_ca_cert_file": authority.file, "tls_auth_clients": "no"}
    port = servers.free_port()
    with servers.running(binary, tls_port=port, **tls):
        url = f"rediss://127.0.0.1:{port}/0"
        assert _fallback_redis.role(f"{url}?ssl_ca_certs={authority.file}" if trusts else url) == role
        assert _fallback_redis.role(f"{url}?ssl_cert_reqs=none") == "master"


on_hosts = pytest.mark.skipif(bool(hosts.why_not()), reason=str(hosts.why_not()))
HOOKS = "/etc/aragora-redis/remind.d"
LEASE = "/var/lib/aragora-redis/fallback/shop.service.json"
# The time of all holders is over, and nobody has been reminded.
OVER = (
    "import json; path = '"
    + LEASE
    + "'; lease = json.load(open(path)); lease['reminded'] = lease['revert_failed'] = 0; lease['settled'] = 0\n"
    "for held in lease['holders'].values(): held['until'] = 1\n"
    "json.dump(lease, open(path, 'w'))"
)


@pytest.fixture
def shop():
    """A host with the service in its fallback, and a Redis with a password that does not run."""
    with hosts.host() as host:
        shop_unit.install(host, PASSWORD)
        shop_unit.install_module(host)
        host.configure(f"requirepass {PASSWORD}")
        for state in ("enabled", "restarted", "awaited", "confirmed"):
            assert not shop_unit.fallback(host, state, incident="INC-1").get("failed")
        yield host


def looked(shop):
    """What the watch says in one look, as its unit."""
    shop.run("systemctl", "start", "aragora-redis-fallback-shop.service", check=False)
    text = shop.shell("journalctl --unit aragora-redis-fallback-shop --output cat --no-pager --lines 50")
    assert PASSWORD not in text
    return text


def over(shop):
    shop.run("python3", "-c", OVER)


def phase(shop):
    return shop_unit.fallback(shop, "queried")["status"]["phase"]


def start_redis(shop):
    shop.systemctl("start", "redis-server")
    servers.wait_for(lambda: "PONG" in shop.run("redis-cli", "-a", PASSWORD, "ping", check=False), "Redis")


@on_hosts
def test_it_reminds_once_and_ends_it_when_redis_is_a_master_again(shop):
    assert "its time is over" not in looked(shop)
    shop.shell(f"mkdir -p {HOOKS}; printf '#!/bin/sh\\ncat >>/run/reminded\\n' >{HOOKS}/page; cp {HOOKS}/page {HOOKS}/open")
    shop.shell(f"chmod 700 {HOOKS}/page; chmod 777 {HOOKS}/open")
    over(shop)
    assert "Redis does not answer as master" in looked(shop)
    assert looked(shop).count("its time is over") == 1
    reminded = json.loads(shop.run("cat", "/run/reminded"))
    assert (reminded["name"], reminded["holders"]) == ("shop.service", ["INC-1"])
    start_redis(shop)
    shop.run("redis-cli", "-a", PASSWORD, "replicaof", "127.0.0.1", "1")
    looked(shop)
    assert phase(shop) == "on"
    shop.run("redis-cli", "-a", PASSWORD, "replicaof", "no", "one")
    shop.shell("echo 'we migrate' >/var/lib/aragora-redis/freeze")
    looked(shop)
    assert phase(shop) == "on"
    shop.shell("rm /var/lib/aragora-redis/freeze")
    assert "the fallback is off" in looked(shop)
    assert phase(shop) == "off"
    assert shop_unit.starts(shop)[-1]["REDIS_URL"].endswith("@127.0.0.1:6379/0")
    audit = [json.loads(line) for line in shop.run("cat", "/var/lib/aragora-redis/audit.jsonl").splitlines()]
    assert [(line["action"], line["outcome"], line["who"]) for line in audit] == [
        ("fallback_disable", "resolved", "aragora-redis-fallback")
    ]
    assert not shop.shell("find /etc -name 'aragora-redis-fallback*' -o -name ansible")


@on_hosts
def test_an_application_that_does_not_come_back_keeps_its_fallback_and_is_left_alone(shop):
    start_redis(shop)
    shop.shell("echo SHOP_BROKEN=redis >>/etc/shop/env")
    over(shop)
    assert "is not ready within 10 s" in looked(shop)
    assert phase(shop) == "on"
    assert shop_unit.starts(shop)[-1]["REDIS_URL"] == ""
    starts = len(shop_unit.starts(shop))
    looked(shop)
    assert len(shop_unit.starts(shop)) == starts


@on_hosts
def test_its_files_in_other_hands_are_left_to_people(shop):
    start_redis(shop)
    shop.shell("echo '# mine' >>/etc/systemd/system/shop.service.d/zz-aragora-redis-fallback.conf")
    over(shop)
    assert "was changed by somebody" in looked(shop)
    assert phase(shop) == "on"
