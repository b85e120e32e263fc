# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host has room, the leaking client has 20 connections left, and the next start of the unit may open more files."""

from __future__ import annotations

import json

import pytest
import testinfra


@pytest.fixture(scope="module")
def host():
    return testinfra.get_host("docker://molecule-clients-leaking")


def test_idle_connections_of_the_leaking_client_are_closed(host):
    assert host.check_output("redis-cli client list").count("name=shop") == 20


def test_the_settings_stay_after_a_restart(host):
    config = host.file("/etc/redis/redis.conf")
    assert config.contains("^tcp-keepalive 300$")
    assert config.contains("^maxclients 468$"), "500 open files less those that Redis needs"


def test_the_next_start_may_open_more_files(host):
    assert "1032" in host.check_output("systemctl show --property=LimitNOFILE redis-server")
    assert host.file("/etc/systemd/system/redis-server.service.d/zz-aragora-open-files.conf").mode == 0o644


def test_redis_was_not_restarted(host):
    assert host.check_output("systemctl show --value --property=NRestarts redis-server") == "0"
    assert "500" in host.check_output("grep 'open files' /proc/$(pidof redis-server)/limits")


def test_the_ledger_lies_on_the_host_and_is_for_root_only(host):
    ledger = host.file("/var/lib/aragora-redis/ledger.json")
    assert ledger.mode == 0o600
    line = json.loads(host.file("/var/lib/aragora-redis/audit.jsonl").content_string.splitlines()[0])
    assert (line["action"], line["outcome"]) == ("tune_clients", "resolved")
