# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""migrate_to_sentinel.yml, add_replica.yml, remove_replica.yml and setup_sentinel.yml on one group of hosts, in the order of its life.

The molecule scenario ``sentinel`` shows a fresh group and a failover.
"""

from __future__ import annotations

import re
import uuid

import pytest

from tests.conftest import FULL
from tests.lab import hosts, servers
from tests.lab.writer import lost, writer

PASSWORDS = {6379: "lab-7f3a", 26379: "lab-91bd"}
ONE_AFTER_THE_OTHER = pytest.mark.xdist_group("sentinel_playbooks")
pytestmark = [pytest.mark.skipif(bool(hosts.why_not()), reason=str(hosts.why_not())), ONE_AFTER_THE_OTHER]
# Every address of the host: what production has, and keeps.
LISTEN = {"bind": "* -::*", "repl-diskless-sync-delay": 0}
VARIABLES = {
    "redis_group": "cache",
    "redis_sentinel_redis_password": PASSWORDS[6379],
    "redis_sentinel_password": PASSWORDS[26379],
    "redis_sentinel_down_after": 1000,
    "redis_sentinel_settings": LISTEN,
    "redis_sentinel_reset_pause": 3,
    "redis_guard_settled": 1,
    "redis_guard_cooldown": 0,
}


@pytest.fixture(scope="module")
def network():
    """Four hosts; the first one has a Redis in production."""
    name = f"aragora-redis-{uuid.uuid4().hex[:8]}"
    try:
        hosts.create(name, dict.fromkeys(("one", "two", "three", "four"), "bookworm"))
        found = {place: hosts.Host(f"{name}-{place}") for place in ("one", "two", "three", "four")}
        found["one"].configure(f"requirepass {PASSWORDS[6379]}", "bind * -::*")
        found["one"].systemctl("start", "redis-server")
        yield found
    finally:
        hosts.destroy(name)


@pytest.fixture
def group(network, play, tmp_path):
    """Run a playbook for the first so many of the hosts: ``group(3, "playbooks/…")``."""

    def run(count, playbook, *words):
        members = {name: hosts.member(host, **VARIABLES) for name, host in list(network.items())[:count]}
        inventory, environment = hosts.inventory(tmp_path, **members)
        return play(playbook, *inventory, *words, timeout=600, **environment)

    return run


def cli(host, *words, port=6379):
    return host.run("env", f"REDISCLI_AUTH={PASSWORDS[port]}", "redis-cli", "-p", str(port), *words).splitlines()


def production(host):
    """The server as an application sees it, from outside of its host."""
    address = host.run("hostname", "--ip-address").split()[0]
    return servers.Server(None, 6379, None, {"requirepass": PASSWORDS[6379]}, address)


def test_a_lone_master_becomes_a_group_without_a_restart_and_without_losing_a_write(network, group):
    master = production(network["one"])
    servers.wait_for(lambda: master.client().ping(), "the master")
    config, started = master.client().config_get(), network["one"].pid()

    planned = group(3, "playbooks/migrate_to_sentinel.yml", "-vvv")
    assert planned.status == 0, planned.output
    assert "one stays the master and is not restarted" in planned.output
    assert master.client().config_get() == config
    assert not network["two"].run("pgrep", "redis", check=False)

    refusals: list[str] = []
    with writer(master, refusals) as acknowledged:
        applied = group(3, "playbooks/migrate_to_sentinel.yml", "-vvv", "-e", "redis_remediation_mode=apply")
    assert applied.status == 0, applied.output
    assert "migrate_to_sentinel resolved" in applied.output
    assert len(acknowledged) > 1000
    assert (refusals, lost(master, acknowledged)) == ([], [])
    assert network["one"].pid() == started
    servers.wait_for(lambda: cli(network["two"], "exists", acknowledged[-1]) == ["1"], "the last write to be on a replica")
    assert cli(network["three"], "sentinel", "ckquorum", "mymaster", port=26379)[0].startswith("OK 3 usable Sentinels")
    assert not any(secret in planned.output + applied.output for secret in PASSWORDS.values())


@pytest.mark.skipif(not FULL, reason="hosts join and leave in make full only: it takes minutes")
def test_a_host_joins_and_leaves_again(network, group):
    joined = group(4, "playbooks/add_replica.yml", "-e", "redis_remediation_mode=apply")
    assert "add_replica resolved" in joined.output, joined.output
    assert cli(network["four"], "sentinel", "ckquorum", "mymaster", port=26379)[0].startswith("OK 4 usable Sentinels")

    leaving = ("-vvv", "-e", "redis_sentinel_leaving=four", "-e", "redis_remediation_mode=apply")
    left = group(4, "playbooks/remove_replica.yml", *leaving)
    assert "remove_replica resolved" in left.output, left.output
    assert not network["four"].run("pgrep", "redis", check=False)
    for name in ("one", "two", "three"):
        assert len(cli(network[name], "sentinel", "replicas", "mymaster", port=26379)) > 0
        assert cli(network[name], "sentinel", "ckquorum", "mymaster", port=26379)[0].startswith("OK 3 usable Sentinels")
    again = group(4, "playbooks/remove_replica.yml", *leaving)
    assert "remove_replica nothing to do" in again.output, again.output

    settled = group(3, "playbooks/setup_sentinel.yml")
    assert settled.status == 0
    assert not re.search(r"changed=[1-9]", settled.output), settled.output
