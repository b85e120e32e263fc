# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible's way into a container of the lab: tests/lab/containers.py."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection import ConnectionBase

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tests.lab import containers, host_modules, module_calls

DOCUMENTATION = r"""
name: lab_container
short_description: Run tasks in a container of the lab
author:
  - The aragora.redis contributors (@aragora)
description:
  - Runs commands as C(docker exec) does, as root. Modules are forked from a server in the container, but not in C(make full).
options:
  remote_addr:
    description: Name of the container.
    default: inventory_hostname
    vars:
      - name: ansible_host
"""


class Connection(ConnectionBase):  # type: ignore[misc]  # Ansible carries no types
    """See DOCUMENTATION."""

    transport = "lab_container"
    has_pipelining = True

    def _connect(self) -> Connection:
        return self

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        """Run a command line."""
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        forked = not (os.environ.get("FULL") or (sudoable and self.become))
        return self._run(cmd, in_data or b"", module_calls.call_of(host_modules.PYTHON, cmd, in_data) if forked else None)

    def put_file(self, in_path: str, out_path: str) -> None:
        """Copy a file into the container; docker cp cannot write into its tmpfs."""
        self._run(f"cat > '{out_path}'", Path(in_path).read_bytes())

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Copy a file out of the container."""
        Path(out_path).write_bytes(self._run(f"cat '{in_path}'")[1])

    def close(self) -> None:
        """Nothing is held open."""

    def _run(self, line: str, data: bytes = b"", call: module_calls.Call | None = None) -> tuple[int, bytes, bytes]:
        name = str(self.get_option("remote_addr"))
        try:
            return host_modules.run(name, call) if call else containers.run(name, ["/bin/sh", "-c", line], data)
        except containers.NotRunning:
            raise AnsibleConnectionFailure(f"the container {name} does not run") from None
