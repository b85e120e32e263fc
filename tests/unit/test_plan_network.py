# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""On which hop the way to a server ends, and what check_network would do about it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.aragora.redis.plugins.module_utils import _network_hops as hops
from ansible_collections.aragora.redis.plugins.module_utils._plans import every

SNAPSHOTS = Path(__file__).parent / "snapshots"
DROP = {"source": "nft", "chain": "inet filter input", "verdict": "drop", "rule": "tcp dport 6379 drop"}
RULE = {"firewall": "nftables", "family": "inet", "table": "filter", "chain": "input", "source": "10.0.0.5", "port": 6379}


def way(state="open", answer="up", reason=None, why=None, **more):
    """What a client sees of a server with one address."""
    row = {
        "address": "10.0.0.9", "family": "ipv4", "source": "10.0.0.5", "device": "eth0", "gateway": None, "state": state, "reason": why,
        "error": "some words", "connect_ms": 0.4,
    }  # fmt: skip
    told = {"state": answer, "reason": reason, "error": "", "ping_ms": 0.2} if state == "open" else None
    name = {"is_address": False, "error": None, "took_ms": 1, "resolvers": ["10.0.0.2"]}
    address = {**row, **{key: value for key, value in more.items() if key in row}}
    seen = {"asked_on": "shop1", "host": "cache", "port": 6379, "tls_wanted": False, "name": name, "tls": None}
    return {**seen, "addresses": [address], "answer": told, **{key: value for key, value in more.items() if key not in row}}


def host(*addresses, firewall=(), waiting=0):
    listeners = [{"address": address, "port": 6379, "waiting": waiting} for address in addresses]
    return {"port": 6379, "listeners": listeners, "firewall": list(firewall)}


@pytest.mark.parametrize(
    ("network", "on_host", "hop", "words"),
    [
        (way(), None, None, "the way is free: cache:6379 answers, connecting took 0.4 ms"),
        (way(connect_ms=40.0), None, None, "that is slow"),
        (way(name={"error": "Name or service not known", "resolvers": ["10.0.0.2"]}, addresses=[]), None, "name", "asked were 10.0.0.2"),
        (way("unreachable", source=None), None, "route", "no route leads to 10.0.0.9"),
        (way("unreachable", why="prohibited"), None, "route", "the client's own machine forbids"),
        (way("unreachable"), None, "way", "is unreachable from 10.0.0.5"),
        (way("timeout"), None, "way", "nobody answers at 10.0.0.9:6379"),
        (way("refused"), None, "listener", "refuses connections from 10.0.0.5"),
        (way("reset"), None, "way", "are reset"),
        (way("refused"), host(), "listener", "nothing listens on port 6379"),
        (way("refused"), host("127.0.0.1", "::1"), "bind", "listens on loopback only (127.0.0.1, ::1), not on 10.0.0.9"),
        (way("refused"), host("10.1.0.9"), "bind", "listens on other addresses only"),
        (way("timeout"), host("0.0.0.0", firewall=[DROP]), "firewall", "drops what comes to 10.0.0.9:6379 from 10.0.0.5 (inet"),
        (way("refused"), host("::", firewall=[{**DROP, "verdict": "reject"}]), "firewall", "rejects"),
        (way("timeout"), host("10.0.0.9"), "way", "is silent from 10.0.0.5, although the server listens and no rule"),
        (way("timeout"), {**host("10.0.0.9"), "firewall": None}, "way", "its firewall could not be read"),
        (way(answer="protected"), None, "protected_mode", "protected mode"),
        (way(answer="auth_required"), None, "login", "the network is free, but cache:6379 wants a password"),
        (way(answer="loading"), None, "server", "is loading"),
        (way(answer="tls", reason="expired"), None, "tls", "certificate has expired"),
    ],
)  # fmt: skip
def test_the_way_ends_at_one_hop(network, on_host, hop, words):
    found = hops.judge(network, on_host)
    assert found["hop"] == hop
    assert words in found["sentence"]
    assert hop is None or hop in hops.HOPS


def test_a_connection_that_waits_points_at_the_backlog():
    assert "3 connections wait" in hops.judge(way("timeout"), host("10.0.0.9", waiting=3))["advice"][0]


def test_a_second_address_that_is_closed_is_told_with_a_way_that_is_free():
    seen = way()
    seen["addresses"].append({**seen["addresses"][0], "address": "fd00::9", "state": "refused"})
    assert "but fd00::9 is refused, which costs clients" in hops.judge(seen)["sentence"]


