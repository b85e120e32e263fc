# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that do not hold ready what Redis needs, or that end, kill or never start it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.lab import ansible_runs, hosts, servers
from tests.lab.hosts import Host
from tests.lab.scenarios.scenario import ANY, Make, Scenario
from tests.lab.servers import Server

ROOT = Path(__file__).resolve().parents[3]
# Debian's own, in the containers.
DEBIAN = (servers.SYSTEM[0],)
# Root may have as many files as it likes, unless it gives up that right.
FEW_FILES = ("prlimit", "--nofile=500:500", "setpriv", "--bounding-set=-sys_resource", "--inh-caps=-sys_resource")


def snapshot_of(host: Host) -> dict[str, Any]:
    """The snapshot that diagnose.yml takes of a host, by inventory."""
    with tempfile.TemporaryDirectory(prefix="aragora-redis-") as folder:
        words, environment = hosts.inventory(Path(folder), cache=hosts.member(host))
        words = ["playbooks/diagnose.yml", *words, "-e", f"redis_report_dir={folder}/reports"]
        ansible_runs.play(words, ROOT, {**os.environ, **environment}, 120).check_returncode()
        saved = next(Path(folder).glob("reports/latest/snapshots/*.json"))
        snapshot: dict[str, Any] = json.loads(saved.read_text(encoding="utf-8"))
        return snapshot


def of_host(server: Server) -> dict[str, Any]:
    """What redis_host_info is asked for a server of this machine."""
    config = str(server.folder / "redis.conf")
    return {"port": server.port, "unit": None, "container": None, "data_dir": None, "config_file": config, "log_lines": 5}


def _here(launcher: tuple[str, ...] = (), **directives: Any) -> Make:
    @contextlib.contextmanager
    def make(binary: Path) -> Iterator[dict[str, Any]]:
        with servers.running(binary, launcher=launcher, **directives) as server:
            yield {"url": server.url, "host": of_host(server)}

    return make


@contextlib.contextmanager
def _on_a_full_disk(binary: Path) -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="aragora-redis-") as folder:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], check=True, timeout=20)
        try:
            with servers.running(binary, folder=Path(folder), save="3600 1") as server:
                (Path(folder) / "ballast").write_bytes(b"x" * 3_900_000)
                yield {"url": server.url, "host": of_host(server)}
        finally:
            subprocess.run(["umount", folder], check=True, timeout=20)


@contextlib.contextmanager
def _with_a_misspelt_directive(dummy: Path) -> Iterator[dict[str, Any]]:
    with hosts.host() as host:
        host.configure("maxmemroy 100mb")
        host.systemctl("start", "redis-server", check=False)
        servers.wait_for(lambda: "failed" in host.systemctl("is-active", "redis-server", check=False), "systemd to give up")
        yield {"snapshot": snapshot_of(host)}


@contextlib.contextmanager
def _killed_again_and_again(dummy: Path) -> Iterator[dict[str, Any]]:
    with hosts.host() as host:
        host.start_redis()
        for number in range(3):
            pid = host.pid()
            host.run("kill", "-9", str(pid))
            servers.wait_for(lambda pid=pid: host.pid() not in (0, pid) and host.redis("ping").strip() == "PONG", f"restart {number + 1}")  # type: ignore[misc]
        yield {"snapshot": snapshot_of(host)}


@contextlib.contextmanager
def _killed_by_the_kernel(dummy: Path) -> Iterator[dict[str, Any]]:
    with hosts.host("--memory", "100m", "--memory-swap", "100m") as host:
        host.drop_in("[Service]\nRestart=no\n")
        host.start_redis()
        host.redis("eval", "for i=1,200000 do redis.call('SET', i, string.rep('x', 1000)) end", "0")
        servers.wait_for(lambda: "failed" in host.systemctl("is-active", "redis-server", check=False), "the kernel to kill it")
        yield {"snapshot": snapshot_of(host)}


@contextlib.contextmanager
def _master_that_saves_nothing(dummy: Path) -> Iterator[dict[str, Any]]:
    with hosts.host() as host:
        host.configure('save ""', "repl-diskless-sync-delay 0")
        host.start_redis()
        host.shell("redis-server --port 6380 --save '' --daemonize yes --dir /tmp --replicaof '127.0.0.1 6379'")
        servers.wait_for(lambda: "master_link_status:up" in host.redis("-p", "6380", "info", "replication"), "the replica to be in step")
        yield {"snapshot": snapshot_of(host)}


SCENARIOS = {
    "startup_failed": Scenario(_with_a_misspelt_directive, DEBIAN),
    "crash_loop": Scenario(_killed_again_and_again, DEBIAN),
    "killed_by_oom": Scenario(_killed_by_the_kernel, DEBIAN),
    "master_without_persistence_restarts": Scenario(_master_that_saves_nothing, DEBIAN),
    "disk_full": Scenario(_on_a_full_disk, ANY),
    "overcommit_off": Scenario(_here(save="3600 1"), ANY),
    "transparent_huge_pages": Scenario(
        _here(disable_thp="no"),
        ANY,
        adjusted={"host.kernel.transparent_huge_pages": "always"},
        why="the kernel of the machine is not for changing: only its setting is changed",
    ),
    "file_limit_low": Scenario(_here(FEW_FILES), ANY),
    "backlog_short": Scenario(_here(tcp_backlog=100_000), ANY),
}
