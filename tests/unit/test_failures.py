# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a failure means: the server's own words, and real exceptions of sockets and TLS."""

from __future__ import annotations

import errno
import re
import socket
import ssl
import struct

import pytest
import redis
from ansible_collections.aragora.redis.plugins.module_utils._failures import (
    REPLIES,
    SENTENCES,
    STATES,
    VERIFY_REASONS,
    Failure,
    from_exception,
    from_reply,
)
from ansible_collections.aragora.redis.plugins.module_utils._report.text import clean
from hypothesis import given
from hypothesis import strategies as st

from tests.lab.certificates import Authority
from tests.lab.servers import free_port

# The servers' own words, release by release.
WORDS = [
    ("NOAUTH Authentication required.", "auth_required", None),
    ("NOAUTH HELLO must be called with the client already authenticated", "auth_required", None),
    ("WRONGPASS invalid username-password pair or user is disabled.", "auth_failed", "wrong_password"),
    ("ERR invalid password", "auth_failed", "wrong_password"),
    (
        "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
        "auth_failed",
        "no_password_set",
    ),
    ("ERR Client sent AUTH, but no password is set", "auth_failed", "no_password_set"),
    ("NOPERM this user has no permissions to run the 'ping' command or its subcommand", "no_permission", None),
    ("NOPERM User ops has no permissions to run the 'ping' command", "no_permission", None),
    ("ERR max number of clients reached", "max_clients", None),
    ("ERR max number of clients + cluster connections reached", "max_clients", None),
    ("LOADING Redis is loading the dataset in memory", "loading", None),
    ("LOADING Valkey is loading the dataset in memory", "loading", None),
    ("BUSY Redis is busy running a module command.", "busy", "module"),
    ("BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.", "busy", "script"),
    ("BUSY Valkey is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.", "busy", "function"),
    ("DENIED Redis is running in protected mode because protected mode is enabled and no password is set", "protected", None),
    ("MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.", "up", "misconf"),
    ("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", "up", "masterdown"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "state", "reason"), WORDS)
def test_the_servers_own_words_are_a_state(text, state, reason):
    assert from_reply(text) == Failure(state, reason, text)


@pytest.mark.parametrize("position", range(len(REPLIES)), ids=lambda position: REPLIES[position][0])
def test_every_pattern_is_the_first_to_match_some_words(position):
    firsts = [next((index for index, row in enumerate(REPLIES) if re.search(row[0], text)), None) for text, *dummy in WORDS]
    assert position in firsts


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ERR unknown command 'FOO', with args beginning with: ", "err"),
        ("OOM command not allowed when used memory > 'maxmemory'.", "oom"),
        ("READONLY You can't write against a read only replica.", "readonly"),
        ("BUSYGROUP Consumer Group name already exists", "busygroup"),
        ("BUSYKEY Target key name already exists.", "busykey"),
        ("EXECABORT Transaction discarded because of: NOPERM this user has no permissions", "execabort"),
        ("ERR unknown command 'FOO', with args beginning with: 'invalid password' ", "err"),
        ("ERR unknown command 'FOO', with args beginning with: 'max number of clients' ", "err"),
        ("ERR user_script:1: AUTH called without any password configured", "err"),
        ("something in lower case", "error"),
        ("", "error"),
        ("NOAUTHX", "noauthx"),
    ],
)
def test_any_other_refusal_is_that_of_a_server_which_is_up(text, reason):
    assert from_reply(text) == Failure("up", reason, text)


@given(st.text())
def test_any_text_of_a_server_has_a_state_of_the_table(text):
    found = from_reply(text)
    assert found.state in STATES
    assert not any(sign in found.error for sign in "\r\n\x1b\x9b\u202e")
    assert found.error == clean(text, 400)


@pytest.mark.parametrize("state", [state for state in STATES if state != "up"])
@pytest.mark.parametrize("reason", [None, "a reason from the future"])
def test_every_state_has_a_sentence_that_names_the_address(state, reason):
    # Busy always has a reason: it decides which KILL ends it.
    sentence = Failure(state, "script" if state == "busy" else reason, "").sentence("cache:6379")
    assert "cache:6379" in sentence
    assert "answers with an error" not in sentence


@pytest.mark.parametrize("key", SENTENCES, ids=str)
def test_every_sentence_belongs_to_a_state_and_tells_more_than_it(key):
    state, reason = key
    assert state in STATES
    sentence = Failure(state, reason, "the original text").sentence("[::1]:6379")
    assert "[::1]:6379" in sentence
    assert sentence.endswith("(the original text)")


