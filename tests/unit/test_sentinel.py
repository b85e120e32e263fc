# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a Sentinel replies as data."""

from __future__ import annotations

import pytest
from ansible_collections.aragora.redis.plugins.module_utils import _sentinel

# fmt: off
MASTER = [
    "name", "mymaster", "ip", "10.0.0.1", "port", "6379", "runid", "5" * 40, "flags", "s_down,o_down,master", "auth-pass", "Sesame",
    "role-reported", "master", "role-reported-time", "2092", "quorum", "2", "num-other-sentinels", "2",
]
# fmt: on


def test_numbers_are_numbers_names_are_text_and_flags_a_list():
    master = _sentinel.instance(MASTER)
    assert master["port"] == 6379
    assert master["role-reported-time"] == 2092
    assert master["runid"] == "5" * 40
    assert master["flags"] == ["s_down", "o_down", "master"]


@pytest.mark.parametrize("secret", ["auth-pass", "sentinel-pass", "requirepass"])
def test_passwords_are_left_out(secret):
    shown = _sentinel.instance([*MASTER, secret, "x-7391"])
    assert not {"Sesame", "x-7391"} & set(map(str, shown.values()))


def test_a_mapping_says_the_same_as_a_flat_list():
    assert _sentinel.instance(dict(zip(MASTER[::2], MASTER[1::2]))) == _sentinel.instance(MASTER)


def test_a_name_of_digits_stays_a_name():
    assert _sentinel.instance(["name", "6379"])["name"] == "6379"


@pytest.mark.parametrize(
    ("text", "ok"),
    [
        ("OK 3 usable Sentinels. Quorum and failover authorization can be reached", True),
        ("NOQUORUM 1 usable Sentinels. Not enough available Sentinels to reach the majority and authorize a failover", False),
    ],
)
def test_a_refused_quorum_is_an_answer(text, ok):
    assert _sentinel.quorum_check(text) == {"ok": ok, "text": text}


@pytest.mark.parametrize("text", ["NOPERM this user has no permissions", "ERR No such master with that name", ""])
def test_another_refusal_is_none(text):
    assert _sentinel.quorum_check(text) is None


def test_three_questions_are_asked_of_each_master_up_to_a_limit():
    masters = [{"name": f"shop-{number}"} for number in range(_sentinel.MOST_MASTERS + 5)]
    asked = _sentinel.commands(masters)
    assert len(asked) == 3 * _sentinel.MOST_MASTERS
    assert asked[0, "quorum_check"] == ("SENTINEL", "CKQUORUM", "shop-0")
    assert f"{len(masters)} masters" in (_sentinel.left_out(masters) or "")
    assert _sentinel.left_out(masters[: _sentinel.MOST_MASTERS]) is None


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ({"sentinel_tilt": 0, "sentinel_tilt_since_seconds": -1}, {"tilt": False, "tilt_seconds": None}),
        ({"sentinel_tilt": 1, "sentinel_tilt_since_seconds": 7}, {"tilt": True, "tilt_seconds": 7}),
        ({"sentinel_tilt": 1}, {"tilt": True, "tilt_seconds": None}),
        ({}, {"tilt": None, "tilt_seconds": None}),
    ],
)
def test_tilt_is_yes_no_or_not_known(info, expected):
    assert _sentinel.tilt(info) == expected
