# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CLIENT LIST as data."""

from __future__ import annotations

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._clients import (
    KINDS,
    MEASURES,
    MOST_GROUPS,
    WORST,
    address_of,
    aggregate,
    counts,
    grouped,
    matching,
    parse,
    without,
    worst,
)
from hypothesis import given
from hypothesis import strategies as st

# As the releases of the matrix write it.
OLD = (
    "id=3 addr=127.0.0.1:50000 laddr=127.0.0.1:6379 fd=8 name= age=12 idle=5 flags=N db=0 sub=0 psub=0 multi=-1 qbuf=26 "
    "qbuf-free=32742 argv-mem=10 obl=0 oll=0 omem=0 tot-mem=61466 events=r cmd=client user=default redir=-1\n"
)
NEW = (
    "id=4 addr=[2001:db8::7]:50001 laddr=[2001:db8::1]:6379 fd=9 name=checkout age=7300 idle=7200 flags=N db=0 sub=0 psub=0 ssub=0 "
    "multi=-1 watch=0 qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 rbs=1024 rbp=0 "
    "obl=0 oll=0 omem=0 tot-mem=1928 events=r cmd=get user=shop redir=-1 "
    "resp=2 lib-name=redis-py lib-ver=5.0.1 io-thread=0 tot-net-in=1 tot-net-out=2 tot-cmds=3\n"
)


def _line(**fields):
    defaults = {
        "id": 1,
        "addr": "10.0.0.1:5000",
        "name": "",
        "age": 1,
        "idle": 0,
        "flags": "N",
        "tot-mem": 100,
        "omem": 0,
        "user": "default",
    }
    return " ".join(f"{name}={value}" for name, value in {**defaults, **{k.replace("_", "-"): v for k, v in fields.items()}}.items()) + "\n"


def test_lines_of_old_and_new_servers_are_clients():
    old, new = parse(OLD + NEW)
    assert (old["id"], old["addr"], old["name"], old["tot-mem"], old["user"]) == (3, "127.0.0.1:50000", "", 61466, "default")
    assert (new["id"], new["name"], new["idle"], new["lib-name"], new["lib-ver"]) == (4, "checkout", 7200, "redis-py", "5.0.1")


@pytest.mark.parametrize("text", ["", "\n", "\n\n"])
def test_no_lines_are_no_clients(text):
    assert parse(text) == []
    assert aggregate(parse(text))["total"] == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "a=b=c"),
        ("name", "flags=O"),
        ("name", "<script>alert(1)</script>"),
        ("name", "{{lookup('pipe','id')}}"),
        ("name", "***"),
        ("user", "a\u2028b"),
        ("user", "a\x85b\x1cc"),
        ("user", "(superuser)"),
        ("lib-name", "go-redis(,go1.21)"),
        ("lib-name", "jedis=4"),
    ],
)
def test_a_hostile_value_stays_a_value_of_its_own_field(field, value):
    (client,) = parse(_line(**{field: value}))
    assert client[field] == value
    assert client["flags"] == "N"
    assert aggregate([client])["total"] == 1


def test_a_number_that_is_none_is_left_out():
    (client,) = parse(_line(idle="soon", tot_mem="²", omem="٣", age="-1"))
    assert {"idle", "tot-mem", "omem"}.isdisjoint(client)
    assert client["age"] == -1
    assert aggregate([client])["normal_memory_bytes"] == 0


def test_our_own_connection_is_not_counted():
    clients = parse(_line(id=1) + _line(id=2))
    assert aggregate(clients, own_id=1)["total"] == 1
    assert aggregate(clients, own_id=None)["total"] == 2
    assert aggregate([{"addr": "10.0.0.1:5"}], own_id=None)["total"] == 1


@pytest.mark.parametrize(
    ("flags", "counted"),
    [
        ("N", {"normal"}),
        ("b", {"normal", "blocked"}),
        ("x", {"normal"}),
        ("U", {"normal"}),
        ("P", {"pubsub"}),
        ("Pb", {"pubsub", "blocked"}),
        ("S", {"replicas"}),
        ("M", set()),
        ("O", set()),
    ],
)
def test_flags_decide_what_a_client_counts_as(flags, counted):
    found = aggregate(parse(_line(flags=flags)))
    assert {name for name in ("normal", "blocked", "pubsub", "replicas") if found[name]} == counted


