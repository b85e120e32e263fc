# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may not act has changed nothing and says why; what was left behind is put back; the ledger is root's alone."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import testinfra

REPORTS = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "reports"
FOLDER = "/var/lib/aragora-redis"


def host(name):
    return testinfra.get_host(f"docker://molecule-guard-{name}")


def setting(name, which):
    return host(name).check_output(f"redis-cli config get {which}").split()[1]


def ledger(name):
    return json.loads(host(name).file(f"{FOLDER}/ledger.json").content_string)


def timeline(name):
    """(state, why) of what was tried on a host, in its order; the newest run tells of the earlier one of its play as well."""
    reports = sorted(path for path in REPORTS.glob("2*/report.json") if not path.parent.is_symlink())
    rows = [row for path in reports for row in json.loads(path.read_text(encoding="utf-8"))["timeline"] if row["target"] == name]
    return list(dict.fromkeys((row["state"], row["why"]) for row in sorted(rows, key=lambda row: row["at"])))


@pytest.mark.parametrize("name", ["frozen", "tired", "unfinished"])
def test_what_it_writes_is_for_root_only(name):
    folder = host(name).file(FOLDER)
    assert (folder.user, folder.mode) == ("root", 0o700)
    for path in folder.listdir():
        file = host(name).file(f"{FOLDER}/{path}")
        assert (path, file.user, file.mode) == (path, "root", 0o600)


def test_a_freeze_file_refuses():
    assert timeline("frozen") == [("refused", "automatic changes are frozen here: we migrate until noon")]
    assert setting("frozen", "maxmemory") == str(5 * 1024 * 1024)
    assert not host("frozen").file(f"{FOLDER}/audit.jsonl").exists


def test_a_second_run_too_soon_is_refused():
    (first, dummy), (second, why) = timeline("tired")
    assert (first, second) == ("resolved", "refused")
    assert why.startswith("tune_memory was done ")
    assert "; the next may come " in why
    assert setting("tired", "maxmemory") == str(5 * 1024 * 1024)
    assert [(entry["action"], entry["state"]) for entry in ledger("tired")["entries"]] == [("tune_memory", "resolved")]


def test_what_a_killed_run_has_left_is_put_back():
    assert setting("unfinished", "slowlog-log-slower-than") == "10000"
    assert ledger("unfinished")["pending"] == []
    assert timeline("unfinished") == [("resolved", "")]


@pytest.mark.parametrize("name", ["frozen", "tired", "unfinished"])
def test_nobody_holds_a_lease_when_all_is_done(name):
    path = host(name).file(f"{FOLDER}/ledger.json")
    assert not path.exists or ledger(name)["leases"] == {}
