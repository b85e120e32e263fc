# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each of several Sentinels believes, where they agree, and where not. Pure.

A view: ``{address, id, state, error, tilt, tilt_seconds, masters}``; ``state`` is that of the availability, ``up`` where it answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _sentinel

View = dict[str, Any]
# {our name: Sentinel's}
MASTER = {
    "name": "name", "runid": "runid", "flags": "flags", "config_epoch": "config-epoch", "quorum": "quorum",
    "down_after_ms": "down-after-milliseconds", "failover_timeout_ms": "failover-timeout", "parallel_syncs": "parallel-syncs",
    "role_reported": "role-reported", "role_reported_ms": "role-reported-time",
}  # fmt: skip
REPLICA = {
    "runid": "runid", "flags": "flags", "priority": "slave-priority", "offset": "slave-repl-offset", "link": "master-link-status",
    "role_reported": "role-reported", "master_host": "master-host", "master_port": "master-port",
}  # fmt: skip
SENTINEL = {"runid": "runid", "flags": "flags", "voted_leader": "voted-leader", "voted_leader_epoch": "voted-leader-epoch"}
# Flags of a master while it is being failed over.
FAILING_OVER = {"failover_in_progress", "force_failover"}
DOWN = {"s_down", "o_down"}


def silent(address: str, state: str, error: str) -> View:
    """The view of a Sentinel that does not tell it."""
    return {"address": address, "id": None, "state": state, "error": error, "tilt": None, "tilt_seconds": None, "masters": []}


def view(address: str, sentinel_id: str | None, info: Mapping[str, Any], masters: Sequence[Mapping[str, Any]]) -> View:
    """What a Sentinel told; ``masters`` are those of ``_sentinel`` with their details."""
    told = {"address": address, "id": sentinel_id, "state": "up", "error": "", **_sentinel.tilt(info)}
    return {**told, "masters": [_master(master) for master in masters]}


def unknown(views: Iterable[View]) -> list[tuple[str, int]]:
    """(host, port) of the Sentinels that others tell of, and that were not asked yet."""
    seen = list(views)
    asked, ids = {found["address"] for found in seen}, {found["id"] for found in seen if found["id"]}
    found = {}
    for told in seen:
        for master in told["masters"]:
            for other in master["sentinels"] or []:
                if isinstance(other["port"], int) and other["runid"] not in ids and other["address"] not in asked:
                    found[other["address"]] = (str(other["host"]), other["port"])
    return [found[name] for name in sorted(found)]


def without_aliases(views: Sequence[View]) -> list[View]:
    """One view for each Sentinel: the same one may be asked by two addresses."""
    ids: set[str] = set()
    kept = []
    for found in views:
        if found["id"] is None or found["id"] not in ids:
            kept.append(found)
        ids.add(found["id"] or "")
    return kept


def address(host: Any, port: Any) -> str:
    """``host:port`` as it stands in messages."""
    return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"


def agreement(views: Sequence[View], name: str) -> dict[str, Any]:
    """What they believe of one master.

    ``{name, address, host, port, agreed, addresses, quorum, quorum_ok, failover, known_by, differences}``.

    ``address`` is the one that most of them name, the highest epoch first; ``agreed`` where all that answer say the same of everything
    that decides a failover.
    """
    told = [(found["address"], master) for found in views for master in found["masters"] if master["name"] == name]
    addresses: dict[str, list[str]] = {}
    for who, master in told:
        addresses.setdefault(master["address"], []).append(who)
    rows = sorted((master for dummy, master in told), key=lambda row: (row["config_epoch"] or 0, len(addresses[row["address"]])))
    best: Mapping[str, Any] = rows[-1] if rows else {}
    wrong = _differences(views, name, told, addresses)
    return {
        "name": name, "address": best.get("address"), "host": best.get("host"), "port": best.get("port"), "agreed": not wrong,
        "addresses": addresses, "quorum": best.get("quorum"),
        "quorum_ok": bool(told) and all((master["quorum_check"] or {}).get("ok") is not False for dummy, master in told),
        "failover": any(master["failover"] for dummy, master in told),
        "known_by": [who for who, dummy in told], "differences": wrong,
    }  # fmt: skip


def names(views: Sequence[View]) -> list[str]:
    """The masters that any of them watches."""
    return sorted({master["name"] for found in views for master in found["masters"]})


def _master(told: Mapping[str, Any]) -> dict[str, Any]:
    members = {"replicas": REPLICA, "sentinels": SENTINEL}
    lists = {kind: None if told.get(kind) is None else [_member(row, fields) for row in told[kind]] for kind, fields in members.items()}
    return {
        **_member(told, MASTER), **lists, "quorum_check": told.get("quorum_check"),
        "failover": bool(FAILING_OVER & set(told.get("flags") or [])),
    }  # fmt: skip


def _member(told: Mapping[str, Any], fields: Mapping[str, str]) -> dict[str, Any]:
    place = {"host": told.get("ip"), "port": told.get("port"), "address": address(told.get("ip"), told.get("port"))}
    return {**place, **{name: told.get(theirs) for name, theirs in fields.items()}}


def _differences(
    views: Sequence[View], name: str, told: Sequence[tuple[str, Mapping[str, Any]]], addresses: Mapping[str, Sequence[str]]
) -> list[str]:
    """Sentences: who is silent, who knows nothing of it, and what they do not say alike."""
    known = {who for who, dummy in told}
    found = [f"the Sentinel {seen['address']} does not answer: {seen['error']}" for seen in views if seen["state"] != "up"]
    found += [f"the Sentinel {v['address']} knows no master '{name}'" for v in views if v["state"] == "up" and v["address"] not in known]
    found += [f"the Sentinel {seen['address']} is in TILT mode" for seen in views if seen["tilt"]]
    if len(addresses) > 1:
        found.append(
            "they name different masters: " + "; ".join(f"{place} by {', '.join(who)}" for place, who in sorted(addresses.items()))
        )
    for field, words in (("config_epoch", "epochs"), ("quorum", "quorums"), ("down_after_ms", "down-after-milliseconds")):
        values = {str(master[field]) for dummy, master in told}
        if len(values) > 1:
            found.append(f"they have different {words}: {', '.join(sorted(values))}")
    for kind in ("replicas", "sentinels"):
        counts = {str(len(master[kind])) for dummy, master in told if master[kind] is not None}
        if len(counts) > 1:
            found.append(f"they know different numbers of {kind if kind == 'replicas' else 'other Sentinels'}: {', '.join(sorted(counts))}")
    for who, master in told:
        down = sorted(DOWN & set(master["flags"]))
        if down:
            found.append(f"the Sentinel {who} takes the master for down ({', '.join(down)})")
        check = master["quorum_check"] or {}
        if check.get("ok") is False:
            found.append(f"the Sentinel {who} has no quorum: {check['text']}")
        if master["failover"]:
            found.append(f"the Sentinel {who} is failing over now")
    return found
