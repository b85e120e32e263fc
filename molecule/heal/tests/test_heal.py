# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The replica is in step, every Sentinel writes its file and knows who is there, and nobody says the password."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import testinfra

REPORTS = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "reports"
PLANTED = "planted-redis-password-61"


def host(name):
    return testinfra.get_host(f"docker://molecule-heal-{name}")


def ask(name, *words):
    return host(name).check_output(f"REDISCLI_AUTH={PLANTED} redis-cli {' '.join(words)}")


def first_run():
    """{target: (state, why)} of the run that mended."""
    path = min(path for path in REPORTS.glob("2*/report.json") if not path.parent.is_symlink())
    return {row["target"]: (row["state"], row["why"]) for row in json.loads(path.read_text(encoding="utf-8"))["timeline"]}


def test_the_replica_hears_its_master_and_will_after_a_restart():
    assert "master_link_status:up" in ask("cache2", "info", "replication")
    assert ask("cache2", "config", "get", "masterauth").split()[1] == PLANTED
    assert "masterauth another" not in host("cache2").file("/etc/redis/redis.conf").content_string


@pytest.mark.parametrize("name", ["guard1", "guard2"])
def test_a_sentinel_knows_who_is_there_and_nobody_else(name):
    told = ask(name, "-p 26379 sentinel master shop").split("\n")
    known = dict(zip(told[::2], told[1::2]))
    assert (known["num-other-sentinels"], known["num-slaves"], known["flags"]) == ("1", "1", "master")
    assert "OK 2 usable" in ask(name, "-p 26379 sentinel ckquorum shop")


def test_a_sentinel_writes_its_file_again():
    file = host("guard1").file("/etc/redis/sentinel.conf")
    assert (file.user, host("guard1").file("/etc/redis").user) == ("redis", "redis")
    assert "known-sentinel" in file.content_string


def test_what_came_of_it():
    found = first_run()
    assert {name: state for name, (state, dummy) in found.items()} == {
        "cache2": "resolved",
        "cache1": "nothing_to_do",
        "guard1": "resolved",
        "guard2": "resolved",
    }, found


def test_the_password_is_in_no_report():
    assert not [path for path in REPORTS.rglob("*") if path.is_file() and PLANTED in path.read_text(errors="replace")]
