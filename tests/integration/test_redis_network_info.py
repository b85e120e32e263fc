# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_network_info on real servers: every hop on which the way can end."""

from __future__ import annotations

import pytest

from tests.lab import ports, servers
from tests.lab.scenarios.availability import tls_server

TLS = pytest.mark.skipif(not servers.matrix().get(servers.WITH_TLS[0]), reason="needs a server that is built with TLS")


def network(run_module, **options):
    result = run_module("redis_network_info", **{"connect_timeout": 1.0, **options})
    assert result["changed"] is False
    return result["network"]


def test_the_whole_way(binary, run_module):
    with servers.running(binary, requirepass="secret") as server:
        told = network(run_module, url=f"redis://:secret@localhost:{server.port}")
        assert told["answer"]["state"] == "up"
        assert told["name"]["error"] is None
        (row,) = [row for row in told["addresses"] if row["address"] == "127.0.0.1"]
        assert (row["state"], row["source"], row["family"]) == ("open", "127.0.0.1", "ipv4")
        assert row["connect_ms"] < 1000
        assert network(run_module, login_port=server.port)["answer"]["state"] == "auth_required"


def test_a_name_that_does_not_resolve(run_module):
    told = network(run_module, login_host="no-such-host.invalid")
    assert told["name"]["error"]
    assert (told["addresses"], told["answer"]) == ([], None)


def test_a_port_that_refuses_and_one_that_is_silent(run_module):
    refused = network(run_module, login_port=servers.free_port())
    assert [row["state"] for row in refused["addresses"]] == ["refused"]
    with ports.full_backlog() as port:
        silent = network(run_module, login_port=port)
    assert [(row["state"], row["reason"]) for row in silent["addresses"]] == [("timeout", "host_answers")]
    assert silent["answer"] is None


@TLS
def test_tls_tells_of_a_certificate_that_is_not_good(run_module):
    with tls_server(servers.matrix()[servers.WITH_TLS[0]], days=(-20, -10)) as (server, authority):
        port = int(server.options["tls-port"])
        told = network(run_module, login_port=port, tls=True, ca_certs=str(authority))
        assert (told["answer"]["state"], told["answer"]["reason"]) == ("tls", "expired")
        assert (told["tls"]["names"], told["tls"]["certificate"]["days_left"] < 0) == (["127.0.0.1"], True)
        assert network(run_module, login_port=port)["answer"]["reason"] == "plain_on_tls_port"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"url": "unix:///run/redis.sock"}, "no network leads to the socket /run/redis.sock"),
        ({"connect_timeout": 0}, "connect_timeout is 0.0: give seconds"),
    ],
)
def test_what_cannot_be_meant_is_a_sentence(run_module, options, sentence):
    result = run_module("redis_network_info", **options)
    assert result["failed"]
    assert sentence in result["msg"]
