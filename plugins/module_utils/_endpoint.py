# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a server is and how to log in: from URLs and module options to one Endpoint.

Pure: text in, data out; bad input raises ValueError with a sentence that names the value and the remedy.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

DEFAULT_PORT = 6379
DEFAULT_SENTINEL_PORT = 26379
SCHEMES = ("redis", "rediss", "unix")
MASK = "***"
# What may be a password although it does not stand where a URL has one: values of the query, and text in the place of the port.
QUERY_VALUE = re.compile(r"([?&](?!db=)[^=&#]*=)([^&#]+)")
NO_PORT = re.compile(r"^([^/?#\[\]]*:)(?!\d*(?:[/?#]|$))(.+)$", re.DOTALL)


@dataclass(frozen=True)
class Endpoint:
    """One server, one login. Passwords never show in repr()."""

    host: str | None = None
    port: int | None = None
    socket: str | None = None
    db: int = 0
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False
    validate_certs: bool = True
    ca_certs: str | None = None
    client_cert_file: str | None = None
    client_key_file: str | None = None

    @property
    def address(self) -> str:
        """host:port or the path of the socket, as it stands in messages."""
        if self.socket:
            return self.socket
        return f"[{self.host}]:{self.port}" if ":" in (self.host or "") else f"{self.host}:{self.port}"

    @property
    def local(self) -> bool:
        """True when nothing but this machine can answer: a Unix socket or a loopback address."""
        if self.socket or self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host or "").is_loopback
        except ValueError:
            return False

    @property
    def masked_url(self) -> str:
        """The URL that a person could use, with the password replaced by ***."""
        login = quote(self.user, safe="") if self.user else ""
        if self.password:
            login += ":" + MASK
        login = login and login + "@"
        if self.socket:
            return f"unix://{login}{self.socket}" + (f"?db={self.db}" if self.db else "")
        scheme = "rediss" if self.tls else "redis"
        return f"{scheme}://{login}{self.address}" + (f"/{self.db}" if self.db else "")


def from_url(url: str) -> Endpoint:
    """Read redis://, rediss:// or unix://; ValueError never repeats the password.

    Shapes: ``redis[s]://[[user][:password]@]host[:port][/db]`` and ``unix://[[user][:password]@]/path[?db=N]``,
    with percent-encoding in user and password.
    """
    url, shown = url.strip(), mask_url(url)
    if not url.isprintable():
        raise ValueError(f"the URL {shown} holds a line break or another character that is none of a URL: percent-encode it")
    try:
        parts = urlsplit(url)
        port = parts.port
        if parts.netloc and "@" in parts.path + parts.query + parts.fragment:
            raise ValueError("the login is cut off")
    except ValueError:
        # Brackets, colons and '#', '?' or '/' in a raw password end here.
        raise ValueError(
            f"the URL {shown} cannot be read: give redis://[user:password@]host[:port][/db] with a port up to 65535, "
            "and with special characters of the password percent-encoded (# is %23, / is %2F, @ is %40)"
        ) from None
    if "," in parts.netloc.rpartition("@")[2]:
        raise ValueError(f"the URL {shown} names several hosts: give one URL each, as a list")
    if parts.scheme not in SCHEMES:
        raise ValueError(f"the URL {shown} must begin with redis://, rediss:// or unix://")
    if parts.fragment:
        raise ValueError(f"the URL {shown} has a '#': percent-encode it as %23 when it belongs to the password")
    login: dict[str, Any] = {
        "user": unquote(parts.username) if parts.username else None,
        # An empty password is one: users with nopass are logged in with it.
        "password": unquote(parts.password) if parts.password is not None and (parts.password or parts.username) else None,
    }
    query = parse_qs(parts.query, keep_blank_values=True)
    unknown = sorted(set(query) - {"db"})
    if unknown:
        # What is no name may be a piece of a password.
        name = unknown[0] if unknown[0].isidentifier() else MASK
        raise ValueError(f"the URL {shown} has the unknown parameter '{name}': only db is understood")
    db_text = query.get("db", [None])[-1]
    if parts.scheme == "unix":
        if parts.hostname or not parts.path or parts.path == "/":
            raise ValueError(f"the URL {shown} names no socket: give unix:///run/redis/redis.sock")
        return Endpoint(socket=unquote(parts.path), db=_db(db_text, shown), **login)
    if not parts.hostname:
        raise ValueError(f"the URL {shown} names no host: give {parts.scheme}://host:port")
    if db_text is None:
        db_text = parts.path.strip("/") or None
    return Endpoint(
        host=unquote(parts.hostname),
        port=DEFAULT_PORT if port is None else port,
        db=_db(db_text, shown),
        tls=parts.scheme == "rediss",
        **login,
    )


