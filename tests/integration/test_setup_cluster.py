# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""setup_cluster.yml where it must change nothing; molecule/cluster makes clusters."""

from __future__ import annotations

import functools
import json

import pytest

from tests.lab import hosts

SETUP = "playbooks/setup_cluster.yml"
PASSWORD = "setupSecret-5c1d"
OLD_PASSWORD = "earlierSecret-90fe"
on_hosts = pytest.mark.skipif(hosts.why_not() is not None, reason=str(hosts.why_not()))


def said(played):
    return " ".join(played.output.split())


def test_no_host_is_a_sentence(play):
    played = play(SETUP, "-e", "target=nobody")
    assert played.status != 0
    assert "Nothing to set up" in said(played)


@on_hosts
def test_a_host_that_holds_data_is_refused_and_check_mode_tells_what_would_be_made(play, tmp_path):
    with hosts.host() as fresh, hosts.host() as full:
        full.start_redis()
        full.redis("set", "a", "1")
        fresh.configure(f"requirepass {OLD_PASSWORD}")
        before = [host.run("md5sum", hosts.CONFIG) for host in (fresh, full)]
        variables = {"redis_cluster_password": PASSWORD, "redis_cluster_replicas": 0}
        words, environment = hosts.inventory(
            tmp_path, one=hosts.member(fresh), two=hosts.member(fresh), three=hosts.member(fresh), full=hosts.member(full)
        )
        words = [*words, "-e", json.dumps(variables), "-vvv", "--diff"]
        # Whole hosts are slow where many tests run at once.
        play = functools.partial(play, timeout=400)
        refused = play(SETUP, *words, "-e", "target=one:full", **environment)
        checked = play(SETUP, *words, "--check", "-e", "target=redis:!full", **environment)
        full.redis("save")
        full.systemctl("stop", "redis-server")
        stopped = play(SETUP, *words, "-e", "target=full", **environment)
        assert [host.run("md5sum", hosts.CONFIG) for host in (fresh, full)] == before
        assert fresh.systemctl("is-active", "redis-server", check=False).strip() == "inactive"
    assert "full runs a redis that holds data: a cluster is made of empty nodes" in said(refused)
    assert "full has /var/lib/redis/dump.rdb; start the server so that it can be seen" in said(stopped)
    assert checked.status == 0, checked.output
    assert "A cluster would be made of" in said(checked)
    assert "cluster-enabled yes" in checked.output
    output = refused.output + checked.output + stopped.output
    assert PASSWORD not in output
    assert OLD_PASSWORD not in output
