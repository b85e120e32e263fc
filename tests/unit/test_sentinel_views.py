# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What several Sentinels believe, put together: who is asked next, and what they do not say alike."""

from __future__ import annotations

from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _sentinel_views


def told(place: str, runid: str, master_port: int = 6379, others: tuple[tuple[int, str], ...] = (), **fields: Any) -> dict[str, Any]:
    master = {
        "name": "shop", "ip": "10.0.0.1", "port": master_port, "flags": ["master"], "config-epoch": 3, "quorum": 2,
        "down-after-milliseconds": 5000, "replicas": [], "quorum_check": {"ok": True, "text": "OK 3 usable Sentinels"},
        "sentinels": [{"ip": "10.0.1.1", "port": port, "runid": known, "flags": ["sentinel"]} for port, known in others],
        **fields,
    }  # fmt: skip
    return _sentinel_views.view(place, runid, {"sentinel_tilt": 0}, [master])


def test_who_is_known_by_id_is_not_asked_again():
    views = [told("localhost:1", "a", others=((2, "b"), (3, "c"))), told("10.0.1.1:3", "c", others=((1, "a"),))]
    assert _sentinel_views.unknown(views) == [("10.0.1.1", 2)]


def test_a_sentinel_with_two_addresses_is_one():
    views = [told("localhost:1", "a"), told("10.0.1.1:1", "a"), _sentinel_views.silent("x:1", "refused", "")]
    assert [view["address"] for view in _sentinel_views.without_aliases(views)] == ["localhost:1", "x:1"]


def test_they_agree():
    found = _sentinel_views.agreement([told("s:1", "a"), told("s:2", "b")], "shop")
    assert (found["agreed"], found["address"], found["known_by"]) == (True, "10.0.0.1:6379", ["s:1", "s:2"])


def test_the_higher_epoch_names_the_master():
    newer = {"config-epoch": 4}
    found = _sentinel_views.agreement([told("s:1", "a"), told("s:2", "b"), told("s:3", "c", 6380, **newer)], "shop")
    assert found["address"] == "10.0.0.1:6380"
    assert found["differences"] == [
        "they name different masters: 10.0.0.1:6379 by s:1, s:2; 10.0.0.1:6380 by s:3", "they have different epochs: 3, 4",
    ]  # fmt: skip


def test_a_failover_that_one_of_them_leads():
    found = _sentinel_views.agreement([told("s:1", "a"), told("s:2", "b", flags=["master", "failover_in_progress"])], "shop")
    assert (found["failover"], found["agreed"]) == (True, False)


def test_a_lost_quorum():
    found = _sentinel_views.agreement([told("s:1", "a", quorum_check={"ok": False, "text": "NOQUORUM 1 usable"})], "shop")
    assert (found["quorum_ok"], found["differences"]) == (False, ["the Sentinel s:1 has no quorum: NOQUORUM 1 usable"])


def test_nobody_knows_it():
    found = _sentinel_views.agreement([], "shop")
    assert (found["address"], found["quorum_ok"]) == (None, False)