@pytest.mark.parametrize(
    ("flags", "idle", "counted"), [("N", 3601, 1), ("N", 3600, 0), ("b", 9999, 0), ("P", 9999, 0), ("S", 9999, 0), ("x", 9999, 1)]
)
def test_only_normal_clients_idle_and_those_that_wait_by_trade_do_not(flags, idle, counted):
    assert aggregate(parse(_line(flags=flags, idle=idle)))["idle_over_hour"] == counted


def test_clients_are_grouped_by_address_user_and_library():
    text = (
        _line(id=1, addr="10.0.0.1:5000", name="b", idle=7200)
        + _line(id=2, addr="10.0.0.1:5001", name="a", user="shop", lib_name="jedis", lib_ver="5.1")
        + _line(id=3, addr="[::1]:5002", user="shop", lib_name="jedis")
    )
    found = aggregate(parse(text))
    assert [(row["name"], row["connections"]) for row in found["by_address"]] == [("10.0.0.1", 2), ("::1", 1)]
    assert [(row["name"], row["connections"]) for row in found["by_user"]] == [("shop", 2), ("default", 1)]
    assert [(row["name"], row["connections"]) for row in found["by_library"]] == [("jedis", 1), ("jedis 5.1", 1)]
    assert found["by_address"][0] == {
        "name": "10.0.0.1", "connections": 2, "idle_over_hour": 1, "blocked": 0, "pubsub": 0, "memory_bytes": 200, "output_bytes": 0,
        "oldest_seconds": 1, "client_names": ["a", "b"],
    }  # fmt: skip


def test_a_crowd_is_cut_to_its_largest_groups():
    found = aggregate(parse("".join(_line(id=n, addr=f"10.0.{n % 60}.1:5000", tot_mem=n) for n in range(200))))
    assert len(found["by_address"]) == MOST_GROUPS
    assert [row["connections"] for row in found["by_address"]] == [4] * MOST_GROUPS
    assert [client["memory_bytes"] for client in found["worst"]] == list(range(199, 199 - WORST, -1))


def test_monitors_are_shown_with_who_they_are():
    (monitor,) = aggregate(parse(_line(id=9, flags="O", name="forgotten", age=77)))["monitors"]
    assert (monitor["id"], monitor["name"], monitor["age_seconds"], monitor["address"]) == (9, "forgotten", 77, "10.0.0.1:5000")


def test_sentinels_are_counted_by_the_names_of_their_connections():
    names = ("sentinel-2b015fde-cmd", "sentinel-2b015fde-pubsub", "sentinel-f56da808-cmd", "sentinel-shop", "")
    assert aggregate(parse("".join(_line(id=number, name=name) for number, name in enumerate(names))))["sentinels"] == 2


def test_memory_falls_back_to_the_output_buffer():
    assert aggregate([{"id": 1, "flags": "N", "omem": 7}])["normal_memory_bytes"] == 7


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("10.0.0.1:5000", "10.0.0.1"),
        ("[2001:db8::7]:5000", "2001:db8::7"),
        ("/run/redis.sock:0", "/run/redis.sock"),
        ("?:0", "?"),
        ("host", "host"),
        ("", ""),
    ],
)
def test_an_address_has_a_host(address, host):
    assert address_of(address) == host


@given(st.text())
def test_any_text_can_be_counted(text):
    clients = parse(text)
    found = aggregate(clients)
    assert found["total"] == len(clients) == len([line for line in text.split("\n") if line])


@given(st.lists(st.tuples(st.sampled_from(["idle", "tot-mem", "omem", "flags", "id", "user", "addr", "lib-name"]), st.text())))
def test_any_value_in_any_field_can_be_counted(fields):
    found = aggregate(parse(" ".join(f"{name}={value}" for name, value in fields)))
    assert found["total"] >= found["normal"] >= found["idle_over_hour"] >= 0


