# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From connection options to a connected client. The only file that imports redis-py.

One connection, no retries, no pool: what happened is reported, not hidden. A connection begins with AUTH and PING and nothing
else, because a busy server refuses every other command and must still be reachable for SCRIPT KILL; CLIENT SETNAME and SELECT come
later, as ordinary commands whose refusal is data.
"""

from __future__ import annotations

import contextlib
import inspect
import re
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from ansible_collections.aragora.redis.plugins.module_utils import _probe
from ansible_collections.aragora.redis.plugins.module_utils._byte_limit import ByteLimit, TooMuch, counted
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import (
    MASK,
    Endpoint,
    check_timeouts,
    from_options,
    secrets_of,
    sentinel_endpoints,
)
from ansible_collections.aragora.redis.plugins.module_utils._failures import Failure, from_exception, from_reply
from ansible_collections.aragora.redis.plugins.module_utils._report.text import clean
from ansible_collections.aragora.redis.plugins.module_utils._watchdog import Watchdog

try:
    import redis
    import redis.connection
except ImportError:
    redis = None  # type: ignore[assignment]  # asked for by missing_library()

# A script is answered with BUSY only after the server's busy-reply-threshold (5 s): who waits less cannot tell it from a hung server.
FIRST_REPLY_SECONDS = 6.0
# What an exchange may take beyond its time-out, for the many bytes of a long reply.
TRANSFER_SECONDS = 10.0
RECEIVE_BYTES = 65536
# What an exchange may bring: a client list of 100,000 connections is a third of it.
MOST_BYTES = 128 << 20
CLIENT_NAME = "aragora.redis"
# What JSON shows as it is, and a terminal obeys: control characters of eight bits, and those that turn a line around.
UNSHOWABLE = re.compile("[\x80-\x9f\u2028-\u202e\u2066-\u2069]")
LONGEST_TEXT = 400
MISSING_LIBRARY = (
    "redis-py 4.3 or newer is missing for the Python {python} of this machine: install the package python3-redis "
    "(Debian, Ubuntu, Fedora, RHEL with EPEL), py3-redis (Alpine) or 'redis' from PyPI"
)


class Unavailable(Exception):
    """The server cannot be used: the failure says why, ``str()`` is one sentence for people."""

    def __init__(self, failure: Failure, endpoint: Endpoint, connect_ms: float | None = None) -> None:
        super().__init__(failure.sentence(endpoint.address))
        self.failure = failure
        self.endpoint = endpoint
        self.connect_ms = connect_ms


class Refused(Exception):
    """The server answered a command with an error. ``str()`` is the server's own text, its code included."""

    @property
    def failure(self) -> Failure:
        """What the text means for the availability of the server."""
        return from_reply(str(self))


