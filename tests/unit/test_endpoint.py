# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""From URLs and options to an endpoint, and what of them may be shown."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import (
    CONNECTION_RULES,
    Endpoint,
    check_timeouts,
    connection_argument_spec,
    from_options,
    from_url,
    mask_url,
    secrets_of,
    sentinel_endpoints,
)
from hypothesis import example, given
from hypothesis import strategies as st

# Text that can be percent-encoded: no lone surrogates.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


def _outcome(url):
    """The endpoint, or the sentence that refuses it."""
    try:
        return from_url(url)
    except ValueError as error:
        return str(error)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://cache", Endpoint(host="cache", port=6379)),
        ("  redis://cache\n", Endpoint(host="cache", port=6379)),
        ("REDIS://Cache.Example.COM", Endpoint(host="cache.example.com", port=6379)),
        ("redis://cache:6380/3", Endpoint(host="cache", port=6380, db=3)),
        ("redis://cache/", Endpoint(host="cache", port=6379)),
        ("redis://cache?db=4", Endpoint(host="cache", port=6379, db=4)),
        ("redis://cache/3?db=4", Endpoint(host="cache", port=6379, db=4)),
        ("rediss://cache", Endpoint(host="cache", port=6379, tls=True)),
        ("redis://:pw@cache", Endpoint(host="cache", port=6379, password="pw")),
        ("redis://ops:pw@cache:1/2", Endpoint(host="cache", port=1, db=2, user="ops", password="pw")),
        ("redis://ops@cache", Endpoint(host="cache", port=6379, user="ops")),
        ("redis://ops:@cache", Endpoint(host="cache", port=6379, user="ops", password="")),
        ("redis://ops:p%40%3A%2F%25%23@cache", Endpoint(host="cache", port=6379, user="ops", password="p@:/%#")),
        ("redis://ops:p@ss:w@cache", Endpoint(host="cache", port=6379, user="ops", password="p@ss:w")),
        ("redis://o%3Aps:100%@cache", Endpoint(host="cache", port=6379, user="o:ps", password="100%")),
        ("redis://:%E2%82%AC@cache", Endpoint(host="cache", port=6379, password="€")),
        ("redis://[::1]", Endpoint(host="::1", port=6379)),
        ("redis://:pw@[2001:db8::7]:6380/1", Endpoint(host="2001:db8::7", port=6380, db=1, password="pw")),
        ("redis://[fe80::1%25eth0]:6380", Endpoint(host="fe80::1%eth0", port=6380)),
        ("unix:///run/redis.sock", Endpoint(socket="/run/redis.sock")),
        ("unix://ops:pw@/run/redis.sock?db=2", Endpoint(socket="/run/redis.sock", db=2, user="ops", password="pw")),
        ("unix:///run/my%20redis.sock", Endpoint(socket="/run/my redis.sock")),
        ("unix:///run/a:b@c.sock", Endpoint(socket="/run/a:b@c.sock")),
    ],
)
def test_a_url_means_an_endpoint(url, expected):
    found = from_url(url)
    assert found == expected
    # repr() hides the password, so equality alone decides about it.
    assert found.password == expected.password


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "must begin with redis://"),
        ("cache:6379", "must begin with redis://"),
        ("http://ops:SECRET@cache", "must begin with redis://"),
        ("ops:SECRET@cache", "must begin with redis://"),
        ("SECRET@cache", "must begin with redis://"),
        ("redis:ops:SECRET@cache", "names no host"),
        ("redis:/ops:SECRET@cache", "names no host"),
        ("redis://", "names no host"),
        ("redis://:6379", "names no host"),
        ("redis://ops:SECRET@", "names no host"),
        ("redis://ops:SECRET", "cannot be read"),
        ("redis://:SECRET", "cannot be read"),
        ("redis://:SECRET/0", "cannot be read"),
        ("redis://ops:SECRET@cache:port", "cannot be read"),
        ("redis://ops:SECRET@cache:65536", "cannot be read"),
        ("redis://ops:SECRET@cache:6379:6380", "cannot be read"),
        ("redis://ops:SECRET@[::1", "cannot be read"),
        ("redis://ops:SEC/RET@cache", "%2F"),
        ("redis://ops:SEC#RET@cache", "%23"),
        ("redis://ops:SEC?RET@cache", "cannot be read"),
        ("redis://ops:123/RET@cache", "%2F"),
        ("redis://ops:123?RET@cache", "cannot be read"),
        ("redis://ops:123#RET@cache", "%23"),
        ("redis://:123?SEC=RET@cache", "cannot be read"),
        ("unix://ops:123?RET@cache", "cannot be read"),
        ("redis://ops:[SECRET]@cache", "cannot be read"),
        ("redis://ops:SECRET@cache/0#x", "percent-encode it as %23"),
        ("redis://ops:SEC\nRET@cache", "line break"),
        ("redis://ops:SEC\x00RET@cache", "line break"),
        ("redis://ops:SEC\u2028RET@cache", "line break"),
        ("redis://ops:SECRET@cache/zero", "'zero'"),
        ("redis://ops:SECRET@cache/-1", "'-1'"),
        ("redis://ops:SECRET@cache/1/2", "'1/2'"),
        ("redis://ops:SECRET@cache/²", "'²'"),
        ("redis://ops:SECRET@cache/٣", "'٣'"),
        ("redis://ops:SECRET@cache?db=", "names the database ''"),
        ("redis://cache?password=SECRET", "unknown parameter 'password'"),
        ("redis://cache?password=SEC@RET", "cannot be read"),
        ("redis://cache/0?ssl_cert_reqs=none&password=SECRET", "unknown parameter 'password'"),
        ("unix://", "names no socket"),
        ("unix:///", "names no socket"),
        ("unix://run/redis.sock", "names no socket"),
        ("unix://ops:SECRET@run/redis.sock", "names no socket"),
    ],
)
def test_a_url_that_cannot_be_meant_is_one_sentence_without_its_password(url, words):
    with pytest.raises(ValueError, match=r"^the URL ") as caught:
        from_url(url)
    sentence = str(caught.value)
    assert words in sentence
    assert "\n" not in sentence
    assert "SEC" not in sentence
    assert "RET" not in sentence
    # The exception that is its cause would be shown with it.
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@given(TEXT, TEXT, st.integers(1, 65535), st.integers(0, 99), st.sampled_from(["redis", "rediss"]))
@example("o:p@s", "p@:/%?#[]", 1, 0, "redis")
def test_every_user_and_password_survives_percent_encoding(user, password, port, db, scheme):
    url = f"{scheme}://{quote(user, safe='')}:{quote(password, safe='')}@cache:{port}/{db}"
    found = from_url(url)
    assert (found.user, found.password, found.port, found.db, found.tls) == (user, password, port, db, scheme == "rediss")
    assert password in secrets_of(url)