CROWD = parse(
    _line(id=1, addr="10.0.0.1:5000", user="shop", name="checkout", idle=100, omem=5)
    + _line(id=2, addr="10.0.0.1:5001", user="shop", name="basket", flags="b", idle=5000, age=6000)
    + _line(id=3, addr="10.0.0.2:5002", user="ops", name="checkout", flags="P", idle=7000, tot_mem=900)
    + _line(id=4, addr="[::1]:5003", user="ops", flags="O", tot_mem=300)
)


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ({}, [1, 2, 3, 4]),
        ({"addresses": ["10.0.0.1"]}, [1, 2]),
        ({"addresses": ["10.0.0.1:5001", "::1"]}, [2, 4]),
        ({"addresses": ["10.0.0"]}, []),
        ({"users": ["ops"]}, [3, 4]),
        ({"names": ["checkout"]}, [1, 3]),
        ({"names": [""]}, [4]),
        ({"flags": ["b"]}, [2]),
        ({"flags": ["P", "O"]}, [3, 4]),
        ({"flags": ["o"]}, []),
        ({"min_idle": 5000}, [2, 3]),
        ({"min_idle": 0}, [1, 2, 3, 4]),
        ({"users": ["shop"], "min_idle": 101}, [2]),
    ],
)
def test_filters_choose_among_the_clients_and_all_of_them_must_pass(filters, ids):
    assert [client["id"] for client in matching(CROWD, **filters)] == ids


def test_clients_are_counted_by_sort():
    assert counts(CROWD) == {
        "total": 4, "normal": 2, "idle_over_hour": 0, "blocked": 1, "pubsub": 1, "replicas": 0, "monitors": 1,
        "normal_memory_bytes": 200, "memory_bytes": 1400, "output_bytes": 5,
    }  # fmt: skip


@pytest.mark.parametrize(("measure", "ids"), [("memory", [3, 4, 1]), ("output", [1]), ("idle", [1]), ("age", [2, 1, 3])])
def test_the_worst_are_ahead_by_a_measure_and_have_some_of_it(measure, ids):
    assert [client["id"] for client in worst(CROWD, measure, 3)] == ids


def test_a_group_of_names_tells_what_its_clients_do():
    (checkout, basket) = grouped(CROWD, "name")
    assert (checkout["name"], checkout["connections"], checkout["pubsub"], checkout["output_bytes"]) == ("checkout", 2, 1, 5)
    assert (basket["name"], basket["blocked"], basket["oldest_seconds"]) == ("basket", 1, 6000)


def test_everybody_counts_where_the_own_connection_is_not_known():
    assert without(CROWD, None) == CROWD
    assert [client["id"] for client in without(CROWD, 3)] == [1, 2, 4]


@given(st.text(), st.sampled_from(sorted(KINDS)), st.sampled_from(sorted(MEASURES)))
def test_any_text_can_be_grouped_and_measured(text, kind, measure):
    clients = parse(text)
    assert sum(row["connections"] for row in grouped(clients, kind)) <= len(clients)
    assert len(worst(clients, measure, 5)) <= 5


def test_applications_are_users_without_replicas_monitors_and_sentinels():
    lines = (
        "id=1 addr=10.0.0.1:1 name= flags=N user=shop",
        "id=2 addr=10.0.0.1:2 name= flags=P user=shop",
        "id=3 addr=10.0.0.2:1 name= flags=S user=replica",
        "id=4 addr=10.0.0.3:1 name=sentinel-7d3cf6a2-cmd flags=N user=default",
        "id=5 addr=10.0.0.4:1 name= flags=O user=ops",
        "id=6 addr=10.0.0.4:2 name= flags=N user=ops",
        "id=7 addr=10.0.0.5:1 name= flags=b user=jobs",
    )
    told = aggregate(parse("\n".join(lines)), own_id=6)["applications"]
    assert told == [{"name": "shop", "connections": 2}, {"name": "jobs", "connections": 1}]
