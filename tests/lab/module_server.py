# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that imports once what all modules import, and forks the processes of those that playbooks run on this machine.

It has nothing of Ansible but what Ansible sends to its targets. tests/lab/local_modules.py asks it.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import runpy
import selectors
import socket
import sys
import types
from pathlib import Path
from typing import NoReturn

import ansible.module_utils._internal._ansiballz._loader
import redis

from tests.lab import forked

# Imported for the processes to come.
IMPORTED = (ansible.module_utils._internal._ansiballz._loader, redis)
ROOT = Path(__file__).resolve().parents[2]
STREAMS = 3


def serve(number: int) -> None:
    """Fork a module for each connection; until standard input ends, as it does with who has started this.

    A connection brings three files: ``{path or source, environment, folder}`` as JSON, and where standard output and errors go. It is
    told the exit status.
    """
    # The forks share this memory as long as nobody touches it.
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=number) as listener, selectors.DefaultSelector() as ways:
        ways.register(sys.stdin, selectors.EVENT_READ)
        ways.register(listener, selectors.EVENT_READ)
        while True:
            for key, dummy in ways.select():
                if key.fileobj is sys.stdin:
                    return
                if key.fileobj is listener:
                    client = listener.accept()[0]
                    ended, process = _started(client)
                    ways.register(ended, selectors.EVENT_READ, (process, client))
                else:
                    ways.unregister(key.fileobj)
                    os.close(key.fd)
                    _tell(*key.data)


def _started(client: socket.socket) -> tuple[int, int]:
    """(file that tells the end of a process, its number)."""
    files = socket.recv_fds(client, 1, STREAMS)[1]
    process = os.fork()
    if not process:
        _be(*files)
    for file in files:
        os.close(file)
    return os.pidfd_open(process), process


def _tell(process: int, client: socket.socket) -> None:
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    with client, contextlib.suppress(OSError):
        client.send(str(status).encode())


def _be(request: int, output: int, errors: int) -> NoReturn:
    """Be ``python PATH``, or ``python`` with the source on standard input, and end as it does."""
    with os.fdopen(request, "rb") as file:
        call = json.load(file)
    forked.take_on(call["environment"], call["folder"], (os.open(os.devnull, os.O_RDONLY), output, errors))
    sys.path[:] = [place for place in sys.path if place != str(ROOT)]
    sys.argv[:] = [call["path"] or ""]
    forked.finish(lambda: runpy.run_path(call["path"], run_name="__main__") if call["path"] else _read(call["source"]))


def _read(source: str) -> None:
    """What Python does with its standard input."""
    sys.modules["__main__"] = main = types.ModuleType("__main__")
    exec(compile(source, "<stdin>", "exec"), vars(main))  # noqa: S102  it is a module of Ansible


if __name__ == "__main__":
    serve(int(sys.argv[1]))
