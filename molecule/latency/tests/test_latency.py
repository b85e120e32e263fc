# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server answers, the application may not call KEYS, nobody monitors, and the book lies on the host."""

from __future__ import annotations

import json

import pytest
import testinfra


@pytest.fixture(scope="module")
def slow():
    return testinfra.get_host("docker://molecule-latency-slow")


def said(host, *words):
    return host.run(f"redis-cli {' '.join(words)}").stdout


def test_the_server_answers(slow):
    assert said(slow, "ping").strip() == "PONG"


def test_the_application_may_not_call_keys(slow):
    assert "-keys" in said(slow, "acl", "list")
    assert "flags=O" not in said(slow, "client", "list")


def test_it_is_kept_over_a_restart(slow):
    (line,) = [line for line in said(slow, "acl", "list").splitlines() if line.startswith("user shop ")]
    assert line in slow.file("/etc/redis/redis.conf").content_string


def test_the_slow_log_is_as_it_was(slow):
    assert said(slow, "config", "get", "slowlog-log-slower-than").split()[1] == "500"


def test_the_book_tells_what_was_done(slow):
    lines = slow.file("/var/lib/aragora-redis/audit.jsonl").content_string.splitlines()
    assert [(json.loads(line)["action"], json.loads(line)["outcome"]) for line in lines] == [
        ("kill_script", "resolved"),
        ("slow_commands", "mitigated"),
    ]
    taken = slow.file("/var/lib/aragora-redis/taken-slow.json")
    assert taken.mode == 0o600
    assert "+@all" in json.loads(taken.content_string)["shop"]
