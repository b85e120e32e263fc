# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules run the way a target runs them: in a process of their own, with their options on standard input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# Called again and again with the module's process while it runs.
Beside = Callable[["subprocess.Popen[str]"], Any]


def run(name: str, options: dict[str, Any], beside: Beside | None = None, check_mode: bool = False, diff: bool = False) -> dict[str, Any]:
    """The result of a module; a failed one returns ``{"failed": True, "msg": …}``."""
    internal = {"_ansible_check_mode": check_mode, "_ansible_diff": diff, "_ansible_remote_tmp": "/tmp"}
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "collections"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", f"ansible_collections.aragora.redis.plugins.modules.{name}"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        stop = threading.Event()
        thread = threading.Thread(target=_repeat, args=(beside, process, stop), daemon=True)
        thread.start()
        try:
            stdout, stderr = process.communicate(json.dumps({"ANSIBLE_MODULE_ARGS": {**options, **internal}}), timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        finally:
            stop.set()
            thread.join(10)
    if not stdout:
        raise AssertionError(f"{name} said nothing but: {stderr}")
    result: dict[str, Any] = json.loads(stdout)
    return result


def _repeat(action: Beside | None, process: subprocess.Popen[str], stop: threading.Event) -> None:
    while action and not stop.wait(0.01):
        action(process)
