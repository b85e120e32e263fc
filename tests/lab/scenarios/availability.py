# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers that nobody can talk to, or that refuse what they are asked."""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import redis

from tests.lab import network, ports, servers
from tests.lab.certificates import Authority
from tests.lab.scenarios.scenario import ANY, Make, Scenario, with_server

PASSWORD = "Sesame-7391"
ENDLESS = "while true do end"


def _at(url: str, **options: Any) -> Make:
    @contextlib.contextmanager
    def make(dummy: Path) -> Iterator[dict[str, Any]]:
        yield {"url": url, **options}

    return make


def _port(opened: Callable[[], AbstractContextManager[int]]) -> Make:
    @contextlib.contextmanager
    def make(dummy: Path) -> Iterator[dict[str, Any]]:
        with opened() as port:
            yield {"url": f"redis://127.0.0.1:{port}", "connect_timeout": 1.0, "timeout": 1.0}

    return make


@contextlib.contextmanager
def _nobody_listens(dummy: Path) -> Iterator[dict[str, Any]]:
    yield {"url": f"redis://127.0.0.1:{servers.free_port()}"}


@contextlib.contextmanager
def _nobody_listens_afar(dummy: Path) -> Iterator[dict[str, Any]]:
    with network.host() as host:
        yield {"url": f"redis://{host.address}:6379"}


@contextlib.contextmanager
def _host_is_absent(dummy: Path) -> Iterator[dict[str, Any]]:
    with network.host() as host:
        yield {"url": f"redis://{host.address.rpartition('.')[0]}.77:6379", "connect_timeout": 1.0}


@contextlib.contextmanager
def _paused(binary: Path) -> Iterator[dict[str, Any]]:
    with servers.running(binary) as server:
        server.pause()
        yield {"url": server.url, "timeout": 1.0}


@contextlib.contextmanager
def _loading(binary: Path) -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="aragora-redis-") as folder:
        with servers.running(binary, folder=Path(folder), rdbcompression="no") as server:
            server.client().eval("for i=1,150 do redis.call('SET', 'key:'..i, string.rep('x', 300000)) end", 0)
            server.client().save()
        with servers.running(binary, folder=Path(folder), key_load_delay=200_000) as server:
            yield {"url": server.url}


@contextlib.contextmanager
def busy(server: servers.Server, *command: str | int) -> Iterator[None]:
    """The server runs this command, and is busy with it already; it ends with the server."""

    def run() -> None:
        with contextlib.suppress(Exception):
            server.client(socket_timeout=60, retry=None).execute_command(*command)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    servers.wait_for(lambda: is_busy(server), "the script to be noticed")
    try:
        yield
    finally:
        server.stop()
        thread.join(servers.PATIENCE)


@contextlib.contextmanager
def _endless_script(binary: Path) -> Iterator[dict[str, Any]]:
    with servers.running(binary, lua_time_limit=100) as server, busy(server, "EVAL", ENDLESS, 0):
        yield {"url": server.url}


def is_busy(server: servers.Server) -> bool:
    """Whether it refuses everything with BUSY."""
    try:
        server.client(retry=None).ping()
    except redis.ResponseError as error:
        return "BUSY" in str(error)
    return False


@contextlib.contextmanager
def _password_wanted(binary: Path, **login: Any) -> Iterator[dict[str, Any]]:
    with servers.running(binary, requirepass=PASSWORD) as server:
        yield {"url": server.url, **login}


def _wrong_password(binary: Path) -> AbstractContextManager[dict[str, Any]]:
    return _password_wanted(binary, login_password="Simsim-7391")


@contextlib.contextmanager
def _blind_user(binary: Path) -> Iterator[dict[str, Any]]:
    with servers.running(binary) as server:
        server.client().execute_command("ACL", "SETUSER", "blind", "on", ">secret", "+ping", "+info")
        yield {"url": server.url, "login_user": "blind", "login_password": "secret"}


@contextlib.contextmanager
def _from_outside(binary: Path) -> Iterator[dict[str, Any]]:
    with network.host() as host, servers.running(binary, host=host.address, launcher=host.launcher, bind=None) as server:
        yield {"url": server.url}


@contextlib.contextmanager
def tls_server(binary: Path, days: tuple[int, int] = (-1, 30), **directives: Any) -> Iterator[tuple[servers.Server, Path]]:
    """A server with a port for TLS, ``options["tls-port"]``, and the file of the CA that signed its certificate, valid in these days."""
    with tempfile.TemporaryDirectory(prefix="aragora-redis-") as folder:
        authority = Authority(Path(folder))
        signed = authority.issue("server", days=days)
        tls: dict[str, Any] = {"tls_cert_file": signed.certificate, "tls_key_file": signed.key, "tls_ca_cert_file": authority.file}
        with servers.running(binary, tls_port=servers.free_port(), **tls, **directives) as server:
            yield server, authority.file


@contextlib.contextmanager
def _expired_certificate(binary: Path) -> Iterator[dict[str, Any]]:
    with tls_server(binary, days=(-20, -10)) as (server, authority):
        yield {"url": f"rediss://127.0.0.1:{server.options['tls-port']}", "ca_certs": str(authority)}


@contextlib.contextmanager
def _all_connections_taken(binary: Path) -> Iterator[dict[str, Any]]:
    with servers.running(binary, maxclients=10) as server, contextlib.ExitStack() as stack:
        for dummy in range(10):
            client = server.client(single_connection_client=True)
            stack.callback(client.close)
            client.ping()
        yield {"url": server.url}


SCENARIOS = {
    "not_examined": Scenario(with_server(rename_command='INFO ""'), ANY),
    "process_down": Scenario(_nobody_listens, ANY),
    "connection_refused": Scenario(_nobody_listens_afar, ANY),
    "host_unreachable": Scenario(_host_is_absent, ANY),
    "port_filtered": Scenario(_port(ports.full_backlog), ANY),
    "name_not_resolved": Scenario(_at("redis://no-such-host.invalid"), ANY),
    "connection_reset": Scenario(_port(ports.resetting_port), ANY),
    "server_hung": Scenario(_paused),
    "server_loading": Scenario(_loading),
    "script_running": Scenario(_endless_script),
    "auth_required": Scenario(_password_wanted),
    "auth_failed": Scenario(_wrong_password),
    "permission_denied": Scenario(_blind_user),
    "protected_mode": Scenario(_from_outside),
    "tls_failure": Scenario(_expired_certificate, servers.WITH_TLS),
    "not_redis": Scenario(_port(ports.web_server), ANY),
    "clients_exhausted": Scenario(_all_connections_taken),
}
