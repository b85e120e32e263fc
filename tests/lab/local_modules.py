# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules that playbooks of the tests run on this machine, forked from a server that has imported what all of them import.

Ansible starts a Python for each, which imports Ansible's ``basic`` and redis-py: most of the time that a module takes. What belongs to the
collection comes from the archive that Ansible sends, as ever. A module with become, an environment or another Python is started as usual.
"""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible.plugins.connection import ConnectionBase, local
from ansible.utils.display import Display

from tests.lab import module_calls
from tests.lab.module_calls import Ran

ROOT = Path(__file__).resolve().parents[2]
SERVER = "tests.lab.module_server"


def once() -> None:
    """Start the server, and have Ansible's connection to this machine use it, in this process and those that it forks."""
    folder = tempfile.mkdtemp(prefix="aragora-redis-")
    address = f"{folder}/socket"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(64)
        number = listener.fileno()
        server = subprocess.Popen([sys.executable, "-m", SERVER, str(number)], cwd=ROOT, pass_fds=[number], stdin=subprocess.PIPE)

    def end() -> None:
        with server:
            pass  # standard input ends
        shutil.rmtree(folder)

    atexit.register(end)
    local.Connection.exec_command = _instead(local.Connection.exec_command, address)


def _instead(exec_command: Callable[..., Ran], address: str) -> Callable[..., Ran]:
    """What is called for Ansible's own ``exec_command``."""

    def ours(self: Any, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> Ran:
        call = None if sudoable and self.become else module_calls.call_of(sys.executable, cmd, in_data)
        if not call:
            return exec_command(self, cmd, in_data=in_data, sudoable=sudoable)
        ConnectionBase.exec_command(self, cmd, in_data=in_data, sudoable=sudoable)
        Display().vvv(f"EXEC {cmd}", host=self._play_context.remote_addr)
        return module_calls.ran(address, replace(call, environment=dict(os.environ), folder=os.fsdecode(self.cwd or ".")))

    return ours