def test_a_sentence_is_one_line_whatever_the_port_said():
    failure = Failure("not_redis", None, "HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n<html>\t{}")
    assert failure.sentence("web:80").endswith("(HTTP/1.1 400 Bad Request Server: nginx <html> {})")
    assert len(failure.sentence("web:80").splitlines()) == 1


# Sockets


def _raised(action, *arguments):
    with pytest.raises(OSError, match=r".") as caught:
        action(*arguments)
    return caught.value


def test_a_port_without_a_process_refuses():
    error = _raised(socket.create_connection, ("127.0.0.1", free_port()), 5)
    assert from_exception(error, connected=False).state == "refused"


def test_a_unix_socket_that_is_not_there_is_refused_for_that_reason(tmp_path):
    with socket.socket(socket.AF_UNIX) as sock:
        for path in (tmp_path / "none.sock", tmp_path / "file" / "none.sock"):
            (tmp_path / "file").touch()
            error = _raised(sock.connect, str(path))
            found = from_exception(error, connected=False)
            assert (found.state, found.reason) == ("refused", "no_socket")


def test_a_unix_socket_without_a_process_refuses(tmp_path):
    path = str(tmp_path / "old.sock")
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as sock:
        listener.bind(path)
        assert from_exception(_raised(sock.connect, path), connected=False) == Failure("refused", None, "[Errno 111] Connection refused")


def test_a_name_without_an_address_is_one_for_dns():
    error = _raised(socket.getaddrinfo, "256.256.256.256", 6379, 0, 0, 0, socket.AI_NUMERICHOST)
    assert from_exception(error, connected=False).state == "dns"


def test_a_connection_that_is_torn_down_is_reset():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        accepted, dummy = listener.accept()
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        accepted.close()
        with client:
            assert from_exception(_raised(client.recv, 1), connected=True).state == "reset"


@pytest.mark.parametrize(("connected", "state"), [(True, "hung"), (False, "timeout")])
def test_silence_is_a_hung_server_only_after_it_has_accepted(connected, state):
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname(), 0.01) as client:
        assert from_exception(_raised(client.recv, 1), connected).state == state


@pytest.mark.parametrize(
    ("number", "state", "reason"),
    [
        (errno.ECONNREFUSED, "refused", None),
        (errno.EACCES, "refused", "socket_permission"),
        (errno.ENOENT, "refused", "no_socket"),
        (errno.EHOSTUNREACH, "unreachable", None),
        (errno.ENETUNREACH, "unreachable", None),
        (errno.EADDRNOTAVAIL, "unreachable", None),
        # A packet filter of this machine: no permission of a file would help.
        (errno.EPERM, "unreachable", None),
        (errno.ECONNRESET, "reset", None),
        (errno.ECONNABORTED, "reset", None),
        (errno.EPIPE, "reset", None),
        (errno.ETIMEDOUT, "timeout", None),
    ],
)
@pytest.mark.parametrize("wrapped", [False, True])
def test_the_systems_error_numbers_are_states(number, state, reason, wrapped):
    error = OSError(number, "text")
    if wrapped:
        outer = redis.exceptions.ConnectionError(f"Error {number} connecting to cache:6379. text.")
        outer.__cause__ = error
        assert from_exception(outer, connected=False) == Failure(state, reason, f"Error {number} connecting to cache:6379. text.")
    else:
        assert from_exception(error, connected=False) == Failure(state, reason, f"[Errno {number}] text")


@pytest.mark.parametrize(
    ("error", "connected", "expected"),
    [
        (redis.exceptions.TimeoutError("Timeout connecting to server"), False, Failure("timeout", None, "Timeout connecting to server")),
        (redis.exceptions.TimeoutError("Timeout reading"), True, Failure("hung", None, "Timeout reading")),
        (redis.exceptions.ConnectionError("Connection closed by server."), True, Failure("reset", None, "Connection closed by server.")),
        (ConnectionResetError(), True, Failure("reset", None, "ConnectionResetError")),
        (RuntimeError("two\nlines\r\n"), True, Failure("reset", None, "two lines")),
    ],
)
def test_an_exception_without_a_cause_is_classified_by_itself(error, connected, expected):
    assert from_exception(error, connected) == expected


def test_the_innermost_cause_knows_best_and_the_outermost_text_is_shown():
    try:
        try:
            try:
                raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
            except OSError as error:
                raise ValueError("middle") from error
        except ValueError as error:
            raise RuntimeError("outer") from error
    except RuntimeError as error:
        assert from_exception(error, connected=False) == Failure("refused", None, "outer")  # noqa: PT017


def test_a_chain_that_bites_its_tail_ends():
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    assert from_exception(first, connected=True) == Failure("reset", None, "first")


# TLS: both ends of a handshake in memory


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls"), "right")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls"), "wrong")


