# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules run the way a target runs them: in a process of their own, with their options on standard input.

With MODULE_PYTHON in the environment that is a process of that Python, which needs nothing but redis-py: tests/lab/targets.py.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from ansible.module_utils import basic

from tests.lab import module_process
from tests.lab.module_process import Call

ROOT = Path(__file__).resolve().parents[2]
MOST_SECONDS = 60
ANOTHER_PYTHON = "MODULE_PYTHON"


class Process(Protocol):
    """A module's process, as far as it is used here."""

    @property
    def pid(self) -> int | None:
        """Its number."""

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end, but not longer."""

    def is_alive(self) -> bool:
        """Whether it has not ended."""

    def kill(self) -> None:
        """End it."""


# Called again and again with the module's process while it runs.
Beside = Callable[[Process], Any]
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload([module_process.__name__])


def run(name: str, options: dict[str, Any], beside: Beside | None = None, check_mode: bool = False, diff: bool = False) -> dict[str, Any]:
    """The result of a module; a failed one returns ``{"failed": True, "msg": …}``."""
    internal = {"_ansible_check_mode": check_mode, "_ansible_diff": diff, "_ansible_remote_tmp": "/tmp"}
    path = [str(ROOT / "collections"), str(ROOT), *(place for place in sys.path if place)]
    with (
        tempfile.NamedTemporaryFile("w") as stdin,
        tempfile.NamedTemporaryFile("r") as stdout,
        tempfile.NamedTemporaryFile("r") as stderr,
    ):
        stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": {**options, **internal}}))
        stdin.flush()
        module = f"ansible_collections.aragora.redis.plugins.modules.{name}"
        call = Call(module, (stdin.name, stdout.name, stderr.name), dict(os.environ), path, str(Path.cwd()))
        process = _started(call)
        stop = threading.Event()
        wrong_beside: list[BaseException] = []
        thread = threading.Thread(target=_repeat, args=(beside, process, stop, wrong_beside), daemon=True)
        thread.start()
        try:
            process.join(MOST_SECONDS)
            if process.is_alive():
                raise TimeoutError(f"{name} has not ended after {MOST_SECONDS} s; it was here: {_given_up(process)} {stderr.read()}")
        finally:
            stop.set()
            thread.join(10)
        if wrong_beside:
            raise wrong_beside[0]
        said, wrong = stdout.read(), stderr.read()
    if not said:
        raise AssertionError(f"{name} said nothing but: {wrong}")
    result: dict[str, Any] = json.loads(said)
    return result


class Elsewhere:
    """A module's process of another Python."""

    def __init__(self, python: str, call: Call) -> None:
        """Start it."""
        path = os.pathsep.join([*call.path[:2], str(only_module_utils())])
        streams = [os.open(name, how) for name, how in zip(call.streams, module_process.HOW)]
        stdin, stdout, stderr = streams
        environment = {**call.environment, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
        command = [python, "-m", call.module]
        self.started = subprocess.Popen(command, cwd=call.folder, env=environment, stdin=stdin, stdout=stdout, stderr=stderr)
        for number in streams:
            os.close(number)
        self.pid: int | None = self.started.pid

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end, but not longer."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.started.wait(timeout)

    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self.started.poll() is None

    def kill(self) -> None:
        """End it."""
        self.started.kill()


@cache
def only_module_utils() -> Path:
    """A folder with nothing of Ansible but what it sends to its targets."""
    folder = Path(tempfile.mkdtemp(prefix="aragora-redis-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "ansible").mkdir()
    (folder / "ansible" / "__init__.py").touch()
    (folder / "ansible" / "module_utils").symlink_to(Path(basic.__file__).parent)
    return folder


def _started(call: Call) -> Process:
    python = os.environ.get(ANOTHER_PYTHON)
    if python:
        return Elsewhere(python, call)
    process = SERVER.Process(target=module_process.play, args=(call,))
    process.start()
    return process


def _given_up(process: Process) -> str:
    """End it. It says on standard error where it was, as faulthandler has it; here, what the kernel says."""
    place = Path(f"/proc/{process.pid}/wchan").read_text(encoding="ascii")
    os.kill(process.pid or 0, signal.SIGABRT)
    process.join(5)
    process.kill()
    return place


def _repeat(action: Beside | None, process: Process, stop: threading.Event, wrong: list[BaseException]) -> None:
    """What goes wrong ends the test, not only this thread."""
    try:
        while action and not stop.wait(0.01):
            action(process)
    except BaseException as error:
        wrong.append(error)
