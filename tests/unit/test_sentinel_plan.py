# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a declaration would change on one Sentinel."""

from __future__ import annotations

import pytest
from ansible_collections.aragora.redis.plugins.module_utils import _sentinel_plan
from ansible_collections.aragora.redis.plugins.module_utils._sentinel_server import sentinel_argument_spec

NOW = {"name": "cache", "ip": "10.0.0.2", "port": 6379, "quorum": 2, "down-after-milliseconds": 5000, "flags": ["master"]}
FILE = """# comment
sentinel myid 0123456789
sentinel monitor cache 10.0.0.2 6379 2
Sentinel auth-pass cache "a b"
sentinel monitor other 10.0.0.3 6379 2
sentinel auth-pass broken "
requirepass x
"""


def options(monitor=None, **more):
    spec = sentinel_argument_spec()
    given = [{name: option.get("default") for name, option in spec["monitors"]["options"].items()} | monitor] if monitor else []
    return {**{name: option.get("default") for name, option in spec.items()}, **more, "monitors": given}


def commands(wanted, masters=None, config=None, logins=None):
    return [" ".join(step.command) for step in _sentinel_plan.plan(wanted, masters or {}, config or {}, logins or {})]


@pytest.mark.parametrize(
    ("monitor", "login", "expected"),
    [
        ({"host": "10.0.0.1", "quorum": 2}, None, []),
        ({"host": "10.0.0.1", "quorum": 3}, None, ["SENTINEL SET cache quorum 3"]),
        ({"auth_pass": "x"}, None, []),
        ({"auth_pass": "x"}, {}, ["SENTINEL SET cache auth-pass x"]),
        ({"auth_pass": "x"}, {"auth-pass": "x"}, []),
        ({"state": "absent"}, None, ["SENTINEL REMOVE cache"]),
    ],
)
def test_a_group_that_is_watched_keeps_its_address(monitor, login, expected):
    logins = {} if login is None else {"cache": login}
    assert commands(options({"name": "cache", **monitor}), {"cache": NOW}, logins=logins) == expected


def test_a_new_group_is_watched_with_its_login():
    wanted = options({"name": "cache", "host": "10.0.0.1", "quorum": 2, "failover_timeout": 9, "auth_pass": "x"})
    first, *others = commands(wanted)
    assert first == "SENTINEL MONITOR cache 10.0.0.1 6379 2"
    assert others == ["SENTINEL SET cache failover-timeout 9", "SENTINEL SET cache auth-pass x"]
    assert commands(options({"name": "cache", "state": "absent"})) == []


def test_settings_of_the_sentinel_itself():
    config = {"resolve-hostnames": "no", "announce-ip": "", "announce-port": "0", "sentinel-pass": "x"}
    wanted = options(resolve_hostnames=True, announce_hostnames=None, announce_ip="cache1", announce_port=0, peer_password="x")
    assert commands(wanted, config=config) == ["SENTINEL CONFIG SET resolve-hostnames yes", "SENTINEL CONFIG SET announce-ip cache1"]


def test_a_secret_shows_that_it_changes_only():
    steps = _sentinel_plan.plan(options({"name": "cache", "auth_pass": "x"}), {"cache": NOW}, {}, {"cache": {"auth-pass": "y"}})
    shown = _sentinel_plan.diff(steps, "a:1")
    assert (shown["before"], shown["after"]) == ({"cache auth-pass": "***"}, {"cache auth-pass": "*** (changed)"})


def test_the_file_of_a_sentinel_tells_its_logins():
    assert _sentinel_plan.logins_of(FILE) == {"cache": {"auth-pass": "a b"}, "other": {}, "broken": {"auth-pass": '"'}}
    assert _sentinel_plan.id_in(FILE) == "0123456789"


@pytest.mark.parametrize(
    ("master", "quorum", "expected"),
    [
        ({**NOW, "num-other-sentinels": 2, "num-slaves": 2}, "OK 3 usable Sentinels", []),
        ({**NOW, "num-other-sentinels": 1, "num-slaves": 2}, "OK", ["2 of 3 Sentinels of 'cache' are known"]),
        ({**NOW, "num-other-sentinels": 2, "num-slaves": 1}, "OK", ["1 of 2 replicas of 'cache' are known"]),
        ({**NOW, "num-other-sentinels": 2, "num-slaves": 2}, "NOQUORUM 1 usable", ["'cache': NOQUORUM 1 usable"]),
        ({**NOW, "flags": ["s_down"], "num-other-sentinels": 2, "num-slaves": 2}, "OK", ["'cache' (10.0.0.2:6379) is down"]),
    ],
)
def test_what_is_not_yet_there_of_a_group(master, quorum, expected):
    found = _sentinel_plan.missing(master, quorum, 3, 2)
    assert len(found) == len(expected)
    assert all(part in sentence for part, sentence in zip(expected, found))
