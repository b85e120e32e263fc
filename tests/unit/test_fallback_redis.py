# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which URL the watch of a fallback asks."""

from __future__ import annotations

import pytest
from ansible_collections.aragora.redis.plugins.module_utils import _fallback_redis

URL = "redis://:secret@h/0"


def test_the_url_is_that_of_all_variables():
    assert _fallback_redis.url_of({"A": URL, "B": URL, "C": ""}, ["A", "B"]) == URL


@pytest.mark.parametrize(
    ("values", "names"), [({"A": URL}, ["A", "B"]), ({"A": URL, "B": URL + "1"}, ["A", "B"]), ({"A": ""}, ["A"]), ({}, [])]
)
def test_what_is_not_clear_is_not_asked(values, names):
    with pytest.raises(ValueError, match="not all the same") as raised:
        _fallback_redis.url_of(values, names)
    assert "secret" not in str(raised.value)
