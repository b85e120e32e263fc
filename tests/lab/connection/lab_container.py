# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible's way into a container of the lab: tests/lab/containers.py."""

from __future__ import annotations

import sys
from pathlib import Path

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection import ConnectionBase

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tests.lab import containers

DOCUMENTATION = r"""
name: lab_container
short_description: Run tasks in a container of the lab
author:
  - The aragora.redis contributors (@aragora)
description:
  - Runs commands as C(docker exec) does, as root.
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
        return self._run(cmd, in_data or b"")

    def put_file(self, in_path: str, out_path: str) -> None:
        """Copy a file into the container; docker cp cannot write into its tmpfs."""
        self._run(f"cat > '{out_path}'", Path(in_path).read_bytes())

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Copy a file out of the container."""
        Path(out_path).write_bytes(self._run(f"cat '{in_path}'")[1])

    def close(self) -> None:
        """Nothing is held open."""

    def _run(self, line: str, data: bytes = b"") -> tuple[int, bytes, bytes]:
        name = str(self.get_option("remote_addr"))
        try:
            return containers.run(name, ["/bin/sh", "-c", line], data)
        except containers.NotRunning:
            raise AnsibleConnectionFailure(f"the container {name} does not run") from None