def test_a_certificate_is_told_with_its_names_and_dates():
    certificate = {"not_before": "2026-01-01", "not_after": "2026-02-01", "days_left": -9, "subject": "cache1", "issuer": "our CA"}
    found = hops.judge(way(answer="tls", reason="hostname_mismatch", tls={"certificate": certificate, "names": ["cache1.example"]}))
    assert "it is that of cache1 for cache1.example, by our CA, valid from 2026-01-01 to 2026-02-01" in found["sentence"]


def plan(*views, on_host=None, **options):
    snapshot = json.loads((SNAPSHOTS / "port_filtered.json").read_text(encoding="utf-8"))["snapshot"]
    snapshot["host"] = on_host
    seen = [{"name": name or "its own host", "client": name, "network": network, "failed": "no SSH"} for name, network in views]
    return every.plan("check_network", snapshot, {"views": seen, **options})


CLOSED = (("shop1", way("timeout")), ("", way("timeout", source="10.0.0.9")))
HOST = host("0.0.0.0", firewall=[DROP])


class TestPlan:
    def test_a_way_that_is_free_leaves_nothing_to_do(self):
        found = plan(("shop1", way()), ("shop2", way()))
        assert (found["refused"], found["steps"]) == ([], [])
        assert found["idle"].count("the way is free") == 2
        assert hops.CLIENT_ONLY in found["idle"]

    def test_where_it_ends_people_are_told_and_nothing_is_opened(self):
        found = plan(*CLOSED, on_host=HOST)
        assert found["steps"] == []
        assert found["refused"][0].startswith("from shop1 it ends at the firewall")
        assert found["refused"][-1].endswith("-e redis_network_open_port=true")
        assert "10.0.0.5, 10.0.0.9" in found["refused"][-1]

    def test_the_port_is_opened_for_the_addresses_from_which_it_is_closed(self):
        found = plan(*CLOSED, on_host=HOST, open=True, firewall={"rules": [RULE], "missing": [RULE]})
        assert (found["refused"], found["open"], found["clients"]) == ([], [RULE], ["shop1"])
        assert found["sources"] == ["10.0.0.5", "10.0.0.9"]
        assert "opens nftables, chain inet filter input: TCP port 6379 for 10.0.0.5, until its rules are loaded anew" in found["steps"][-1]

    def test_for_everybody_only_where_that_is_said(self):
        assert plan(*CLOSED, on_host=HOST, open=True, open_from=["any"], firewall={"rules": [RULE], "missing": [RULE]})["sources"] == [
            "any"
        ]

    @pytest.mark.parametrize(
        ("firewall", "words"),
        [
            ({"rules": [], "missing": []}, "no firewall of the server's host filters what comes in"),
            ({"rules": [RULE], "missing": []}, "lets it through already (nftables, chain inet filter input"),
            ({"failed": True, "msg": "needs root (-b)"}, "cannot be opened: needs root (-b)"),
        ],
    )
    def test_a_firewall_that_cannot_help_is_not_touched(self, firewall, words):
        found = plan(*CLOSED, on_host=HOST, open=True, firewall=firewall)
        assert found["steps"] == []
        assert words in found["refused"][-1]

    def test_by_url_nothing_is_opened(self):
        found = plan(("the controller", way("timeout")), open=True)
        assert (found["steps"], found["refused"][-1]) == ([], hops.CLIENT_ONLY)

    def test_a_client_that_has_another_trouble_is_told_of(self):
        lost = way(name={"error": "Name or service not known", "resolvers": []}, addresses=[])
        found = plan(*CLOSED, ("shop2", lost), on_host=HOST, open=True, firewall={"rules": [RULE], "missing": [RULE]})
        assert found["clients"] == ["shop1"]
        assert found["short"].startswith("from shop2 it ends at the name")

    def test_a_client_that_cannot_look_is_no_free_way(self):
        assert "nobody could look from there (no SSH)" in plan(("shop1", None))["refused"][0]

    def test_what_was_opened_is_closed_on_request(self):
        assert plan(close=True, book=[RULE])["steps"] == ["closes nftables, chain inet filter input: TCP port 6379 for 10.0.0.5"]
        assert "nothing that this playbook has opened" in plan(close=True, book=[])["idle"]

    def test_a_source_that_is_none_names_its_variable(self):
        with pytest.raises(ValueError, match="redis_network_open_from: the source 'shop1' is no address"):
            plan(open_from=["shop1"])
