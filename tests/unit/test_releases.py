# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which release lines get no security fixes any more."""

from __future__ import annotations

import datetime

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis.releases import AS_OF, LINES, ended_on

TODAY = datetime.date(2026, 11, 23)


@pytest.mark.parametrize(
    ("product", "version", "ended"),
    [
        ("redis", "7.0.15", "2024-07-29"),
        ("redis", "8.0.6", "2026-02-11"),
        # Older than the oldest line of the table: it ended with that one, at the latest.
        ("redis", "5.0.14", "2022-05-31"),
        ("redis", "2.8.4", "2022-05-31"),
        ("redis", "6.2.23", None),
        ("redis", "7.2.4", None),
        ("redis", "8.8.1", None),
        # Of lines that it does not know the table says nothing.
        ("redis", "6.1.0", None),
        ("redis", "9.4.0", None),
        ("valkey", "7.2.5", None),
        ("valkey", "9.1.0", None),
        ("keydb", "6.0.0", None),
        ("redis", "unstable", None),
        ("redis", "7", None),
    ],
)
def test_a_line_ends_with_its_fixes(product, version, ended):
    found = ended_on(product, version, TODAY)
    assert (str(found) if found else None) == ended


def test_a_line_ends_after_its_last_day():
    assert ended_on("valkey", "8.0.12", datetime.date(2027, 9, 15)) is None
    assert ended_on("valkey", "8.0.12", datetime.date(2027, 9, 16))


def test_the_days_of_the_table_are_days():
    days = [day for lines in LINES.values() for day in lines.values() if day]
    assert [str(datetime.date.fromisoformat(day)) for day in (*days, AS_OF)] == [*days, AS_OF]
