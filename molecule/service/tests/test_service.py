# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every server runs with its data, the book says what was done, and who ran was not touched."""

from __future__ import annotations

import json

import pytest
import testinfra

LEDGER = "/var/lib/aragora-redis/ledger.json"


def host(name):
    return testinfra.get_host(f"docker://molecule-service-{name}")


@pytest.mark.parametrize("name", ["killed", "stopped", "well"])
def test_it_runs_with_its_data(name):
    assert host(name).service("redis-server").is_running
    assert host(name).check_output("redis-cli get molecule") == "service"


@pytest.mark.parametrize("name", ["killed", "stopped"])
def test_the_book_holds_one_start(name):
    assert host(name).file(LEDGER).mode == 0o600
    entries = json.loads(host(name).file(LEDGER).content_string)["entries"]
    assert [(entry["action"], entry["findings"], entry["state"]) for entry in entries] == [("restart", ["process_down"], "resolved")]


def test_one_that_was_started_just_now_is_left_alone():
    assert not host("well").file(LEDGER).exists
    pid = host("well").check_output("systemctl show --property=MainPID --value redis-server")
    assert host("well").file("/run/first-pid").content_string.strip() == pid
