# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_sentinel on real Sentinels: what is declared is set by its own commands, and no failover is undone."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import redis

from tests.lab import sentinels, servers
from tests.lab.scenarios import sentinels as of_sentinels
from tests.lab.servers import wait_for

PLANTED = "open-sesame-7f3a"


@pytest.fixture
def guard(binary):
    """A Sentinel that watches nothing, and a server with a password."""
    with servers.running(binary, sentinel_mode=True, save=None) as sentinel, servers.running(binary, requirepass=PLANTED) as master:
        yield sentinel, master


def file_of(sentinel):
    return (sentinel.folder / "redis.conf").read_text()


def test_check_change_again_and_back(guard, run_module):
    sentinel, master = guard
    monitor = {"name": "cache", "host": "127.0.0.1", "port": master.port, "quorum": 1, "down_after_milliseconds": 700, "auth_pass": PLANTED}
    wanted = {"url": sentinel.url, "monitors": [monitor], "announce_ip": "127.0.0.1", "resolve_hostnames": True, "peer_password": PLANTED}
    checked = run_module("redis_sentinel", _check_mode=True, _diff=True, **wanted)
    assert checked["changed"] is True, checked
    assert "cache" not in file_of(sentinel)

    changed = run_module("redis_sentinel", _diff=True, wait_sentinels=1, **wanted)
    assert (changed["changed"], changed["persisted"], changed["diff"]) == (True, True, checked["diff"]), changed
    assert changed["diff"]["after"]["cache"] == f"127.0.0.1:{master.port}"
    assert changed["diff"]["after"]["cache auth-pass"] == "*** (changed)"
    assert f"sentinel monitor cache 127.0.0.1 {master.port} 1" in file_of(sentinel)
    said = sentinels.flat(sentinel.client().execute_command("SENTINEL", "MASTER", "cache"))
    assert (said["down-after-milliseconds"], said["quorum"]) == ("700", "1")

    again = run_module("redis_sentinel", _diff=True, **wanted)
    assert (again["changed"], again["not_compared"]) == (False, []), again

    other = run_module("redis_sentinel", url=sentinel.url, monitors=[{**monitor, "quorum": 2, "auth_pass": "other"}], _diff=True)
    assert set(other["diff"]["after"]) == {"cache quorum", "cache auth-pass"}
    gone = run_module("redis_sentinel", url=sentinel.url, monitors=[{"name": "cache", "state": "absent"}])
    assert (gone["changed"], gone["masters"]) == (True, {})
    assert run_module("redis_sentinel", url=sentinel.url, monitors=[{"name": "cache", "state": "absent"}])["changed"] is False
    assert PLANTED not in json.dumps([checked, changed, again, other, gone])


def test_a_login_that_the_file_cannot_hold_is_refused_and_others_stay(guard, run_module):
    sentinel, master = guard
    monitor = {"name": "cache", "host": "127.0.0.1", "port": master.port, "quorum": 1}
    for odd in ("a b", "a'b", 'a"b', "a\nb"):
        refused = run_module("redis_sentinel", url=sentinel.url, monitors=[{**monitor, "auth_pass": odd}])
        assert "auth_pass of 'cache' holds a space or a quote" in refused["msg"], refused
    assert "cache" not in file_of(sentinel)
    wanted = {"url": sentinel.url, "monitors": [{**monitor, "auth_pass": "back\\slash#mark"}]}
    assert [run_module("redis_sentinel", **wanted)["changed"] for dummy in range(2)] == [True, False]


def test_a_failover_is_not_undone(family_binary, run_module):
    with sentinels.watched(family_binary, replicas=1, sentinels=3) as group:
        old = group.master.port
        promoted = group.failover()
        monitor = {
            "name": sentinels.NAME,
            "host": "127.0.0.1",
            "port": old,
            "quorum": 2,
            "down_after_milliseconds": sentinels.DOWN_AFTER_MS,
        }
        before = [sentinels.master_of(guard)["config-epoch"] for guard in group.sentinels]
        for guard in group.sentinels:
            result = run_module("redis_sentinel", url=guard.url, monitors=[monitor])
            assert (result["changed"], result["moved"]) == (False, [sentinels.NAME])
            assert result["masters"][sentinels.NAME]["port"] == promoted.port
        assert [sentinels.master_of(guard)["config-epoch"] for guard in group.sentinels] == before


def test_a_login_that_cannot_be_compared_is_set_when_it_is_wrong(family_binary, run_module, tmp_path):
    """Without its file, as by URL: whether the login is right is seen by what Sentinel makes of the master."""
    with servers.running(family_binary, requirepass=PLANTED) as master:
        lines = f"monitor cache 127.0.0.1 {master.port} 1\ndown-after-milliseconds cache 300"
        with servers.running(family_binary, sentinel_mode=True, save=None, sentinel=lines) as sentinel:
            config = sentinel.folder / "redis.conf"
            wait_for(lambda: "s_down" in _cache(sentinel)["flags"], "it to call the master down")
            config.rename(tmp_path / "elsewhere")
            wanted = {"url": sentinel.url, "monitors": [{"name": "cache", "auth_pass": PLANTED}]}
            assert run_module("redis_sentinel", **wanted)["changed"] is True
            wait_for(lambda: "s_down" not in _cache(sentinel)["flags"], "it to log in")
            Path(config).unlink(missing_ok=True)
            again = run_module("redis_sentinel", **wanted)
            assert (again["changed"], again["not_compared"]) == (False, ["cache"])


