# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible's way into a container of the lab: ``docker exec``, and nothing that is not there already."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = r"""
name: lab_container
short_description: Run tasks in a container of the lab
author:
  - The aragora.redis contributors (@aragora)
description:
  - Runs commands by C(docker exec), as root.
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
        if self._docker("inspect", "--format", "{{.State.Running}}", self._name)[1].strip() != b"true":
            raise AnsibleConnectionFailure(f"the container {self._name} does not run")
        return self

    @property
    def _name(self) -> str:
        return str(self.get_option("remote_addr"))

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        """Run a command line."""
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        self._connect()
        return self._docker("exec", "-i", self._name, "/bin/sh", "-c", cmd, data=in_data or b"")

    def put_file(self, in_path: str, out_path: str) -> None:
        """Copy a file into the container; docker cp cannot write into its tmpfs."""
        self._docker("exec", "-i", self._name, "/bin/sh", "-c", f"cat > '{out_path}'", data=Path(in_path).read_bytes())

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Copy a file out of the container."""
        Path(out_path).write_bytes(self._docker("exec", self._name, "cat", in_path)[1])

    def close(self) -> None:
        """Nothing is held open."""

    def _docker(self, *words: Any, data: bytes = b"") -> tuple[int, bytes, bytes]:
        done = subprocess.run(["docker", *words], input=data, capture_output=True, check=False, timeout=120)
        return done.returncode, done.stdout, done.stderr
