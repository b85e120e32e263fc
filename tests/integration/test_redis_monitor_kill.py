# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_monitor_kill against every server of the matrix."""

from __future__ import annotations

import contextlib

from tests.lab.scenarios.connections import held


@contextlib.contextmanager
def watchers(server, count):
    """So many clients that run MONITOR, and one that does not."""
    with held(server, count, "forgotten") as clients, held(server, 1, "shop"):
        for client in clients:
            client.connection.send_command("MONITOR")
            client.connection.read_response()
        yield


def names(server):
    return sorted(client["name"] for client in server.client().client_list() if client["name"])


def test_check_change_and_again(server, run_module):
    with watchers(server, 2):
        checked = run_module("redis_monitor_kill", url=server.url, _check_mode=True, _diff=True)
        assert (checked["changed"], len(checked["killed"])) == (True, 2)
        assert names(server) == ["forgotten", "forgotten", "shop"]
        done = run_module("redis_monitor_kill", url=server.url, _diff=True)
        assert [client["name"] for client in done["killed"]] == ["forgotten", "forgotten"]
        assert done["diff"]["after"] == {"monitors": []}
        assert names(server) == ["shop"]
        again = run_module("redis_monitor_kill", url=server.url)
        assert (again["changed"], again["killed"]) == (False, [])


def test_only_those_that_are_named_and_run_it_are_closed(server, run_module):
    with watchers(server, 2):
        rows = {client["name"]: int(client["id"]) for client in server.client().client_list()}
        result = run_module("redis_monitor_kill", url=server.url, ids=[rows["forgotten"], rows["shop"]])
        assert [client["id"] for client in result["killed"]] == [rows["forgotten"]]
        assert names(server) == ["forgotten", "shop"]