@given(
    st.sampled_from(["", "%", "1", "123/", "123?", "123#", "123?x=", "/"]),
    st.text(max_size=40),
    st.sampled_from(["redis://", "rediss://", "unix://", "redis:", ""]),
    st.sampled_from(["@cache", "@cache:port", "@"]),
)
@example("", "a]b", "redis://", "@cache")
@example("123/", "x/y#z", "redis://", "@cache")
@example("123?", "", "redis://", "@cache")
def test_no_error_ever_shows_a_password(start, rest, scheme, tail):
    secret = "S3CR3T-PASSWORD"
    assert secret not in repr(_outcome(f"{scheme}ops:{start}{secret}{rest}{tail}"))


@given(st.text(max_size=60))
def test_any_text_is_an_endpoint_or_a_sentence_about_the_url(text):
    for url in (text, "redis://" + text, "unix://" + text):
        found = _outcome(url)
        if isinstance(found, str):
            assert found.startswith("the URL ")
            assert len(found.splitlines()) == 1
        else:
            assert bool(found.host) != bool(found.socket)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://cache:6379/0", "'redis://cache:6379/0'"),
        ("redis://[::1]:6379", "'redis://[::1]:6379'"),
        ("redis://ops:pw@cache/0", "'redis://ops:***@cache/0'"),
        ("redis://:pw@cache", "'redis://:***@cache'"),
        ("redis://token@cache", "'redis://:***@cache'"),
        ("redis://ops:p@ss@cache", "'redis://ops:***@cache'"),
        ("redis://ops:p://x@cache", "'redis://ops:***@cache'"),
        ("ops:pw@cache", "'***@cache'"),
        ("redis://ops:pw", "'redis://ops:***'"),
        ("redis://:pw", "'redis://:***'"),
        ("redis://cache?db=3&password=pw", "'redis://cache?db=3&password=***'"),
        ("redis://cache?password=p@w", "'redis://***'"),
        ("redis://ops:p?x=y@w", "'redis://***'"),
        ("unix:///run/a:b.sock?db=1", "'unix:///run/a:b.sock?db=1'"),
    ],
)
def test_a_url_is_shown_without_what_may_be_a_password(url, shown):
    assert mask_url(url) == shown


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("redis://cache", set()),
        ("redis://cache:6379/0?db=2", set()),
        ("redis://[2001:db8::7]:6379", set()),
        ("unix:///run/a:b.sock", set()),
        ("redis://ops@cache", {"ops"}),  # it may be a password in the wrong place
        ("redis://ops:@cache", set()),
        ("redis://ops:pw@cache", {"pw"}),
        ("redis://ops:p@:w@cache", {"p@:w"}),
        ("redis://ops:p%40w@cache", {"p%40w", "p@w"}),
        ("redis://ops:pw", {"pw"}),
        ("ops:pw@cache", {"ops:pw"}),
        ("redis:ops:pw@cache", {"redis:ops:pw"}),
        ("redis://cache?db=1&password=p%40w", {"p%40w", "p@w"}),
        ("redis://cache?password=p@w", {"p@w"}),
        ("unix://:pw@/run/redis.sock", {"pw"}),
    ],
)
def test_every_spelling_of_a_password_is_known(url, secrets):
    assert secrets_of(url) == secrets


