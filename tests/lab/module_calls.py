# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How Ansible's connections have a module run by a server of modules: tests/lab/module_server.py.

Nothing but the standard library is imported: Ansible's workers do it, one for each task.
"""

from __future__ import annotations

import json
import os
import re
import socket
from dataclasses import asdict, dataclass

# Exit status, standard output, standard errors.
Ran = tuple[int, bytes, bytes]
# What a shell tells of a process that was killed.
KILLED = 137


@dataclass(frozen=True)
class Call:
    """A module in a file, or its source; its environment, None for the server's own; its working folder."""

    path: str | None = None
    source: str | None = None
    environment: dict[str, str] | None = None
    folder: str = "/"


def call_of(python: str, command: str, data: bytes | None) -> Call | None:
    """The module that Ansible wants to run with this command line and standard input, if it is one, and plain: no sudo, no environment."""
    found = re.fullmatch(rf"/bin/sh -c '{re.escape(python)}(?: (/[\w./-]+/AnsiballZ_\w+\.py))? && sleep 0'", command)
    if not found or bool(found[1]) is bool(data):
        return None
    return Call(path=found[1]) if found[1] else Call(source=(data or b"").decode())


def ran(address: str, call: Call, timeout: float | None = None) -> Ran:
    """What came of a module. OSError where no server answers, TimeoutError where the module does not end in time."""
    with (
        os.fdopen(os.memfd_create("request"), "w+b") as request,
        os.fdopen(os.memfd_create("output"), "w+b") as output,
        os.fdopen(os.memfd_create("errors"), "w+b") as errors,
        socket.socket(socket.AF_UNIX) as way,
    ):
        request.write(json.dumps(asdict(call)).encode())
        request.seek(0)
        way.connect(address)
        way.settimeout(timeout)
        socket.send_fds(way, [b"."], [request.fileno(), output.fileno(), errors.fileno()])
        told = int(way.recv(16) or KILLED)
        output.seek(0)
        errors.seek(0)
        # A shell would tell of a signal so.
        return told if told >= 0 else 128 - told, output.read(), errors.read()
