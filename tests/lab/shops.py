# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in application (shop.py), started here or installed as a unit on a host of the lab, and its profile."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab import servers
from tests.lab.hosts import Host

PROGRAM = Path(__file__).with_name("shop.py")
PLACE = "/opt/shop/shop.py"
ENVIRONMENT = "/etc/shop.env"
PORT = 8080
# Tests may start it as often as they like.
UNIT = f"""[Unit]
StartLimitIntervalSec=0
[Service]
User=redis
WorkingDirectory=/opt/shop
Environment=SHOP_SINGLE=false
EnvironmentFile=-{ENVIRONMENT}
ExecStart=/usr/bin/python3 {PLACE}
"""


@dataclass(frozen=True)
class Shop:
    """A shop that runs; its environment file is in ``folder``."""

    port: int
    folder: Path
    process: subprocess.Popen[bytes]

    def profile(self, **more: Any) -> dict[str, Any]:
        """What is known of it."""
        own = {"environment_files": [str(self.folder / "shop.env")], "python": sys.executable}
        return profile(self.port, PROGRAM, **{**own, **more})

    def write(self, **variables: str) -> None:
        """Write its environment file, which counts from its next start on."""
        lines = "".join(f"{name}={value}\n" for name, value in variables.items())
        (self.folder / "shop.env").write_text(lines, encoding="utf-8")


def profile(port: int, program: Path | str, **more: Any) -> dict[str, Any]:
    """The profile of a shop on a port."""
    base = f"http://127.0.0.1:{port}"
    return {
        "name": "shop",
        "client_library": "redis",
        "url_variables": ["REDIS_URL"],
        "readiness": {
            "url": f"{base}/readyz", "ready": "status == 'ready'", "redis": "checks.redis", "reason": "reason", "redis_reason": "(?i)redis",
        },
        "validation": {
            "argv": ["{python}", str(program), "validate"], "works": "checks.redis.status == 'ok'", "within": 10,
            "skipped": "checks.redis.status == 'skip'", "required": "checks.redis.required", "message": "checks.redis.message",
        },
        "probe": {
            "url": f"{base}/login", "method": "POST", "headers": {"Content-Type": "application/json"}, "body": {"user": "probe-{id}"},
            "status": 401, "works": "error == 'wrong name or password'", "keys": ["shop:login:probe-{id}"],
        },
        "fallback": {"variables": {"SHOP_SINGLE": "true", "REDIS_URL": ""}, "costs": ["logins are counted in memory"]},
        "pool": {"variables": ["SHOP_POOL"], "default": 50, "clients": 2, "processes": 3},
        "journal": {"redis": ["Error in login at", "degraded mode: redis"], "never": ["Registry: Redis connection failed"]},
        **more,
    }  # fmt: skip


@contextlib.contextmanager
def running(folder: Path, **variables: str) -> Iterator[Shop]:
    """Start a shop with these variables, and end it."""
    port = servers.free_port()
    process = subprocess.Popen([sys.executable, str(PROGRAM)], env={"PORT": str(port), **variables}, stdout=subprocess.DEVNULL)
    shop = Shop(port, folder, process)
    shop.write(**variables)
    try:
        servers.wait_for(lambda: _answers(port), f"the shop on port {port}")
        yield shop
    finally:
        process.kill()
        process.wait(10)


def install(host: Host, **variables: str) -> dict[str, Any]:
    """Install it as shop.service on a host, start it with these variables, and tell its profile."""
    host.shell("mkdir -p /opt/shop")
    host.run("tee", PLACE, data=PROGRAM.read_text(encoding="utf-8"))
    host.run("tee", "/etc/systemd/system/shop.service", data=UNIT)
    write(host, **variables)
    host.systemctl("daemon-reload")
    restart(host)
    return profile(PORT, PLACE, unit="shop.service")


def write(host: Host, **variables: str) -> None:
    """Write its environment file on a host, for its user alone."""
    host.run("tee", ENVIRONMENT, data="".join(f"{name}={value}\n" for name, value in variables.items()))
    host.shell(f"chown redis {ENVIRONMENT} && chmod 0600 {ENVIRONMENT}")


def restart(host: Host) -> None:
    """Restart it, and wait until it answers."""
    host.systemctl("restart", "shop")
    ask = f"import urllib.request; urllib.request.urlopen('http://127.0.0.1:{PORT}/')"
    servers.wait_for(lambda: "404" in host.shell(f'python3 -c "{ask}" 2>&1', check=False), f"the shop on {host.name}")


def _answers(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1)
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True
