# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ansible-playbook as people call it, with its exit status and output. Where that changes nothing, it is forked from a server that has
imported Ansible and the collection already: tests/lab/ansible_process.py.

Programs that call ansible-playbook by themselves, as Molecule does, find tests/lab/bin/ansible-playbook in an environment of
:func:`served`.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import connection
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERVER = "tests.lab.ansible_process"
STARTING = threading.Lock()
# Variables of Ansible that are read when a playbook starts, and not before.
READ_LATE = {
    "ANSIBLE_HOME", "ANSIBLE_LOCALHOST_WARNING", "ANSIBLE_PIPELINING", "ANSIBLE_SHOW_CUSTOM_STATS", "ANSIBLE_CONFIG",
    "ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_CONNECTION_PLUGINS", "ANSIBLE_DEBUG", "ANSIBLE_FORCE_COLOR", "ANSIBLE_VERBOSE_TO_STDERR",
}  # fmt: skip
CONFIG, COLLECTIONS = ROOT / "ansible.cfg", ROOT / "collections"
# Where a program that was started by a test finds the test's server.
ADDRESS = "ARAGORA_REDIS_PLAYBOOKS"


@dataclass(frozen=True)
class Call:
    """The words behind ansible-playbook, the files for what it says, and how its process is told about the world."""

    words: list[str]
    streams: tuple[str, str]
    environment: Mapping[str, str]
    folder: str


def suits(environment: Mapping[str, str], folder: Path) -> bool:
    """Whether a playbook with this environment finds the same collections as the server, and nothing that is read too early for it."""
    ansibles = {name: value for name, value in environment.items() if name.startswith("ANSIBLE_")}
    configured = ansibles.get("ANSIBLE_CONFIG", str(CONFIG if folder.resolve() == ROOT else ""))
    molecules = f"{environment.get('MOLECULE_EPHEMERAL_DIRECTORY')}/ansible.cfg"
    collections = ansibles.get("ANSIBLE_COLLECTIONS_PATH", str(COLLECTIONS) if configured == str(CONFIG) else "")
    return ansibles.keys() <= READ_LATE and configured in (str(CONFIG), molecules) and collections == str(COLLECTIONS)


def play(words: Sequence[str], folder: Path, environment: Mapping[str, str], timeout: float) -> subprocess.CompletedProcess[str]:
    """What came of ``ansible-playbook WORDS``, called there. subprocess.TimeoutExpired where it has not ended in time."""
    command = ["ansible-playbook", *words]
    if os.environ.get("FULL") or not suits(environment, folder):
        return subprocess.run(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False
        )
    with tempfile.NamedTemporaryFile("r", errors="replace") as stdout, tempfile.NamedTemporaryFile("r", errors="replace") as stderr:
        call = Call(list(words), (stdout.name, stderr.name), dict(environment), str(folder))
        with STARTING:
            address = _server()
        with _started(call, address) as client:
            # A playbook that nobody waits for is ended.
            if not client.poll(timeout):
                raise subprocess.TimeoutExpired(command, timeout, stdout.read(), stderr.read())
            status = client.recv()
        return subprocess.CompletedProcess(command, status, stdout.read(), stderr.read())


def served() -> dict[str, str]:
    """The environment of this process, in which ansible-playbook is forked; not in ``make full``."""
    if os.environ.get("FULL"):
        return dict(os.environ)
    return {**os.environ, ADDRESS: _server(), "PATH": f"{ROOT / 'tests' / 'lab' / 'bin'}:{os.environ['PATH']}"}


def main(words: list[str]) -> int:
    """Be ansible-playbook in such an environment. Returns its exit status."""
    if not suits(os.environ, Path.cwd()):
        program = Path(sys.executable).with_name("ansible-playbook")
        os.execv(program, [str(program), *words])  # noqa: S606  it needs none
    here = f"/proc/{os.getpid()}/fd"
    with _started(Call(words, (f"{here}/1", f"{here}/2"), dict(os.environ), str(Path.cwd())), os.environ[ADDRESS]) as client:
        status: int = client.recv()
    return status if status >= 0 else 128 - status


@contextlib.contextmanager
def _started(call: Call, address: str) -> Iterator[connection.Connection]:
    """From there comes the exit status, once; the playbook's processes end with this connection."""
    with socket.socket(socket.AF_UNIX) as way:
        way.connect(address)
        client = connection.Connection(way.detach())
    with client:
        client.send(call)
        yield client


@functools.cache
def _server() -> str:
    """The address of this process's own server, which ends with it."""
    folder = tempfile.TemporaryDirectory(prefix="aragora-redis-")
    address = f"{folder.name}/socket"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        number = listener.fileno()
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "REDIS_"))}
        environment["ANSIBLE_HOME"] = f"{folder.name}/home"
        server = subprocess.Popen(
            [sys.executable, "-m", SERVER, str(number)], cwd=ROOT, env=environment, pass_fds=[number],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def end() -> None:
        with server:
            pass  # standard input ends
        folder.cleanup()

    atexit.register(end)
    assert server.stdout
    if server.stdout.readline() != "ready\n":
        raise RuntimeError(f"{SERVER} has ended with {server.wait()}")
    return address


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