def _cache(sentinel):
    return sentinels.flat(sentinel.client().execute_command("SENTINEL", "MASTER", "cache"))


def test_what_is_refused_leaves_everything_as_it_was(guard, run_module):
    sentinel, master = guard
    monitors = [
        {"name": "one", "host": "127.0.0.1", "port": master.port, "quorum": 1},
        {"name": "two", "host": "no.such.host.invalid", "quorum": 1},
    ]
    result = run_module("redis_sentinel", url=sentinel.url, announce_port=7000, monitors=monitors)
    assert "refuses SENTINEL MONITOR two" in result["msg"]
    assert result["msg"].endswith("nothing was changed")
    assert run_module("redis_sentinel", url=sentinel.url, announce_port=0)["changed"] is False


def test_a_file_that_cannot_be_written_is_told(guard, run_module):
    sentinel, master = guard
    (sentinel.folder / "redis.conf").unlink()
    (sentinel.folder / "redis.conf").mkdir()
    result = run_module(
        "redis_sentinel", url=sentinel.url, monitors=[{"name": "one", "host": "127.0.0.1", "port": master.port, "quorum": 1}]
    )
    version = sentinel.client().info("server")["redis_version"]
    # Older ones do not tell.
    assert result["changed"] is True, result
    assert result["persisted"] is version.startswith("6."), result


def test_an_incomplete_group_is_waited_for_in_vain(family_binary, run_module):
    with sentinels.watched(family_binary, replicas=1, sentinels=1) as group:
        monitors = [{"name": sentinels.NAME}]
        url = group.sentinels[0].url
        result = run_module("redis_sentinel", url=url, monitors=monitors, wait_sentinels=2, wait_replicas=2, wait_timeout=1)
        assert "1 of 2 Sentinels" in result["msg"]
        assert "1 of 2 replicas" in result["msg"]
        assert run_module("redis_sentinel", url=url, monitors=monitors, wait_sentinels=1, wait_replicas=1)["changed"] is False


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"monitors": [{"name": "a"}, {"name": "a"}]}, "declared twice"),
        ({"monitors": [{"name": "a", "quorum": 0}]}, "quorum of 'a' is 0"),
        ({"monitors": [{"name": "a", "auth_user": "me"}]}, "without auth_pass"),
        ({"monitors": [{"name": "a"}]}, "host and quorum"),
        ({"wait_timeout": -1}, "wait_timeout"),
    ],
)
def test_what_cannot_be_meant(family_binary, run_module, options, expected):
    with servers.running(family_binary, sentinel_mode=True, save=None) as sentinel:
        assert expected in run_module("redis_sentinel", url=sentinel.url, **options)["msg"]


def test_a_server_is_no_sentinel(family_binary, run_module):
    with servers.running(family_binary) as server:
        assert "is no Sentinel" in run_module("redis_sentinel", url=server.url)["msg"]


def test_who_is_gone_for_good_is_forgotten_and_nobody_else(family_binary, run_module):
    with sentinels.watched(family_binary, replicas=2, sentinels=1) as group:
        guard, gone = group.sentinels[0], group.replicas[0]
        monitors = [{"name": sentinels.NAME, "forget": [f"127.0.0.1:{gone.port}", "127.0.0.1:1"]}]
        alive = run_module("redis_sentinel", url=guard.url, monitors=monitors)
        assert "still answers" in alive["msg"]
        gone.stop()
        wait_for(lambda: "s_down" in _flags(guard, gone), "the Sentinel to miss it")
        checked = run_module("redis_sentinel", url=guard.url, monitors=monitors, _check_mode=True, _diff=True)
        assert checked["diff"]["before"] == {f"{sentinels.NAME} remembers": f"127.0.0.1:{gone.port}"}
        assert _flags(guard, gone) != ""
        done = run_module("redis_sentinel", url=guard.url, monitors=monitors, wait_replicas=1)
        assert done["changed"] is True
        assert _flags(guard, gone) == ""
        assert "slave" in _flags(guard, group.replicas[1])
        assert run_module("redis_sentinel", url=guard.url, monitors=monitors)["changed"] is False
        # While the master is down, everybody is needed who is left.
        group.replicas[1].stop()
        group.master.stop()
        wait_for(lambda: "o_down" in sentinels.master_of(guard)["flags"], "the Sentinel to miss the master")
        monitors[0]["forget"] = [f"127.0.0.1:{group.replicas[1].port}"]
        refused = run_module("redis_sentinel", url=guard.url, monitors=monitors)
        assert "wait until the group is well" in refused["msg"]


def _flags(guard, replica):
    rows = map(sentinels.flat, guard.client().execute_command("SENTINEL", "REPLICAS", sentinels.NAME))
    return next((row["flags"] for row in rows if int(row["port"]) == replica.port), "")


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to another user")
def test_it_is_asked_to_write_its_file(family_binary, run_module):
    with of_sentinels.SCENARIOS["sentinel_config_readonly"].make(family_binary) as place:
        failed = run_module("redis_sentinel", url=place["url"], flush=True)
        assert "has not written its file" in failed["msg"]
        with redis.Redis.from_url(place["url"]) as client:
            folder = Path(client.info("server")["config_file"]).parent
        shutil.chown(folder, of_sentinels.NOBODY, of_sentinels.NOBODY)
        done = run_module("redis_sentinel", url=place["url"], flush=True)
        assert (done.get("persisted"), done["changed"]) == (True, False), done
