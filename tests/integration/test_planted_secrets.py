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
import sys
import threading
import uuid
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tests.lab import servers

DONE, REFUSED = 0, 2
# How far it gets depends on what the machine has (systemd, packages, root).
ANY = None
PATIENCE = 300
APPLY = ("-e", "redis_remediation_mode=apply")
CHECK = ("--check",)
# {playbook: (how it is harmless here, its exit status)}; what is not here has no test, and the test of that fails.
ROWS = {
    "add_replica": ((), REFUSED),
    "awx_configure": (CHECK, ANY),
    "backup": ((), DONE),
    "check_network": ((), DONE),
    "diagnose": ((), DONE),
    "escalate": ((*APPLY, "-e", "redis_escalation_now=true"), REFUSED),
    "failover": ((), DONE),
    "fallback_disable": ((), DONE),
    "fallback_enable": ((), DONE),
    "fallback_status": ((), DONE),
    "flush": (("-e", "redis_flush_pattern=session:*"), DONE),
    "heal_replication": ((), DONE),
    "kill_script": ((), DONE),
    "migrate_to_sentinel": ((), REFUSED),
    "monitor": (CHECK, ANY),
    "prevent": ((), DONE),
    "remediate": (APPLY, REFUSED),
    "remove_replica": ((), REFUSED),
    "report": ((), DONE),
    "restart": ((), DONE),
    "restart_application": ((), DONE),
    "restore": ((), DONE),
    "rolling_restart": ((), ANY),
    "rolling_upgrade": ((), ANY),
    "schedule_report": ((), DONE),
    "setup_cluster": (CHECK, ANY),
    "setup_endpoint": (CHECK, ANY),
    "setup_sentinel": (CHECK, ANY),
    "slow_commands": ((), DONE),
    "tidy_memory": ((), DONE),
    "tune_clients": ((), DONE),
    "tune_memory": ((), DONE),
    "tune_pools": ((), DONE),
    "verify": ((), ANY),
    "wait_loading": ((), DONE),
}
PLAYBOOKS = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))
# Each place has a secret of its own, so that a find says where it leaked; new in each run, because other runs have processes, too.
RUN = uuid.uuid4().hex[:8]
PLACES = (
    "login", "requirepass", "masterauth", "user", "argument", "sentinel", "channel", "variable", "endpoint", "role",
)  # fmt: skip
SECRETS = {place: f"{place}Secret-{RUN}" for place in PLACES}


@pytest.fixture(scope="module")
def server():
    """A server full of secrets, busy enough to be worth a word."""
    options = {"requirepass": SECRETS["requirepass"], "masterauth": SECRETS["masterauth"], "slowlog_log_slower_than": 0}
    with servers.running(servers.embedded(), maxmemory="100mb", **options) as started:
        client = started.client()
        client.execute_command("ACL", "SETUSER", "ops", "on", f">{SECRETS['login']}", "~*", "&*", "+@all")
        client.execute_command("ACL", "SETUSER", "app", "on", f">{SECRETS['user']}", "~*", "+@all")
        client.mset({f"session:{number}": "x" for number in range(100)})
        # Into the slow log; a backup holds data, and may.
        client.execute_command("ECHO", SECRETS["argument"])
        client.config_set("masterauth", SECRETS["masterauth"])
        yield started


@pytest.fixture
def given(server, tmp_path):
    """The words that give a playbook its host, and a secret wherever it takes one; all of them are in files of their own."""
    folder = tmp_path / "given"
    folder.mkdir(mode=0o700)
    environment = folder / "app.env"
    url = f"redis://:{SECRETS['requirepass']}@127.0.0.1:{server.port}/0"
    environment.write_text(f"REDIS_URL={url}\nAPI_TOKEN={SECRETS['variable']}\n")
    channel = {"name": "pager", "url": f"json://127.0.0.1:{servers.free_port()}/{SECRETS['channel']}"}
    role = SECRETS["role"]
    variables = {
        "redis_connection": {"login_port": server.port, "login_user": "ops", "login_password": SECRETS["login"]},
        "redis_application": {"profile": "generic", "name": "shop", "hosts": ["cache"], "environment_files": [str(environment)]},
        "redis_escalation_channels": [channel],
        "redis_report_channels": [channel],
        "redis_failover_sentinels": [f"127.0.0.1:{servers.free_port()}"],
        "redis_failover_sentinel_password": SECRETS["sentinel"],
        "redis_failover_endpoint_url": f"redis://:{SECRETS['endpoint']}@127.0.0.1:{servers.free_port()}",
        "redis_endpoint_password": SECRETS["endpoint"],
        "redis_monitoring_password": role,
        "redis_monitoring_events_token": role,
        **dict.fromkeys(("redis_sentinel_redis_password", "redis_sentinel_password", "redis_cluster_password"), role),
        **dict.fromkeys(("redis_hardening_diagnose_password", "redis_hardening_remediate_password"), role),
        "redis_guard_dir": str(tmp_path / "guard"),
        "redis_backup_dir": str(tmp_path / "backups"),
        "redis_report_folder": str(tmp_path / "nightly"),
        "redis_report_environment": str(tmp_path / "nightly.env"),
        "redis_diagnosis_window": 0.1,
        "redis_guard_settled": 0.1,
        "redis_failover_wait": 1,
        "redis_failover_patience": 1,
        "redis_rolling_wait": 2,
        "redis_rolling_patience": 1,
    }
    host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "ansible_host": "127.0.0.1"}
    groups = {name: {"hosts": {"cache": host}} for name in ("redis", "redis_endpoint", "redis_monitoring")}
    (folder / "inventory.yml").write_text(yaml.safe_dump(groups))
    (folder / "variables.yml").write_text(yaml.safe_dump(variables))
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
    assert sorted(ROWS) == PLAYBOOKS


@pytest.mark.usefixtures("open_umask")
@pytest.mark.parametrize("playbook", ROWS)
def test_no_playbook_shows_a_secret_or_lets_others_read(playbook, play, given, tmp_path):
    how, status = ROWS[playbook]
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
            **{name: str(path) for name, path in folders.items()},
        )
    assert "PLAY RECAP" in played.output, played.output
    assert "Traceback" not in played.output
    assert status in (ANY, played.status), played.output[-3000:]
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
