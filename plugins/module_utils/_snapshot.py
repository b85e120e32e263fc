# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The snapshot: the one data structure that modules make, rules judge and reports show.

Everything in it is plain JSON data, so that a saved snapshot can be judged again. Part names are those of ``gather_subset``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

SCHEMA = 1
PARTS = ("info", "config", "rates", "slowlog", "clients", "latency", "memory", "acl", "modules", "cluster", "sentinel")
# Read where it is named only: it takes longer than all others together.
NAMED_PARTS = ("keyspace",)


# How ``denied.host`` begins where the host could not be reached to look at it.
UNREACHABLE = "unreachable: "


class Server(TypedDict):
    """Who answered. ``local`` tells that nothing but this machine could have answered (Unix socket or loopback)."""

    host: str | None
    port: int | None
    socket: str | None
    url: str
    local: bool
    product: str | None
    version: str | None
    run_id: str | None
    mode: str | None
    role: str | None


class Availability(TypedDict):
    """How the first conversation went; ``state`` is one of ``_failures.STATES``. ``certificate`` is what the server showed for TLS."""

    state: str
    reason: str | None
    error: str
    connect_ms: float | None
    ping_ms: float | None
    eta_seconds: int | None
    certificate: dict[str, Any] | None


class Snapshot(TypedDict):
    """See the RETURN block of redis_info for every field. A part that was not asked for or could not be read is None."""

    schema: int
    server: Server
    availability: Availability
    info: dict[str, Any] | None
    config: dict[str, str] | None
    auth: dict[str, bool] | None
    rates: dict[str, Any] | None
    slowlog: dict[str, Any] | None
    clients: dict[str, Any] | None
    latency: dict[str, Any] | None
    memory: dict[str, Any] | None
    acl: dict[str, Any] | None
    modules: list[dict[str, Any]] | None
    cluster: dict[str, Any] | None
    sentinel: dict[str, Any] | None
    keyspace: dict[str, Any] | None
    host: dict[str, Any] | None
    application: dict[str, Any] | None
    previous: dict[str, Any] | None
    denied: dict[str, str]


def empty(host: str | None, port: int | None, socket: str | None, url: str, local: bool) -> Snapshot:
    """A snapshot of which nothing is known yet but the address."""
    return {
        "schema": SCHEMA,
        "server": {
            "host": host, "port": port, "socket": socket, "url": url, "local": local,
            "product": None, "version": None, "run_id": None, "mode": None, "role": None,
        },
        "availability": {
            "state": "up", "reason": None, "error": "", "connect_ms": None, "ping_ms": None, "eta_seconds": None, "certificate": None,
        },
        "info": None, "config": None, "auth": None, "rates": None, "slowlog": None, "clients": None, "latency": None,
        "memory": None, "acl": None, "modules": None, "cluster": None, "sentinel": None, "keyspace": None,
        "host": None, "application": None, "previous": None,
        "denied": {},
    }  # fmt: skip


def plain(data: Any) -> Any:
    """A copy made of plain mappings and lists. Those that Ansible hands to plugins are lazy, and their values() can be walked only once."""
    if isinstance(data, Mapping):
        return {key: plain(value) for key, value in data.items()}
    return [plain(item) for item in data] if isinstance(data, (list, tuple)) else data


def better(
    on_host: Mapping[str, Any], from_controller: Mapping[str, Any], address: str = "", host_info: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The snapshot of two results of redis_info that tells more, with what redis_host_info told of the host.

    What kept the host's own from being complete stands in ``denied.host``, what could not be read of the host in ``denied``, too. Either
    result may be without a snapshot: skipped, unreachable or failed. When both are, the snapshot says so: no host is dropped.
    """
    near: dict[str, Any] = on_host.get("snapshot") or {}
    far: dict[str, Any] = from_controller.get("snapshot") or {}
    if near and not (far and far["info"]):
        return _with_host(near, host_info or {})
    trouble = near["denied"].get("library", "") if near else _words(on_host)
    if not far:
        return _with_host(_not_examined(on_host, from_controller, address), host_info or {})
    if on_host.get("unreachable"):
        trouble = f"{UNREACHABLE}{trouble}"
    return _with_host({**far, "denied": {**far["denied"], **({"host": trouble} if trouble else {})}}, host_info or {})


def _with_host(snapshot: dict[str, Any], host_info: Mapping[str, Any]) -> dict[str, Any]:
    """The snapshot with the result of redis_host_info, or with why there is none; a skipped one changes nothing."""
    if host_info.get("host"):
        denied = {f"host {part}": words for part, words in (host_info.get("denied") or {}).items()}
        return {**snapshot, "host": host_info["host"], "denied": {**snapshot["denied"], **denied}}
    words = _words(host_info) if host_info else ""
    if not words or "host" in snapshot["denied"]:
        return snapshot
    return {**snapshot, "denied": {**snapshot["denied"], "host": f"{UNREACHABLE}{words}" if host_info.get("unreachable") else words}}


def with_keyspace(snapshot: Mapping[str, Any], result: Mapping[str, Any]) -> dict[str, Any]:
    """The snapshot with the result of redis_keyspace in place of what it knew of the keys; a skipped one changes nothing.

    Where there is no result the sample stays, and ``denied.keyspace`` says why.
    """
    if result.get("skipped"):
        return dict(snapshot)
    denied = {part: words for part, words in snapshot["denied"].items() if part != "keyspace"}
    if result.get("keyspace"):
        return {**snapshot, "keyspace": result["keyspace"], "denied": denied}
    return {**snapshot, "denied": {**denied, "keyspace": _words(result)}}


def _not_examined(on_host: Mapping[str, Any], from_controller: Mapping[str, Any], address: str) -> dict[str, Any]:
    snapshot = empty(address or None, None, None, "", local=False)
    words = dict.fromkeys(filter(None, (_words(on_host), _words(from_controller))))
    reason = None if on_host.get("unreachable") and not from_controller.get("failed") else "not_examined"
    snapshot["availability"].update({"state": "unreachable", "reason": reason, "error": "; ".join(words)})
    return dict(snapshot)


def _words(result: Mapping[str, Any]) -> str:
    """What a result without a snapshot says in its own words; nothing of one that was skipped."""
    return "" if result.get("skipped") else " ".join(str(result.get("msg", "no result")).split())


def chosen_parts(subset: Iterable[str]) -> set[str]:
    """The parts that ``gather_subset`` means: names add, ``!names`` take away, ``all`` is the default of a list that only takes away,
    and ``!all`` leaves nothing but what is named. ``keyspace`` is not in ``all``.

    ``info`` is always among them: nothing can be judged without it. ValueError names an unknown part and lists the known ones.
    """
    names = [str(name) for name in subset]
    unknown = [name for name in names if name[name.startswith("!") :] not in (*PARTS, *NAMED_PARTS, "all")]
    if unknown:
        raise ValueError(
            f"gather_subset names the unknown part '{unknown[0]}': choose from all, {', '.join((*PARTS, *NAMED_PARTS))}, or !part"
        )
    wanted = {name for name in names if not name.startswith("!")}
    if "all" in wanted or not (wanted or "!all" in names):
        wanted = {*wanted, *PARTS} - {"all"}
    return (wanted - {name[1:] for name in names if name.startswith("!")}) | {"info"}
