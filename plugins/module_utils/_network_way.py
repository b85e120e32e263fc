# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way from this machine to a server, hop by hop: its name, the route to each of its addresses, the port, TLS, and what it answers.

It only looks. A hop that cannot be taken is data, and what lies behind it is None. Standard library; redis-py, where it is there, tells
more of the last hop.
"""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _certificates, _client, _probe
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import Endpoint
from ansible_collections.aragora.redis.plugins.module_utils._failures import from_exception
from ansible_collections.aragora.redis.plugins.module_utils._host_commands import Denied, run

RESOLVERS = Path("/etc/resolv.conf")
# A name with more addresses than this is a load balancer's.
MOST_ADDRESSES = 8


def look(endpoint: Endpoint, connect_timeout: float, timeout: float) -> dict[str, Any]:
    """The RETURN block of redis_network_info tells what it finds. ValueError for a Unix socket, to which no network leads."""
    if endpoint.socket:
        raise ValueError(f"no network leads to the socket {endpoint.socket}: give a host and port")
    name, found = _name(endpoint, connect_timeout)
    with ThreadPoolExecutor(MOST_ADDRESSES) as pool:
        addresses = list(pool.map(lambda address: _address(endpoint, address, connect_timeout), found[:MOST_ADDRESSES]))
    way: dict[str, Any] = {
        "asked_on": socket.gethostname(), "host": endpoint.host, "port": endpoint.port, "tls_wanted": bool(endpoint.tls), "name": name,
        "addresses": addresses, "tls": None, "answer": None,
    }  # fmt: skip
    if any(row["state"] == "open" for row in addresses):
        way["answer"] = _answer(endpoint, connect_timeout, timeout)
        way["tls"] = _tls(endpoint, connect_timeout) if endpoint.tls else None
    return way


def _name(endpoint: Endpoint, seconds: float) -> tuple[dict[str, Any], list[str]]:
    """(what the resolver did, the addresses)."""
    started, error, found = time.perf_counter(), None, []
    try:
        found = _probe.resolve(endpoint, seconds)
    except OSError as refused:
        error = refused.strerror or str(refused)
    given = _is_address(str(endpoint.host))
    return {"is_address": given, "error": error, "took_ms": _milliseconds(started), "resolvers": [] if given else _resolvers()}, found


def _resolvers() -> list[str]:
    with contextlib.suppress(OSError):
        rows = [line.split() for line in RESOLVERS.read_text(encoding="utf-8", errors="replace").splitlines()]
        return [row[1] for row in rows if row[:1] == ["nameserver"] and len(row) > 1]
    return []


def _address(endpoint: Endpoint, address: str, seconds: float) -> dict[str, Any]:
    """Route and port of one address; ``state`` is ``open`` or that of an availability."""
    one = replace(endpoint, host=address, tls=False)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    row: dict[str, Any] = {
        "address": address, "family": "ipv6" if ":" in address else "ipv4", **_route(family, address), "state": "open", "reason": None,
        "error": None, "connect_ms": None,
    }  # fmt: skip
    started = time.perf_counter()
    try:
        socket.create_connection((address, endpoint.port), seconds).close()
    except OSError as error:
        failure = _client.connect_failure(error, one, seconds)
        return {**row, "state": failure.state, "reason": failure.reason, "error": failure.error}
    return {**row, "connect_ms": _milliseconds(started)}


def _route(family: socket.AddressFamily, address: str) -> dict[str, Any]:
    """The address that this machine would send from, and over which device and gateway; None where there is no route."""
    told: dict[str, Any] = {"source": None, "device": None, "gateway": None}
    # To connect a datagram's socket sends nothing.
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.connect((address, 9))
        told["source"] = sock.getsockname()[0]
    with contextlib.suppress(Denied, ValueError, LookupError, AttributeError, TypeError):
        (row, *dummy) = json.loads(run("ip", "-j", "route", "get", address))
        told.update(device=row.get("dev"), gateway=row.get("gateway"))
    return told


def _answer(endpoint: Endpoint, connect_timeout: float, timeout: float) -> dict[str, Any]:
    """What PING, with the login where one is given, is answered with."""
    started = time.perf_counter()
    if _client.missing_library():
        failure, took = _probe.availability(endpoint, connect_timeout, timeout), _milliseconds(started)
    else:
        try:
            client, failure = _client.open_any(endpoint, connect_timeout, timeout)
            took = round(client.login_ms, 2)
            client.close()
        except _client.Unavailable as error:
            failure, took = error.failure, None
    return {"state": failure.state, "reason": failure.reason, "error": failure.error, "ping_ms": took if failure.state == "up" else None}


def _tls(endpoint: Endpoint, seconds: float) -> dict[str, Any]:
    """Version, cipher and certificate of a handshake that checks nothing, so that a bad certificate can be told."""
    told: dict[str, Any] = {"version": None, "cipher": None, "certificate": None, "names": [], "error": None}
    address = (str(endpoint.host), int(endpoint.port or 0))
    try:
        with (
            socket.create_connection(address, seconds) as sock,
            _probe.lenient().wrap_socket(sock, server_hostname=endpoint.host) as secured,
        ):
            shown = secured.getpeercert(binary_form=True)
            told.update(version=secured.version(), cipher=(secured.cipher() or ("",))[0])
    except (OSError, ValueError) as error:
        failure = from_exception(error, connected=True)
        return {**told, "error": failure.error}
    with contextlib.suppress(ValueError, LookupError):
        now = datetime.datetime.now(datetime.timezone.utc)
        told.update(certificate=_certificates.told(shown or b"", now), names=_certificates.names(shown or b""))
    return told


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True


def _milliseconds(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 2)
