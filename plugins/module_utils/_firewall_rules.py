# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules that let a TCP port through a host's firewall: which firewall is in charge, what opens it, and what is there. Pure.

A rule is ``{firewall, source, port, …}`` with what its firewall needs beside: ``family``, ``table`` and ``chain`` of nftables, ``program``
of iptables, ``zone`` of firewalld. Every rule but firewalld's carries a comment, by which it is found again; no other one is ever touched.
"""

from __future__ import annotations

import ipaddress
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _host_firewall

Rule = dict[str, Any]
ANY = "any"
# Hooks at which packets for this machine can be let through, and the families that carry IP.
HOOKS = ("prerouting", "input")
FAMILIES = {"inet": (4, 6), "ip": (4,), "ip6": (6,)}
PROGRAMS = {"iptables": 4, "ip6tables": 6}
# What keeps a rule beyond the next start of its firewall, where it does not do so by itself.
LASTING = {
    "nftables": "until its rules are loaded anew: add it to /etc/nftables.conf as well",
    "iptables": "until its rules are loaded anew: save them (netfilter-persistent save) as well",
}


@dataclass(frozen=True)
class Seen:
    """What the firewalls of a host say of themselves.

    ``nft`` holds the objects of ``nft -j list ruleset``; ``iptables`` the text of ``-S`` by program, where it is in use; ``ufw`` that of
    ``ufw show added`` and ``zones`` {source: (zone, its rich rules)} of firewalld, None where they are not active.
    """

    nft: Sequence[Mapping[str, Any]] = ()
    iptables: Mapping[str, str] = field(default_factory=dict)
    ufw: str | None = None
    zones: Mapping[str, tuple[str, str]] | None = None


def sources_of(texts: Sequence[str]) -> list[str]:
    """The sources as they stand in rules: an address, a network, or ``any``. ValueError for what is none."""
    found = []
    for text in texts:
        try:
            network = None if text.strip() == ANY else ipaddress.ip_network(text.strip())
        except ValueError:
            raise ValueError(f"the source '{text}' is no address and no network: give 10.0.0.5, 10.0.0.0/24 or {ANY}") from None
        if network is None or network.prefixlen == 0:
            found.append(ANY if network is None else str(network))
        else:
            found.append(str(network.network_address) if network.num_addresses == 1 else str(network))
    return list(dict.fromkeys(found))


def version_of(source: str) -> int | None:
    """4 or 6; None for any."""
    return None if source == ANY else ipaddress.ip_network(source).version


def comment_of(rule: Mapping[str, Any]) -> str:
    """What marks a rule as ours."""
    return f"aragora.redis opens {rule['port']} for {rule['source']}"


def openings(seen: Seen, port: int, sources: Sequence[str]) -> list[Rule]:
    """The rules that let the sources through, in the firewall that is in charge; empty where none filters what comes in."""
    return [rule for source in sources for rule in _of_source(seen, port, source)]


def _of_source(seen: Seen, port: int, source: str) -> list[Rule]:
    common: Rule = {"source": source, "port": port}
    if seen.zones is not None:
        managed: list[Rule] = [{"firewall": "firewalld", "zone": seen.zones[source][0], **common}]
        return managed + _chains(seen, common, managed=True)
    if seen.ufw is not None:
        return [{"firewall": "ufw", **common}, *_chains(seen, common, managed=True)]
    version = version_of(source)
    tables: list[Rule] = [
        {"firewall": "iptables", "program": program, **common}
        for program, text in seen.iptables.items()
        if version in (None, PROGRAMS[program]) and _filters(text)
    ]
    return _chains(seen, common, managed=False) + tables


def _chains(seen: Seen, common: Rule, *, managed: bool) -> list[Rule]:
    """The base chains of nftables' own tables that packets of this source pass; beside a manager only those that are seen to refuse."""
    version, places = version_of(common["source"]), []
    refusing = {row["chain"] for row in _host_firewall.judged(seen.nft, common["port"])}
    tables = {chain.rpartition(" ")[0] for chain in refusing}
    for chain in (item.get("chain") for item in seen.nft):
        if not isinstance(chain, Mapping) or chain.get("hook") not in HOOKS or chain.get("type") != "filter":
            continue
        family, table, name = (str(chain.get(key)) for key in ("family", "table", "name"))
        if version not in (None, *FAMILIES.get(family, ())) or family not in FAMILIES or is_managed(family, table, name):
            continue
        itself = f"{family} {table} {name}" in refusing
        if itself or (chain["hook"] == "input" and (not managed or f"{family} {table}" in tables)):
            places.append({"firewall": "nftables", "family": family, "table": table, "chain": name, **common})
    return places


def is_managed(family: str, table: str, chain: str) -> bool:
    """Whether a chain of nftables belongs to firewalld, or is what iptables has made."""
    return table == "firewalld" or (family in ("ip", "ip6") and table in ("filter", "raw", "mangle") and chain.isupper())


