# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""On which hop the way to a server ends, by what its client saw (``_network_way``) and what the server's host tells. Pure.

``judge`` answers ``{hop, sentence, advice, opens}``: ``hop`` is one of ``HOPS``, None where the way is free; ``opens`` says whether a rule
of the firewall on the server's host may be what closes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.availability import TLS_ADVICE, TLS_TITLES
from ansible_collections.aragora.redis.plugins.module_utils._failures import Failure

HOPS = ("name", "route", "way", "firewall", "listener", "bind", "protected_mode", "tls", "login", "server")
ANYWHERE = ("0.0.0.0", "::", "*")  # noqa: S104  # what others bind
LOOPBACK = ("127.", "::1")
RESTART = "aragora.redis.restart starts what is down"
LOGIN = ("auth_required", "auth_failed", "no_permission")
# As long as this, and every answer of the server is late.
SLOW_MS = 10
CLIENT_ONLY = "only the client's side was looked at: give the server's host by inventory for its listener, bind and firewall"

Judged = dict[str, Any]


def judge(network: Mapping[str, Any], host: Mapping[str, Any] | None = None) -> Judged:
    """``network`` as redis_network_info returns it, ``host`` as redis_host_info, None where the host is not known."""
    where = f"{network['host']}:{network['port']}"
    if network["name"]["error"]:
        return _name(network)
    states = [row["state"] for row in network["addresses"]]
    if "open" not in states:
        return _closed(network, network["addresses"][0], host)
    answer = network["answer"] or {"state": "hung", "reason": None, "error": ""}
    failure = Failure(answer["state"], answer["reason"], "")
    if failure.state == "tls":
        return _tls(network, failure)
    if failure.state == "protected":
        advice = ["set a password (requirepass or an ACL user) and give it to the clients, or bind loopback only if nobody else is meant"]
        return _ends("protected_mode", f"protected mode of {where} refuses everybody but its own host: it has no password", advice)
    if failure.state != "up":
        hop = "login" if failure.state in LOGIN else "server"
        return _ends(hop, f"the network is free, but {failure.sentence(where)}", [])
    return {"hop": None, "sentence": _free(network, where), "advice": [], "opens": False}


def _free(network: Mapping[str, Any], where: str) -> str:
    rows = network["addresses"]
    took = min(row["connect_ms"] for row in rows if row["state"] == "open")
    slow = f"; that is slow, whatever the server does: look at the way (tracepath {rows[0]['address']})" if took >= SLOW_MS else ""
    closed = [f"{row['address']} is {_shown(row)}" for row in rows if row["state"] != "open"]
    lame = f"; but {', '.join(closed)}, which costs clients that try it first" if closed else ""
    examined = network["answer"]["reason"] == "not_examined"
    answers = "speaks TLS (not examined further: redis-py is missing there)" if examined else "answers"
    certificate = (network["tls"] or {}).get("certificate")
    until = f", its certificate is good until {certificate['not_after']}" if certificate else ""
    return f"the way is free: {where} {answers}, connecting took {took:g} ms{until}{slow}{lame}"


def _name(network: Mapping[str, Any]) -> Judged:
    asked = f", asked were {', '.join(network['name']['resolvers'])}" if network["name"]["resolvers"] else ""
    sentence = f"the name {network['host']} cannot be resolved ({network['name']['error']}{asked})"
    advice = [f"compare it with the application's URL, then ask the resolver: getent hosts {network['host']}; cat /etc/resolv.conf"]
    return _ends("name", sentence, advice)


def _closed(network: Mapping[str, Any], row: Mapping[str, Any], host: Mapping[str, Any] | None) -> Judged:
    """No address accepts a connection; ``row`` is the one that clients try first."""
    address, port = row["address"], network["port"]
    place, seen = f"{address}:{port}", f"from {row['source']}" if row["source"] else "from here"
    if not row["source"]:
        advice = [f"look at the routes of the client's machine: ip route get {address}"]
        return _ends("route", f"no route leads to {address} ({row['error'] or 'unknown'})", advice)
    if row["reason"] == "prohibited":
        return _ends("route", f"the client's own machine forbids the way to {place} ({row['error']})", ["look at its routes and firewall"])
    if host is not None:
        told = _by_host(row, place, seen, host)
        if told:
            return told
    return _by_client(row, place, seen)