class Client:
    """One connection. Replies are str, int, None and lists of them; what is not UTF-8 or drives a terminal is shown with backslashes."""

    def __init__(self, endpoint: Endpoint, connect_timeout: float, timeout: float) -> None:
        self.endpoint = endpoint
        self.commands_sent = 0
        self.connect_ms = 0.0
        self.login_ms = 0.0
        self._bytes = ByteLimit(MOST_BYTES)
        self._connection = _connection(endpoint, connect_timeout, timeout, self._bytes)
        self._seconds = timeout + TRANSFER_SECONDS
        self._watchdog = Watchdog(self._connection.disconnect)

    def connect(self) -> None:
        """Open the socket (and TLS). Raises what redis-py raises."""
        started = time.perf_counter()
        self._connection.connect()
        self.connect_ms = _milliseconds(started)

    def certificate(self) -> bytes | None:
        """The certificate that the server showed, validated or not (DER); None without TLS."""
        shown = getattr(getattr(self._connection, "_sock", None), "getpeercert", None)
        try:
            return shown(binary_form=True) if shown else None
        except (OSError, ValueError):
            return None

    def call(self, *command: str | int | bytes) -> Any:
        """Send one command. Raises Refused for an error reply, Unavailable when the connection breaks."""
        reply = self.pipeline([command])[0]
        if isinstance(reply, Refused):
            raise reply
        return reply

    def pipeline(self, commands: Iterable[Sequence[str | int | bytes]]) -> list[Any]:
        """Send the commands in one go; error replies stand in the list as Refused. Raises Unavailable when the connection breaks."""
        batch = list(commands)
        self._allow(len(batch))
        try:
            self._connection.send_packed_command(self._connection.pack_commands(batch))
            return [self._reply() for dummy in batch]
        except (RecursionError, OverflowError, MemoryError) as error:
            raise self._lost(redis.exceptions.InvalidResponse(str(error) or type(error).__name__)) from None
        except (redis.exceptions.RedisError, OSError, ValueError, AttributeError, TooMuch) as error:
            raise self._lost(error) from None

    def send(self, packed: bytes, commands: int) -> None:
        """Send commands that are packed already; their replies are for :meth:`receive`. Raises Unavailable when the connection breaks."""
        self._allow(commands)
        try:
            self._connection.send_packed_command([packed])
        except (redis.exceptions.RedisError, OSError, ValueError, AttributeError) as error:
            raise self._lost(error) from None

    def receive(self) -> bytes:
        """The next bytes of replies to what was sent by :meth:`send`; whoever sends so must read so, to the last byte."""
        try:
            received: bytes = self._connection._sock.recv(RECEIVE_BYTES)
            if received:
                return received
            raise ConnectionResetError("Connection closed by server.")
        except (OSError, ValueError, AttributeError, TooMuch) as error:
            raise self._lost(error) from None

    def _allow(self, commands: int) -> None:
        """An exchange of so many commands begins, and with it its limits of time and bytes."""
        self.commands_sent += commands
        self._bytes.renew()
        self._watchdog.allow(self._seconds)

    def _lost(self, error: Exception) -> Unavailable:
        """Close the broken connection and tell why it broke."""
        # ValueError and AttributeError: the watchdog closed the socket under redis-py's feet.
        failure = from_exception(error, connected=True)
        if isinstance(error, redis.exceptions.InvalidResponse):
            failure = Failure("not_redis", None, clean(str(error), LONGEST_TEXT))
        if isinstance(error, TooMuch):
            failure = Failure("not_redis", "too_much", str(error))
        if self._watchdog.fired:
            failure = Failure("hung", None, f"the reply did not end within {self._seconds:g} s")
        self.close()
        return Unavailable(failure, self.endpoint, self.connect_ms)

    def close(self) -> None:
        """Close the connection; closing twice is fine."""
        self._watchdog.stop()
        with contextlib.suppress(Exception):
            self._connection.disconnect()

    def _reply(self) -> Any:
        try:
            return self._decoded(self._connection.read_response())
        except redis.exceptions.ResponseError as error:
            return self._refused(error)

    def _refused(self, error: BaseException) -> Refused:
        """The server's words without what it must not repeat: a server that does not know AUTH quotes its arguments."""
        return Refused(_without_secrets(str(error), self.endpoint))

    def _decoded(self, reply: Any) -> Any:
        if isinstance(reply, bytes):
            text = reply.decode("utf-8", "backslashreplace")
            return text if text.isascii() else UNSHOWABLE.sub(_backslashed, text)
        if isinstance(reply, list):
            return [self._decoded(item) for item in reply]
        return self._refused(reply) if isinstance(reply, Exception) else reply


def open_client(endpoint: Endpoint, connect_timeout: float, timeout: float, first_reply: float = FIRST_REPLY_SECONDS) -> Client:
    """Connect and log in; the server has answered PING. Raises Unavailable with the classified failure.

    ``first_reply`` is the least time in seconds that a silent server is given before it is called hung. The states ``loading`` and
    ``busy`` are raised as well: callers that can work with such a server use :func:`open_any`.
    """
    client, failure = open_any(endpoint, connect_timeout, timeout, first_reply)
    if failure.state != "up":
        client.close()
        raise Unavailable(failure, endpoint, client.connect_ms)
    return client


def open_any(
    endpoint: Endpoint, connect_timeout: float, timeout: float, first_reply: float = FIRST_REPLY_SECONDS
) -> tuple[Client, Failure]:
    """Connect and log in to a server in any state that still answers: (client, what PING said).

    The failure's state is ``up`` for PONG and for refusals that leave a server usable. Raises Unavailable when there is no conversation.
    """
    patience = max(timeout, first_reply)
    client = Client(endpoint, connect_timeout, patience)
    try:
        _probe.resolve(endpoint, connect_timeout)
        client.connect()
    except (redis.exceptions.RedisError, OSError, ValueError) as error:
        failure = connect_failure(error, endpoint, connect_timeout)
        raise Unavailable(failure, endpoint) from None
    try:
        return client, _login(client, endpoint)
    except Unavailable as error:
        failure = _second_look(error.failure, endpoint, connect_timeout)
        raise Unavailable(failure, endpoint, client.connect_ms) from None


