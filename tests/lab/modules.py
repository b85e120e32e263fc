# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules run the way a target runs them: in a process of their own, with their options on standard input."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import tempfile
import threading
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from tests.lab import module_process
from tests.lab.module_process import Call

ROOT = Path(__file__).resolve().parents[2]
MOST_SECONDS = 60
# Called again and again with the module's process while it runs.
Beside = Callable[[ForkServerProcess], Any]
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
        process = SERVER.Process(target=module_process.play, args=(call,))
        process.start()
        stop = threading.Event()
        wrong_beside: list[BaseException] = []
        thread = threading.Thread(target=_repeat, args=(beside, process, stop, wrong_beside), daemon=True)
        thread.start()
        try:
            process.join(MOST_SECONDS)
            if process.is_alive():
                process.kill()
                raise TimeoutError(f"{name} has not ended after {MOST_SECONDS} s")
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


def _repeat(action: Beside | None, process: ForkServerProcess, stop: threading.Event, wrong: list[BaseException]) -> None:
    """What goes wrong ends the test, not only this thread."""
    try:
        while action and not stop.wait(0.01):
            action(process)
    except BaseException as error:
        wrong.append(error)
