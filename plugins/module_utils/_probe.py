# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Short raw conversations with a port that a Redis client could not make sense of: who is it, really?

Each function opens its own connection, is bounded by its time-out, and answers with what was seen; silence is b"".
Standard library only, so that a target without redis-py can still be probed.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from ansible_collections.aragora.redis.plugins.module_utils._endpoint import Endpoint
from ansible_collections.aragora.redis.plugins.module_utils._failures import Failure, from_exception, from_reply
from ansible_collections.aragora.redis.plugins.module_utils._report.text import clean

ENOUGH = 512
# Asked when Redis's own port is silent: SSH, and discard, which hardly anybody serves and everybody refuses.
OTHER_PORTS = (22, 9)
# For every key: without one, OpenSSL asks the terminal for it, and waits.
NO_PASSPHRASE = ""


def resolve(endpoint: Endpoint, seconds: float) -> list[str]:
    """The addresses of the name, in the resolver's order, within the time-out: it has none itself. Raises what getaddrinfo raises."""
    if endpoint.socket:
        return []
    outcome: list[BaseException | list[str]] = []

    def look_up() -> None:
        try:
            found = socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
            outcome.append(list(dict.fromkeys(str(place[0]) for *dummy, place in found)))
        except OSError as error:
            outcome.append(error)
        except UnicodeError as error:
            outcome.append(socket.gaierror(socket.EAI_NONAME, str(error)))

    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(seconds)
    if not outcome:
        raise socket.gaierror(socket.EAI_AGAIN, f"the resolver did not answer within {seconds:g} s")
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]


def greeting(endpoint: Endpoint, timeout: float) -> bytes:
    """What the port says before it is spoken to.

    Redis refuses a connection over maxclients or in protected mode with an error and closes at once; whoever has sent
    AUTH by then may see a reset instead of the error. Here nothing is sent, so the error arrives.
    """
    return _converse(endpoint, b"", timeout)


def plain_reply(endpoint: Endpoint, timeout: float) -> bytes:
    """The answer to PING without TLS."""
    return _converse(endpoint, b"PING\r\n", timeout)


def speaks_tls(endpoint: Endpoint, timeout: float) -> bool:
    """True when the port answers a TLS greeting in TLS, whether or not it would accept us."""
    try:
        with _connect(endpoint, timeout) as sock, lenient().wrap_socket(sock):
            return True
    except ssl.SSLError as error:
        # An alert is TLS as well; a reply in the clear is not.
        return not isinstance(error, ssl.SSLEOFError) and not re.search("WRONG_VERSION|RECORD_LAYER", str(error))
    except OSError:
        return False


def tls_refusal(endpoint: Endpoint, timeout: float) -> Failure | None:
    """Why the server ends a TLS connection, when it says so in TLS; None when it does not.

    TLS 1.3 refuses a client certificate, or that there is none, after the handshake, where a reset may overtake the words; TLS 1.2 refuses
    it within.
    """
    for newest in (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2):
        context = lenient()
        context.maximum_version = newest
        try:
            if endpoint.client_cert_file:
                # Without it the answer would be about another connection: that there is none.
                context.load_cert_chain(endpoint.client_cert_file, endpoint.client_key_file, NO_PASSPHRASE)
            with _connect(endpoint, timeout) as sock, context.wrap_socket(sock) as secured:
                secured.recv(1)
        except ssl.SSLError as error:
            # Who asks is handling the error of the first connection: it is none of this one's causes.
            error.__context__ = None
            failure = from_exception(error, connected=True)
            if failure.state == "tls" and (newest == ssl.TLSVersion.TLSv1_3 or str(failure.reason).startswith("client_certificate")):
                return failure
        except OSError:
            continue
    return None


def accepts(endpoint: Endpoint, timeout: float, or_refuses: bool = False) -> bool:
    """True when the port accepts a TCP connection; with ``or_refuses`` also when it says no, which proves that its host is up."""
    try:
        _connect(endpoint, timeout).close()
    except ConnectionRefusedError:
        return or_refuses
    except OSError:
        return False
    return True


def host_answers(endpoint: Endpoint, timeout: float) -> bool:
    """True when the host of a silent port answers on another one, be it with a refusal: then something filters the port."""
    others = [replace(endpoint, port=port) for port in OTHER_PORTS if port != endpoint.port]
    with ThreadPoolExecutor(len(others)) as pool:
        return any(pool.map(lambda other: accepts(other, timeout, or_refuses=True), others))


def is_resp(reply: bytes) -> bool:
    """True for the beginning of a Redis reply."""
    return bool(re.match(rb"[+-][A-Za-z]|[:*$]-?\d", reply))


def availability(endpoint: Endpoint, connect_timeout: float, timeout: float) -> Failure:
    """The state of a server as far as a bare PING can tell; for machines without redis-py. Up is a Failure with state ``up``."""
    if endpoint.tls:
        return Failure("up", "not_examined", "") if speaks_tls(endpoint, timeout) else Failure("tls", "tls_on_plain_port", "")
    try:
        with _connect(endpoint, connect_timeout) as sock:
            reply = _exchange(sock, _login(endpoint) + b"PING\r\n", timeout)
    except OSError as error:
        # Without a connection the time-out was that of connect(); the address is known to be reachable after it.
        return from_exception(error, connected=False)
    if not reply:
        return Failure("reset", None, "")
    # The refusal of AUTH, if there is one, comes first; a server without a word of Redis has none.
    lines = reply.decode("utf-8", "backslashreplace").splitlines()
    refusals = [from_reply(line[1:]) for line in lines if line.startswith("-")]
    if refusals:
        return refusals[0]
    return Failure("up", None, "") if "+PONG" in lines else Failure("not_redis", None, clean(lines[0], 60))


def _login(endpoint: Endpoint) -> bytes:
    """AUTH as Redis wants it on the wire, or nothing without a password."""
    if endpoint.password is None:
        return b""
    words = [word.encode() for word in ("AUTH", endpoint.user, endpoint.password) if word is not None]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def lenient() -> ssl.SSLContext:
    """TLS without any check: to find out who is there, never to tell him anything."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _connect(endpoint: Endpoint, timeout: float) -> socket.socket:
    if endpoint.socket:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(timeout)
        sock.connect(endpoint.socket)
        return sock
    return socket.create_connection((endpoint.host, endpoint.port), timeout)


def _converse(endpoint: Endpoint, say: bytes, timeout: float) -> bytes:
    with contextlib.suppress(OSError), _connect(endpoint, timeout) as sock:
        return _exchange(sock, say, timeout)
    return b""


def _exchange(sock: socket.socket, say: bytes, timeout: float) -> bytes:
    """What comes back until a line ends with nothing behind it; the time-out is that of the whole exchange. Raises OSError for silence."""
    said, end = b"", time.monotonic() + timeout
    sock.sendall(say)
    while len(said) < ENOUGH and (left := end - time.monotonic()) > 0:
        sock.settimeout(left)
        piece = sock.recv(ENOUGH)
        said += piece
        # One answer a command: AUTH's alone is not yet the end.
        if not piece or (said.endswith(b"\n") and said.count(b"\n") >= max(1, say.count(b"PING") + say.count(b"AUTH"))):
            break
    return said
