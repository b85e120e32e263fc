# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What check_network finds on the way to a server, and whether it would open its port. Pure.

``{refused, steps, idle, open: [rule], close: [rule], sources: [address], clients: [name], short: sentence}``. The way is seen by each of
``views``, ``{name, client, network, failed}``; a client is who should reach the server, the other view is that of the server's own host.
Where it ends, people have to mend it, so the plan refuses, unless a rule of the host's firewall is in the way and may be added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _firewall_rules
from ansible_collections.aragora.redis.plugins.module_utils._network_hops import CLIENT_ONLY, Judged, judge

NOTHING: dict[str, Any] = {"open": [], "close": [], "sources": [], "clients": [], "short": ""}
WORDS = {"way": "way", "protected_mode": "protected mode", "bind": "bind of the server", "listener": "listener"}


def plan(snapshot: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """``options``: ``{views, open, open_from, firewall, close, book}``: ``firewall`` is what redis_firewall answered, None where it was not
    asked, ``book`` the rules that earlier runs have added. ValueError for sources that are none.
    """
    try:
        asked = _firewall_rules.sources_of(list(options.get("open_from") or []))
    except ValueError as error:
        raise ValueError(f"redis_network_open_from: {error}") from None
    if options.get("close"):
        return _closing(list(options.get("book") or []))
    host = snapshot.get("host")
    views: Sequence[Mapping[str, Any]] = options.get("views") or []
    judged = [(view, judge(view["network"], host) if view.get("network") else _unseen(view)) for view in views]
    clients = [(view, found) for view, found in judged if view["client"]]
    ended = [(view, found) for view, found in clients if found["hop"]]
    beside = [] if host else [CLIENT_ONLY]
    if not ended:
        return {**NOTHING, "idle": "; ".join([*(f"from {view['name']}: {found['sentence']}" for view, found in clients), *beside])}
    closed = [(view, found) for view, found in ended if found["opens"]]
    told = [_told(view, found) for view, found in ended] + [_near(found) for view, found in judged if not view["client"]]
    told += beside
    if not closed:
        return {**NOTHING, "refused": told}
    sources = asked or _sources(judged)
    objection = _objection(options, sources)
    if objection:
        return {**NOTHING, "refused": [*told, objection]}
    missing = options["firewall"]["missing"]
    others = [_told(view, found) for view, found in ended if not found["opens"]]
    return {
        **NOTHING,
        "steps": [*told, *(f"opens {_opened(rule)}" for rule in missing)],
        "open": missing,
        "sources": sources,
        "clients": [view["client"] for view, dummy in closed],
        "short": "; ".join(others),
    }


def _closing(book: list[dict[str, Any]]) -> dict[str, Any]:
    if not book:
        return {**NOTHING, "idle": "nothing that this playbook has opened is open"}
    return {**NOTHING, "steps": [f"closes {_firewall_rules.shown(rule)}" for rule in book], "close": book}


def _unseen(view: Mapping[str, Any]) -> Judged:
    sentence = f"nobody could look from there ({view.get('failed') or 'it cannot be reached'})"
    return {"hop": "client", "sentence": sentence, "advice": [], "opens": False}


def _told(view: Mapping[str, Any], found: Judged) -> str:
    """Where it ends for a client, and what to do."""
    do = f". Do: {'; '.join(found['advice'])}" if found["advice"] else ""
    return f"from {view['name']} it ends at the {WORDS.get(found['hop'], found['hop'])}: {found['sentence']}{do}"


def _near(found: Judged) -> str:
    return f"on the server's host itself: {found['sentence']}"


def _sources(judged: Sequence[tuple[Mapping[str, Any], Judged]]) -> list[str]:
    """The addresses from which it is closed, the host's own among them: its health checks are clients, too."""
    seen = [row for view, found in judged if found["opens"] for row in view["network"]["addresses"] if row["state"] != "open"]
    return list(dict.fromkeys(row["source"].partition("%")[0] for row in seen if row["source"]))


def _objection(options: Mapping[str, Any], sources: Sequence[str]) -> str | None:
    """Why the firewall is not opened."""
    firewall = options.get("firewall") or {}
    if not options.get("open"):
        return f"to let {', '.join(sources)} through the firewall of the server's host: -e redis_network_open_port=true"
    if "missing" not in firewall:
        return f"the firewall of the server's host cannot be opened: {firewall.get('msg') or 'it was not read'}"
    if not firewall["rules"]:
        return "no firewall of the server's host filters what comes in, so nothing there can be opened: it is something in between"
    if not firewall["missing"]:
        there = ", ".join(_firewall_rules.shown(rule) for rule in firewall["rules"])
        return f"the firewall of the server's host lets it through already ({there}): it is something in between"
    return None


def _opened(rule: Mapping[str, Any]) -> str:
    until = _firewall_rules.LASTING.get(str(rule["firewall"]))
    return _firewall_rules.shown(rule) + (f", {until}" if until else "")