def _client(authority, **settings):
    context = ssl.create_default_context(cafile=authority.file)
    for name, value in settings.items():
        setattr(context, name, value)
    return context


def _server(certificate, ca=None, **settings):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    if ca:
        context.load_verify_locations(ca.file)
        context.verify_mode = ssl.CERT_REQUIRED
    for name, value in settings.items():
        setattr(context, name, value)
    return context


def _client_error(client, server, name="cache"):
    """What the client of a handshake (and of a first read) raises, None when both go well."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    steps = {ends[0]: [ends[0].do_handshake, lambda: ends[0].read(1)], ends[1]: [ends[1].do_handshake, lambda: ends[1].write(b"+")]}
    for end in ends * 8:
        try:
            while steps[end]:
                steps[end][0]()
                steps[end].pop(0)
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLError as error:
            if end is ends[0]:
                return error
            steps[end] = []
    assert not steps[ends[0]], "the handshake did not end"
    return None


def test_a_good_handshake_raises_nothing(authority):
    assert _client_error(_client(authority), _server(authority.issue("server", "cache"))) is None


@pytest.mark.parametrize(
    ("issued", "name", "reason"),
    [
        ({"days": (-2, -1)}, "cache", "expired"),
        ({"days": (1, 2)}, "cache", "not_yet_valid"),
        ({"host": "other"}, "cache", "hostname_mismatch"),
        ({"host": "127.0.0.2"}, "127.0.0.1", "hostname_mismatch"),
    ],
)
def test_a_certificate_that_does_not_fit_says_why(authority, issued, name, reason):
    error = _client_error(_client(authority), _server(authority.issue("server", **{"host": "cache", **issued})), name)
    found = from_exception(error, connected=False)
    assert (found.state, found.reason) == ("tls", reason)


def test_a_certificate_of_a_stranger_has_an_unknown_ca(authority, stranger):
    error = _client_error(_client(authority), _server(stranger.issue("server", "cache")))
    assert from_exception(error, connected=False).reason == "unknown_ca"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_server_that_wants_a_client_certificate_is_known_by_its_alert(authority, version):
    error = _client_error(_client(authority, maximum_version=version), _server(authority.issue("server", "cache"), ca=authority))
    assert from_exception(error, connected=False).reason == "client_certificate_required"


def test_a_client_certificate_of_a_stranger_is_refused(authority, stranger):
    client = _client(authority)
    mine = stranger.issue("client")
    client.load_cert_chain(mine.certificate, mine.key)
    error = _client_error(client, _server(authority.issue("server", "cache"), ca=authority))
    assert from_exception(error, connected=False).reason == "client_certificate_refused"


def test_two_ends_without_a_common_version_say_so(authority):
    client = _client(authority, maximum_version=ssl.TLSVersion.TLSv1_2)
    error = _client_error(client, _server(authority.issue("server", "cache"), minimum_version=ssl.TLSVersion.TLSv1_3))
    assert from_exception(error, connected=False).reason == "no_common_version"


@pytest.mark.parametrize(
    "reply", [b"-ERR unknown command\r\n", b"-DENIED Redis is running in protected mode\r\n", b"+PONG\r\n", b"HTTP/1.1 400 Bad Request\r\n"]
)
def test_a_reply_in_the_clear_is_a_port_without_tls(authority, reply):
    incoming = ssl.MemoryBIO()
    incoming.write(reply)
    error = _raised(_client(authority).wrap_bio(incoming, ssl.MemoryBIO(), server_hostname="cache").do_handshake)
    found = from_exception(error, connected=False)
    assert (found.state, found.reason) == ("tls", "tls_on_plain_port")


def test_an_end_in_the_middle_of_a_handshake_is_a_reset(authority):
    ours, theirs = socket.socketpair()
    theirs.close()
    with ours:
        error = _raised(lambda: _client(authority).wrap_socket(ours, server_hostname="cache"))
    assert from_exception(error, connected=False).state == "reset"


def test_a_closed_tls_connection_is_a_reset():
    assert from_exception(ssl.SSLZeroReturnError(6, "TLS/SSL connection has been closed (EOF)"), connected=True).state == "reset"


def test_a_handshake_that_times_out_is_no_tls_failure():
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname(), 0.01) as sock:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        error = _raised(lambda: context.wrap_socket(sock, server_hostname="cache"))
    assert from_exception(error, connected=False).state == "timeout"


def test_a_verification_error_without_a_code_is_a_failed_verification():
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    assert from_exception(error, connected=False) == Failure("tls", "verification_failed", "certificate verify failed")


def test_every_verification_reason_has_a_sentence_of_its_own():
    assert {("tls", reason) for reason in VERIFY_REASONS.values()} <= set(SENTENCES)
