# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a failure means: the one place where errors become availability states.

An error is either the server's own words (``-NOAUTH Authentication required.``) or an exception of sockets and TLS.
Both become a :class:`Failure`: the state of the snapshot's ``availability``, a reason where a state has several, and the text.
Pure: standard library only; redis-py's exceptions are read through the standard ones that they wrap.
"""

from __future__ import annotations

import errno
import re
import socket
import ssl
from dataclasses import dataclass

from ansible_collections.aragora.redis.plugins.module_utils._report.text import clean

LONGEST = 400
STATES = (
    "up", "refused", "timeout", "hung", "dns", "unreachable", "reset", "tls", "auth_required", "auth_failed",
    "no_permission", "max_clients", "loading", "busy", "protected", "not_redis",
)  # fmt: skip

# The server's own words, in the order in which they are tried: (pattern, state, reason). They are the same in Redis and Valkey.
# Where the reason is the error's own code (MISCONF, MASTERDOWN …) the server is up and answers everything else.
REPLIES = (
    (r"^NOAUTH\b", "auth_required", None),
    (r"^WRONGPASS\b", "auth_failed", "wrong_password"),
    (r"^(ERR )?invalid password", "auth_failed", "wrong_password"),
    (r"^(ERR )?AUTH .*without any password configured", "auth_failed", "no_password_set"),
    (r"^(ERR )?Client sent AUTH, but no password is set", "auth_failed", "no_password_set"),
    (r"^NOPERM\b", "no_permission", None),
    (r"^(ERR )?max number of clients", "max_clients", None),
    (r"^LOADING\b", "loading", None),
    (r"^BUSY\b.*FUNCTION KILL", "busy", "function"),
    (r"^BUSY\b.*module command", "busy", "module"),
    (r"^BUSY\b", "busy", "script"),
    (r"^DENIED\b", "protected", None),
    (r"^MISCONF\b", "up", "misconf"),
    (r"^MASTERDOWN\b", "up", "masterdown"),
)

# OpenSSL's verify codes: https://docs.openssl.org/3.0/man1/openssl-verification-options/
VERIFY_REASONS = {
    9: "not_yet_valid",
    10: "expired",
    18: "unknown_ca",
    19: "unknown_ca",
    20: "unknown_ca",
    21: "unknown_ca",
    62: "hostname_mismatch",
    64: "hostname_mismatch",
}

TLS_TEXTS = (
    (r"WRONG_VERSION_NUMBER|RECORD_LAYER_FAILURE|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST", "tls_on_plain_port"),
    (r"CERTIFICATE_REQUIRED|certificate required|HANDSHAKE_FAILURE", "client_certificate_required"),
    (r"UNKNOWN_CA|(BAD|UNSUPPORTED)_CERTIFICATE|CERTIFICATE_(EXPIRED|REVOKED|UNKNOWN)", "client_certificate_refused"),
    (r"UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION|NO_SHARED_CIPHER|NO_PROTOCOLS_AVAILABLE", "no_common_version"),
)

UNREACHABLE = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL, errno.EPERM}

# One sentence each: what failed ({address} is filled in) and what to do next. Keys: (state, reason), then (state, None).
SENTENCES = {
    ("refused", None): "{address} refuses connections: no process listens there. Is the server started, and is this its port?",
    ("refused", "no_socket"): "there is no socket {address}: is the server started, and is this its 'unixsocket'?",
    ("refused", "socket_permission"): "this user may not open the socket {address}: join its group, or use 'become'",
    ("timeout", None): "{address} did not accept a connection in time: a firewall drops the packets, or the host is down",
    (
        "timeout",
        "host_answers",
    ): "{address} does not accept connections, but its host answers on another port: a firewall drops the packets",
    ("timeout", "host_silent"): "{address} did not accept a connection in time, and its host answers on no other port: is it up?",
    ("hung", None): "{address} accepts connections but does not answer: look at the process before you restart it",
    ("dns", None): "the name in {address} cannot be resolved: check its spelling and this machine's resolver",
    ("unreachable", None): "there is no route to {address}: check the network between this machine and the host",
    ("unreachable", "prohibited"): "this machine's own routes or firewall forbid connections to {address}",
    ("unreachable", "not_examined"): "{address} could not be examined",
    ("reset", None): "{address} closed the connection before it answered: look at its log, and at what stands in between",
    ("tls", None): "the TLS handshake with {address} failed",
    ("tls", "expired"): "the certificate of {address} has expired: renew it",
    ("tls", "not_yet_valid"): "the certificate of {address} is not valid yet: compare the clocks",
    ("tls", "unknown_ca"): "the certificate of {address} is not signed by a CA that is trusted here: set ca_certs",
    ("tls", "hostname_mismatch"): "the certificate of {address} is for another name: connect by a name that it holds",
    ("tls", "plain_on_tls_port"): "{address} speaks TLS and was called without it: use rediss:// or tls: true",
    ("tls", "tls_on_plain_port"): "{address} does not speak TLS: use redis:// or tls: false, or its TLS port",
    ("tls", "client_certificate_required"): "{address} wants a client certificate: set client_cert_file and client_key_file",
    (
        "tls",
        "client_certificate_refused",
    ): "{address} refuses the client certificate: it must be valid, and signed by a CA that the server trusts",
    (
        "tls",
        "unreadable_file",
    ): "a TLS file for {address} cannot be used: check ca_certs, client_cert_file and client_key_file, whose key must have no passphrase",
    ("auth_required", None): "{address} wants a password and none was given: set login_password or put it into the URL",
    ("auth_failed", None): "{address} refuses this user and password: compare them with the server's ACL or requirepass",
    ("auth_failed", "no_password_set"): "{address} has no password, but one was given: remove it, or set requirepass there",
    ("no_permission", None): "this user may not run PING on {address}: grant at least +ping +info",
    ("max_clients", None): "{address} has no connection left: maxclients is reached",
    ("loading", None): "{address} is loading its data set: wait, a restart would begin again from zero",
    ("busy", "script"): "{address} is busy with a script: SCRIPT KILL ends it",
    ("busy", "module"): "{address} is busy with a command of a module: it cannot be killed, wait for its end",
    ("busy", "function"): "{address} is busy with a function: FUNCTION KILL ends it",
    ("protected", None): "{address} is in protected mode: it has no password and answers loopback only",
    ("not_redis", None): "{address} answers, but not as Redis does: another service has this port",
    (
        "not_redis",
        "too_much",
    ): "{address} sends more than a reply can be: ask for less (slowlog_entries, clients_limit), or another service has this port",
}


@dataclass(frozen=True)
class Failure:
    """Why a server cannot be used. ``error`` is the original text, for people."""

    state: str
    reason: str | None
    error: str

    def sentence(self, address: str) -> str:
        """One sentence with the address, what failed and what to do next."""
        template = SENTENCES.get((self.state, self.reason)) or SENTENCES.get((self.state, None))
        text = (template or "{address} answers with an error").format(address=address)
        error = " ".join(self.error.split())
        return f"{text} ({error})" if error else text


def from_reply(text: str) -> Failure:
    """Classify the server's own words; an unknown error means that it is up and refuses just this command."""
    shown = clean(text, LONGEST)
    for pattern, state, reason in REPLIES:
        if re.search(pattern, text):
            return Failure(state, reason, shown)
    code = shown.split(" ", 1)[0]
    return Failure("up", code.lower() if code.isupper() else "error", shown)


