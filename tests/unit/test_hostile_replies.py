# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whoever answers may send anything: a parser gives its documented result or ValueError, and a snapshot of it is judged and shown."""

from __future__ import annotations

import contextlib
import json

import pytest
from ansible_collections.aragora.redis.plugins.module_utils import (
    _acl,
    _acl_rules,
    _cluster,
    _info,
    _rdb_file,
    _sentinel,
    _sentinel_plan,
    _sentinel_views,
    _wire,
)
from ansible_collections.aragora.redis.plugins.module_utils._diagnosis import engine
from ansible_collections.aragora.redis.plugins.module_utils._gather_plan import info_argument_spec, make_plan
from ansible_collections.aragora.redis.plugins.module_utils._manners import documented
from ansible_collections.aragora.redis.plugins.module_utils._replies import FIRST, SECOND, take_in
from ansible_collections.aragora.redis.plugins.module_utils._snapshot import empty
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import FULL

MORE = settings(max_examples=2000 if FULL else 60, deadline=None)
# Words of Redis, so that not every reply is thrown out at its door.
WORDS = [
    "# Server", "# Clients", "# Replication", "# Memory", "# Keyspace", "redis_version:7.4.1", "role:slave", "db0:keys=1,expires=x",
    "maxmemory:", "used_memory:-1", "connected_clients:many", "slave0:ip=,port=a,state=online", "master_link_status:down",
    "requirepass", "maxmemory", "100mb", "id=1 addr=[::1]:1 name= age=x idle= flags=N", "flags", "commands", "passwords", "name",
    "ip", "127.0.0.1", "port", "quorum", "1 :0 myself,master - 0 0 1 connected 0-5 [7->-2]", "command", "nan", "inf", "1e400",
    "9" * 30, "\x1b[31m", "{{ 7*7 }}", "-1", "",
]  # fmt: skip
TEXTS = st.one_of(st.sampled_from(WORDS), st.lists(st.sampled_from(WORDS), max_size=8).map("\r\n".join), st.text(max_size=30))
NUMBERS = st.one_of(st.integers(), st.integers(-3, 3), st.sampled_from([2**63, -(2**63), 10**30]))
REPLIES = st.recursive(st.one_of(st.none(), NUMBERS, TEXTS), lambda inner: st.lists(inner, max_size=6), max_leaves=20)
PLAN = make_plan({**{name: option.get("default") for name, option in info_argument_spec().items()}, "connect_timeout": 1.0, "timeout": 1.0})
NAMES = sorted({*FIRST, *SECOND, "slowlog_length", "acl", "client_id", "cluster_nodes", "sentinel_id", "memory_doctor"})


@MORE
@given(st.dictionaries(st.sampled_from(NAMES), REPLIES))
def test_a_snapshot_of_any_replies_is_judged_and_is_json(answered):
    snapshot = empty("127.0.0.1", 6379, None, "redis://127.0.0.1:6379", local=True)
    for readers in (FIRST, SECOND):
        take_in(snapshot, readers, answered, PLAN)
    engine.diagnose(snapshot)
    json.dumps(snapshot, allow_nan=False)


PARSERS = {
    "info": _info.parse,
    "product": lambda text: _info.product(_info.parse(f"# Server\n{text}").get("server", {})),
    "version": _info.version_tuple,
    "cluster": lambda text: _cluster.told(_cluster.nodes(text)),
    "acl": lambda text: _acl.allowed(text, "flushall"),
    "acl line": _acl_rules.tokens_of,
    "acl rules": lambda text: _acl_rules.meaning(_acl_rules.joined(text.split(" ")), {"all": {"get"}, "read": {"get"}}),
    "quorum": _sentinel.quorum_check,
    "sentinel.conf logins": _sentinel_plan.logins_of,
    "sentinel.conf settings": lambda text: _sentinel_plan.settings_of(text, "mymaster"),
    "sentinel.conf id": _sentinel_plan.id_in,
}
RULES = st.lists(
    st.sampled_from(["on", "~*", "%R~a", "(", ")", "+@all", "-get", "+config|get", "#", "resetkeys", "&", "nopass", "(~a", "+@"])
)
LINES = st.lists(st.sampled_from(["sentinel", "monitor", "mymaster", "auth-pass", '"', "'", "\\x", "myid", "\n", "#", "config"])).map(
    " ".join
)


@pytest.mark.parametrize("parser", PARSERS)
def test_a_text_is_read_or_refused(parser):
    @MORE
    @given(st.one_of(TEXTS, RULES.map(" ".join), LINES, st.text(max_size=200)))
    def read(text):
        with contextlib.suppress(ValueError), documented("127.0.0.1:6379"):
            PARSERS[parser](text)

    read()


@MORE
@given(REPLIES)
def test_what_a_sentinel_says_is_read_or_refused(reply):
    with contextlib.suppress(ValueError), documented("127.0.0.1:26379"):
        _sentinel_views.view("127.0.0.1:26379", "1", {}, [{**_sentinel.instance(reply), **dict.fromkeys(_sentinel.DETAILS)}])


class Nothing(Exception):
    """There are no bytes left."""


@pytest.mark.parametrize("ask", ["scan", "text", "lines"])
def test_bytes_are_replies_or_an_error_and_end(ask):
    odd = st.sampled_from(
        [b"*2\r\n", b"$1\r\n", b"0\r\n", b"*-1\r\n", b"$-1\r\n", b"$x\r\n", b"*\r\n", b":1\r\n", b"-ERR a\r\n", b"\r\n", b"$99\r\n"]
    )

    @MORE
    @given(st.lists(st.one_of(odd, st.binary(max_size=12)), max_size=12))
    def read(pieces):
        left = iter(pieces)

        def receive():
            piece = next((piece for piece in left if piece), None)
            if piece is None:
                raise Nothing
            return piece

        replies = _wire.Replies(receive)
        with contextlib.suppress(ValueError, Nothing):
            replies.lines(2) if ask == "lines" else getattr(replies, ask)()

    read()


@MORE
@given(st.one_of(st.binary(max_size=20), st.binary(max_size=4).map(lambda rest: b"REDIS00" + rest)))
def test_the_head_of_a_file_is_read_or_refused(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "head.rdb"
    path.write_bytes(data)
    with contextlib.suppress(ValueError):
        assert _rdb_file.head(path)[0] in ("REDIS", "VALKEY")
