# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Firewall rules that keep packets from a port, as nft and iptables list them. Pure: texts in, plain data out; odd text is no error.

What is told is what can be read off a rule by itself: that it drops or rejects TCP to this port, or that a chain drops (by its
policy or its last rule) whatever it does not let through while no rule lets the port through. Sets, maps and jumps are not followed.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

REFUSING = ("drop", "reject")
# Where packets for this machine, or for a container on it, come through.
HOOKS = ("prerouting", "input", "forward", "ingress")
CHAINS = ("INPUT", "FORWARD", "DOCKER-USER", "PREROUTING")


def from_nft(text: str, port: int) -> list[dict[str, Any]]:
    """``{source, chain, verdict, rule}`` for what ``nft -j list ruleset`` drops. ValueError when it is no JSON of nft's."""
    return judged(json.loads(text)["nftables"] if text.strip() else [], port)


def judged(objects: Sequence[Any], port: int) -> list[dict[str, Any]]:
    """The same of its objects."""
    rules = [item["rule"] for item in objects if isinstance(item, dict) and isinstance(item.get("rule"), dict)]
    bases = {_place(chain): chain for chain in (item.get("chain") for item in objects if isinstance(item, dict)) if isinstance(chain, dict)}
    found = [_nft_finding(rule, verdict) for rule in rules if (verdict := _nft_verdict(rule, port)) in REFUSING]
    for place, chain in bases.items():
        last = next((verdict for rule in rules if _place(rule) == place and (verdict := _refuses_all(rule))), None)
        closed = "policy drop" if chain.get("policy") == "drop" else f"a rule to {last} all" if last else ""
        # What accepts everything does so where it stands; a chain of its table may never be asked.
        mine = [rule for rule in rules if _place(rule) == place or (_place(rule)[:2] == place[:2] and _matches(rule.get("expr")))]
        accepted = any(_nft_verdict(rule, port) == "accept" for rule in mine)
        if closed and chain.get("hook") == "input" and not accepted:
            words = f"{closed}, and no rule of table {place[1]} accepts TCP port {port}"
            found.append({"source": "nft", "chain": " ".join(place), "verdict": last or "drop", "rule": words})
    return found


def from_iptables(text: str, port: int, source: str = "iptables") -> list[dict[str, Any]]:
    """The same of ``iptables -S``."""
    rules = [words for line in text.splitlines() if (words := _words(line))]
    verdicts = [(words, _iptables_verdict(words, port)) for words in rules]
    found = [
        {"source": source, "chain": words[1], "verdict": verdict, "rule": shlex.join(words)}
        for words, verdict in verdicts
        if verdict in REFUSING
    ]
    last = next((words for words in rules if words[:3] == ["-A", "INPUT", "-j"] and words[3:4] in (["DROP"], ["REJECT"])), None)
    closed = "policy DROP" if ["-P", "INPUT", "DROP"] in rules else shlex.join(last) if last else ""
    if closed and "accept" not in [verdict for dummy, verdict in verdicts]:
        rule = f"{closed}, and no rule accepts TCP port {port}"
        found.append({"source": source, "chain": "INPUT", "verdict": last[3].lower() if last else "drop", "rule": rule})
    return found


def _refuses_all(rule: Mapping[str, Any]) -> str | None:
    """The verdict of a rule that matches everything and refuses it."""
    expressions = rule.get("expr")
    if not isinstance(expressions, list) or _matches(expressions):
        return None
    return next((name for item in expressions if isinstance(item, dict) for name in REFUSING if name in item), None)


def _place(item: Mapping[str, Any]) -> tuple[str, str, str]:
    return str(item.get("family")), str(item.get("table")), str(item.get("chain") or item.get("name"))


def _nft_finding(rule: Mapping[str, Any], verdict: str) -> dict[str, Any]:
    words = " ".join(_nft_words(expression) for expression in rule["expr"])
    return {"source": "nft", "chain": " ".join(_place(rule)), "verdict": verdict, "rule": words.strip()}


