# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which servers are watched, under which names, and how the exporter logs in."""

from __future__ import annotations

import json
import re

import pytest
from ansible_collections.aragora.redis.plugins.module_utils._monitored import NAME, monitored
from hypothesis import given
from hypothesis import strategies as st


def places(found):
    return [(target["targets"], target["labels"]["redis_host"]) for target in found["targets"]]


@pytest.mark.parametrize(
    ("given_to_host", "place"),
    [
        ({}, "redis://cache1:6379"),
        ({"ansible_host": "10.0.0.1"}, "redis://10.0.0.1:6379"),
        ({"ansible_host": "10.0.0.1", "redis_connection": {"login_port": 6380}}, "redis://10.0.0.1:6380"),
        ({"ansible_host": "10.0.0.1", "redis_monitoring_address": "10.9.0.1"}, "redis://10.9.0.1:6379"),
        ({"ansible_host": "10.0.0.1", "redis_connection": {"login_host": "127.0.0.1"}}, "redis://10.0.0.1:6379"),
        ({"ansible_host": "10.0.0.1", "redis_connection": {"login_host": "10.8.0.1"}}, "redis://10.8.0.1:6379"),
        ({"redis_connection": {"login_host": "10.8.0.1"}, "redis_monitoring_address": "10.9.0.1"}, "redis://10.9.0.1:6379"),
        ({"redis_connection": {"tls": True}}, "rediss://cache1:6379"),
        ({"redis_connection": {"url": "rediss://:pw@managed.example.com:6390"}}, "rediss://managed.example.com:6390"),
        ({"redis_connection": {"login_unix_socket": "/run/redis.sock"}}, "redis://cache1:6379"),
        ({"redis_monitoring_address": "2001:db8::1"}, "redis://[2001:db8::1]:6379"),
    ],
)
def test_where_a_host_is_reached(given_to_host, place):
    assert places(monitored(["cache1"], {"cache1": given_to_host})) == [([place], "cache1")]


@pytest.mark.parametrize(
    ("written", "place"),
    [
        # As INI inventories and -e write them.
        ({"login_port": "6380"}, "redis://cache1:6380"),
        ({"tls": "false"}, "redis://cache1:6379"),
        ({"tls": "yes", "login_port": None}, "rediss://cache1:6379"),
        ({"login_host": "", "timeout": "3"}, "redis://cache1:6379"),
        # Of redis_info, and of no use here.
        ({"gather_subset": ["all"]}, "redis://cache1:6379"),
    ],
)
def test_text_of_an_inventory_is_read_as_the_modules_read_it(written, place):
    assert places(monitored(["cache1"], {"cache1": {"redis_connection": written}})) == [([place], "cache1")]


def test_a_password_of_digits_is_text():
    assert monitored(["a"], {"a": {"redis_connection": {"login_password": 4711}}})["passwords"] == {"redis://a:6379": "4711"}


@pytest.mark.parametrize(
    ("of_host", "words"),
    [
        ({"redis_monitoring_sentinel_port": "x"}, "redis_monitoring_sentinel_port of 'a' is 'x': give a number from 0 to 65535"),
        ({"redis_monitoring_sentinel_port": 70000}, "redis_monitoring_sentinel_port of 'a' is '70000'"),
        ({"redis_monitoring_sentinel_port": -1}, "redis_monitoring_sentinel_port of 'a' is '-1'"),
        ({"redis_connection": {"login_port": "6380x"}}, "the login_port in the redis_connection of 'a' is '6380x'"),
        ({"redis_connection": {"login_port": 0}}, "the login_port in the redis_connection of 'a' is '0'"),
        ({"redis_connection": {"tls": "maybe"}}, "the tls in the redis_connection of 'a' is 'maybe': give true or false"),
        ({"redis_connection": {"login_prt": 6380}}, "has the option 'login_prt', which nobody knows: choose from ca_certs"),
        ({"redis_connection": "6380"}, "the redis_connection of 'a' is no mapping"),
        ({"redis_connection": {"url": "redis://:SECRET@x:abc"}}, "redis_connection of 'a': the URL"),
        *(
            ({variable: address}, f"the address of 'a' is '{address}'")
            for variable in ("redis_monitoring_address", "ansible_host")
            for address in ("10.0.0.1:6380", "redis://b", "b c", "b\n- c", "[::1]", "{{ b }}", "b/c", "user@b", "b?c", "b;c")
        ),
    ],
)
def test_a_value_of_a_host_that_cannot_be_meant_is_named(of_host, words):
    with pytest.raises(ValueError, match=re.escape(words)) as raised:
        monitored(["a"], {"a": of_host})
    assert "SECRET" not in str(raised.value)


@pytest.mark.parametrize("address", ["::1", "fe80::1%eth0", "2001:db8::10.0.0.1", "my_cache.example.com", "10.0.0.1"])
def test_addresses_that_there_are_are_taken(address):
    assert address in monitored(["a"], {"a": {"redis_monitoring_address": address}})["targets"][0]["targets"][0]