def _by_host(row: Mapping[str, Any], place: str, seen: str, host: Mapping[str, Any]) -> Judged | None:
    """What the server's host knows of it: nobody listens, it listens elsewhere, or its firewall is in the way."""
    listeners, rules = host.get("listeners"), host.get("firewall")
    if listeners is not None and not listeners:
        return _ends(
            "listener", f"nothing listens on port {host.get('port')} of the server's host", [RESTART, "is this the server's port?"]
        )
    heard = [str(item["address"]) for item in listeners or []]
    if heard and not _hears(row["address"], heard):
        bound = ", ".join(dict.fromkeys(heard))
        only = "loopback only" if all(address.startswith(LOOPBACK) for address in heard) else "other addresses only"
        advice = [
            f"add an address that clients reach to 'bind', with a password: CONFIG SET bind \"{bound} {row['address']}\"; CONFIG REWRITE"
        ]
        return _ends("bind", f"the server listens on {only} ({bound}), not on {row['address']}", advice)
    if rules:
        shown = "; ".join(f"{rule.get('chain')}: {rule.get('rule')}" for rule in rules[:3])
        kinds = "rejects" if all(rule.get("verdict") == "reject" for rule in rules) else "drops"
        sentence = f"the firewall of the server's host {kinds} what comes to {place} {seen} ({shown})"
        return _ends("firewall", sentence, [], opens=True)
    if heard:
        sentence = f"{place} is {_shown(row)} {seen}, although the server listens and no rule of its host is seen to be in the way"
        if rules is None:
            sentence = f"{place} is {_shown(row)} {seen}, although the server listens; its firewall could not be read"
        waiting = max(int(item.get("waiting") or 0) for item in listeners or [])
        advice = [f"{waiting} connections wait to be accepted: is the backlog full?"] if waiting else []
        advice += ["look at security groups and firewalls in between, and at rules with sets, maps or jumps on the host: nft list ruleset"]
        return _ends("way", sentence, advice, opens=True)
    return None


def _by_client(row: Mapping[str, Any], place: str, seen: str) -> Judged:
    """What the client alone can tell."""
    if row["state"] == "refused":
        advice = ["is the server started, does it listen there, and is this its port? A rule that rejects looks the same"]
        return _ends("listener", f"{place} refuses connections {seen}", advice)
    if row["state"] == "reset":
        advice = ["a proxy or load balancer without a server behind it, or a firewall: ask what stands in between"]
        return _ends("way", f"connections to {place} are reset {seen}", advice)
    if row["reason"] == "host_answers":
        advice = ["a firewall or security group drops the packets: on the host or in between"]
        return _ends("way", f"packets to {place} are dropped {seen}, while its host answers on other ports", advice)
    if row["state"] == "unreachable":
        advice = ["the host is down, or a firewall rejects by ICMP: ask its console, then look at its rules"]
        return _ends("way", f"{place} is unreachable {seen} ({row['error']})", advice)
    advice = ["is the host up? Ask its console or the provider, then the routers and firewalls in between"]
    return _ends("way", f"nobody answers at {place} {seen}, nor on other ports of the host", advice)


def _tls(network: Mapping[str, Any], failure: Failure) -> Judged:
    told, reason = network["tls"] or {}, str(failure.reason)
    certificate = told.get("certificate")
    sentence = f"the TLS handshake with {network['host']}:{network['port']} fails: {TLS_TITLES.get(reason, 'for no known reason')}"
    if certificate:
        names = f" for {', '.join(told['names'][:5])}" if told.get("names") else ""
        dates = f"valid from {certificate['not_before']} to {certificate['not_after']}"
        sentence += f" (it is that of {certificate['subject']}{names}, by {certificate['issuer']}, {dates})"
    return _ends("tls", sentence, [TLS_ADVICE.get(reason, f"openssl s_client -connect {network['host']}:{network['port']}")])


def _hears(address: str, heard: Sequence[str]) -> bool:
    # A socket of :: hears both versions, unless it was told otherwise; the doubt is the server's.
    return any(item in ANYWHERE or item == address for item in heard) or (
        address.startswith(LOOPBACK) and any(item.startswith(LOOPBACK) for item in heard)
    )


def _shown(row: Mapping[str, Any]) -> str:
    return {"timeout": "silent", "refused": "refused", "reset": "reset"}.get(str(row["state"]), str(row["state"]))


def _ends(hop: str, sentence: str, advice: Sequence[str], *, opens: bool = False) -> Judged:
    return {"hop": hop, "sentence": sentence, "advice": [line for line in advice if line], "opens": opens}
