# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""prevent.yml by URL: plan, apply, once more, and back. What it does on a host: molecule/hardening, and the incidents 67 and 68."""

from __future__ import annotations

import json

import pytest
import redis

from tests.lab import hosts, servers
from tests.lab.scenarios.scenario import pair

PREVENT = "playbooks/prevent.yml"
OF_SHOP, OF_DIAGNOSE, OF_REMEDIATE = "Sesame-shop-7391", "Sesame-look-7391", "Sesame-mend-7391"
APPLY = ("-e", "redis_remediation_mode=apply", "-e", "redis_guard_settled=1", "-e", "redis_guard_cooldown=0")


@pytest.fixture
def given(tmp_path):
    """The variables of a run, the secrets from a file as they would be from a vault."""
    variables = {
        "redis_hardening_users": ["shop"],
        "redis_hardening_diagnose_password": OF_DIAGNOSE,
        "redis_hardening_remediate_password": OF_REMEDIATE,
        "redis_hardening_maxmemory": "100mb",
        "redis_guard_host": "localhost",
        "redis_guard_dir": f"{tmp_path}/guard",
    }
    (tmp_path / "vault.json").write_text(json.dumps(variables))
    return ("-e", f"@{tmp_path}/vault.json")


def shop_of(server):
    # On a slow machine the looks of this test would be slow commands, which an application may need.
    server.client().config_set("slowlog-log-slower-than", 10_000_000)
    server.client().execute_command("ACL", "SETUSER", "shop", "on", f">{OF_SHOP}", "~*", "+@all", "-@admin")
    server.client().config_rewrite()


def state_of(played):
    (row,) = played.report["timeline"]
    return row["state"], row["why"]


def looks(server):
    client = server.client()
    return client.config_get("*"), client.acl_list(), (server.folder / "redis.conf").read_text()


def may(server, user, password, *command):
    try:
        server.client(username=user, password=password).execute_command(*command)
    except redis.exceptions.NoPermissionError:
        return False
    return True


# One on a new Valkey, the other one on an old Redis: a run takes ten seconds, and what a release understands test_privileges.py shows.
@pytest.mark.parametrize("family_binary", ["valkey-9.1"], indirect=True)
def test_a_plan_changes_nothing_then_it_is_done_and_then_there_is_nothing_to_do(family_binary, play, given):
    with servers.running(family_binary) as server:
        shop_of(server)
        before = looks(server)
        planned = play(PREVENT, *given, REDIS_URL=server.url)
        assert planned.status == 0, planned.output
        assert looks(server) == before
        assert "declares the user ops_diagnose" in planned.output
        done = play(PREVENT, *given, *APPLY, "-vvv", "--diff", REDIS_URL=server.url)
        assert done.status == 0, done.output
        assert state_of(done) == ("resolved", "")
        assert not [secret for secret in (OF_SHOP, OF_DIAGNOSE, OF_REMEDIATE) if secret in done.output]
        assert may(server, "ops_diagnose", OF_DIAGNOSE, "INFO")
        assert may(server, "ops_remediate", OF_REMEDIATE, "CONFIG", "SET", "timeout", "0")
        assert may(server, "shop", OF_SHOP, "SET", "a", "b")
        assert not may(server, "shop", OF_SHOP, "KEYS", "*")
        assert not may(server, "shop", OF_SHOP, "FLUSHALL")
        assert server.client().config_get("maxmemory") == {"maxmemory": str(100 * 2**20)}
        assert "user ops_remediate" in (server.folder / "redis.conf").read_text(), "it is kept over a restart"
        again = play(PREVENT, *given, *APPLY, REDIS_URL=server.url)
        assert again.status == 0, again.output
        assert state_of(again)[0] == "nothing_to_do"


@pytest.mark.parametrize("family_binary", ["redis-6.2"], indirect=True)
def test_what_somebody_calls_stays_and_all_is_given_back_on_request(family_binary, play, given):
    with servers.running(family_binary) as server:
        shop_of(server)
        server.client().keys("*")
        done = play(PREVENT, *given, *APPLY, REDIS_URL=server.url)
        assert done.status == 0, done.output
        state, why = state_of(done)
        assert state == "mitigated"
        assert why.startswith("not done: KEYS stays allowed to shop: called 1 times since the start")
        assert may(server, "shop", OF_SHOP, "KEYS", "*")
        assert not may(server, "shop", OF_SHOP, "FLUSHALL")
        back = play(PREVENT, *given, *APPLY, "-e", "redis_hardening_state=absent", REDIS_URL=server.url)
        assert back.status == 0, back.output
        assert state_of(back)[0] == "resolved"
        assert may(server, "shop", OF_SHOP, "FLUSHALL")
        assert set(server.client(decode_responses=True).acl_users()) == {"default", "shop"}


@pytest.mark.parametrize("family_binary", ["valkey-9.1"], indirect=True)
def test_what_does_not_hold_is_put_back(family_binary, play, given):
    with pair(family_binary) as (master, replica):
        shop_of(master)
        before = set(master.client(decode_responses=True).acl_list())
        # The replica hangs: the canary is never acknowledged, so nobody knows whether the group works.
        replica.pause()
        played = play(PREVENT, *given, *APPLY, "-e", "redis_guard_verify_timeout=6", REDIS_URL=master.url)
        assert set(master.client(decode_responses=True).acl_list()) == before
        assert master.client().config_get("maxmemory") == {"maxmemory": "0"}
    assert played.status == 2
    assert "the old state is back" in played.output


@pytest.mark.skipif(bool(hosts.why_not()), reason=str(hosts.why_not()))
def test_a_host_gets_back_what_it_had(play, tmp_path):
    with hosts.host() as host:
        host.shell("echo 0 > /run/overcommit && mount --bind /run/overcommit /proc/sys/vm/overcommit_memory")
        host.drop_in("[Service]\nLimitNOFILE=500\n")
        host.configure("maxmemory 100mb")
        host.start_redis()
        files = "ls /etc/sysctl.d /etc/tmpfiles.d /etc/systemd/system/redis-server.service.d"
        before = host.shell(files)
        inventory, environment = hosts.inventory(tmp_path, cache=hosts.member(host))
        done = play(PREVENT, *inventory, *APPLY, **environment)
        assert done.status == 0, done.output
        assert host.run("cat", "/proc/sys/vm/overcommit_memory").strip() == "1"
        assert host.shell(files) != before
        back = play(PREVENT, *inventory, *APPLY, "-e", "redis_hardening_state=absent", **environment)
        assert back.status == 0, back.output
        assert host.run("cat", "/proc/sys/vm/overcommit_memory").strip() == "0"
        assert host.shell(files) == before
        assert "LimitNOFILE=500\n" in host.systemctl("show", "--property=LimitNOFILE", "redis-server")