def with_login(url: str, user: str, password: str) -> str:
    """The URL with this login where it has none. What cannot be read stays as it is; who connects will say so."""
    scheme, sep, rest = url.partition("://")
    if not (user or password) or not sep or "@" in rest:
        return url
    login = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
    return f"{scheme}{sep}{login}@{rest}"


def mask_url(url: str) -> str:
    """The URL as it may be shown, in quotes: without its password and without what might be one."""
    head, at, tail = url.rpartition("@")
    tail = QUERY_VALUE.sub(rf"\1{MASK}", tail)
    if not at:
        scheme, sep, rest = tail.rpartition("://")
        return repr(scheme + sep + NO_PORT.sub(rf"\1{MASK}", rest))
    scheme, sep, login = head.partition("://")
    if QUERY_VALUE.search(head):
        # The '@' may be one of the query, and what follows it as secret as what is before.
        return repr(f"{scheme}{sep}{MASK}" if sep else MASK)
    user, colon, dummy = login.partition(":")
    # A lone word before the '@' may be a password in the wrong place.
    shown = user if sep and colon else ""
    return repr(f"{scheme}{sep}{shown}:{MASK}@{tail}" if sep else f"{MASK}@{tail}")


def secrets_of(url: str) -> set[str]:
    """Every spelling of the password in a URL, and of what might be one: as written and decoded; empty when there is none."""
    head, at, dummy = url.rpartition("@")
    scheme, sep, login = head.partition("://")
    found = [value for dummy, value in QUERY_VALUE.findall(url)]
    if at:
        # Without '://' nobody knows where the password begins, and a lone word before the '@' may be one.
        user, colon, password = login.partition(":")
        found.append((password if colon else "" if "?" in user else user) if sep else scheme)
    else:
        found += [value for dummy, value in NO_PORT.findall(url.rpartition("://")[2])]
    return {form for raw in found for form in (raw, unquote(raw)) if form}


def from_options(options: dict[str, Any]) -> Endpoint:
    """Build the endpoint from the module options of the fragment ``connection`` (all names present, None for unset)."""
    tls_files = {name: options.get(name) for name in ("ca_certs", "client_cert_file", "client_key_file")}
    if options.get("url"):
        endpoint = from_url(options["url"])
    elif options.get("login_unix_socket"):
        endpoint = Endpoint(socket=options["login_unix_socket"])
    else:
        endpoint = Endpoint(host="127.0.0.1", port=DEFAULT_PORT)
    if options.get("login_host") and endpoint.socket:
        endpoint = replace(endpoint, socket=None, port=DEFAULT_PORT)
    overrides = {
        "host": options.get("login_host"),
        "port": None if endpoint.socket else options.get("login_port"),
        "user": options.get("login_user"),
        "password": options.get("login_password"),
        "db": options.get("login_db"),
        "tls": options.get("tls"),
        **tls_files,
    }
    endpoint = replace(endpoint, **{name: value for name, value in overrides.items() if value not in (None, "")})
    endpoint = replace(endpoint, validate_certs=options.get("validate_certs") is not False)
    _check_login(endpoint, options)
    if endpoint.port is not None and not 0 < endpoint.port < 65536:
        raise ValueError(f"the port {endpoint.port} does not exist: give a number from 1 to 65535")
    return endpoint


