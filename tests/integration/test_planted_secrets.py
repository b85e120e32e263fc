# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every playbook, with a secret in every place that takes one, at -vvv and with an open umask: nobody else sees any of them.

Looked at: what is said, the log, reports, ledger, backups, what is left of temporary files, and the arguments of every process meanwhile.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import threading
import uuid
from pathlib import Path

import pytest
import yaml

from tests.lab import harmless

PATIENCE = 300
# Each place has a secret of its own, so that a find says where it leaked; new in each run, because other runs have processes, too.
RUN = uuid.uuid4().hex[:8]
SECRETS = {place: f"{place}Secret-{RUN}" for place in harmless.PLACES}


@pytest.fixture(scope="module")
def server():
    with harmless.running(SECRETS) as started:
        yield started


@pytest.fixture
def given(server, tmp_path):
    """The words that give a playbook its host, and a secret wherever it takes one; all of them are in files of their own."""
    folder = tmp_path / "given"
    folder.mkdir(mode=0o700)
    (folder / "inventory.yml").write_text(yaml.safe_dump(harmless.inventory()))
    (folder / "variables.yml").write_text(yaml.safe_dump(harmless.variables(server.port, tmp_path, folder, SECRETS)))
    return ("-i", str(folder / "inventory.yml"), "-e", f"@{folder / 'variables.yml'}")


@contextlib.contextmanager
def watched():
    """The arguments of every process, meanwhile, as far as they hold a secret."""
    found, stop = set(), threading.Event()

    def look():
        while not stop.wait(0.05):
            for place in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    line = place.read_bytes().decode("utf-8", "replace")
                    if f"Secret-{RUN}" in line:
                        found.add(line.replace("\0", " "))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        stop.set()
        thread.join()


@pytest.fixture
def open_umask():
    """What is written is for its owner because it says so, not because of the user's umask."""
    before = os.umask(0)
    yield
    os.umask(before)


def test_every_playbook_has_a_row():
    assert sorted(harmless.ROWS) == harmless.PLAYBOOKS


@pytest.mark.usefixtures("open_umask")
@pytest.mark.parametrize("playbook", harmless.ROWS)
def test_no_playbook_shows_a_secret_or_lets_others_read(playbook, play, given, tmp_path):
    how, status = harmless.ROWS[playbook]
    folders = {"ANSIBLE_LOG_PATH": tmp_path / "log", "ANSIBLE_REMOTE_TMP": tmp_path / "remote", "TMPDIR": tmp_path / "temporary"}
    folders["TMPDIR"].mkdir(mode=0o700)
    with watched() as arguments:
        played = play(
            f"playbooks/{playbook}.yml",
            *given,
            *how,
            "-vvv",
            "--diff",
            timeout=PATIENCE,
            # Where everything is a file for a while.
            ANSIBLE_PIPELINING="false",
            **{name: str(path) for name, path in folders.items()},
        )
    assert "PLAY RECAP" in played.output, played.output
    assert "Traceback" not in played.output
    assert status in (harmless.ANY, played.status), played.output[-3000:]
    assert arguments == set()
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path.parent.name != "given"]
    said = {"output": played.output, **{str(path): path.read_text(encoding="utf-8", errors="replace") for path in written}}
    assert [(place, name) for name, text in said.items() for place, secret in SECRETS.items() if secret in text] == []
    assert [path for path in folders["TMPDIR"].rglob("*") if path.is_file()] == []
    ours = [path for folder in ("reports", "guard", "backups") for path in (tmp_path / folder, *(tmp_path / folder).rglob("*"))]
    modes = {str(path): oct(stat.S_IMODE(path.stat().st_mode)) for path in ours if path.exists() and not path.is_symlink()}
    assert {name: mode for name, mode in modes.items() if int(mode, 8) & 0o077} == {}
    if playbook == "backup":
        assert list((tmp_path / "backups").rglob("*.rdb"))
    if playbook == "escalate":
        assert json.loads((tmp_path / "guard" / "ledger.json").read_text())
