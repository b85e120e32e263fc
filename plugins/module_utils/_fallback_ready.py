# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether an application is ready, and runs with the environment that it should have. What it answers is not repeated."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _application_http, _service_environment

INTERVAL = 0.5
ANSWER_SECONDS = 5.0
# Where nothing tells whether an application is ready, it has to run for so long.
RUNS_SECONDS = 3.0


def wait(application: Mapping[str, Any], folder: str, lease: Mapping[str, Any] | None, within: float) -> float:
    """Seconds until it was ready. ValueError says what is missing when the time is over."""
    began = time.monotonic()
    while True:
        service = _service_environment.look(application, folder)
        why = _unready(application["readiness"], service) or _wrong(lease, service)
        if not why:
            return round(time.monotonic() - began, 1)
        if time.monotonic() - began >= within:
            raise ValueError(f"{service['name']} is not ready within {within:g} s: {why}")
        time.sleep(INTERVAL)


def _unready(readiness: Mapping[str, Any], service: Mapping[str, Any]) -> str:
    """Why it is not ready; its own words are not repeated."""
    if service["active"] != "active":
        return f"it is {service['active'] or 'gone'}"
    if not readiness["url"]:
        time.sleep(RUNS_SECONDS)
        return "" if _service_environment.running(service["pid"]) else "its process has ended"
    wanted = readiness["status"] or 200
    status = _application_http.ask(readiness["url"], ANSWER_SECONDS, ())["status"]
    if status is None:
        return f"{readiness['url']} does not answer"
    return "" if status == wanted else f"{readiness['url']} answers {status} instead of {wanted}"


def _wrong(lease: Mapping[str, Any] | None, service: Mapping[str, Any]) -> str:
    """Whether the process was started without the fallback while it should have it. One that hides its environment is believed."""
    has = _service_environment.running(service["pid"])
    if not lease or lease["phase"] == "disabling" or not has:
        return ""
    beaten = sorted(name for name, value in lease["variables"].items() if has.get(name, value) != value)
    return f"it was started with another {', '.join(beaten)}: something sets that after the environment files" if beaten else ""