def _login(client: Client, endpoint: Endpoint) -> Failure:
    """AUTH where there is a password, then PING; the first refusal that matters wins."""
    commands: list[tuple[str, ...]] = [("PING",)]
    if endpoint.password is not None:
        commands.insert(0, ("AUTH", endpoint.user, endpoint.password) if endpoint.user else ("AUTH", endpoint.password))
    started = time.perf_counter()
    replies = client.pipeline(commands)
    client.login_ms = _milliseconds(started)
    failures = [reply.failure for reply in replies if isinstance(reply, Refused)]
    if failures:
        # A server that does not know AUTH and wants a password says so at PING only.
        return next((failure for failure in failures if failure.state != "up"), failures[0])
    return Failure("up", None, "") if replies[-1] == "PONG" else Failure("not_redis", None, f"PING was answered with {replies[-1]!r:.60}")


def follow_sentinels(options: dict[str, Any], sentinels: list[Endpoint]) -> Endpoint:
    """Ask the Sentinels, one after the other, where the master of ``service_name`` is. Raises Unavailable with the last failure."""
    service = options.get("service_name") or ""
    trouble: Unavailable | ValueError | None = None
    for sentinel in sentinels:
        try:
            client = open_client(sentinel, options["connect_timeout"], options["timeout"], first_reply=0)
        except Unavailable as error:
            trouble = error
            continue
        with contextlib.closing(client):
            try:
                found = client.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", service)
            except Refused as error:
                trouble = Unavailable(error.failure, sentinel)
                continue
        if not (isinstance(found, list) and len(found) == 2 and str(found[1]).isdecimal()):
            trouble = ValueError(f"the Sentinel {sentinel.address} knows no master named '{service}': set service_name")
            continue
        plain = {**options, "url": None, "login_unix_socket": None, "login_host": None, "login_port": None}
        return replace(from_options(plain), host=found[0], port=int(found[1]))
    raise trouble or ValueError("sentinels is empty: give at least one host:port")


def find_endpoint(options: dict[str, Any]) -> Endpoint:
    """The server that the options of the fragment ``connection`` mean, through Sentinels where they are given."""
    sentinels = sentinel_endpoints(options)
    return follow_sentinels(options, sentinels) if sentinels else from_options(options)


def missing_library() -> str | None:
    """The sentence to say when redis-py is not there, else None."""
    return None if redis else MISSING_LIBRARY.format(python=".".join(map(str, sys.version_info[:2])))


def hide_url_secrets(module: Any, urls: Iterable[str | None]) -> None:
    """Make sure that passwords inside URLs never leave the module, and that URLs without one may be shown.

    The options are ``no_log`` so that even an error before this point hides them whole.
    """
    for url in urls:
        if url:
            secrets = secrets_of(url)
            module.no_log_values.update(secrets)
            if not secrets:
                module.no_log_values.discard(url)


def prepare(module: Any) -> None:
    """What comes before a module talks: its secrets are hidden, redis-py is there, and its time-outs can be meant, or it fails."""
    hide_url_secrets(module, [module.params["url"]])
    sentence = missing_library()
    if sentence:
        module.fail_json(msg=sentence)
    try:
        check_timeouts(module.params)
    except ValueError as error:
        module.fail_json(msg=str(error))


def connected(module: Any) -> Client:
    """The client that a module's options ask for; leaves through ``fail_json`` with one sentence when there is none."""
    prepare(module)
    try:
        endpoint = find_endpoint(module.params)
        client = open_client(endpoint, module.params["connect_timeout"], module.params["timeout"])
    except ValueError as error:
        module.fail_json(msg=str(error))
    except Unavailable as error:
        module.fail_json(msg=str(error), availability={"state": error.failure.state, "reason": error.failure.reason})
    try:
        # Both may be refused by the ACL; the name is a courtesy to whoever reads CLIENT LIST, the database is not.
        replies = client.pipeline([("CLIENT", "SETNAME", CLIENT_NAME), ("SELECT", endpoint.db)])
    except Unavailable as error:
        module.fail_json(msg=str(error))
    if endpoint.db and isinstance(replies[1], Refused):
        client.close()
        module.fail_json(msg=f"{endpoint.address} refuses the database {endpoint.db}: {replies[1]}")
    return client


