# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The walk that was killed went on where it ended, all of them run the new release, and no acknowledged write is gone."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import testinfra

NAMES = ("one", "two", "three")
TOLD = json.loads((Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "rolling.json").read_text(encoding="utf-8"))


def host(name):
    return testinfra.get_host(f"docker://molecule-rolling-{name}")


def test_no_acknowledged_write_is_lost():
    assert TOLD["lost"] == 0
    assert TOLD["acknowledged"] > 5_000


def test_who_had_had_its_turn_was_not_restarted_again():
    assert TOLD["killed_after"] >= 1
    assert TOLD["resumed"]["status"] == 0, TOLD
    assert TOLD["restarted"] == dict.fromkeys(NAMES, 1)
    assert sorted(row[1] for row in TOLD["resumed"]["rows"]) == ["nothing_to_do", "resolved", "resolved"]


def test_everybody_was_upgraded_in_its_turn():
    assert TOLD["upgraded"]["status"] == 0, TOLD
    assert {row[1] for row in TOLD["upgraded"]["rows"]} == {"resolved"}


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_the_new_release(name):
    package = os.environ.get("ROLLING_PACKAGE", "valkey-server")
    assert host(name).service(package).is_running
    assert host(name).service(package).is_enabled
    info = host(name).check_output("redis-cli --no-auth-warning -a molecule info server")
    assert ("valkey_version:8.1" if package.startswith("valkey") else "redis_version:8.0") in info
    assert host(name).service("redis-server").is_running != package.startswith("valkey")