def _filters(text: str) -> bool:
    """Whether iptables keeps anything from coming in."""
    rows = [line.split() for line in text.splitlines()]
    return any(row[:2] == ["-A", "INPUT"] or row[:3] == ["-P", "INPUT", "DROP"] for row in rows)


def rich(rule: Mapping[str, Any]) -> str:
    """A rule as firewalld writes it; its priority goes before what zones refuse."""
    version = version_of(rule["source"])
    source = f' family="ipv{version}" source address="{rule["source"]}"' if version else ""
    return f'rule priority="-100"{source} port port="{rule["port"]}" protocol="tcp" accept'


def adding(rule: Mapping[str, Any]) -> list[list[str]]:
    """The commands that add a rule."""
    if rule["firewall"] == "nftables":
        version = version_of(rule["source"])
        source = [{4: "ip", 6: "ip6"}[version], "saddr", rule["source"]] if version else []
        words = [*source, "tcp", "dport", str(rule["port"]), "accept", "comment", f'"{comment_of(rule)}"']
        return [["nft", "insert", "rule", rule["family"], rule["table"], rule["chain"], *words]]
    if rule["firewall"] == "iptables":
        return [[rule["program"], "-w", "5", "-I", "INPUT", "1", *_iptables(rule)]]
    if rule["firewall"] == "ufw":
        return [["ufw", "prepend", *_ufw(rule), "comment", comment_of(rule)]]
    return [["firewall-cmd", *kept, f"--zone={rule['zone']}", f"--add-rich-rule={rich(rule)}"] for kept in ([], ["--permanent"])]


def removing(rule: Mapping[str, Any], seen: Seen) -> list[list[str]]:
    """The commands that take a rule away that is there."""
    if rule["firewall"] == "nftables":
        place = [rule["family"], rule["table"], rule["chain"]]
        return [["nft", "delete", "rule", *place, "handle", str(handle)] for handle in _handles(rule, seen)]
    if rule["firewall"] == "iptables":
        return [[rule["program"], "-w", "5", "-D", "INPUT", *_iptables(rule)]]
    if rule["firewall"] == "ufw":
        return [["ufw", "delete", *_ufw(rule)]]
    return [["firewall-cmd", *kept, f"--zone={rule['zone']}", f"--remove-rich-rule={rich(rule)}"] for kept in ([], ["--permanent"])]


def is_there(rule: Mapping[str, Any], seen: Seen) -> bool:
    """Whether the rule is there, as one of ours."""
    if rule["firewall"] == "nftables":
        return bool(_handles(rule, seen))
    if rule["firewall"] == "iptables":
        return any(comment_of(rule) in shlex.split(line) for line in seen.iptables.get(rule["program"], "").splitlines())
    if rule["firewall"] == "ufw":
        return any(f"comment '{comment_of(rule)}'" in line for line in (seen.ufw or "").splitlines())
    return any(line == rich(rule) for zone, rules in (seen.zones or {}).values() if zone == rule["zone"] for line in rules.splitlines())


def is_theirs(rule: Mapping[str, Any], seen: Seen) -> bool:
    """Whether somebody else has told ufw the same: it would take our rule for a new comment of theirs."""
    if rule["firewall"] != "ufw" or is_there(rule, seen):
        return False
    same = (
        f"ufw allow {rule['port']}/tcp"
        if rule["source"] == ANY
        else f"ufw allow from {rule['source']} to any port {rule['port']} proto tcp"
    )
    return any(line == same or line.startswith(f"{same} comment ") for line in (seen.ufw or "").splitlines())


def shown(rule: Mapping[str, Any]) -> str:
    """A rule for people."""
    place = {
        "nftables": "nftables, chain {family} {table} {chain}", "iptables": "{program}, chain INPUT", "ufw": "ufw",
        "firewalld": "firewalld, zone {zone}",
    }[rule["firewall"]].format(**rule)  # fmt: skip
    return f"{place}: TCP port {rule['port']} for {'everybody' if rule['source'] == ANY else rule['source']}"


def _handles(rule: Mapping[str, Any], seen: Seen) -> list[int]:
    rows = [item["rule"] for item in seen.nft if isinstance(item.get("rule"), Mapping)]
    place = [(row, all(row.get(key) == rule[key] for key in ("family", "table", "chain"))) for row in rows]
    return [row["handle"] for row, here in place if here and row.get("comment") == comment_of(rule)]


def _iptables(rule: Mapping[str, Any]) -> list[str]:
    source = [] if rule["source"] == ANY else ["-s", rule["source"]]
    return [*source, "-p", "tcp", "--dport", str(rule["port"]), "-m", "comment", "--comment", comment_of(rule), "-j", "ACCEPT"]


def _ufw(rule: Mapping[str, Any]) -> list[str]:
    return ["allow", "proto", "tcp", "from", rule["source"], "to", "any", "port", str(rule["port"])]
