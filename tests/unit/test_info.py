# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""INFO as typed data."""

from __future__ import annotations

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._info import parse, product, version_tuple
from hypothesis import given
from hypothesis import strategies as st

TEXT = "\r\n".join(
    [
        "# Server",
        "redis_version:7.0.15",
        "redis_git_sha1:00000000",
        "run_id:1234567890123456789012345678901234567890",
        "executable:/opt/redis:7/bin/redis-server",
        "config_file:",
        "listener0:name=tcp,bind=127.0.0.1,port=6379",
        "",
        "# Memory",
        "used_memory:1048576",
        "mem_fragmentation_ratio:1.50",
        "mem_fragmentation_bytes:-4096",
        "used_memory_peak_perc:99.10%",
        "allocator_frag_ratio:nan",
        "total_system_memory:18446744073709551615",
        "",
        "# Replication",
        "role:master",
        "slave0:ip=10.0.0.2,port=6379,state=online,offset=42,lag=-1",
        "slave1:ip=2001:db8::7,port=6379,state=online,offset=42,lag=0",
        "slave_read_only:1",
        "",
        "# Commandstats",
        "cmdstat_get:calls=5,usec=10,usec_per_call=2.00,rejected_calls=0,failed_calls=0",
        "cmdstat_config|get:calls=1,usec=3",
        "cmdstat_my:module.cmd:calls=2,usec=4",
        "",
        "# Errorstats",
        "errorstat_ERR:count=3",
        "errorstat_A:B=C:count=1",
        "errorstat_A:B:C:count=2",
        "",
        "# Modules",
        "module:name=ReJSON,ver=20407,api=1,filters=0,usedby=[search],using=[],options=[handle-io-errors]",
        "module:name=search,ver=20809,api=1,filters=0,usedby=[],using=[ReJSON],options=[]",
        "",
        "# search fields statistics",
        "search_fields_text:Text=1,Sortable=1",
        "",
        "# Keyspace",
        "db0:keys=2,expires=1,avg_ttl=500,subexpiry=0",
        "db15:keys=1,expires=0,avg_ttl=0",
        "",
    ]
)


@pytest.mark.parametrize(
    ("section", "field", "value"),
    [
        ("server", "redis_version", "7.0.15"),
        ("server", "redis_git_sha1", "00000000"),
        ("server", "run_id", "1234567890123456789012345678901234567890"),
        ("server", "executable", "/opt/redis:7/bin/redis-server"),
        ("server", "config_file", ""),
        ("server", "listener0", "name=tcp,bind=127.0.0.1,port=6379"),
        ("memory", "used_memory", 1048576),
        ("memory", "mem_fragmentation_ratio", 1.5),
        ("memory", "mem_fragmentation_bytes", -4096),
        ("memory", "used_memory_peak_perc", "99.10%"),
        ("memory", "allocator_frag_ratio", "nan"),
        ("memory", "total_system_memory", 18446744073709551615),
        ("replication", "slave0", {"ip": "10.0.0.2", "port": 6379, "state": "online", "offset": 42, "lag": -1}),
        ("replication", "slave1", {"ip": "2001:db8::7", "port": 6379, "state": "online", "offset": 42, "lag": 0}),
        ("replication", "slave_read_only", 1),
        ("commandstats", "cmdstat_get", {"calls": 5, "usec": 10, "usec_per_call": 2.0, "rejected_calls": 0, "failed_calls": 0}),
        ("commandstats", "cmdstat_config|get", {"calls": 1, "usec": 3}),
        ("commandstats", "cmdstat_my:module.cmd", {"calls": 2, "usec": 4}),
        ("errorstats", "errorstat_ERR", {"count": 3}),
        ("errorstats", "errorstat_A:B=C", {"count": 1}),
        ("errorstats", "errorstat_A:B:C", {"count": 2}),
        ("search_fields_statistics", "search_fields_text", "Text=1,Sortable=1"),
        ("keyspace", "db0", {"keys": 2, "expires": 1, "avg_ttl": 500, "subexpiry": 0}),
        ("keyspace", "db15", {"keys": 1, "expires": 0, "avg_ttl": 0}),
    ],
)
def test_a_field_has_the_type_that_it_means(section, field, value):
    found = parse(TEXT)[section][field]
    assert found == value
    assert type(found) is type(value)


def test_every_loaded_module_keeps_its_line():
    modules = parse(TEXT)["modules"]
    assert {name: record["ver"] for name, record in modules.items()} == {"module_ReJSON": 20407, "module_search": 20809}
    assert modules["module_ReJSON"]["usedby"] == "[search]"


@pytest.mark.parametrize("text", ["", "\r\n", "used_memory:1", "no colon at all", "# ", "#"])
def test_text_without_a_section_has_no_fields(text):
    assert not any(parse(text).values())


def test_lines_end_with_or_without_a_carriage_return():
    assert parse(TEXT.replace("\r\n", "\n")) == parse(TEXT)


def test_a_line_ends_where_the_server_ends_it_and_not_at_other_separators():
    parsed = parse("# Server\r\nconfig_file:/etc/a\u2028b\x0bc\x85d.conf\r\ntcp_port:6379\r\n")
    assert parsed == {"server": {"config_file": "/etc/a\u2028b\x0bc\x85d.conf", "tcp_port": 6379}}


def test_a_section_that_comes_twice_is_one():
    assert parse("# CPU\r\na:1\r\n# Stats\r\nb:2\r\n# CPU\r\nc:3\r\n") == {"cpu": {"a": 1, "c": 3}, "stats": {"b": 2}}


@given(st.text())
def test_any_text_is_parsed_into_sections_of_fields(text):
    for parsed in (parse(text), parse("# Keyspace\n" + text), parse("# Modules\nmodule:" + text)):
        assert all(isinstance(fields, dict) for fields in parsed.values())


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,12}", fullmatch=True), st.integers(-(2**63), 2**64 - 1)))
def test_every_whole_number_of_the_server_survives(fields):
    text = "# Stats\r\n" + "".join(f"{name}:{value}\r\n" for name, value in fields.items())
    assert parse(text) == {"stats": fields}


@given(st.dictionaries(st.from_regex(r"cmdstat_[a-z|.]{1,12}", fullmatch=True), st.integers(0, 2**63)))
def test_every_command_keeps_its_calls(calls):
    text = "# Commandstats\r\n" + "".join(f"{name}:calls={count},usec=0\r\n" for name, count in calls.items())
    assert parse(text)["commandstats"] == {name: {"calls": count, "usec": 0} for name, count in calls.items()}


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        ({"redis_version": "6.2.14"}, ("redis", "6.2.14")),
        ({"redis_version": "7.2.4", "server_name": "valkey", "valkey_version": "9.1.0"}, ("valkey", "9.1.0")),
        ({"redis_version": "7.2.4", "valkey_version": "8.1.1"}, ("valkey", "8.1.1")),
        ({"redis_version": "7.2.4", "server_name": "valkey"}, ("valkey", "7.2.4")),
        ({}, ("redis", "")),
    ],
)
def test_the_product_is_told_by_its_own_fields(server, expected):
    assert product(server) == expected


@pytest.mark.parametrize(
    ("version", "expected"),
    [("8.0.2", (8, 0, 2)), ("7.0", (7, 0)), ("8.1.0-rc1", (8, 1, 0)), ("255.255.255", (255, 255, 255)), ("", ()), ("unstable", ())],
)
def test_versions_compare_as_numbers(version, expected):
    assert version_tuple(version) == expected


def test_ten_is_newer_than_nine():
    assert version_tuple("10.0.0") > version_tuple("9.9.9")
