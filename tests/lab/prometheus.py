# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real programs that watch: redis_exporter, Prometheus and Alertmanager, on loopback, in folders of their own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.lab.servers import free_port, wait_for

PROGRAMS = ("prometheus", "promtool", "prometheus-alertmanager", "amtool", "prometheus-redis-exporter")


def why_not() -> str | None:
    """Why nothing can be watched here, or None."""
    missing = [program for program in PROGRAMS if not shutil.which(program)]
    packages = "prometheus prometheus-alertmanager prometheus-redis-exporter"
    return f"{', '.join(missing)} missing (apt-get install {packages})" if missing else None


@dataclass(frozen=True)
class Web:
    """One of the programs, by its port."""

    port: int

    @property
    def address(self) -> str:
        """host:port"""
        return f"127.0.0.1:{self.port}"

    def get(self, path: str, **query: str) -> str:
        """What it answers; empty while it does not."""
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            url = f"http://{self.address}{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
            with urllib.request.urlopen(url, timeout=20) as answer:
                return str(answer.read().decode())
        return ""

    def query(self, expr: str) -> list[dict[str, Any]]:
        """The result of an instant query of Prometheus. RuntimeError says what is wrong with it."""
        answer = json.loads(self.get("/api/v1/query", query=expr) or '{"status": "no answer"}')
        if answer["status"] != "success":
            raise RuntimeError(f"{expr}: {answer}")
        return list(answer["data"]["result"])

    def alerts(self, state: str = "firing") -> list[dict[str, Any]]:
        """The alerts of Prometheus in a state."""
        answer = json.loads(self.get("/api/v1/alerts") or '{"data": {"alerts": []}}')
        return [alert for alert in answer["data"]["alerts"] if alert["state"] == state]


@contextlib.contextmanager
def exporter(folder: Path, passwords: Mapping[str, str], user: str = "", **environment: str) -> Iterator[Web]:
    """redis_exporter as the role starts it."""
    web, secret = Web(free_port()), folder / "passwords.json"
    secret.write_text(json.dumps(passwords), encoding="utf-8")
    settings = {
        "REDIS_ADDR": "", "REDIS_USER": user, "REDIS_PASSWORD_FILE": str(secret), "REDIS_EXPORTER_WEB_LISTEN_ADDRESS": web.address,
        "REDIS_EXPORTER_CONNECTION_TIMEOUT": "4s", "REDIS_EXPORTER_PING_ON_CONNECT": "true", "REDIS_EXPORTER_INCL_SYSTEM_METRICS": "true",
    }  # fmt: skip
    with _started(["prometheus-redis-exporter"], folder / "exporter.log", {**settings, **environment}):
        wait_for(lambda: web.get("/metrics"), "the exporter")
        yield web


@contextlib.contextmanager
def prometheus(folder: Path, config: Mapping[str, Any]) -> Iterator[Web]:
    """Prometheus with a configuration."""
    web, path = Web(free_port()), folder / "prometheus.yml"
    path.write_text(yaml.safe_dump(dict(config), width=1000), encoding="utf-8")
    command = ["prometheus", f"--config.file={path}", f"--storage.tsdb.path={folder / 'tsdb'}", f"--web.listen-address={web.address}"]
    with _started(command, folder / "prometheus.log"):
        wait_for(lambda: web.get("/-/ready"), "Prometheus", 30)
        yield web


@contextlib.contextmanager
def alertmanager(folder: Path, config: Mapping[str, Any]) -> Iterator[Web]:
    """Alertmanager with a configuration."""
    web, path = Web(free_port()), folder / "alertmanager.yml"
    path.write_text(yaml.safe_dump(dict(config), width=1000), encoding="utf-8")
    place = [f"--config.file={path}", f"--storage.path={folder / 'alerts'}", f"--web.listen-address={web.address}"]
    with _started(["prometheus-alertmanager", *place, "--cluster.listen-address="], folder / "alertmanager.log"):
        wait_for(lambda: web.get("/-/ready"), "Alertmanager", 30)
        yield web


@contextlib.contextmanager
def _started(command: list[str], log: Path, environment: Mapping[str, str] | None = None) -> Iterator[None]:
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env={**os.environ, **(environment or {})}
        )
        try:
            yield
        finally:
            process.kill()
            process.wait(15)