def _nft_verdict(rule: Mapping[str, Any], port: int) -> str | None:
    """What a rule does with TCP to the port, where it does so of itself; None where it does not, or for loopback only."""
    verdict, named = None, False
    expressions = rule.get("expr")
    for expression in expressions if isinstance(expressions, list) else []:
        match = expression.get("match") if isinstance(expression, dict) else None
        if isinstance(match, dict):
            aimed = _aimed(match, port)
            if aimed is False:
                return None
            named = named or bool(aimed)
        elif isinstance(expression, dict):
            verdict = next((name for name in (*REFUSING, "accept") if name in expression), verdict)
    return verdict if named or (verdict == "accept" and not _matches(expressions)) else None


def _matches(expressions: Any) -> bool:
    """Whether a rule is for some packets only; what iptables has put there, nft names without its words."""
    return any("match" in item or "xt" in item for item in expressions if isinstance(item, dict)) if isinstance(expressions, list) else True


def _aimed(match: Mapping[str, Any], port: int) -> bool | None:
    """Whether a match is for the port (True), for something else (False), or about other things (None)."""
    left = match.get("left")
    payload = left.get("payload") if isinstance(left, dict) else None
    if isinstance(payload, dict) and payload.get("field") == "dport":
        hit = payload.get("protocol") in ("tcp", "th") and _holds(match.get("right"), port)
        return hit != (match.get("op") == "!=")
    meta = left.get("meta") if isinstance(left, dict) else None
    loopback = isinstance(meta, dict) and str(meta.get("key")).startswith("iif") and match.get("right") == "lo"
    return False if loopback and match.get("op") == "==" else None


def _holds(right: Any, port: int) -> bool:
    """Whether nft's value (a number, a set, a range) holds the port."""
    if isinstance(right, dict):
        members = right.get("set")
        bounds = right.get("range")
        if isinstance(bounds, list) and len(bounds) == 2 and all(isinstance(bound, int) for bound in bounds):
            return bool(bounds[0] <= port <= bounds[1])
        return isinstance(members, list) and any(_holds(member, port) for member in members)
    return bool(right == port)


def _nft_words(expression: Any) -> str:
    """An expression as people would write it, as far as that is easy."""
    if not isinstance(expression, dict):
        return str(expression)
    match = expression.get("match")
    if not isinstance(match, dict):
        return " ".join(name for name in expression if name in (*REFUSING, "accept", "counter", "limit", "log"))
    left = match.get("left")
    inner = next(iter(left.values()), left) if isinstance(left, dict) else left
    name = " ".join(str(inner[key]) for key in ("protocol", "key", "field") if key in inner) if isinstance(inner, dict) else str(inner)
    operator = "" if match.get("op") in ("==", "in") else f"{match.get('op')} "
    return f"{name} {operator}{json.dumps(match.get('right')) if isinstance(match.get('right'), (dict, list)) else match.get('right')}"


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        return line.split()


def _iptables_verdict(words: list[str], port: int) -> str | None:
    if words[0] != "-A" or "-j" not in words[:-1] or words[1:2] == [] or words[1] not in CHAINS:
        return None
    target = words[words.index("-j") + 1].lower()
    options = dict(zip(words, words[1:]))
    ports = options.get("--dport") or options.get("--dports")
    loopback = options.get("-i") == "lo"
    if target not in (*REFUSING, "accept") or options.get("-p", "tcp") != "tcp" or loopback:
        return None
    if ports:
        return target if _in_ports(ports.split(","), port) != ("!" in words) else None
    # Without a port it lets everything through, unless it is about something else.
    return target if target == "accept" and len(words) == 4 else None


def _in_ports(ranges: Iterable[str], port: int) -> bool:
    bounds = [re.fullmatch(r"(\d{1,5})(?::(\d{1,5}))?", item) for item in ranges]
    return any(int(found.group(1)) <= port <= int(found.group(2) or found.group(1)) for found in bounds if found)
