# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who answers may be anybody: what is not as Redis documents it ends in one sentence, never in a traceback."""

from __future__ import annotations

import re

import pytest
import yaml

from tests.conftest import ROOT
from tests.lab.liar import lying

SENTINEL = "# Server\r\nredis_mode:sentinel\r\nrun_id:1\r\n# Sentinel\r\nsentinel_tilt:0\r\n"
REPLICA = "# Server\r\nrun_id:1\r\n# Replication\r\nrole:slave\r\nmaster_host:127.0.0.1\r\nmaster_port:1\r\n"
NAMELESS = {"SENTINEL MASTERS": [["ip", "\x1b[31m"]], "SENTINEL MASTER": 7, "SENTINEL REPLICAS": [None], "SENTINEL MYID": "1"}
NODE = {"CLUSTER NODES": "1 :1 myself,master - 0 0 1 connected", "CLUSTER INFO": ""}
HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
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


# Replies to whatever is asked, none of them what Redis documents, and some of them half so.
ODD = {
    "a number": 7,
    "a text": "\x1b[31m{{ 7*7 }} $(id)\r\n",
    "a list of lists": [[[], None], [7, ["flags"]], "name", "mymaster"],
    "a list of odd numbers": [-1, "nan", 10**15, "1e400", ["port", "x"]],
    "a section": "# Server\r\nrun_id:1\r\nredis_mode:standalone\r\n# Replication\r\nrole:master\r\nslave0:ip=,port=x\r\n"
    "# Keyspace\r\ndb0:keys=x\r\n",
}
# What a module wants beside a place, to get as far as asking.
WANTS = {
    "redis_acl": {"name": "shop", "rules": ["on"]},
    "redis_backup": {"dest": "/nonexistent"},
    "redis_client_kill": {"names": ["shop"]},
    "redis_cluster_create": {},
    "redis_config": {"settings": {"maxmemory": "1gb"}},
    "redis_failover": {"mode": "replication"},
    "redis_flush": {"by": "pattern", "pattern": "a:*", "db": 0, "most_keys": 1},
    "redis_keyspace": {"seconds": 1},
    "redis_memory_limit": {"maxmemory": "1gb"},
    "redis_memory_defrag": {"seconds": 1},
    "redis_replication": {"role": "master", "wait_timeout": 1},
    "redis_restore": {"src": __file__, "backup": {}, "accept_data_loss": True},
    "redis_save": {"wait_timeout": 1},
    "redis_sentinel": {"monitors": [PLACE]},
    "redis_sentinel_move": {"master_name": "mymaster", "host": "127.0.0.1", "port": 1},
    "redis_sentinel_reset": {"master_name": "mymaster"},
    "redis_wait": {"wait_timeout": 1},
}


def members():
    """The modules that talk to a server."""
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    return sorted(name.rpartition(".")[2] for name in runtime["action_groups"]["redis"] if isinstance(name, str))


@pytest.mark.parametrize("module", members())
def test_no_module_ends_in_a_traceback_whoever_answers(module, run_module):
    ended = {}
    for what, reply in ODD.items():
        with lying({"*": reply}) as port:
            where = {"url": f"redis://127.0.0.1:{port}", "timeout": 1.0, "connect_timeout": 1.0}
            try:
                result = run_module(module, **where, **WANTS.get(module, {}))
            except AssertionError as error:
                ended[what] = str(error)[-300:]
                continue
        text = str(result.get("msg", ""))
        if "Traceback" in text or HIDDEN.search(text):
            ended[what] = text[-300:]
    assert ended == {}
