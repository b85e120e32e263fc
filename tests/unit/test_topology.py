# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts and groups of what Sentinels and nodes say, also of what they should not say."""

from __future__ import annotations

import pytest
from ansible_collections.aragora.redis.plugins.module_utils import _topology
from ansible_collections.aragora.redis.plugins.module_utils._cluster import nodes
from hypothesis import given
from hypothesis import strategies as st


def master(name="shop", ip="10.0.0.1", epoch=0, replicas=(), sentinels=()):
    told = {"name": name, "ip": ip, "port": 6379, "runid": "r1", "flags": ["master"], "config-epoch": epoch, "quorum": 2}
    return {**told, "replicas": list(replicas), "sentinels": list(sentinels)}


def instance(ip, port=6379, runid="r2"):
    return {"ip": ip, "port": port, "runid": runid, "flags": ["slave"]}


def view(*masters, host="10.0.0.1", identity="s1"):
    return {"host": host, "port": 26379, "id": identity, "masters": list(masters)}


def by_name(hosts):
    return {host["name"]: host for host in hosts}


def test_the_newest_configuration_counts():
    old, new = view(master(epoch=3)), view(master(ip="10.0.0.2", epoch=4, replicas=[instance("10.0.0.1")]), host="10.0.0.2", identity="s2")
    hosts = by_name(_topology.from_sentinels([old, new]))
    assert hosts["10.0.0.2-6379"]["variables"]["redis_topology"]["role"] == "master"
    assert hosts["10.0.0.1-6379"]["variables"]["redis_topology"]["role"] == "replica"


def test_a_sentinel_is_one_host_at_the_address_that_was_asked():
    known_by_name = view(master(sentinels=[instance("10.0.0.2", 26379, "s2")]), host="redis1.example", identity="s1")
    known_by_address = view(master(sentinels=[instance("10.0.0.1", 26379, "s1")]), host="10.0.0.2", identity="s2")
    hosts = by_name(_topology.from_sentinels([known_by_name, known_by_address]))
    assert [name for name in hosts if name.endswith("-26379")] == ["10.0.0.2-26379", "redis1.example-26379"]


def test_a_sentinel_of_two_masters_belongs_to_no_single_group():
    hosts = by_name(_topology.from_sentinels([view(master("shop"), master("mail", ip="10.0.0.9"))]))
    guard = hosts["10.0.0.1-26379"]
    assert "redis_group" not in guard["variables"]
    assert guard["groups"] == ["redis_sentinels", "redis_group_mail", "redis_group_shop"]
    only = by_name(_topology.from_sentinels([view(master("shop"), master("mail", ip="10.0.0.9"))], ["shop"]))
    assert only["10.0.0.1-26379"]["variables"]["redis_topology"]["watches"] == ["shop"]
    assert "10.0.0.9-6379" not in only


def test_two_masters_that_would_be_one_group_are_refused():
    views = [view(master("shop-a"), master("shop_a", ip="10.0.0.9"))]
    with pytest.raises(ValueError, match=r"'shop-a' and 'shop_a' would both be redis_group_shop_a: .*service_names"):
        _topology.from_sentinels(views)
    assert len(_topology.from_sentinels(views, ["shop_a"])) == 2


@pytest.mark.parametrize(
    "address",
    [
        "-oProxyCommand=id",
        "{{ 7 * 7 }}",
        "10.0.0.1 x",
        "a\nb",
        "",
        "\x1b[31m",
        "a/b",
        "10.0.0.1,10.0.0.2",
        "user@host",
        "x" * 300,
        "é",
        "*",
    ],
)
def test_what_does_not_look_like_an_address_is_no_host(address):
    hosts = _topology.from_sentinels([view(master(replicas=[instance(address)]))])
    assert [host["name"] for host in hosts] == ["10.0.0.1-26379", "10.0.0.1-6379"]


@pytest.mark.parametrize("address", ["fd00::1", "::ffff:10.0.0.1", "redis_1.example", "redis-1", "10.0.0.1"])
def test_what_looks_like_one_is(address):
    hosts = by_name(_topology.from_sentinels([view(master(replicas=[instance(address, 7000)]))]))
    assert hosts[f"{address.replace(':', '_')}-7000"]["variables"]["ansible_host"] == address


@pytest.mark.parametrize("port", [0, -1, 65536, "6379", None])
def test_what_is_no_port_is_no_host(port):
    assert len(_topology.from_sentinels([view(master(replicas=[instance("10.0.0.2", port)]))])) == 2


def test_more_servers_than_there_can_be_are_refused():
    many = [instance(f"h{number}") for number in range(_topology.MOST_HOSTS + 1)]
    with pytest.raises(ValueError, match="that cannot be"):
        _topology.from_sentinels([view(master(replicas=many))])


CLUSTER = """\
a 10.0.0.1:6379@16379,redis1.example myself,master - 0 0 1 connected 5461-10922 7
b 10.0.0.2:6379@16379 slave a 0 1 1 connected
c 10.0.0.3:6379@16379 master - 0 1 2 connected
d :0@0 master,noaddr - 0 1 3 disconnected
e 10.0.0.5:6379@16379 handshake - 0 1 0 connected
f 10.0.0.6:6379@16379 slave gone 0 1 0 connected
"""


def cluster_view(text=CLUSTER, host="10.0.0.1", identity="a", state="ok", epoch=3):
    return {"host": host, "port": 6379, "id": identity, "state": state, "epoch": epoch, "nodes": nodes(text)}


def test_shards_are_called_by_their_first_slot():
    hosts, told = _topology.from_cluster([cluster_view()])
    shards = {host["name"]: host["variables"]["redis_group"] for host in hosts}
    expected = {"10.0.0.1-6379": "shard_7", "10.0.0.2-6379": "shard_7", "10.0.0.3-6379": "shard_c", "10.0.0.6-6379": "shard_f"}
    assert (shards, told) == (expected, [])
    assert by_name(hosts)["10.0.0.1-6379"]["variables"]["redis_topology"]["slots"] == ["5461-10922", "7"]


def test_the_view_of_a_whole_cluster_counts():
    alone = cluster_view("z :6379@16379 myself,master - 0 0 0 connected\n", host="10.0.0.9", identity="z", state="fail", epoch=0)
    hosts, told = _topology.from_cluster([alone, cluster_view()])
    assert "10.0.0.9-6379" not in by_name(hosts)
    assert told == ["10.0.0.9:6379 is in another cluster than 10.0.0.1:6379, or in none: give each cluster a file of its own"]
    assert list(by_name(_topology.from_cluster([alone])[0])) == ["10.0.0.9-6379"], "its own address is that of its seed"


@given(st.text(max_size=400))
def test_no_text_of_a_node_is_more_than_text(text):
    for host in _topology.from_cluster([cluster_view(text, epoch=9) if nodes(text) else cluster_view()])[0]:
        assert _topology.ADDRESS.fullmatch(host["variables"]["ansible_host"])
        assert all(group == _topology.group_name(group) for group in host["groups"])