def _connection(endpoint: Endpoint, connect_timeout: float, timeout: float, limit: ByteLimit) -> Any:
    """redis-py's connection object, not yet connected. It sends nothing on its own."""
    options: dict[str, Any] = {
        "socket_timeout": timeout,
        "socket_connect_timeout": connect_timeout,
        "parser_class": _verbatim_parser(),
        "encoding_errors": "backslashreplace",
    }
    base = getattr(redis.connection, "AbstractConnection", redis.connection.Connection)
    known = inspect.signature(base.__init__).parameters
    # RESP2 and no CLIENT SETINFO; what these options are called depends on the release of redis-py.
    quiet = {"protocol": 2, "driver_info": None} if "driver_info" in known else {"protocol": 2, "lib_name": None, "lib_version": None}
    options.update({name: value for name, value in quiet.items() if name in known})
    if endpoint.socket:
        socket_class = counted(redis.connection.UnixDomainSocketConnection, limit)
        return socket_class(path=endpoint.socket, **_without(options, "socket_connect_timeout"))
    options.update(host=endpoint.host, port=endpoint.port)
    if not endpoint.tls:
        return counted(redis.connection.Connection, limit)(**options)
    return counted(redis.connection.SSLConnection, limit)(
        ssl_cert_reqs="required" if endpoint.validate_certs else "none",
        ssl_check_hostname=endpoint.validate_certs,
        ssl_ca_certs=endpoint.ca_certs,
        ssl_certfile=endpoint.client_cert_file,
        ssl_keyfile=endpoint.client_key_file,
        ssl_password=_probe.NO_PASSPHRASE,
        **options,
    )


def _verbatim_parser() -> Any:
    """redis-py's parser, but error replies keep their code (NOAUTH, BUSY …): it is what they are classified by."""
    return type("VerbatimParser", (redis.connection.DefaultParser,), {"EXCEPTION_CLASSES": {}})


def connect_failure(error: BaseException, endpoint: Endpoint, seconds: float) -> Failure:
    """Why connecting failed, with a second look where the first error says too little."""
    failure = from_exception(error, connected=False)
    if failure.reason == "socket_permission" and not endpoint.socket:
        # EACCES and EPERM of TCP: this machine's own routes or firewall forbid the connection.
        return Failure("unreachable", "prohibited", failure.error)
    if endpoint.tls:
        if any(text in str(error) for text in ("No such file", "PEM lib", "Permission denied", "KEY_VALUES_MISMATCH")):
            return Failure("tls", "unreadable_file", failure.error)
        # A port that does not speak TLS may wait for the end of a line in the handshake, or close.
        if failure.state in ("timeout", "reset") and _probe.is_resp(_probe.plain_reply(endpoint, seconds)):
            return Failure("tls", "tls_on_plain_port", failure.error)
        if failure.state == "timeout" and _probe.accepts(endpoint, seconds):
            return Failure("hung", None, failure.error)
    if failure.state == "timeout" and not endpoint.socket:
        reachable = _probe.host_answers(endpoint, min(seconds, 1.0))
        return Failure("timeout", "host_answers" if reachable else "host_silent", failure.error)
    return failure


def _second_look(failure: Failure, endpoint: Endpoint, seconds: float) -> Failure:
    """A connection that was closed without a word: what does the port say when it is asked differently?"""
    if failure.state not in ("reset", "not_redis") or endpoint.socket:
        return failure
    if endpoint.tls:
        # A missing client certificate is refused after the handshake; who has sent something by then may see a reset only.
        return _probe.tls_refusal(endpoint, seconds) or failure
    said = _probe.greeting(endpoint, min(seconds, 1.0))
    if said.startswith(b"-"):
        return from_reply(said[1:].decode("utf-8", "backslashreplace").strip())
    if said and not _probe.is_resp(said):
        return Failure("not_redis", None, clean(said.decode("utf-8", "backslashreplace").strip(), 60))
    if _probe.speaks_tls(endpoint, seconds):
        return Failure("tls", "plain_on_tls_port", failure.error)
    return failure


def _without_secrets(text: str, endpoint: Endpoint) -> str:
    """A text of the server, in one harmless line and without the password that it was given."""
    for secret in filter(None, (endpoint.password, quote(endpoint.password or "", safe=""))):
        text = text.replace(secret, MASK)
    return clean(text, LONGEST_TEXT)


def _backslashed(found: re.Match[str]) -> str:
    return found.group().encode("ascii", "backslashreplace").decode()


def _without(options: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in options.items() if key != name}


def _milliseconds(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 3)
