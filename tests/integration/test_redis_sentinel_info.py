# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_sentinel_info over real Sentinels: from one of them it finds all, and says where they disagree."""

from __future__ import annotations

import pytest

from tests.lab import sentinels, servers
from tests.lab.servers import free_port, wait_for

NAME = sentinels.NAME


@pytest.fixture(scope="module")
def group(binary):
    with sentinels.watched(binary, requirepass="data", masterauth="data") as watched:
        yield watched


def address(server):
    return f"127.0.0.1:{server.port}"


def test_from_one_sentinel_it_finds_all_and_the_role_of_the_master(group, run_module):
    result = run_module("redis_sentinel_info", url=group.sentinels[0].url, login_password="data")
    assert result["changed"] is False
    assert {view["address"] for view in result["sentinels"]} == {address(guard) for guard in group.sentinels}
    (master,) = result["masters"]
    assert (result["agreed"], master["differences"]) == (True, [])
    assert (master["name"], master["address"], master["quorum"]) == (NAME, address(group.master), 2)
    assert (master["quorum_ok"], master["failover"]) == (True, False)
    assert (master["role"]["role"], len(master["role"]["replicas"])) == ("master", 2)
    for view in result["sentinels"]:
        (row,) = view["masters"]
        assert {replica["address"] for replica in row["replicas"]} == {address(replica) for replica in group.replicas}
        assert (view["tilt"], row["quorum_check"]["ok"], len(row["sentinels"])) == (False, True, 2)


def test_a_list_of_sentinels_and_a_master_that_does_not_let_us_in(group, run_module):
    listed = [address(guard) for guard in group.sentinels[:2]]
    result = run_module("redis_sentinel_info", sentinels=listed, service_name=NAME)
    assert len(result["sentinels"]) == 3
    assert result["masters"][0]["role"]["state"] == "auth_required"


def test_the_login_of_the_servers_may_stand_in_the_url(group, run_module):
    url = f"redis://:data@127.0.0.1:{group.master.port}"
    result = run_module("redis_sentinel_info", url=url, sentinels=[address(group.sentinels[2])], service_name=NAME)
    assert result["masters"][0]["role"]["role"] == "master"
    assert "data" not in str(result["sentinels"])


def test_a_name_that_they_do_not_know(group, run_module):
    result = run_module("redis_sentinel_info", url=group.sentinels[0].url, service_name="other")
    assert (result["agreed"], result["masters"][0]["address"]) == (False, None)
    assert "knows no master 'other'" in result["masters"][0]["differences"][0]


def test_a_silent_one_is_a_result(family_binary, run_module):
    with sentinels.watched(family_binary, replicas=1) as group:
        group.sentinels[2].pause()
        other = f"127.0.0.1:{free_port()}"
        listed = [address(group.sentinels[0]), other]
        result = run_module("redis_sentinel_info", sentinels=listed, service_name=NAME, connect_timeout=1, timeout=1)
    states = {view["address"]: view["state"] for view in result["sentinels"]}
    assert states == {
        address(group.sentinels[0]): "up", address(group.sentinels[1]): "up", address(group.sentinels[2]): "hung", other: "refused",
    }  # fmt: skip
    assert not result["agreed"]
    assert sum("does not answer" in text for text in result["masters"][0]["differences"]) == 2


def test_two_that_name_different_masters(family_binary, run_module):
    with sentinels.watched(family_binary, replicas=1, sentinels=1) as one, sentinels.watched(family_binary, replicas=0, sentinels=1) as two:
        listed = [address(watched.sentinels[0]) for watched in (one, two)]
        result = run_module("redis_sentinel_info", sentinels=listed, service_name=NAME)
    (text,) = [text for text in result["masters"][0]["differences"] if "different masters" in text]
    assert all(address(watched.master) in text for watched in (one, two))


def test_a_master_that_is_down_and_a_server_that_is_no_sentinel(family_binary, run_module):
    with sentinels.watched(family_binary, replicas=0, sentinels=3) as group, servers.running(family_binary) as plain:
        group.master.stop()
        guard = group.sentinels[0]
        wait_for(lambda: "o_down" in sentinels.master_of(guard)["flags"], "the Sentinel to notice")
        result = run_module("redis_sentinel_info", sentinels=[address(guard), address(plain)], service_name=NAME)
    (master,) = result["masters"]
    assert master["role"]["state"] == "refused"
    assert any("takes the master for down (o_down" in text for text in master["differences"])
    assert any("is no Sentinel" in text for text in master["differences"])


@pytest.mark.parametrize("options", [{}, {"sentinels": []}, {"sentinels": ["a@b"]}])
def test_options_that_name_no_sentinel(run_module, options):
    assert run_module("redis_sentinel_info", **options)["failed"]
