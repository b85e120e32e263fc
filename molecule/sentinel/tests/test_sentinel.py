# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""After a failover and one more run of the playbook: the promoted master is still the master, of everybody, with the data."""

from __future__ import annotations

import pytest
import testinfra

HOSTS = {"one": "/etc/redis", "two": "/etc/redis", "three": "/etc/valkey"}
PASSWORDS = {6379: "molecule-7f3a", 26379: "molecule-91bd"}


def host(name):
    return testinfra.get_host(f"docker://molecule-sentinel-{name}")


def cli(name, *words, port=6379):
    return host(name).check_output(f"REDISCLI_AUTH={PASSWORDS[port]} redis-cli -p {port} {' '.join(words)}").splitlines()


def test_the_promoted_master_stays():
    assert cli("two", "role")[0] == "master"
    assert cli("two", "get", "molecule") == ["sentinel"]
    address = cli("two", "config", "get", "replica-announce-ip")[1]
    for name in ("one", "three"):
        assert cli(name, "role")[:4] == ["slave", address, "6379", "connected"]
    for name in HOSTS:
        assert cli(name, "sentinel", "get-master-addr-by-name", "mymaster", port=26379) == [address, "6379"]


@pytest.mark.parametrize("name", HOSTS)
def test_the_sentinels_can_fail_over_again(name):
    assert cli(name, "sentinel", "ckquorum", "mymaster", port=26379)[0].startswith("OK 3 usable Sentinels")


@pytest.mark.parametrize("name", HOSTS)
@pytest.mark.parametrize("port", PASSWORDS)
def test_nobody_is_let_in_without_a_password(name, port):
    assert "NOAUTH" in host(name).check_output(f"redis-cli -p {port} info")


@pytest.mark.parametrize("name", HOSTS)
def test_what_was_declared_outlives_a_restart(name):
    folder = HOSTS[name]
    (config,) = (path for path in host(name).file(folder).listdir() if path in ("redis.conf", "valkey.conf"))
    for path, line in ((config, "min-replicas-to-write 1"), ("sentinel.conf", "sentinel down-after-milliseconds mymaster 1000")):
        assert host(name).file(f"{folder}/{path}").contains(f"^{line}")
        assert host(name).file(f"{folder}/{path}").mode & 0o007 == 0
