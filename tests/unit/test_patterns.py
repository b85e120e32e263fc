# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Key names folded to patterns."""

from __future__ import annotations

import re
import time

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._patterns import LONGEST, fold, fold_key, shape, widened, without_ids
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("key", "pattern"),
    [
        ("", ""),
        ("config", "config"),
        ("user:1001", "user:*"),
        ("user:1001:cart:5", "user:*:cart:*"),
        ("session:6f9619ff-8b86-d011-b42d-00c04fc964ff:cart", "session:*:cart"),
        ("session:{6F9619FF-8B86-D011-B42D-00C04FC964FF}", "session:{*}"),
        ("cache:9e107d9d372bb6826bd81d3542a419d6", "cache:*"),
        ("login:ann.lee+x@mail.example.com", "login:*"),
        ("login:ann@example.com:5", "login:*:*"),
        ("rate:192.168.10.254", "rate:*"),
        ("stats:2024-11-02", "stats:*"),
        ("stats:2024-11-02T10:11:12Z:hits", "stats:*:hits"),
        ("token:eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9", "token:*"),
        ("v2:user", "v*:user"),
        ("a1b2c3", "a*b*c*"),
        ("deadbeef", "deadbeef"),
        ("facade12", "*"),
        ("session:*", "session:*"),
        ("session:**", "session:*"),
        ("h[ae]llo?", "h[ae]llo?"),
        ("user_profile_cache_1001", "user_profile_cache_*"),
        ("order-history-of-customer-77", "order-history-of-customer-*"),
        ("job_2024_report", "job_*_report"),
        ("a" * 20 + "1", "*"),
        ("ключ:5", "ключ:*"),
        ("user:١٢٣", "user:*"),
    ],
)
def test_what_changes_from_key_to_key_is_a_star(key, pattern):
    assert fold(key) == pattern


@pytest.mark.parametrize(
    ("key", "pattern"),
    [
        ("a\nb", "a\\nb"),
        ("a\x1b[2Jb", "a\\x1b[*Jb"),
        ("a\x00b", "a\\x00b"),
        ("a\u2028b\u202eb", "a\\u2028b\\u202eb"),
        ("a b", "a b"),
        ("ä→b", "ä→b"),
    ],
)
def test_control_characters_are_spelled_out(key, pattern):
    assert fold(key) == pattern


@given(st.text())
def test_a_pattern_is_printable_and_short(key):
    pattern = fold(key)
    assert pattern.isprintable()
    assert len(pattern) <= LONGEST


@given(st.text(st.characters(codec="ascii", categories=["L", "N", "P"])))
def test_no_digit_of_a_key_is_in_its_pattern(key):
    assert not re.search(r"\d", fold(key))


@given(st.from_regex(r"[a-z]{1,8}(:[a-z]{1,8}){0,3}", fullmatch=True), st.integers(0), st.integers(0))
def test_keys_that_differ_in_a_number_have_one_pattern(name, first, second):
    assert fold(f"{name}:{first}") == fold(f"{name}:{second}") == f"{name}:*"


@given(st.uuids(), st.uuids())
def test_keys_that_differ_in_a_uuid_have_one_pattern(first, second):
    assert fold(f"s:{first}:x") == fold(f"s:{second}:x") == "s:*:x"


def test_a_long_key_is_cut_and_says_so():
    assert fold("x:" * 200) == ("x:" * 60)[: LONGEST - 1] + "…"


@pytest.mark.parametrize("key", ["a" * 1_000_000, "a." * 500_000 + "@", "1-" * 500_000, "aB_-" * 250_000, "a@" * 500_000, "9." * 500_000])
def test_no_key_takes_long(key):
    started = time.perf_counter()
    fold(key)
    assert time.perf_counter() - started < 0.5


def by_bytes(key: bytes) -> str:
    return fold_key(without_ids(shape(key)))


@pytest.mark.parametrize(
    ("key", "pattern"),
    [
        (b"user:1001:cart:5", "user:*:cart:*"),
        (b"session-6f9619ff-8b86-d011-b42d-00c04fc964ff", "session-*"),
        (b"cache:page:e07381d932b87d2c582874edecc6ac85", "cache:page:*"),
        (b"login:ann.lee@mail.example.com:x", "login:*:x"),
        (b"login:6f9619ffb42d00c0@example.com", "login:*"),
        (b"board:2024-01-17:9", "board:*:*"),
        (b"bin:\xff\xfe\x01:tail", "bin:*:tail"),
        (b"\x80\x81\x82", "*"),
        ("ключ:5".encode(), "ключ:*"),
        (b"a\x1b[31m", "a\\x1b[*m"),
    ],
)
def test_names_of_any_bytes_have_a_pattern(key, pattern):
    assert by_bytes(key) == pattern


@given(st.binary(max_size=2_000))
def test_the_pattern_of_any_bytes_is_printable_and_short(key):
    pattern = by_bytes(key)
    assert pattern.isprintable()
    assert len(pattern) <= LONGEST


@given(st.from_regex(rb"[a-z]{1,8}([:_.-][a-z0-9]{1,12}){0,4}", fullmatch=True), st.randoms(use_true_random=False))
def test_names_that_differ_in_digits_only_have_one_pattern(key, random):
    other = bytes(ord(random.choice("0123456789")) if 0x30 <= code <= 0x39 else code for code in key)
    assert shape(key) == shape(other)
    assert by_bytes(key) == by_bytes(other)


@pytest.mark.parametrize(
    ("pattern", "wider"),
    [("user:ann:mail", "user:*"), ("user:*", "*"), ("user", "*"), ("*", "*"), ("a.b.c", "a.*"), ("", "*"), (":x", ":*"), ("cart:", "*")],
)
def test_a_pattern_can_be_widened_until_it_is_everything(pattern, wider):
    assert widened(pattern) == wider


@given(st.text(max_size=100))
def test_widening_ends(pattern):
    assert widened(widened(pattern)) == "*"
