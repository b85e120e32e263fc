# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The conversation with the firewall of this host: read it, let a port through, and take exactly that away again.

``Denied`` says why a firewall cannot be read or changed.
"""

from __future__ import annotations

import ipaddress
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _firewall_rules as rules
from ansible_collections.aragora.redis.plugins.module_utils._firewall_rules import Rule, Seen
from ansible_collections.aragora.redis.plugins.module_utils._host_commands import (
    LEGACY_TABLES,
    NEEDS_ROOT,
    SYSTEM_PATH,
    Denied,
    in_use,
    run,
)

PATIENCE = 20.0


def firewall_argument_spec() -> dict[str, Any]:
    """The options of redis_firewall."""
    return {
        "state": {"type": "str", "choices": ["queried", "opened", "closed"], "default": "queried"},
        "port": {"type": "int", "default": 6379},
        "sources": {"type": "list", "elements": "str", "default": []},
        "rules": {"type": "list", "elements": "dict", "default": []},
    }


def manage(options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """``{changed, rules, missing, diff}``; see the RETURN block of redis_firewall. Denied, or ValueError for odd options."""
    state, port = options["state"], options["port"]
    if not 0 < port < 65536:
        raise ValueError(f"port is {port}: give a number from 1 to 65535")
    if state == "closed":
        seen, there = present(checked(options["rules"]))
        if not check_mode:
            _take_away(seen, there)
        return _told(bool(there), there, [], there, [])
    sources = rules.sources_of(options["sources"])
    seen = read(sources)
    wanted = rules.openings(seen, port, sources)
    absent = missing(seen, wanted)
    if state == "opened" and not check_mode:
        _open(seen, wanted)
    there = [rule for rule in wanted if rule not in absent]
    return _told(state == "opened" and bool(absent), wanted, absent, there, wanted)


def _told(changed: bool, found: list[Rule], absent: list[Rule], before: list[Rule], after: list[Rule]) -> dict[str, Any]:
    texts = ["".join(f"{rules.shown(rule)}\n" for rule in kept) for kept in (before, after if changed else before)]
    return {"changed": changed, "rules": found, "missing": absent, "diff": {"before": texts[0], "after": texts[1]}}


def read(sources: Sequence[str]) -> Seen:
    """What filters here, for these sources."""
    if os.geteuid():
        raise Denied(f"{NEEDS_ROOT}: to read and change a firewall")
    nft = json.loads(run("nft", "-j", "list", "ruleset") or "{}").get("nftables", []) if _has("nft") else []
    chains = [item["chain"] for item in nft if isinstance(item.get("chain"), Mapping)]
    made = {str(chain.get("family")) for chain in chains if chain.get("table") == "filter" and chain.get("name") == "INPUT"}
    asked = zip(rules.PROGRAMS, ("ip", "ip6"), LEGACY_TABLES)
    # Asking iptables loads its kernel modules: only where its tables are in use, or there is no nft to ask.
    programs = [name for name, family, legacy in asked if _has(name) and (family in made or in_use(legacy) or not _has("nft"))]
    return Seen(nft, {name: run(name, "-w", "5", "-S") for name in programs}, _ufw(), _zones(sources))


def _ufw() -> str | None:
    if not _has("ufw") or "Status: active" not in run("ufw", "status", seconds=PATIENCE):
        return None
    return run("ufw", "show", "added", seconds=PATIENCE)


def _zones(sources: Sequence[str]) -> dict[str, tuple[str, str]] | None:
    if not _has("firewall-cmd"):
        return None
    try:
        run("firewall-cmd", "--state", seconds=PATIENCE)
    except Denied:
        return None
    active, default = (
        run("firewall-cmd", "--get-active-zones", seconds=PATIENCE),
        run("firewall-cmd", "--get-default-zone", seconds=PATIENCE),
    )
    found = {source: _zone(source, active) or default.strip() for source in sources}
    listed = {zone: run("firewall-cmd", f"--zone={zone}", "--list-rich-rules", seconds=PATIENCE) for zone in set(found.values())}
    return {source: (zone, listed[zone]) for source, zone in found.items()}


def _zone(source: str, active: str) -> str | None:
    """The zone of a source: that of its address, else that of the device that leads to it."""
    zone, by_device = "", {}
    for line in active.splitlines():
        words = line.split()
        if words and not line[0].isspace():
            zone = words[0]
        for word in words[1:] if words[:1] == ["sources:"] and source != rules.ANY else ():
            if _within(source, word):
                return zone
        by_device.update(dict.fromkeys(words[1:] if words[:1] == ["interfaces:"] else (), zone))
    if source == rules.ANY:
        return None
    try:
        (row, *dummy) = json.loads(run("ip", "-j", "route", "get", source.partition("/")[0]))
        return by_device.get(row.get("dev"))
    except (Denied, ValueError, AttributeError):
        return None


def _within(source: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(source.partition("/")[0]) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _open(seen: Seen, wanted: Sequence[Rule]) -> None:
    """Add what is missing; all of it, or nothing."""
    added: list[Rule] = []
    try:
        for rule in missing(seen, wanted):
            added.append(rule)
            for command in rules.adding(rule):
                run(*command, seconds=PATIENCE)
    except Denied:
        _take_away(*present(added))
        raise


def missing(seen: Seen, wanted: Sequence[Rule]) -> list[Rule]:
    """Those that are not there; what somebody else has told the firewall already is not told again."""
    return [rule for rule in wanted if not rules.is_there(rule, seen) and not rules.is_theirs(rule, seen)]


def present(wanted: Sequence[Rule]) -> tuple[Seen, list[Rule]]:
    """(what filters now, those that are there, as ours)."""
    seen = read(list(dict.fromkeys(rule["source"] for rule in wanted)))
    return seen, [rule for rule in wanted if rules.is_there(rule, seen)]


def _take_away(seen: Seen, there: Sequence[Rule]) -> None:
    for rule in there:
        for command in rules.removing(rule, seen):
            run(*command, seconds=PATIENCE)


def _has(program: str) -> bool:
    return bool(shutil.which(program, path=SYSTEM_PATH))


def checked(given: Sequence[Any]) -> list[Rule]:
    """Rules as they were returned. ValueError for what is none: they end up in commands."""
    needed = {"nftables": ("family", "table", "chain"), "iptables": ("program",), "ufw": (), "firewalld": ("zone",)}
    found: list[Rule] = []
    for rule in given:
        keys = needed.get(str(rule.get("firewall"))) if isinstance(rule, Mapping) else None
        if keys is None or {"firewall", "source", "port", *keys} != set(rule) or rule.get("program", "iptables") not in rules.PROGRAMS:
            raise ValueError(f"{rule!r} is no rule that this module has returned")
        words = [str(rule[key]) for key in keys]
        if any(word.startswith("-") or not all(letter.isalnum() or letter in "_-./" for letter in word) for word in words):
            raise ValueError(f"{rule!r} is no rule that this module has returned")
        found.append({**rule, "source": rules.sources_of([str(rule["source"])])[0], "port": int(rule["port"])})
    return found
