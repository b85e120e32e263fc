# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A throw-away server that loads an RDB file: in a folder of its own, on a Unix socket, saving nothing, gone at the end whatever happens.

It begins as a replica of nobody: so it keeps keys that have expired since, and what it counts is what stands in the file.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ansible_collections.aragora.redis.plugins.module_utils import _backup, _info, _programs, _rdb_file, _rdb_versions
from ansible_collections.aragora.redis.plugins.module_utils._client import Client, Unavailable, open_any, open_client
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import Endpoint
from ansible_collections.aragora.redis.plugins.module_utils._keys_server import Keys
from ansible_collections.aragora.redis.plugins.module_utils._report.text import clean

PROGRAMS = {"redis": ("redis-server", "valkey-server"), "valkey": ("valkey-server", "redis-server")}
VERSION = re.compile(r"(Redis|Valkey) server v=(\d+\.\d+\.\d+)")
# Socket paths have to be short, and /tmp may lie in memory.
PLACE = "/var/tmp"  # noqa: S108 - each folder in it is made new, with a name that nobody knows before
NOBODY = 65534
INTERVAL = 0.05
# Memory that loading may need for each byte that the data had, and beside.
MEMORY_FACTOR = 1.3
MEMORY_BESIDE = 64 * 1024 * 1024
DATABASES = 1024
LOG_LINES = 3
# Of prctl(2).
PR_SET_PDEATHSIG = 1
# Lines that say why, among those that a server writes when it gives up.
TELLING = re.compile(r"(?i)can't|cannot|error|wrong|fatal|bad|unknown|mismatch|unexpected|corrupt|short read|handle")
CONFIGURATION = """
port {port}
bind {bind}
unixsocket {folder}/s
unixsocketperm 700
dir {folder}
dbfilename dump.rdb
save ""
appendonly no
daemonize no
logfile ""
databases {databases}
replicaof 127.0.0.1 1
repl-diskless-sync yes
repl-diskless-sync-delay 0
repl-timeout 3600
client-output-buffer-limit replica 0 0 0
maxmemory 0
"""


@dataclass(frozen=True)
class Listen:
    """Where another server may copy the data from, and as whom: ``user`` is empty for who logs in with a password alone."""

    address: str
    port: int
    user: str
    password: str

    @property
    def configuration(self) -> str:
        """Its lines. A password is written as bytes, so that nothing in it can be another line."""
        secret = '"' + "".join(f"\\x{byte:02x}" for byte in self.password.encode()) + '"'
        digest = hashlib.sha256(self.password.encode()).hexdigest()
        return f"requirepass {secret}\n" + (f"user {self.user} on #{digest} ~* &* +@all\n" if self.user else "")


class NoProgram(ValueError):
    """Nothing here can load the file, which says nothing of the file."""


@dataclass
class Scratch:
    """A server that has loaded the file. ``port`` is 0 without an address; ``version`` is that of the program."""

    client: Client
    program: str
    product: str
    version: str
    port: int


def program_for(product: str, given: str | None, magic: str, rdb: int) -> tuple[str, str, str]:
    """(path, product, version) of a server program that reads such a file. NoProgram says why there is none."""
    known = PROGRAMS.get(product, PROGRAMS["redis"])
    names = [given] if given else [path for name in known if (path := shutil.which(name))]
    trouble = "neither redis-server nor valkey-server is here"
    for name in names:
        try:
            said = _programs.finished([name, "--version"], 10, capture_output=True, text=True).stdout
        except (OSError, subprocess.SubprocessError) as error:
            trouble = f"{name} cannot be run ({error})"
            continue
        found = VERSION.search(said)
        if not found:
            trouble = f"{name} does not say which version it is"
            continue
        own, version = found.group(1).lower(), found.group(2)
        problem = _rdb_versions.unreadable(own, version, magic, rdb)
        if not problem:
            return name, own, version
        trouble = f"{name} here is {found.group(1)} {version}: {problem}"
    raise NoProgram(trouble)