@pytest.mark.parametrize(
    ("endpoint", "masked", "address"),
    [
        (Endpoint(host="cache", port=6379), "redis://cache:6379", "cache:6379"),
        (Endpoint(host="cache", port=6379, password="pw", db=2), "redis://:***@cache:6379/2", "cache:6379"),
        (Endpoint(host="::1", port=7, user="o@ps:", password="pw", tls=True), "rediss://o%40ps%3A:***@[::1]:7", "[::1]:7"),
        (Endpoint(socket="/run/r.sock", db=3, user="ops", password="pw"), "unix://ops:***@/run/r.sock?db=3", "/run/r.sock"),
    ],
)
def test_an_endpoint_shows_itself_without_its_password(endpoint, masked, address):
    assert endpoint.masked_url == masked
    assert endpoint.address == address
    assert "pw" not in repr(endpoint)


@pytest.mark.parametrize(
    ("endpoint", "local"),
    [
        (Endpoint(host="localhost", port=1), True),
        (Endpoint(host="127.0.0.9", port=1), True),
        (Endpoint(host="::1", port=1), True),
        (Endpoint(socket="/run/r.sock"), True),
        (Endpoint(host="10.0.0.1", port=1), False),
        (Endpoint(host="localhost.example.com", port=1), False),
        (Endpoint(host="cache", port=1), False),
    ],
)
def test_only_this_machine_answers_on_loopback_and_sockets(endpoint, local):
    assert endpoint.local is local


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, Endpoint(host="127.0.0.1", port=6379)),
        ({"login_host": "cache", "login_port": 7}, Endpoint(host="cache", port=7)),
        ({"login_host": ""}, Endpoint(host="127.0.0.1", port=6379)),
        ({"login_unix_socket": "/run/r.sock", "login_db": 2}, Endpoint(socket="/run/r.sock", db=2)),
        ({"url": "redis://cache"}, Endpoint(host="cache", port=6379)),
        ({"url": ""}, Endpoint(host="127.0.0.1", port=6379)),
        ({"url": "redis://a:b@cache/5", "login_user": "ops"}, Endpoint(host="cache", port=6379, user="ops", password="b", db=5)),
        ({"url": "redis://a:b@cache/5", "login_password": "pw"}, Endpoint(host="cache", port=6379, user="a", password="pw", db=5)),
        ({"url": "redis://a:b@cache/5", "login_db": 0}, Endpoint(host="cache", port=6379, user="a", password="b", db=0)),
        ({"url": "redis://a:b@cache", "login_user": "", "login_password": ""}, Endpoint(host="cache", port=6379, user="a", password="b")),
        ({"login_password": ""}, Endpoint(host="127.0.0.1", port=6379)),
        ({"url": "redis://a@cache", "login_password": "pw"}, Endpoint(host="cache", port=6379, user="a", password="pw")),
        ({"url": "redis://cache", "tls": True}, Endpoint(host="cache", port=6379, tls=True)),
        ({"url": "rediss://cache"}, Endpoint(host="cache", port=6379, tls=True)),
        ({"validate_certs": False}, Endpoint(host="127.0.0.1", port=6379, validate_certs=False)),
        ({"validate_certs": True, "ca_certs": "/ca.pem"}, Endpoint(host="127.0.0.1", port=6379, ca_certs="/ca.pem")),
        (
            {"client_cert_file": "/c.pem", "client_key_file": "/k.pem"},
            Endpoint(host="127.0.0.1", port=6379, client_cert_file="/c.pem", client_key_file="/k.pem"),
        ),
    ],
)
def test_options_add_to_the_url_and_win_over_it(options, expected):
    unset = dict.fromkeys(connection_argument_spec())
    assert from_options({**unset, **options}) == expected
    assert from_options(options) == expected


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"login_user": "ops"}, "the user 'ops' is given without a password"),
        ({"url": "redis://ops@cache"}, "the user is given without a password"),
        ({"url": "rediss://cache", "tls": False}, "the URL says rediss:// and tls is false"),
        ({"login_port": 0}, "the port 0 does not exist"),
        ({"login_port": -1}, "the port -1 does not exist"),
        ({"login_port": 65536}, "the port 65536 does not exist"),
        ({"url": "redis://cache:0"}, "the port 0 does not exist"),
    ],
)
def test_options_that_cannot_be_meant_are_one_sentence(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        from_options(options)


@pytest.mark.parametrize(
    ("item", "host", "port"),
    [
        ("s1", "s1", 26379),
        ("s1:", "s1", 26379),
        ("s1:5000", "s1", 5000),
        ("10.0.0.1:5000", "10.0.0.1", 5000),
        ("[2001:db8::7]", "2001:db8::7", 26379),
        ("[2001:db8::7]:5000", "2001:db8::7", 5000),
    ],
)
def test_a_sentinel_is_a_host_with_or_without_a_port(item, host, port):
    (found,) = sentinel_endpoints({"sentinels": [item]})
    assert (found.host, found.port) == (host, port)


def test_sentinels_have_credentials_of_their_own():
    options = {
        "sentinels": ["s1", "s2:5000"], "login_user": "ops", "login_password": "pw", "sentinel_user": "watch",
        "sentinel_password": "spw", "sentinel_tls": True, "tls": False, "validate_certs": False, "ca_certs": "/ca.pem",
        "client_cert_file": "/c.pem", "client_key_file": "/k.pem",
    }  # fmt: skip
    common: dict[str, Any] = {"user": "watch", "password": "spw", "tls": True, "validate_certs": False, "ca_certs": "/ca.pem"}
    files: dict[str, Any] = {"client_cert_file": "/c.pem", "client_key_file": "/k.pem"}
    assert sentinel_endpoints(options) == [
        Endpoint(host="s1", port=26379, **common, **files),
        Endpoint(host="s2", port=5000, **common, **files),
    ]


def test_an_empty_sentinel_password_is_none():
    (found,) = sentinel_endpoints({"sentinels": ["s1"], "sentinel_user": "", "sentinel_password": ""})
    assert (found.user, found.password) == (None, None)


@pytest.mark.parametrize("options", [{}, {"sentinels": None}, {"sentinels": []}])
def test_without_sentinels_there_are_none(options):
    assert sentinel_endpoints(options) == []


@pytest.mark.parametrize(
    "item", ["", ":5000", "s1:port", "s1:0", "s1:65536", "::1", "2001:db8::7:5000", "u:p@s1", "redis://s1", "s1/0", "[::1"]
)
def test_a_sentinel_that_cannot_be_read_is_one_sentence(item):
    with pytest.raises(ValueError, match=r"cannot be read: give host or host:port"):
        sentinel_endpoints({"sentinels": [item]})


@pytest.mark.parametrize("seconds", [0, -1, 300.1, float("inf"), float("nan")])
@pytest.mark.parametrize("name", ["connect_timeout", "timeout"])
def test_a_time_out_is_always_a_number_of_seconds(name, seconds):
    with pytest.raises(ValueError, match=rf"^{name} is "):
        check_timeouts({"connect_timeout": 3, "timeout": 5, name: seconds})


@pytest.mark.parametrize("seconds", [0.001, 300])
def test_reasonable_time_outs_are_accepted(seconds):
    check_timeouts({"connect_timeout": seconds, "timeout": seconds})


def test_everything_that_may_hold_a_password_is_kept_out_of_the_log():
    spec = connection_argument_spec()
    assert {name for name, option in spec.items() if option.get("no_log")} == {"url", "login_password", "sentinel_password"}
    named = {name for rule in CONNECTION_RULES.values() for names in rule for name in ([names] if isinstance(names, str) else names)}
    assert named <= set(spec)
