# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may be closed, by CLIENT LIST and by what ss tells of sockets; how many clients there may be."""

from __future__ import annotations

import pytest
from ansible_collections.aragora.redis.plugins.module_utils import _client_choice, _client_limits, _host_sockets
from hypothesis import given
from hypothesis import strategies as st

OPTIONS = {"addresses": None, "users": None, "libraries": None, "names": ["shop"], "min_idle": 60, "most": 100, "also": []}
# As ss of iproute2 6.1 writes it; shortened.
SS = (
    "0      0      127.0.0.1:6379 127.0.0.1:48820\n"
    "\t bbr wscale:10,10 rto:204 lastsnd:12 lastrcv:7200012 lastack:12 minrtt:0.004\n"
    "0      0      [::1]:6379 [::1]:48822\n"
    "\t cubic lastsnd:12 lastrcv:12 lastack:12\n"
    "0      0      127.0.0.1:6379 127.0.0.1:48824\n"
    "\t cubic\n"
)


def client(**fields):
    return {"id": 7, "addr": "10.0.0.1:5000", "name": "shop", "user": "default", "idle": 100, "flags": "N", **fields}


def ids(clients, **options):
    return [row["id"] for row in _client_choice.chosen(clients, {**OPTIONS, **options})]


@pytest.mark.parametrize("flags", ["N", "U", "r", "u", "Ur", "NT"])
def test_ordinary_clients_may_go(flags):
    assert ids([client(flags=flags)]) == [7]


@pytest.mark.parametrize("flags", ["S", "M", "P", "O", "b", "x", "xN", "t", "A", "c", "I", "?", ""])
def test_others_are_spared(flags):
    assert ids([client(flags=flags)]) == []


@pytest.mark.parametrize(("kind", "flags"), [("monitor", "O"), ("subscriber", "P"), ("blocked", "b"), ("transaction", "x")])
def test_who_waits_may_go_when_asked_for(kind, flags):
    assert ids([client(flags=flags)], also=[kind]) == [7]
    assert ids([client(flags=flags + "S"), client(flags=flags + "M")], also=[kind]) == []


@pytest.mark.parametrize("fields", [{"idle": 59}, {"idle": None}, {"id": None}, {"name": "sentinel-0123abcd-cmd"}, {"name": "till"}])
def test_who_works_or_is_somebody_else_is_spared(fields):
    row = {name: value for name, value in client(**fields).items() if value is not None}
    assert ids([row], names=["shop", "sentinel-0123abcd-cmd"]) == []


def test_a_monitor_is_never_idle_and_goes_when_asked_for():
    assert ids([client(flags="O", idle=0)], also=["monitor"]) == [7]


def test_every_filter_has_to_match_and_a_library_does_without_its_version():
    rows = [client(id=1, **{"lib-name": "jedis", "lib-ver": "5.1"}), client(id=2, user="ops"), client(id=3, addr="10.0.0.2:1")]
    assert ids(rows, names=None, libraries=["jedis"]) == [1]
    assert ids(rows, names=None, libraries=["jedis 5.1"]) == [1]
    assert ids(rows, users=["ops"]) == [2]
    assert ids(rows, users=["ops"], addresses=["10.0.0.2"]) == []


@given(st.lists(st.integers(0, 200), max_size=30), st.integers(1, 200), st.integers(1, 10))
def test_the_longest_idle_go_first_and_never_more_than_asked_for(idles, min_idle, most):
    rows = [client(id=number, idle=idle) for number, idle in enumerate(idles)]
    chosen = ids(rows, min_idle=min_idle, most=most)
    assert [idles[number] for number in chosen] == sorted((idle for idle in idles if idle >= min_idle), reverse=True)[:most]


def test_who_came_alive_or_is_somebody_else_is_not_chosen_any_more():
    before = [client(id=1), client(id=2)]
    seen = [client(id=1), client(id=2, idle=0), client(id=3)]
    assert _client_choice.still_chosen(seen, before, OPTIONS) == [1]


@pytest.mark.parametrize(("connected", "enough"), [(0, 0), (1, 2), (10, 15), (90, 131), (10_000, 14_500)])
def test_there_is_room_for_nearly_half_as_many_more(connected, enough):
    assert _client_limits.enough(connected) == enough


@pytest.mark.parametrize(("files", "clients"), [(None, None), (10_032, 10_000), (20, 0)])
def test_redis_keeps_files_for_itself(files, clients):
    assert _client_limits.allowed_by(files) == clients


def test_what_a_server_offers_instead_is_understood():
    said = "CONFIG SET failed (…) - The operating system is not able to handle the specified number of clients, try with 19968"
    assert _client_limits.offered(said) == 19_968
    assert _client_limits.offered("ERR unknown command") is None


def test_sockets_are_read_with_how_long_nothing_came():
    assert [(row["peer"], row["idle_seconds"]) for row in _host_sockets.parse(SS)] == [
        ("127.0.0.1:48820", 7200), ("[::1]:48822", 0), ("127.0.0.1:48824", None),
    ]  # fmt: skip


def test_idle_sockets_of_the_address_with_more_than_half_are_chosen():
    sockets = _host_sockets.parse(SS)
    assert _host_sockets.holder(sockets) == "127.0.0.1"
    assert [row["peer"] for row in _host_sockets.chosen(sockets, 60, 10)] == ["127.0.0.1:48820"]


def test_where_nobody_holds_more_than_half_nobody_is_chosen():
    sockets = [{"local": "a:1", "peer": f"10.0.0.{number}:1", "idle_seconds": 99} for number in (1, 2)]
    assert _host_sockets.holder(sockets) is None
    assert _host_sockets.chosen(sockets, 60, 10) == []
    assert _host_sockets.holder([]) is None


@given(st.text())
def test_odd_text_is_no_error(text):
    _host_sockets.chosen(_host_sockets.parse(text), 1, 1)
