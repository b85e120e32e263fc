# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The writer of the incident suite sees every kind of loss; what it calls kept was kept."""

from __future__ import annotations

import pytest

from tests.incidents.kept import KNOWN, Keeper, know, looks
from tests.lab import servers
from tests.lab.scenarios.scenario import fill

REPORT = {"targets": [{"findings": [{"id": "eviction_active"}]}], "timeline": []}


@pytest.fixture
def filled(family_binary):
    with servers.running(family_binary) as server:
        know({"url": server.url})
        fill(server, 100, 10, "page:", 3600)
        yield server


def written(client):
    return client.exists("written:200")


def test_what_is_there_was_kept(filled):
    with Keeper({"url": filled.url}, KNOWN) as keeper:
        servers.wait_for(lambda: written(filled.client()), "the writer")
    assert (keeper.told["lost"], keeper.told["remembered"]) == (0, 1100)
    assert keeper.told["written"] >= 200
    assert keeper.trouble(REPORT) == ""


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda client: client.delete("page:7"), "b'page:7' is gone"),
        (lambda client: client.append("page:7", "y"), "b'page:7' has another value"),
        (lambda client: client.expire("page:7", 900), "b'page:7' expires in"),
        (lambda client: client.persist("page:7") and client.expire("known:3", 60), "known:3"),
        (lambda client: client.delete("written:5"), "written:5 was acknowledged and is gone"),
        (lambda client: client.set("written:5", "other"), "written:5 was acknowledged and is another"),
        (lambda client: client.expire("written:10", 60), "written:10 expires in"),
    ],
)
def test_what_is_lost_is_named(filled, spoil, said):
    with Keeper({"url": filled.url}, KNOWN) as keeper:
        servers.wait_for(lambda: written(filled.client()), "the writer")
        spoil(filled.client())
    assert "were lost: " in keeper.trouble(REPORT)
    assert said in keeper.trouble(REPORT)


def test_what_was_evicted_may_be_lost_where_a_finding_announced_it(family_binary):
    with servers.running(family_binary, maxmemory="10mb", maxmemory_policy="allkeys-lru") as server:
        fill(server, 2000, 1000)
        with Keeper({"url": server.url}) as keeper:
            fill(server, 20_000, 1000, "more:")
    assert 0 < keeper.told["lost"] <= keeper.told["evicted"]
    assert keeper.trouble(REPORT) == ""
    assert "keys were lost" in keeper.trouble({"targets": [], "timeline": []})


def test_a_server_without_a_known_key_has_lost_it(family_binary):
    with servers.running(family_binary) as server, Keeper({"url": server.url}, KNOWN) as keeper:
        servers.wait_for(lambda: written(server.client()), "the writer")
    assert keeper.told["lost"] == KNOWN.count


def test_a_look_sees_settings_data_and_process(family_binary):
    with servers.running(family_binary) as server:
        place = {"url": server.url}
        seen = [looks(place)]
        assert looks(place) == seen[0]
        server.client().config_set("maxmemory", 0 if server.client().config_get("maxmemory")["maxmemory"] != "0" else "1gb")
        seen.append(looks(place))
        server.client().set("a", "1")
        seen.append(looks(place))
        server.client().set("a", "2")
        seen.append(looks(place))
    seen.append(looks(place))
    assert len({str(one) for one in seen}) == len(seen)
