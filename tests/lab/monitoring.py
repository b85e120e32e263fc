# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Debian's redis_exporter, Prometheus and Alertmanager on loopback, with short intervals, over servers of the lab."""

from __future__ import annotations

import contextlib
import functools
import json
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab.servers import free_port, wait_for

PROGRAMS = {
    "prometheus-redis-exporter": "prometheus-redis-exporter", "prometheus": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
}  # fmt: skip
STARTING = 60.0
INTERVAL = "1s"
HOLDS = "5s"
RECEIVER = "aragora-redis-events"
# {alert: (severity, finding, expression)}: the two that the faults of the lab raise.
ALERTS = {
    "RedisUnavailable": ("critical", "process_down", "redis_up == 0"),
    "RedisHighMemory": (
        "critical", "memory_limit_reached", "redis_memory_used_bytes > 0.9 * redis_memory_max_bytes and redis_memory_max_bytes > 0",
    ),
}  # fmt: skip


def why_not() -> str | None:
    """Why there is no monitoring here, or None."""
    missing = [package for program, package in PROGRAMS.items() if not shutil.which(program)]
    return f"monitoring needs {', '.join(missing)} (apt-get install)" if missing else None


def rules() -> dict[str, Any]:
    """The rules of the lab, in the form of Prometheus."""
    rows = [
        {
            "alert": name, "expr": expression, "for": HOLDS, "labels": {"severity": severity, "finding": finding},
            "annotations": {"summary": f"{name} on {{{{ $labels.redis_host }}}}", "description": "", "runbook_url": ""},
        }
        for name, (severity, finding, expression) in ALERTS.items()
    ]  # fmt: skip
    return {"groups": [{"name": "redis", "interval": INTERVAL, "rules": rows}]}


@dataclass(frozen=True)
class Monitoring:
    """Where Prometheus answers."""

    prometheus: int

    def state(self, name: str, host: str) -> str | None:
        """``pending`` or ``firing`` as Prometheus says of an alert, None where there is none."""
        for row in _asked(self.prometheus, "/api/v1/alerts")["data"]["alerts"]:
            if (row["labels"]["alertname"], row["labels"].get("redis_host")) == (name, host):
                return str(row["state"])
        return None

    def sees(self, host: str) -> bool:
        """Whether it has asked this server, and got an answer."""
        answer = _asked(self.prometheus, f"/api/v1/query?query=redis_up%7Bredis_host%3D%22{host}%22%7D")
        return [row["value"][1] for row in answer["data"]["result"]] == ["1"]


@contextlib.contextmanager
def watching(
    folder: Path, members: Mapping[str, tuple[str, int]], webhook: str, token: str, given: Mapping[str, Any] | None = None
) -> Iterator[Monitoring]:
    """Monitoring of ``{name in the inventory: (address, port)}`` that sends alerts to a webhook; ready when it has seen all of them.

    ``given`` are rules in place of those of the lab.
    """
    exporter, prometheus, alertmanager = free_port(), free_port(), free_port()
    (folder / "token").write_text(token, encoding="utf-8")
    _write(folder / "rules.yml", given or rules())
    _write(folder / "prometheus.yml", _prometheus(folder, members, exporter, alertmanager))
    _write(folder / "alertmanager.yml", _alertmanager(folder, webhook))
    commands = [
        ["prometheus-redis-exporter", "-redis.addr", "", "-web.listen-address", f"127.0.0.1:{exporter}"],
        [
            "prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb",
            f"--web.listen-address=127.0.0.1:{prometheus}",
        ],
        [
            "prometheus-alertmanager", f"--config.file={folder}/alertmanager.yml", f"--storage.path={folder}/alertmanager",
            f"--web.listen-address=127.0.0.1:{alertmanager}", "--cluster.listen-address=",
        ],
    ]  # fmt: skip
    with contextlib.ExitStack() as stack:
        for command in commands:
            stack.enter_context(_running(command, folder / f"{command[0]}.log"))
        watched = Monitoring(prometheus)
        for port in (prometheus, alertmanager):
            wait_for(functools.partial(_is_ready, port), f"port {port} to be ready", STARTING)
        for name in members:
            wait_for(functools.partial(watched.sees, name), f"Prometheus to see {name}", STARTING)
        yield watched


def _prometheus(folder: Path, members: Mapping[str, tuple[str, int]], exporter: int, alertmanager: int) -> dict[str, Any]:
    targets = [
        {
            "targets": [f"redis://{address}:{port}"],
            "labels": {"redis_host": name, "redis_port": str(port), "redis_group": ""},
        }
        for name, (address, port) in members.items()
    ]
    relabel = [
        {"source_labels": ["__address__"], "target_label": "__param_target"},
        {"source_labels": ["__param_target"], "target_label": "instance"},
        {"target_label": "__address__", "replacement": f"127.0.0.1:{exporter}"},
    ]
    return {
        "global": {"scrape_interval": INTERVAL, "scrape_timeout": INTERVAL, "evaluation_interval": INTERVAL},
        "rule_files": [f"{folder}/rules.yml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager}"]}]}]},
        "scrape_configs": [{"job_name": "redis", "metrics_path": "/scrape", "static_configs": targets, "relabel_configs": relabel}],
    }


def _alertmanager(folder: Path, webhook: str) -> dict[str, Any]:
    route = {
        "receiver": RECEIVER, "group_by": ["alertname", "redis_host"], "group_wait": "1s", "group_interval": "1s",
        "repeat_interval": "15m",
    }  # fmt: skip
    authorization = {"authorization": {"type": "Bearer", "credentials_file": f"{folder}/token"}}
    hook = {"url": webhook, "send_resolved": True, "http_config": authorization}
    return {"route": route, "receivers": [{"name": RECEIVER, "webhook_configs": [hook]}]}


@contextlib.contextmanager
def _running(command: Sequence[str], log: Path) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield
    finally:
        process.kill()
        process.wait(15)


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")


def _asked(port: int, path: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return json.load(answer)


def _is_ready(port: int) -> bool:
    with contextlib.suppress(OSError, urllib.error.URLError):
        return bool(urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=5).status == 200)
    return False