def _check_login(endpoint: Endpoint, options: dict[str, Any]) -> None:
    """ValueError for a login or a kind of connection that cannot be meant."""
    if endpoint.user and endpoint.password is None:
        # In a URL the lone word may be the password: it is not repeated.
        user = f"'{endpoint.user}' " if options.get("login_user") else ""
        raise ValueError(
            f"the user {user}is given without a password: write redis://USER:PASSWORD@host, redis://:PASSWORD@host for a password alone, "
            "or set login_password"
        )
    if options.get("tls") is False and str(options.get("url") or "").startswith("rediss:"):
        raise ValueError("the URL says rediss:// and tls is false: leave tls out, or write redis://")


def sentinel_endpoints(options: dict[str, Any]) -> list[Endpoint]:
    """The Sentinels to ask, each with the Sentinels' own credentials; ``host``, ``host:port`` or ``[v6]:port``."""
    endpoints = []
    for item in options.get("sentinels") or []:
        host, port = host_and_port("Sentinel", item)
        endpoints.append(
            Endpoint(
                host=host,
                port=port or DEFAULT_SENTINEL_PORT,
                user=options.get("sentinel_user") or None,
                password=options.get("sentinel_password") or None,
                tls=bool(options.get("sentinel_tls")),
                validate_certs=options.get("validate_certs") is not False,
                ca_certs=options.get("ca_certs"),
                client_cert_file=options.get("client_cert_file"),
                client_key_file=options.get("client_key_file"),
            )
        )
    return endpoints


def host_and_port(kind: str, item: str) -> tuple[str, int | None]:
    """``host``, ``host:port`` or ``[v6]:port``."""
    try:
        parts = urlsplit("//" + item)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or port == 0 or "@" in item or "/" in item:
        raise ValueError(f"the {kind} '{item}' cannot be read: give host or host:port")
    return host, port


def cluster_endpoints(options: dict[str, Any]) -> list[Endpoint]:
    """Nodes of a cluster to ask, each with the login of ``options``; ``host``, ``host:port`` or ``[v6]:port``."""
    plain = {**options, "url": None, "login_unix_socket": None, "login_db": None}
    return [
        from_options({**plain, "login_host": host, "login_port": port or DEFAULT_PORT})
        for host, port in (host_and_port("cluster node", item) for item in options.get("cluster") or [])
    ]


def connection_argument_spec() -> dict[str, Any]:
    """The argument_spec of the documentation fragment ``aragora.redis.connection``."""
    return {
        "url": {"type": "str", "no_log": True},
        "login_host": {"type": "str"},
        "login_port": {"type": "int"},
        "login_user": {"type": "str"},
        "login_password": {"type": "str", "no_log": True},
        "login_unix_socket": {"type": "path"},
        "login_db": {"type": "int"},
        "tls": {"type": "bool"},
        "validate_certs": {"type": "bool", "default": True},
        "ca_certs": {"type": "path"},
        "client_cert_file": {"type": "path"},
        "client_key_file": {"type": "path"},
        "sentinels": {"type": "list", "elements": "str"},
        "service_name": {"type": "str"},
        "sentinel_user": {"type": "str"},
        "sentinel_password": {"type": "str", "no_log": True},
        "sentinel_tls": {"type": "bool", "default": False},
        "connect_timeout": {"type": "float", "default": 3.0},
        "timeout": {"type": "float", "default": 5.0},
    }


CONNECTION_RULES: dict[str, Any] = {
    "mutually_exclusive": [("url", "login_unix_socket", "sentinels")],
    "required_together": [("client_cert_file", "client_key_file")],
    "required_by": {"sentinels": ("service_name",)},
}


def check_timeouts(options: dict[str, Any]) -> None:
    """ValueError unless both time-outs are positive numbers of seconds."""
    for name in ("connect_timeout", "timeout"):
        if not 0 < options[name] <= 300:
            raise ValueError(f"{name} is {options[name]}: give seconds between 0 and 300")


def _or(value: Any, default: Any) -> Any:
    """The value, or the default where none is given; 0 is given."""
    return default if value is None else value


def _db(text: str | None, shown: str) -> int:
    if text is None:
        return 0
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"the URL {shown} names the database '{text}': give its number, for example /0")
    return int(text)
