# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_socket_kill on sockets of real servers of this machine."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket

import pytest

from tests.lab import servers
from tests.lab.scenarios.connections import held

pytestmark = pytest.mark.skipif(bool(os.geteuid()) or not shutil.which("ss"), reason="closing sockets of others needs root and ss")


def wait_until_idle(server, count):
    """For two seconds by the kernel's clock: Redis counts begun ones, too."""

    def idle():
        return [row for row in server.client().client_list() if row["name"] == "shop" and int(row["idle"]) >= 3]

    servers.wait_for(lambda: len(idle()) >= count, f"{count} idle connections")


def test_check_kill_again(family_binary, run_module):
    with servers.running(family_binary) as server, held(server, 6):
        wait_until_idle(server, 6)
        options = {"port": server.port, "min_idle": 2, "most": 4}
        would = run_module("redis_socket_kill", **options, _check_mode=True)
        assert (would["changed"], len(would["killed"]), would["holder"]) == (True, 4, "127.0.0.1")
        client = server.client()
        assert client.info("clients")["connected_clients"] == 7
        done = run_module("redis_socket_kill", **options)
        assert (done["changed"], len(done["killed"])) == (True, 4)
        servers.wait_for(lambda: client.info("clients")["connected_clients"] == 3, "the server to notice")
        assert len(run_module("redis_socket_kill", **options)["killed"]) == 2
        again = run_module("redis_socket_kill", **options)
        assert (again["changed"], again["killed"]) == (False, [])


def test_whoever_talks_is_spared(family_binary, run_module):
    with (
        servers.running(family_binary) as server,
        held(server, 3),
        contextlib.closing(socket.create_connection((server.host, server.port))) as one,
    ):
        wait_until_idle(server, 3)

        def talk():
            one.sendall(b"PING\r\n")
            assert one.recv(100) == b"+PONG\r\n"

        done = run_module("redis_socket_kill", port=server.port, min_idle=2, _while=talk)
        assert len(done["killed"]) == 3
        talk()


def test_a_port_without_connections_is_left_alone(run_module):
    result = run_module("redis_socket_kill", port=servers.free_port(), min_idle=1)
    assert (result["changed"], result["holder"], result["connections"]) == (False, None, 0)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [({"port": 0}, "port is 0: give a number"), ({"min_idle": 0}, "min_idle is 0: give a number"), ({"most": 1001}, "most is 1001")],
)
def test_an_option_that_cannot_be_meant_is_a_sentence(run_module, options, sentence):
    result = run_module("redis_socket_kill", **{"port": 6379, "min_idle": 60, **options})
    assert result["failed"]
    assert sentence in result["msg"]
