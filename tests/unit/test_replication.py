# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who replicates whom, and what would be lost were it otherwise."""

from __future__ import annotations

import pytest
from ansible_collections.aragora.redis.plugins.module_utils import _replication

OURS, OLDER, OTHER = "a" * 40, "b" * 40, "c" * 40


def info(keys=1, offset=0, history=OURS, second=None, second_offset=-1, **replication):
    section = {"master_replid": history, "master_repl_offset": offset, "master_replid2": second, "second_repl_offset": second_offset}
    return {"keyspace": {"db0": {"keys": keys}} if keys else {}, "replication": {**section, **replication}}


@pytest.mark.parametrize(
    ("own", "master", "expected"),
    [
        (info(keys=0), None, None),
        (info(keys=3), None, "cannot be told"),
        (info(), info(history=OTHER), "a history that is not the master's"),
        (info(offset=10), info(offset=10), None),
        (info(offset=11), info(offset=10), "1 bytes ahead"),
        # Promoted at byte 10: what followed the old master until then has nothing of its own.
        (info(offset=9, history=OLDER), info(offset=50, second=OLDER, second_offset=10), None),
        (info(offset=10, history=OLDER), info(offset=50, second=OLDER, second_offset=10), "1 bytes ahead"),
        ({"keyspace": {"db0": {"keys": 1}}}, info(), "a history that is not the master's"),
        ({**info(keys=0), "memory": {"number_of_functions": 2}}, info(history=OTHER), "it holds 2 functions with a history"),
        ({**info(keys=3), "memory": {"number_of_functions": 1}}, None, "it holds 3 keys and 1 functions"),
    ],
)
def test_what_a_server_would_lose_by_following_a_master(own, master, expected):
    lost = _replication.loss(own, master)
    assert lost is None if expected is None else expected in lost


def test_the_connections_of_sentinels_are_known_by_their_names():
    names = ["sentinel-0a1b2c3d-cmd", "sentinel-0a1b2c3d-pubsub", "sentinel-app", "", None]
    clients = [{"name": name, "addr": f"10.0.0.{number // 2}:5000{number}"} for number, name in enumerate(names)]
    assert _replication.sentinels_among(clients) == ["10.0.0.0"]


def test_a_place_is_told_in_words():
    replica = {"replication": {"role": "slave", "master_host": "cache1", "master_port": 6379}}
    assert _replication.shown(_replication.place(replica)) == "replica of cache1:6379"
    assert _replication.shown(_replication.place(info(role="master"))) == "master"
