# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the Redis of an application answers as master, asked without a library: the watch of a fallback has none."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qs

from ansible_collections.aragora.redis.plugins.module_utils import _endpoint, _wire

SECONDS = 5.0
INTERVAL = 2.0
# What redis-py takes from the query of a URL, as far as it matters here.
CA, CERT, KEY, VERIFY, NAMES = "ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname"
ROLE_LINE = re.compile(rb"^role:(\w+)", re.MULTILINE)


def url_of(environment: Mapping[str, str], names: list[str]) -> str:
    """The URL that all these variables hold. ValueError, without it, where they differ or one is empty."""
    values = {environment.get(name, "") for name in names}
    if not names or "" in values or len(values) > 1:
        raise ValueError(f"{', '.join(names) or 'no variable'} of its normal environment: not set, or not all the same")
    return values.pop()


def stays_master(url: str, seconds: float) -> bool:
    """Whether it answers as master, and goes on to do so. ValueError where the URL cannot be read."""
    end = time.monotonic() + seconds
    while role(url) == "master":
        if time.monotonic() >= end:
            return True
        time.sleep(INTERVAL)
    return False


def role(url: str) -> str:
    """``master``, ``slave`` or another word of Redis for its role; empty where it does not answer, loads, or refuses the login."""
    address, dummy, query = url.partition("?")
    options = {name: values[-1] for name, values in parse_qs(query).items()}
    endpoint = _endpoint.from_url(address + (f"?db={options['db']}" if "db" in options else ""))
    with contextlib.suppress(OSError, EOFError, ValueError), _connected(endpoint, options) as connection:
        replies = _wire.Replies(lambda: _received(connection))
        if endpoint.password is not None:
            words = [endpoint.user] if endpoint.user else []
            connection.sendall(_wire.packed("AUTH", *words, endpoint.password))
            if replies.lines(1)[0] != b"+OK":
                return ""
        # A server that loads its data tells its role already: PING tells that it works.
        connection.sendall(_wire.packed("PING"))
        if replies.lines(1)[0] != b"+PONG":
            return ""
        return _asked(connection, replies)
    return ""


def _asked(connection: socket.socket, replies: _wire.Replies) -> str:
    """ROLE, or where a user may not ask that, INFO."""
    connection.sendall(_wire.packed("ROLE"))
    if replies.lines(1)[0][:1] == b"*":
        return (replies.text() or b"").decode("ascii", "replace")
    connection.sendall(_wire.packed("INFO", "replication"))
    found = ROLE_LINE.search(replies.text() or b"")
    return found.group(1).decode() if found else ""


@contextlib.contextmanager
def _connected(endpoint: _endpoint.Endpoint, options: Mapping[str, str]) -> Iterator[socket.socket]:
    if endpoint.socket:
        with socket.socket(socket.AF_UNIX) as plain:
            plain.settimeout(SECONDS)
            plain.connect(endpoint.socket)
            yield plain
        return
    with socket.create_connection((endpoint.host, endpoint.port), timeout=SECONDS) as plain:
        if not endpoint.tls:
            yield plain
            return
        with _context(options).wrap_socket(plain, server_hostname=endpoint.host) as secured:
            yield secured


def _context(options: Mapping[str, str]) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=options.get(CA))
    if options.get(VERIFY, "").lower() in ("none", "cert_none") or options.get(NAMES, "").lower() in ("false", "0", "no"):
        context.check_hostname = False
    if options.get(VERIFY, "").lower() in ("none", "cert_none"):
        context.verify_mode = ssl.CERT_NONE
    if options.get(CERT):
        context.load_cert_chain(options[CERT], options.get(KEY), "")
    return context


def _received(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise EOFError
    return data
