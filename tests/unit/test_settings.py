# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The values of settings: what they mean, how they are written, what is refused."""

from __future__ import annotations

from itertools import chain

import pytest
from ansible_collections.aragora.redis.plugins.module_utils import _settings_known as known
from ansible_collections.aragora.redis.plugins.module_utils._setting_readers import EVENT_ORDER, LARGEST, UNITS, read_size
from ansible_collections.aragora.redis.plugins.module_utils._settings import KINDS, canonical, meaning, merged, names_of, same
from hypothesis import given
from hypothesis import strategies as st

LIMITS = "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"


def meaning_or_sentence(name, raw):
    try:
        return meaning(name, raw)
    except ValueError as error:
        return str(error)


@pytest.mark.parametrize(
    ("raw", "size"),
    [
        (0, 0), ("0", 0), (100, 100), ("100b", 100), ("1k", 1_000), ("1kb", 1_024), ("100m", 100_000_000), ("100M", 100_000_000),
        ("100mb", 104_857_600), ("100MB", 104_857_600), ("1g", 1_000_000_000), ("1gb", 1_073_741_824), ("1Gb", 1_073_741_824),
    ],
)  # fmt: skip
def test_sizes_have_the_units_of_redis(raw, size):
    assert read_size(raw) == size


@given(st.integers(0, 10**6), st.sampled_from(sorted(UNITS)), st.booleans())
def test_a_unit_multiplies_whatever_its_case(number, unit, upper):
    assert read_size(f"{number}{unit.upper() if upper else unit}") == number * UNITS[unit]


@given(st.text(max_size=12))
def test_any_text_is_a_size_or_one_sentence(text):
    found = meaning_or_sentence("maxmemory", text)
    if isinstance(found, str):
        assert found.startswith("maxmemory is ")
        assert "\n" not in found
    else:
        assert 0 <= found <= LARGEST


@given(st.integers(0, LARGEST))
def test_a_size_reads_back_as_it_was_written(size):
    assert merged("maxmemory", "0", size) == str(size)


@pytest.mark.parametrize("raw", ["1.5gb", "10 mb", "10mib", "-1", "", "gb", 1.5, None, ["1gb"], "99999999999gb", "9" * 5000])
def test_what_is_no_size_is_refused_with_the_remedy(raw):
    with pytest.raises(ValueError, match=r"^maxmemory is .*: give "):
        meaning("maxmemory", raw)


@pytest.mark.parametrize(
    ("name", "raw", "text"),
    [
        ("appendonly", True, "yes"),
        ("appendonly", "No", "no"),
        ("appendonly", "false", "no"),
        ("slave-read-only", True, "yes"),
        ("timeout", 300, "300"),
        ("timeout", "300", "300"),
        ("list-max-listpack-size", -2, "-2"),
        ("maxmemory-clients", "5%", "5%"),
        ("maxmemory-clients", "05%", "5%"),
        ("maxmemory-clients", "0%", "0"),
        ("maxmemory-clients", "1mb", "1048576"),
        ("unixsocketperm", "0700", "700"),
        ("maxmemory-policy", "AllKeys-LRU", "allkeys-lru"),
        ("appendfsync", False, "no"),
        ("oom-score-adj", True, "relative"),
        ("shutdown-on-sigterm", "save now", "now save"),
        ("shutdown-on-sigterm", ["NOW", "save"], "now save"),
        ("tls-protocols", "TLSv1.3 TLSv1.2", "tlsv1.2 tlsv1.3"),
        ("bind", ["127.0.0.1", "-::1"], "127.0.0.1 -::1"),
        ("bind", " 127.0.0.1   -::1", "127.0.0.1 -::1"),
        ("latency-tracking-info-percentiles", [50, 99.90, "99.999"], "50 99.9 99.999"),
        ("oom-score-adj-values", [0, 200, -800], "0 200 -800"),
        ("dir", "/var/lib/redis/", "/var/lib/redis"),
        ("dir", "/", "/"),
        ("requirepass", 12345, "12345"),
        ("requirepass", " a b ", " a b "),
        ("notify-keyspace-events", "KEA", "AKE"),
        ("notify-keyspace-events", "EKg$lshzxetd", "AKE"),
        ("notify-keyspace-events", "xEgx", "gxE"),
        ("notify-keyspace-events", "EAm", "AEm"),
        ("notify-keyspace-events", "nKx", "xnK"),
        ("notify-keyspace-events", "", ""),
        ("save", "", ""),
        ("save", [], ""),
        ("save", "300 100 3600 1", "300 100 3600 1"),
        ("save", "3600 1  300 100", "300 100 3600 1"),
        ("save", [[3600, 1], [300, 100]], "300 100 3600 1"),
        ("save", ["3600 1", "300 100"], "300 100 3600 1"),
        ("save", {"3600": 1, 300: "100"}, "300 100 3600 1"),
        ("my-module.limit", "10mb", "10mb"),
        ("my-module.switch", True, "yes"),
    ],
)
def test_every_spelling_is_written_as_redis_takes_it(name, raw, text):
    assert merged(name, "", raw) == text


