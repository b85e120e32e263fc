# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real ansible-rulebook, from PyPI, in a virtual environment of its own; it needs Java 17.

``python -m tests.lab.eda`` makes the environment, or says why there is none.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab.servers import free_port, wait_for

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".cache" / "eda"
REQUIREMENTS = ROOT / "requirements-eda.txt"
INSTALLING = 600
# Java, Drools and the rules, on a machine that does other things as well.
STARTING = 90.0
# What a template would make a number of.
TOKEN = "8472650193847265"
EXAMPLE = ROOT / "extensions" / "eda" / "redis_events.yml"


@functools.cache
def why_not() -> str | None:
    """Why there can be no ansible-rulebook here, or None."""
    if not shutil.which("java"):
        return "ansible-rulebook needs Java (apt-get install openjdk-17-jre-headless)"
    try:
        program()
    except (subprocess.SubprocessError, OSError) as error:
        return f"ansible-rulebook cannot be had from PyPI here: {type(error).__name__}"
    return None


@functools.cache
def program() -> Path:
    """ansible-rulebook, installed where it is not there for these requirements; by one process at a time."""
    wanted, stamp = REQUIREMENTS.read_text(encoding="utf-8"), FOLDER / "requirements-eda.txt"
    FOLDER.parent.mkdir(exist_ok=True)
    with (FOLDER.parent / "eda.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(FOLDER)], check=True, timeout=120)
            install = [str(FOLDER / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*install, "-r", str(REQUIREMENTS)], check=True, timeout=INSTALLING, cwd=ROOT)
            stamp.write_text(wanted, encoding="utf-8")
    return FOLDER / "bin" / "ansible-rulebook"


def python() -> Path:
    """The Python that sees redis-py, for hosts that are this machine."""
    return program().parent / "python"


@dataclass(frozen=True)
class Rulebook:
    """A started ansible-rulebook, and where its webhook listens."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def said(self) -> str:
        """All of its output, that of its playbooks too."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def post(self, body: bytes | str, token: str | None = TOKEN, method: str = "POST", path: str = "endpoint") -> int:
        """Send this to the webhook and return the HTTP status."""
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token is not None else {})}
        data = None if method == "GET" else body.encode() if isinstance(body, str) else body
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  our own
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def tell(self, *alerts: Mapping[str, Any]) -> int:
        """Send alerts as Alertmanager would."""
        return self.post(json.dumps(message(*alerts)))


def alert(host: Any, name: Any = "RedisHighMemory", status: Any = "firing", severity: Any = "critical", **labels: Any) -> dict[str, Any]:
    """An alert as Alertmanager sends it."""
    known = {"alertname": name, "severity": severity, "redis_host": host, "redis_port": "6379", "redis_group": "", "finding": "memory_high"}
    return {
        "status": status, "labels": {**known, **labels}, "annotations": {"summary": "a summary"}, "startsAt": "2026-01-01T00:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z", "fingerprint": "0123456789abcdef",
    }  # fmt: skip


def message(*alerts: Mapping[str, Any]) -> dict[str, Any]:
    """A message as Alertmanager sends it."""
    return {"version": "4", "receiver": "aragora-redis-events", "status": "firing", "alerts": list(alerts)}


@contextlib.contextmanager
def running(
    folder: Path,
    inventory: Path,
    rulebook: str = "aragora.redis.redis_alerts",
    *,
    listens: bool = True,
    token: str | None = TOKEN,
    **variables: Any,
) -> Iterator[Rulebook]:
    """ansible-rulebook with this rulebook, ready, and take it away. ``variables`` are added to those of the example."""
    port = free_port()
    given = folder / "redis_events.json"
    more = {"redis_events_host": "127.0.0.1", "redis_events_port": port, "redis_events_report_dir": str(folder / "reports")}
    # YAML holds JSON; what is named last counts.
    own = "".join(f"{name}: {json.dumps(value)}\n" for name, value in (more | variables).items())
    given.write_text(EXAMPLE.read_text(encoding="utf-8") + own, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "REDIS_", "EDA_"))}
    environment |= {
        "PATH": f"{program().parent}:{environment['PATH']}", "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"), "ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_NOCOLOR": "true",
        "ANSIBLE_CONNECTION_PLUGINS": str(ROOT / "tests" / "lab" / "connection"), "ANSIBLE_PIPELINING": "true", "TMPDIR": str(folder),
    }  # fmt: skip
    log = folder / "rulebook.log"
    words = ["--rulebook", rulebook, "--inventory", str(inventory), "--vars", str(given)]
    if token is not None:
        environment["REDIS_EVENTS_TOKEN"] = token
        words += ["--env-vars", "REDIS_EVENTS_TOKEN"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(program()), *words], cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
    started = Rulebook(process, port, log)
    try:
        wait_for(lambda: process.poll() is not None or not listens or _accepts(port), "ansible-rulebook to listen", STARTING)
        if process.poll() is not None:
            raise RuntimeError(f"ansible-rulebook ended with {process.returncode}: {started.said()[-2000:]}")
        yield started
    finally:
        process.kill()
        process.wait(30)
        wait_for(lambda: not _end(f"ANSIBLE_HOME={environment['ANSIBLE_HOME']}"), "the playbooks of ansible-rulebook to end", 30)


def _end(mark: str) -> list[int]:
    """Kill what has this variable in its environment, and return which processes that were.

    ansible-runner gives each playbook a session of its own, and ansible-playbook each of its workers, which outlive whoever started them:
    neither a process group nor a parent leads to them, but all of them inherit the environment.
    """
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        # One that ends meanwhile, or is none of ours.
        with contextlib.suppress(OSError):
            if mark.encode() in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
                os.kill(found[-1], signal.SIGKILL)
    return found


def _accepts(port: int) -> bool:
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    return False


if __name__ == "__main__":
    print(why_not() or program())
