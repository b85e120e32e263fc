# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that imports once what modules import, and forks the processes of those that playbooks run.

It runs on this machine (tests/lab/local_modules.py) and in the containers of the lab (host_modules.py), and has nothing of Ansible but what
Ansible sends to its targets.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import runpy
import selectors
import socket
import sys
import types
from pathlib import Path
from typing import NoReturn

from tests.lab import forked

# For the processes to come, where it is there.
IMPORTED = ("ansible.module_utils._internal._ansiballz._loader", "redis")
ROOT = Path(__file__).resolve().parents[2]
STREAMS = 3


def stay(path: str) -> None:
    """Fork a module for each connection to a socket of this path, for good."""
    with socket.socket(socket.AF_UNIX) as listener:
        # Whoever looks for the socket finds one that answers.
        mine = Path(f"{path}.{os.getpid()}")
        listener.bind(str(mine))
        listener.listen(64)
        mine.rename(path)
        serve(listener)


def serve(listener: socket.socket, until: int | None = None) -> None:
    """Fork a module for each connection; until this file ends, where one is given.

    A connection brings three files: ``{path or source, environment, folder}`` as JSON, and where standard output and errors go. It is
    told the exit status.
    """
    for name in IMPORTED:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    # The forks share this memory as long as nobody touches it.
    gc.collect()
    gc.freeze()
    with selectors.DefaultSelector() as ways:
        if until is not None:
            ways.register(until, selectors.EVENT_READ)
        ways.register(listener, selectors.EVENT_READ)
        while True:
            for key, dummy in ways.select():
                if key.fd == until:
                    return
                if key.fileobj is listener:
                    client = listener.accept()[0]
                    if started := _started(client):
                        ways.register(started[0], selectors.EVENT_READ, (started[1], client))
                else:
                    ways.unregister(key.fileobj)
                    os.close(key.fd)
                    _tell(*key.data)


def _started(client: socket.socket) -> tuple[int, int] | None:
    """(file that tells the end of a process, its number); None for who only looked whether somebody is here."""
    files = socket.recv_fds(client, 1, STREAMS)[1]
    if not files:
        client.close()
        return None
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
    # A shell would tell the folder.
    environment = {**os.environ, "PWD": call["folder"]} if call["environment"] is None else call["environment"]
    forked.take_on(environment, call["folder"], (os.open(os.devnull, os.O_RDONLY), output, errors))
    sys.path[:] = [place for place in sys.path if place != str(ROOT)]
    sys.argv[:] = [call["path"] or ""]
    _forget_what_is_gone()
    forked.finish(lambda: runpy.run_path(call["path"], run_name="__main__") if call["path"] else _read(call["source"]))


def _forget_what_is_gone() -> None:
    """A redis-py that was taken away since is not there for this process either."""
    found = sys.modules.get("redis")
    if found and not Path(str(found.__file__)).exists():
        for name in [name for name in sys.modules if name.partition(".")[0] == "redis"]:
            del sys.modules[name]


def _read(source: str) -> None:
    """What Python does with its standard input."""
    sys.modules["__main__"] = main = types.ModuleType("__main__")
    exec(compile(source, "<stdin>", "exec"), vars(main))  # noqa: S102  it is a module of Ansible


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as given:
        serve(given, until=sys.stdin.fileno())