def enough_memory(used: int) -> None:
    """NoProgram where a second copy of the data might take the memory of this machine."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("MemAvailable:"):
                free, needed = int(line.split()[1]) * 1024, int(used * MEMORY_FACTOR) + MEMORY_BESIDE
                if free < needed:
                    raise NoProgram(f"a second copy of the data would need {needed:,} bytes of memory, and {free:,} are free here")


@contextlib.contextmanager
def loaded(rdb: Path, program: tuple[str, str, str], seconds: float, listen: Listen | None = None) -> Iterator[Scratch]:
    """A throw-away server with the data of the file. ``listen`` is where another server may copy from it.

    ValueError, in its own words, where it cannot load the file.
    """
    folder = Path(tempfile.mkdtemp(prefix="aragora-redis-scratch-", dir=PLACE))
    process = None
    address, port = (listen.address, listen.port) if listen else ("127.0.0.1", 0)
    try:
        user = _handed_over(folder, rdb)
        text = CONFIGURATION.format(folder=folder, port=port, bind=address, databases=DATABASES)
        # By standard input: a password would be seen among the arguments, and in a file longer than it has to be.
        text += listen.configuration if listen else ""
        process = _started(program[0], folder, user)
        _configure(process.stdin, text)
        # Before anything else this process may be killed when memory ends.
        with contextlib.suppress(OSError):
            Path(f"/proc/{process.pid}/oom_score_adj").write_text("1000", encoding="ascii")
        endpoint = Endpoint(socket=str(folder / "s"), password=listen.password if listen else None)
        with contextlib.closing(_answering(process, endpoint, folder / "log", seconds)) as client:
            yield Scratch(client, *program, port)
    finally:
        if process:
            process.kill()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _started(program: str, folder: Path, user: Mapping[str, Any]) -> subprocess.Popen[bytes]:
    words: dict[str, Any] = {"stdin": subprocess.PIPE, "stderr": subprocess.STDOUT, "cwd": folder, "env": {"LC_ALL": "C"}, **user}
    with (folder / "log").open("wb") as log:
        try:
            # A module has one thread.
            return _programs.started([program, "-"], stdout=log, preexec_fn=_dies_with_us(), **words)
        except OSError as error:
            who = " by somebody else than root" if user else ""
            raise NoProgram(f"{program} cannot be run{who} ({error.strerror})") from None


def _configure(stdin: IO[bytes] | None, text: str) -> None:
    """Write all of its configuration, and the end of it: without that it would wait for more, and we for it."""
    # Who has ended already is asked for its last words.
    with contextlib.suppress(BrokenPipeError):
        if stdin:
            with stdin:
                stdin.write(text.encode())


def _dies_with_us() -> Callable[[], Any] | None:
    """Done in the new process: the kernel ends it when this one is killed, or a server would stay behind with all the data."""
    with contextlib.suppress(OSError, AttributeError):
        control = ctypes.CDLL(None).prctl
        return lambda: control(PR_SET_PDEATHSIG, signal.SIGKILL)
    return None


def _handed_over(folder: Path, rdb: Path) -> dict[str, Any]:
    """Put the file into the folder, and say as whom to run: never as root."""
    place = folder / "dump.rdb"
    try:
        # Without a second copy where that goes.
        os.link(rdb, place)
        linked = True
    except OSError:
        if _rdb_file.room(folder) < rdb.stat().st_size:
            raise NoProgram(f"{PLACE} has no room for a second copy of the file") from None
        with rdb.open("rb") as source:
            _rdb_file.copied(source, place)
        linked = False
    if os.geteuid() != 0:
        return {}
    owner = rdb.stat()
    uid, gid = (owner.st_uid, owner.st_gid) if owner.st_uid else (NOBODY, NOBODY)
    if linked and owner.st_uid == 0:
        place.unlink()
        with rdb.open("rb") as source:
            _rdb_file.copied(source, place)
    for path in (folder, place):
        os.chown(path, uid, gid)
    return {"user": uid, "group": gid, "extra_groups": []}


def _answering(process: subprocess.Popen[bytes], endpoint: Endpoint, log: Path, seconds: float) -> Client:
    """The connection to a server that has loaded its data."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise ValueError(f"it cannot be loaded: {_last_words(log)}")
        try:
            client, failure = open_any(endpoint, 5.0, 30.0)
            client.close()
            if failure.state == "up":
                return open_client(endpoint, 5.0, 60.0)
        except Unavailable:
            pass
        time.sleep(INTERVAL)
    raise ValueError(f"after {seconds:g} s it is still not loaded: {_last_words(log)}")


def _last_words(log: Path) -> str:
    lines = [
        re.sub(r"^\S+ \d+ \w+ \d+ [\d:.]+ [.\-*#] ", "", line) for line in log.read_text("utf-8", "replace").splitlines() if line.strip()
    ]
    told = [line for line in lines if TELLING.search(line) and "MASTER" not in line] or lines
    return clean(" | ".join(told[-LOG_LINES:]), 400) or "it says nothing"


def counted(client: Client) -> dict[str, dict[str, Any]]:
    """``{db: {keys, expires, types: {type: keys}, expired}}`` of all keys; expired ones have no type any more."""
    found: dict[str, dict[str, Any]] = {}
    for db, row in _backup.keyspace(_info.parse(client.call("INFO", "keyspace"))).items():
        keys = Keys(client, int(db[2:]))
        types: dict[str, int] = {}
        for names in keys.batches():
            for kind in keys.types(names):
                types[kind] = types.get(kind, 0) + 1
        gone = types.pop("none", 0)
        rest = max(0, row["keys"] - sum(types.values()))
        found[db] = {**row, "types": dict(sorted(types.items())), "expired": max(gone, rest)}
    return found