@pytest.mark.parametrize(
    "raw",
    [
        "replica 100mb 50m 60",
        "SLAVE 100MB 50M 60",
        ["replica 100mb 50m 60"],
        {"replica": "100mb 50m 60"},
        {"slave": ["100mb", "50m", 60]},
        {"replica": {"hard": "100mb", "soft": 50_000_000, "seconds": 60}},
    ],
)
def test_buffer_classes_that_are_not_mentioned_stay(raw):
    assert merged("client-output-buffer-limit", LIMITS, raw) == "normal 0 0 0 slave 104857600 50000000 60 pubsub 33554432 8388608 60"


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("notify-keyspace-events", "AKE", "KEA"),
        ("save", "3600 1 300 100", "300 100 3600 1"),
        ("slave-priority", "100", "0100"),
        ("client-output-buffer-limit", LIMITS, "pubsub 32mb 8mb 60 replica 256mb 64mb 60 normal 0 0 0"),
    ],
)
def test_two_texts_of_one_meaning_are_the_same(name, one, other):
    assert same(name, one, other)


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [("maxmemory", "100m", "100mb"), ("notify-keyspace-events", "Ex", "Kx"), ("requirepass", "Sesame", "sesame"), ("bind", "a b", "b a")],
)
def test_two_texts_of_different_meanings_differ(name, one, other):
    assert not same(name, one, other)


def test_a_value_of_a_newer_server_that_is_not_known_here_means_itself():
    assert same("maxmemory-policy", "allkeys-oracle", "allkeys-oracle")
    assert not same("maxmemory-policy", "allkeys-oracle", "noeviction")


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("appendonly", "maybe"), ("appendonly", 1), ("appendonly", None), ("timeout", "5s"), ("timeout", "1k"), ("timeout", True),
        ("timeout", 1.5), ("hz", ""), ("maxmemory-clients", "101%"), ("maxmemory-clients", "-5%"), ("unixsocketperm", 448),
        ("unixsocketperm", "0799"), ("maxmemory-policy", "lru"), ("maxmemory-policy", ["noeviction"]), ("appendfsync", True),
        ("shutdown-on-sigterm", "later"), ("logfile", True), ("logfile", None), ("masterauth", ["x"]), ("dir", False),
        ("oom-score-adj-values", "0 x 800"), ("bind", {"a": 1}), ("notify-keyspace-events", "AKQ"), ("notify-keyspace-events", 5),
        ("notify-keyspace-events", "AKEn"), ("notify-keyspace-events", "g$lshzxetdnE"), ("save", "3600"), ("save", "0 1"),
        ("save", "60 x"), ("save", True), ("save", "60 -1"), ("save", {"60": None}), ("client-output-buffer-limit", ""),
        ("client-output-buffer-limit", "normal 0 0"), ("client-output-buffer-limit", "master 0 0 0"),
        ("client-output-buffer-limit", "normal 0 0 60s"), ("client-output-buffer-limit", "normal 1x 0 0"),
        ("client-output-buffer-limit", {"normal": {"hard": 1}}), ("client-output-buffer-limit", {"replica": "0 0 0", "slave": "0 0 0"}),
        ("my-module.limit", None),
    ],
)  # fmt: skip
def test_what_means_nothing_is_refused_in_one_sentence_that_names_the_setting(name, raw):
    with pytest.raises(ValueError, match=rf"^{name} is ") as refusal:
        meaning(name, raw)
    assert "\n" not in str(refusal.value)


@given(st.text("A" + EVENT_ORDER, max_size=8))
def test_events_read_back_as_they_were_written(letters):
    events = meaning_or_sentence("notify-keyspace-events", letters)
    if isinstance(events, str):
        assert "cannot be declared" in events
    else:
        assert meaning("notify-keyspace-events", merged("notify-keyspace-events", "", letters)) == events


@given(st.dictionaries(st.integers(1, 10**6), st.integers(0, 10**6), max_size=4))
def test_save_points_read_back_as_they_were_written(points):
    assert meaning("save", merged("save", "", points)) == tuple(sorted(points.items()))


@pytest.mark.parametrize("name", ["requirepass", "masterauth", "primaryauth", "tls-key-file-pass", "my-module.secret"])
def test_a_refused_secret_is_not_repeated(name):
    with pytest.raises(ValueError, match=rf"^{name} is \*\*\*: give a text") as refusal:
        meaning(name, ["sesame"])
    assert "sesame" not in str(refusal.value)


def test_the_mask_of_a_secret_is_no_secret():
    with pytest.raises(ValueError, match=r"requirepass is .*, the mask .*: give the secret itself"):
        meaning("requirepass", "***")


def test_every_setting_stands_in_one_table_under_its_first_name():
    texts = (known.SWITCHES, known.INTEGERS, known.SIZES, known.SIZES_OR_PERCENTS, known.MODES, known.TEXTS, known.FOLDERS)
    names = [
        *chain.from_iterable(text.split() for text in (*texts, known.WORD_LISTS, known.NUMBER_LISTS)),
        *known.WORD_SETS,
        *known.CHOICES,
    ]
    assert sorted(names) == sorted(set(names))
    assert set(KINDS) - set(names) == {"notify-keyspace-events", "save", "client-output-buffer-limit"}
    assert [name for name in names if canonical(name) != name] == []


def test_every_synonym_belongs_to_a_known_setting():
    assert [names for names in known.SYNONYMS if names[0] not in KINDS] == []
    assert names_of("slave-priority") == names_of("replica-priority") == ("replica-priority", "slave-priority")
    assert names_of("maxmemory") == ("maxmemory",)