def test_one_name_is_one_server():
    with pytest.raises(ValueError, match=re.escape("10.0.0.1-6379:6379 is there twice")):
        monitored(["10.0.0.1-6379"], {"10.0.0.1-6379": {}}, ["redis://10.0.0.1"])


def test_labels_are_those_of_the_inventory():
    hostvars = {"b": {"redis_group": "shop", "redis_connection": {"login_port": 6380}}, "a": {"redis_monitoring_sentinel_port": 26379}}
    labels = [target["labels"] for target in monitored(["b", "a"], hostvars, ["redis://10.0.0.9"])["targets"]]
    assert labels == [
        {"redis_host": "a", "redis_port": "6379", "redis_group": ""},
        {"redis_host": "a", "redis_port": "26379", "redis_group": "", "redis_sentinel": "true"},
        {"redis_host": "b", "redis_port": "6380", "redis_group": "shop"},
        {"redis_host": "10.0.0.9-6379", "redis_port": "6379", "redis_group": ""},
    ]


def test_passwords_stand_by_their_servers_and_in_no_target():
    hostvars = {"a": {"redis_connection": {"login_password": "pw-a"}}, "b": {"redis_connection": {"login_password": "pw-b"}}, "c": {}}
    found = monitored(["a", "b", "c"], hostvars, ["redis://:pw-d@10.0.0.9"])
    assert (found["user"], found["passwords"]) == (
        "", {"redis://a:6379": "pw-a", "redis://b:6379": "pw-b", "redis://10.0.0.9:6379": "pw-d"},
    )  # fmt: skip
    assert "pw-" not in json.dumps(found["targets"])


def test_a_user_of_its_own_logs_in_everywhere():
    hostvars = {"a": {"redis_connection": {"login_user": "app", "login_password": "pw-a"}}}
    found = monitored(["a"], hostvars, [], ["ops_diagnose", "pw-ops"])
    # Both spellings, because releases of the exporter differ.
    assert found["passwords"] == {"redis://a:6379": "pw-ops", "redis://ops_diagnose@a:6379": "pw-ops"}
    assert found["user"] == "ops_diagnose"


@pytest.mark.parametrize(
    ("names", "hostvars", "urls", "login", "words"),
    [
        (["a b"], {"a b": {}}, [], ["", ""], "a name that no alert may carry"),
        (["a"], {"a": {"redis_group": "{{ x }}"}}, [], ["", ""], "the redis_group of 'a'"),
        (["a", "b"], {"a": {"ansible_host": "h"}, "b": {"ansible_host": "h"}}, [], ["", ""], "is there twice"),
        ([], {}, ["unix:///run/redis.sock"], ["", ""], "is a socket"),
        ([], {}, ["http://x"], ["", ""], "must begin with redis://"),
        (["a"], {"a": {}}, [], ["ops", ""], "there is no redis_monitoring_password"),
        (
            ["a", "b"],
            {name: {"redis_connection": {"login_user": f"u{name}", "login_password": "SECRET"}} for name in "ab"},
            [], ["", ""], "the servers name 'ua', 'ub': set redis_monitoring_user",
        ),
        (
            ["a"],
            {"a": {"redis_monitoring_sentinel_port": 26379, "redis_connection": {"sentinel_password": "SECRET"}}},
            [], ["ops", "SECRET"], "Sentinels have a password for another one than 'ops'",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_watched_is_said_and_no_secret_with_it(names, hostvars, urls, login, words):
    with pytest.raises(ValueError, match=re.escape(words)) as raised:
        monitored(names, hostvars, urls, login)
    assert "SECRET" not in str(raised.value)


@given(st.text(max_size=20), st.text(max_size=20))
def test_no_name_reaches_an_alert_that_ansible_would_take_for_a_pattern(name, group):
    try:
        found = monitored([name], {name: {"redis_group": group, "ansible_host": "10.0.0.1"}})
    except ValueError:
        return
    labels = found["targets"][0]["labels"]
    assert NAME.fullmatch(labels["redis_host"])
    assert group == "" or NAME.fullmatch(labels["redis_group"])


@pytest.mark.parametrize("written", [False, "no"])
def test_a_certificate_that_only_the_exporter_would_refuse_is_told_at_once(written):
    hosts = {"cache1": {"redis_connection": {"tls": True, "validate_certs": written}}}
    with pytest.raises(ValueError, match="'cache1' does not validate the server's certificate, but the exporter would"):
        monitored(["cache1"], hosts, strict=True)
    assert places(monitored(["cache1"], hosts)) == [(["rediss://cache1:6379"], "cache1")]
    plain = {"cache1": {"redis_connection": {"validate_certs": written}}}
    assert places(monitored(["cache1"], plain, strict=True)) == [(["redis://cache1:6379"], "cache1")]
