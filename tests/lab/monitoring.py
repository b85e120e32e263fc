# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The monitoring that the role redis_monitoring sets up, as plain processes on loopback and with short intervals."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.aragora.redis.plugins.module_utils import _alerts, _monitored

from tests.lab import prometheus
from tests.lab.prometheus import Web
from tests.lab.servers import wait_for

ROOT = Path(__file__).resolve().parents[2]
ROLE = "redis_monitoring"
STARTING = 60.0
INTERVAL = "1s"
HOLDS = "5s"


@dataclass(frozen=True)
class Monitoring:
    """What Prometheus says of alerts and servers."""

    web: Web

    def state(self, name: str, host: str) -> str | None:
        """``pending`` or ``firing``, None where there is no such alert."""
        for state in ("firing", "pending"):
            for row in self.web.alerts(state):
                if (row["labels"]["alertname"], row["labels"].get("redis_host")) == (name, host):
                    return state
        return None

    def sees(self, host: str) -> bool:
        """Whether this server was asked, and has answered."""
        return [row["value"][1] for row in self.web.query(f'redis_up{{redis_host="{host}"}}')] == ["1"]


@contextlib.contextmanager
def watching(folder: Path, hostvars: Mapping[str, Mapping[str, Any]], webhook: str, token: str, *alerts: str) -> Iterator[Monitoring]:
    """Hosts of an inventory, watched by the role's rules; ready when all were seen. ``alerts`` have to hold for :data:`HOLDS` only."""
    parts = yaml.safe_load((ROOT / "roles" / ROLE / "vars" / "main.yml").read_text(encoding="utf-8"))
    watched = _monitored.monitored(list(hostvars), hostvars)
    (folder / "token").write_text(token, encoding="utf-8")
    (folder / "rules.yml").write_text(yaml.safe_dump(_alerts.rules({}, dict.fromkeys(alerts, HOLDS))), encoding="utf-8")
    with contextlib.ExitStack() as stack:
        exporter = stack.enter_context(prometheus.exporter(folder, watched["passwords"]))
        manager = stack.enter_context(prometheus.alertmanager(folder, _alertmanager(parts, folder, webhook)))
        config = _prometheus(parts, folder, watched["targets"], exporter, manager)
        seen = Monitoring(stack.enter_context(prometheus.prometheus(folder, config)))
        for name in hostvars:
            wait_for(functools.partial(seen.sees, name), f"Prometheus to see {name}", STARTING)
        yield seen


def _prometheus(parts: Mapping[str, Any], folder: Path, targets: Any, exporter: Web, manager: Web) -> dict[str, Any]:
    given = parts[f"__{ROLE}_job"]
    job = {name: given[name] for name in ("job_name", "metrics_path")}
    relabel = [{**row, "replacement": exporter.address} if "replacement" in row else row for row in given["relabel_configs"]]
    return {
        "global": {"scrape_interval": INTERVAL, "scrape_timeout": INTERVAL, "evaluation_interval": INTERVAL},
        "rule_files": [str(folder / "rules.yml")],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [manager.address]}]}]},
        "scrape_configs": [{**job, "static_configs": targets, "relabel_configs": relabel}],
    }


def _alertmanager(parts: Mapping[str, Any], folder: Path, webhook: str) -> dict[str, Any]:
    """Route, receiver and inhibition of the role, beside a receiver that tells nobody."""
    route = {**parts[f"__{ROLE}_route"], "group_wait": INTERVAL, "group_interval": INTERVAL}
    (hook,) = parts[f"__{ROLE}_receiver"]["webhook_configs"]
    authorization = {**hook["http_config"]["authorization"], "credentials_file": str(folder / "token")}
    receiver = {"name": route["receiver"], "webhook_configs": [{**hook, "url": webhook, "http_config": {"authorization": authorization}}]}
    return {
        "route": {"receiver": "nobody", "routes": [route]},
        "receivers": [{"name": "nobody"}, receiver],
        "inhibit_rules": [parts[f"__{ROLE}_inhibition"]],
    }
