# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who answers may be anybody: what is not as Redis documents it ends in one sentence, never in a traceback."""

from __future__ import annotations

import pytest

from tests.lab.liar import lying

SENTINEL = "# Server\r\nredis_mode:sentinel\r\nrun_id:1\r\n# Sentinel\r\nsentinel_tilt:0\r\n"
REPLICA = "# Server\r\nrun_id:1\r\n# Replication\r\nrole:slave\r\nmaster_host:127.0.0.1\r\nmaster_port:1\r\n"
NAMELESS = {"SENTINEL MASTERS": [["ip", "\x1b[31m"]], "SENTINEL MASTER": 7, "SENTINEL REPLICAS": [None], "SENTINEL MYID": "1"}
NODE = {"CLUSTER NODES": "1 :1 myself,master - 0 0 1 connected", "CLUSTER INFO": ""}
SENTENCE = "are not what Redis documents"
PLACE = {"host": "127.0.0.1", "quorum": 1, "name": "mymaster"}


@pytest.mark.parametrize(
    ("module", "options", "info"),
    [
        ("redis_sentinel", {"monitors": [PLACE]}, SENTINEL),
        ("redis_sentinel", {"monitors": [PLACE]}, 7),
        ("redis_sentinel_reset", {"master_name": "mymaster"}, SENTINEL),
        ("redis_replication", {"role": "master"}, None),
        ("redis_cluster_create", {"nodes": ["127.0.0.1"]}, None),
    ],
)
def test_replies_that_are_none(module, options, info, run_module):
    with lying({**NAMELESS, **NODE, "INFO": info, "CONFIG GET": 7}) as port:
        where = {"nodes": [f"127.0.0.1:{port}"]} if "nodes" in options else {"login_host": "127.0.0.1", "login_port": port}
        result = run_module(module, **{**options, **where})
    assert result["failed"]
    assert SENTENCE in result["msg"], result


def test_a_sentinel_to_ask_that_is_none(run_module):
    replies = {**NAMELESS, "INFO": REPLICA, "CONFIG GET": [], "CLIENT LIST": ""}
    with lying(replies) as port:
        own = {"login_host": "127.0.0.1", "login_port": port, "role": "replica", "master_host": "127.0.0.1", "master_port": 2}
        result = run_module("redis_replication", ask_sentinels=[f"127.0.0.1:{port}"], **own)
    assert SENTENCE in result["msg"], result


def test_a_sentinel_that_tells_of_places_without_a_port(run_module):
    lost = ["name", "other", "ip", "127.0.0.1", "runid", "2", "flags", "sentinel"]
    master = ["name", "mymaster", "ip", "127.0.0.1", "runid", "3", "flags", "master"]
    replies = {"INFO": SENTINEL, "SENTINEL MYID": "1", "SENTINEL MASTERS": [master], "SENTINEL REPLICAS": [], "SENTINEL SENTINELS": [lost]}
    with lying(replies) as port:
        result = run_module("redis_sentinel_info", sentinels=[f"127.0.0.1:{port}"])
    assert (len(result["sentinels"]), result["masters"][0]["role"]) == (1, None), result
