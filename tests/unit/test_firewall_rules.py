# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which rule lets a port through, by the firewall that is in charge."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.aragora.redis.plugins.module_utils import _firewall_rules as rules
from ansible_collections.aragora.redis.plugins.module_utils._firewall_rules import Seen

TEXTS = Path(__file__).parent / "texts"


def nft(name):
    return json.loads((TEXTS / f"nft-{name}.json").read_text(encoding="utf-8"))["nftables"]


def opened(seen, source="10.0.0.5"):
    return rules.openings(seen, 6380, rules.sources_of([source]))


def test_nftables_own_chain_is_opened():
    (rule,) = opened(Seen(nft("policy")))
    assert (rule["firewall"], rule["chain"]) == ("nftables", "input")
    (command,) = rules.adding(rule)
    assert command[:4] == ["nft", "insert", "rule", "inet"]
    assert command[-4:] == ["6380", "accept", "comment", '"aragora.redis opens 6380 for 10.0.0.5"']


def test_who_manages_the_rules_is_told_and_its_chains_are_left_alone():
    assert [rule["firewall"] for rule in opened(Seen(nft("ufw"), ufw=""))] == ["ufw"]
    assert [rule["firewall"] for rule in opened(Seen(nft("firewalld"), zones={"10.0.0.5": ("public", "")}))] == ["firewalld"]


def test_beside_a_manager_a_chain_that_refuses_is_opened_as_well():
    both = opened(Seen([*nft("firewalld"), *nft("policy")], zones={"10.0.0.5": ("public", "")}))
    assert [rule["firewall"] for rule in both] == ["firewalld", "nftables"]


@pytest.mark.parametrize(
    ("text", "source", "programs"),
    [
        ("-P INPUT DROP", "10.0.0.5", ["iptables"]),
        ("-P INPUT ACCEPT\n-A INPUT -j REJECT", "fd00::5", ["ip6tables"]),
        ("-P INPUT DROP", "any", ["iptables", "ip6tables"]),
        ("-P INPUT ACCEPT\n-P FORWARD DROP", "10.0.0.5", []),
    ],
)
def test_iptables_is_opened_where_it_filters_what_comes_in(text, source, programs):
    found = opened(Seen(iptables={"iptables": text, "ip6tables": text}), source)
    assert [rule["program"] for rule in found] == programs


def test_no_firewall_has_nothing_to_open():
    assert opened(Seen()) == []


def test_a_rule_of_somebody_else_is_not_told_again():
    (rule,) = opened(Seen(ufw=""))
    same = Seen(ufw="ufw allow from 10.0.0.5 to any port 6380 proto tcp comment 'by hand'")
    assert (rules.is_there(rule, same), rules.is_theirs(rule, same)) == (False, True)


def test_firewalld_is_told_before_what_zones_refuse():
    assert rules.rich({"source": "fd00::/64", "port": 1}).startswith('rule priority="-100" family="ipv6" source address="fd00::/64"')
    assert "source" not in rules.rich({"source": "any", "port": 1})


@pytest.mark.parametrize("text", ["shop1", "10.0.0.5/24", "10.0.0.300", "", "-j"])
def test_what_is_no_source_is_refused(text):
    with pytest.raises(ValueError, match="is no address and no network"):
        rules.sources_of([text])
