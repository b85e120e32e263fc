# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules in containers of the lab, forked from a server there that has imported redis-py, where the container has it.

Docker's exec and the imports take most of the time of a module. What Ansible brings comes from the archive that it sends, as ever. Nothing
but the standard library is imported: Ansible's workers do it, one for each task.
"""

from __future__ import annotations

import contextlib
import io
import socket
import time
import zipfile
from pathlib import Path

from tests.lab import containers, module_calls

ROOT = Path(__file__).resolve().parents[2]
SENT = ("tests/lab/__init__.py", "tests/lab/forked.py", "tests/lab/module_server.py")
PYTHON = "/usr/bin/python3"
PLACE = "/run/aragora-redis-lab"
PROGRAM = "import sys; sys.path.insert(0, sys.argv[1]); from tests.lab import module_server; module_server.stay(sys.argv[2])"
# Seconds.
TO_START, PATIENCE = 20, 120
NOBODY = (FileNotFoundError, ConnectionRefusedError)


def run(name: str, call: module_calls.Call) -> module_calls.Ran:
    """What came of a module in a container. :class:`containers.NotRunning`, or TimeoutError."""
    address = f"/proc/{containers.process(name)}/root{PLACE}/socket"
    try:
        return module_calls.ran(address, call, PATIENCE)
    except NOBODY:
        _start(name, address)
    return module_calls.ran(address, call, PATIENCE)


def _answers(address: str) -> bool:
    with socket.socket(socket.AF_UNIX) as way, contextlib.suppress(*NOBODY):
        way.connect(address)
        return True
    return False


def _start(name: str, address: str) -> None:
    """Start a container's server. Where two do that at once, the later one answers."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.mkdir("tests")
        for file in SENT:
            archive.write(ROOT / file, file)
    put = f"mkdir -p -m 0700 {PLACE} && cat >{PLACE}/$$ && mv {PLACE}/$$ {PLACE}/server.zip"
    status, dummy, errors = containers.run(name, ["/bin/sh", "-c", put], packed.getvalue())
    if status:
        raise RuntimeError(f"{PLACE} in {name}: {errors.decode()}")
    containers.start(name, [PYTHON, "-c", PROGRAM, f"{PLACE}/server.zip", f"{PLACE}/socket"])
    until = time.monotonic() + TO_START
    while not _answers(address):
        if time.monotonic() > until:
            raise TimeoutError(f"{PYTHON} in {name} has not started after {TO_START} s")
        time.sleep(0.01)
