# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every playbook in a way that is harmless, on a server with passwords, users and an application: for tests that run them all."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.lab import servers

ROOT = Path(__file__).resolve().parents[2]
DONE, REFUSED = 0, 2
# How far it gets depends on what the machine has (systemd, packages, root).
ANY = None
APPLY = ("-e", "redis_remediation_mode=apply")
CHECK = ("--check",)
# {playbook: (how it is harmless here, its exit status)}; what is not here is run nowhere, and a test of that fails.
ROWS: dict[str, tuple[tuple[str, ...], int | None]] = {
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
# Every place that takes a secret.
PLACES = (
    "login", "requirepass", "masterauth", "user", "argument", "sentinel", "channel", "variable", "endpoint", "role",
)  # fmt: skip


@contextlib.contextmanager
def running(secrets: Mapping[str, str]) -> Iterator[servers.Server]:
    """A server full of secrets, busy enough to be worth a word."""
    options: dict[str, Any] = {name: secrets[name] for name in ("requirepass", "masterauth")}
    with servers.running(servers.embedded(), maxmemory="100mb", slowlog_log_slower_than=0, **options) as started:
        client = started.client()
        client.execute_command("ACL", "SETUSER", "ops", "on", f">{secrets['login']}", "~*", "&*", "+@all")
        client.execute_command("ACL", "SETUSER", "app", "on", f">{secrets['user']}", "~*", "+@all")
        client.mset({f"session:{number}": "x" for number in range(100)})
        # Into the slow log; a backup holds data, and may.
        client.execute_command("ECHO", secrets["argument"])
        client.config_set("masterauth", secrets["masterauth"])
        yield started


def inventory() -> dict[str, Any]:
    """The host ``cache``, here, in every group that a playbook asks for."""
    host = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}", "ansible_host": "127.0.0.1"}
    return {name: {"hosts": {"cache": host}} for name in ("redis", "redis_endpoint", "redis_monitoring")}


def variables(port: int, folder: Path, given: Path, secrets: Mapping[str, str]) -> dict[str, Any]:
    """What the playbooks are told; what they write is under ``folder``, what they read in ``given``, written here."""
    environment = given / "app.env"
    url = f"redis://:{secrets['requirepass']}@127.0.0.1:{port}/0"
    environment.write_text(f"REDIS_URL={url}\nAPI_TOKEN={secrets['variable']}\n")
    channel = {"name": "pager", "url": f"json://127.0.0.1:{servers.free_port()}/{secrets['channel']}"}
    role = secrets["role"]
    return {
        "redis_connection": {"login_port": port, "login_user": "ops", "login_password": secrets["login"]},
        "redis_application": {"profile": "generic", "name": "shop", "hosts": ["cache"], "environment_files": [str(environment)]},
        "redis_escalation_channels": [channel],
        "redis_report_channels": [channel],
        "redis_failover_sentinels": [f"127.0.0.1:{servers.free_port()}"],
        "redis_failover_sentinel_password": secrets["sentinel"],
        "redis_failover_endpoint_url": f"redis://:{secrets['endpoint']}@127.0.0.1:{servers.free_port()}",
        "redis_endpoint_password": secrets["endpoint"],
        "redis_monitoring_password": role,
        "redis_monitoring_events_token": role,
        **dict.fromkeys(("redis_sentinel_redis_password", "redis_sentinel_password", "redis_cluster_password"), role),
        **dict.fromkeys(("redis_hardening_diagnose_password", "redis_hardening_remediate_password"), role),
        "redis_guard_dir": str(folder / "guard"),
        "redis_backup_dir": str(folder / "backups"),
        "redis_report_folder": str(folder / "nightly"),
        "redis_report_environment": str(folder / "nightly.env"),
        "redis_diagnosis_window": 0.1,
        "redis_guard_settled": 0.1,
        "redis_failover_wait": 1,
        "redis_failover_patience": 1,
        "redis_rolling_wait": 2,
        "redis_rolling_patience": 1,
    }
