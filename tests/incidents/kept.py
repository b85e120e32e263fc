# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the server of an incident must not lose: a known set, what it holds, and every write that it acknowledges meanwhile."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from tests.incidents.lab import Place

SCRIPT = Path(__file__).resolve().parent / "beside.py"
PATIENCE = 60.0
PORT = 6379
# Findings that announce that keys may be evicted.
EVICTING = ("memory_limit_reached", "memory_high", "eviction_impossible", "eviction_active", "eviction_policy_unfit")


@dataclass(frozen=True)
class Known:
    """Keys that the server holds, ``prefix`` and a number, each of so many x, with a TTL where there are seconds."""

    prefix: str = "known:"
    first: int = 0
    count: int = 1000
    size: int = 100
    seconds: int = 86_400


KNOWN = Known()


def know(place: Place) -> None:
    """Write :data:`KNOWN` to the server there, and save it."""
    done = subprocess.run(_command("know", place, KNOWN), env=_login(place), capture_output=True, text=True, timeout=PATIENCE, check=False)
    if done.returncode:
        raise RuntimeError(f"the known set could not be written: {done.stderr[-300:]}")


def looks(place: Place) -> dict[str, Any]:
    """What a refusal may not change: settings, process and data of every server there."""
    found = {}
    for name, one in _each(place).items():
        done = subprocess.run(_command("look", one, None), env=_login(place), capture_output=True, text=True, timeout=PATIENCE, check=True)
        found[name] = json.loads(done.stdout)
    return found


class Keeper:
    """Remembers and writes from its beginning to its end; then ``told`` holds what came of it (see beside.py)."""

    def __init__(self, place: Place, known: Known | None = None) -> None:
        self.told: dict[str, Any] = {}
        pipe = subprocess.PIPE
        words = _command("keep", place, known)
        self._process = subprocess.Popen(words, env=_login(place), stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    def __enter__(self) -> Keeper:
        assert self._process.stdout
        if self._process.stdout.readline().strip() != "ready":
            raise RuntimeError(f"the writer did not begin: {self._process.communicate(timeout=PATIENCE)[1][-300:]}")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            output, said = self._process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            output, said = self._process.communicate()
        if not error:
            self.told = json.loads(output) if output else {"failed": said[-300:]}

    def trouble(self, *reports: dict[str, Any]) -> str:
        """What was lost that nobody announced, empty when nothing was."""
        if "failed" in self.told:
            return f"nobody knows what was kept: {self.told['failed']}"
        if not self.told["written"]:
            return "no write was acknowledged"
        lost = self.told["lost"]
        found = {finding["id"] for report in reports for target in report["targets"] for finding in target["findings"]}
        steps = [step for report in reports for row in report.get("timeline") or [] for step in row["steps"]]
        announced = any(step.startswith("accepted: ") or "will be gone" in step for step in steps)
        evicted = lost <= self.told["evicted"] and found & set(EVICTING)
        return "" if not lost or announced or evicted else f"{lost} keys were lost: {'; '.join(self.told['named'])}"


def _each(place: Place) -> dict[str, Place]:
    """The servers of a place, one by one."""
    if "hosts" in place:
        return {name: {"hosts": {name: host}} for name, host in place["hosts"].items()}
    return {url: {"url": url} for url in place.get("targets") or [place["url"]]}


def _login(place: Place) -> dict[str, str]:
    """The environment of the script beside a server by URL."""
    password = place.get("login_password")
    return {**os.environ, **({"REDISCLI_AUTH": str(password)} if password else {})}


def _command(action: str, place: Place, known: Known | None) -> list[str]:
    """What runs the script beside the first server of a place, or beside the one that takes its writes: on its host, or here."""
    words = [json.dumps(asdict(known)) if known else "null"]
    if "hosts" not in place:
        url = urlsplit(place.get("writes_to") or place.get("url") or place["targets"][0])
        return [sys.executable, str(SCRIPT), action, str(url.hostname), str(url.port), *words]
    host = next(iter(place["hosts"].values()))
    connection = host.get("redis_connection", {})
    port = str(connection.get("login_port", PORT))
    if host["ansible_connection"] == "local":
        return [sys.executable, str(SCRIPT), action, str(connection.get("login_host", "127.0.0.1")), port, *words]
    return [
        "docker",
        "exec",
        "-i",
        host["ansible_host"],
        "python3",
        "-c",
        SCRIPT.read_text(encoding="utf-8"),
        action,
        "127.0.0.1",
        port,
        *words,
    ]
