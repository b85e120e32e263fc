# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_client_slot against every server of the matrix."""

from __future__ import annotations

import contextlib
import threading

import pytest

from tests.lab import servers
from tests.lab.scenarios.connections import held


@contextlib.contextmanager
def leaving(clients, seconds=1.5):
    """One of the clients goes after a while."""
    timer = threading.Timer(seconds, clients[-1].close)
    timer.start()
    try:
        yield
    finally:
        timer.join()


def maxclients(client):
    return int(client.config_get("maxclients")["maxclients"])


def test_check_raise_again_back(binary, run_module):
    with servers.running(binary, maxclients=10) as server, held(server, 10) as clients:
        would = run_module("redis_client_slot", url=server.url, _check_mode=True)
        assert (would["changed"], would["maxclients"], would["attempts"]) == (True, None, 1)
        with leaving(clients):
            done = run_module("redis_client_slot", url=server.url, wait_timeout=20, persist="rewrite", _diff=True)
        assert done["changed"] is True
        assert (done["maxclients"], done["connected"], done["previous"]) == (15, 10, {"maxclients": "10"})
        assert done["attempts"] > 1
        assert done["persisted"] is True
        assert "maxclients 15" in (server.folder / "redis.conf").read_text()
        again = run_module("redis_client_slot", url=server.url, persist="rewrite")
        assert (again["changed"], again["maxclients"], again["previous"], again["attempts"]) == (False, 15, {}, 1)
        back = run_module("redis_config", url=server.url, settings=done["previous"])
        assert back["changed"] is True
        assert maxclients(clients[0]) == 10


def test_when_nobody_goes_it_says_so_in_time(binary, run_module):
    with servers.running(binary, maxclients=10) as server, held(server, 10) as clients:
        result = run_module("redis_client_slot", url=server.url, wait_timeout=1)
        assert result["failed"]
        assert "no connection became free in 1 s" in result["msg"]
        assert maxclients(clients[0]) == 10


def test_as_many_as_the_server_offers(binary, run_module):
    """Its limit of open files is in the way of more."""
    few = ("prlimit", "--nofile=500:500", "setpriv", "--bounding-set=-sys_resource", "--inh-caps=-sys_resource")
    with servers.running(binary, maxclients=100, launcher=few) as server:
        done = run_module("redis_client_slot", url=server.url, maxclients=5000)
        assert done["changed"] is True
        assert 400 < done["maxclients"] <= 468
        assert maxclients(server.client()) == done["maxclients"]
        refused = run_module("redis_client_slot", url=server.url, maxclients=5000)
        assert refused["failed"]
        assert "not able to handle the specified number of clients" in refused["msg"]


@pytest.mark.parametrize(("options", "expected"), [({"maxclients": 50}, 100), ({"maxclients": 200, "most": 150}, 150), ({}, 100)])
def test_it_never_lowers_and_keeps_to_the_most(binary, run_module, options, expected):
    with servers.running(binary, maxclients=100) as server:
        assert run_module("redis_client_slot", url=server.url, **options)["maxclients"] == expected
        assert maxclients(server.client()) == expected


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"maxclients": 0}, "maxclients is 0: give a number from 1"),
        ({"wait_timeout": -1}, "wait_timeout is -1"),
        ({"most": 0}, "most is 0"),
    ],
)
def test_an_option_that_cannot_be_meant_is_a_sentence(run_module, options, sentence):
    result = run_module("redis_client_slot", url="redis://127.0.0.1:1", **options)
    assert result["failed"]
    assert sentence in result["msg"]


def test_a_server_that_is_gone_is_not_waited_for(run_module):
    result = run_module("redis_client_slot", url=f"redis://127.0.0.1:{servers.free_port()}")
    assert result["failed"]
    assert "refuses" in result["msg"] or "listens" in result["msg"]
