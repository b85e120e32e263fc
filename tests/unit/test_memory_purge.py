# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a server tells of its memory is of a moment ago: what it gives back is told when all of that is seen."""

from __future__ import annotations

import itertools
import types

import pytest
from ansible_collections.aragora.redis.plugins.module_utils import _memory_purge

MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("seen", "given"),
    [
        ([60, 10, 10], 50),
        # The first look after it is of the middle.
        ([60, 58, 10, 10], 50),
        # It is of before.
        ([60, 60, 60, 10, 10], 50),
        ([60, 60], 0),
    ],
)
def test_it_is_looked_at_until_nothing_more_is_given_back(monkeypatch, seen, given):
    looks = itertools.chain(seen, itertools.repeat(seen[-1]))
    clock = types.SimpleNamespace(sleep=lambda *_: None, monotonic=itertools.count(0, _memory_purge.INTERVAL).__next__)
    monkeypatch.setattr(_memory_purge, "time", clock)
    monkeypatch.setattr(_memory_purge, "look", lambda *_: types.SimpleNamespace(jemalloc=True, resident=next(looks) * MIB, kept=0))
    client = types.SimpleNamespace(pipeline=lambda *_: ["OK"])
    result = _memory_purge.purged(client, check_mode=False)
    assert (result["given_back_bytes"], result["changed"]) == (given * MIB, given > 0)