def from_exception(error: BaseException, connected: bool) -> Failure:
    """Classify an exception of the connection; ``connected`` tells whether TCP had been accepted before it.

    The chain of causes is followed to the standard exception that says most.
    """
    chain = _chain(error)
    text = _text(chain)
    for link in chain:
        failure = _from_link(link, text, connected)
        if failure:
            return failure
    return Failure("reset", None, text)


def _from_link(link: BaseException, text: str, connected: bool) -> Failure | None:
    """What one exception of the chain says, or None when it says nothing of its own."""
    # Time-outs first: that of a TLS handshake may be an SSLError as well, and redis-py has one that is no OSError.
    if isinstance(link, (socket.timeout, TimeoutError)) or type(link).__name__ == "TimeoutError":
        return Failure("hung" if connected else "timeout", None, text)
    if isinstance(link, socket.gaierror):
        return Failure("dns", None, text)
    if isinstance(link, ssl.SSLError):
        return _from_tls(link, text)
    return _from_oserror(link, text) if isinstance(link, OSError) else None


def _from_tls(link: ssl.SSLError, text: str) -> Failure:
    if isinstance(link, ssl.SSLCertVerificationError):
        return Failure("tls", VERIFY_REASONS.get(getattr(link, "verify_code", 0), "verification_failed"), text)
    if isinstance(link, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return Failure("reset", None, text)
    reasons = (reason for pattern, reason in TLS_TEXTS if re.search(pattern, str(link)))
    return Failure("tls", next(reasons, "handshake_failed"), text)


def _from_oserror(link: OSError, text: str) -> Failure | None:
    if isinstance(link, ConnectionRefusedError):
        return Failure("refused", None, text)
    if isinstance(link, (FileNotFoundError, NotADirectoryError)):
        return Failure("refused", "no_socket", text)
    # EPERM is a packet filter of this machine, EACCES the mode of a Unix socket.
    if isinstance(link, PermissionError) and link.errno != errno.EPERM:
        return Failure("refused", "socket_permission", text)
    if isinstance(link, (ConnectionResetError, BrokenPipeError, ConnectionAbortedError)):
        return Failure("reset", None, text)
    if link.errno in UNREACHABLE:
        return Failure("unreachable", None, text)
    return Failure("timeout", None, text) if link.errno == errno.ETIMEDOUT else None


def _chain(error: BaseException) -> list[BaseException]:
    """The error and its causes, innermost first: the innermost one knows best."""
    links: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in links:
        links.append(link)
        link = link.__cause__ or link.__context__
    return links[::-1]


def _text(chain: list[BaseException]) -> str:
    """The outermost text in one line: it is the one that names the address."""
    return clean(" ".join(str(chain[-1]).split()), LONGEST) or type(chain[-1]).__name__
