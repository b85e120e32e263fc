# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers and Sentinels that are reached over TLS alone, and by whoever shows a certificate alone."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab import sentinels, servers
from tests.lab.certificates import Authority, Pair
from tests.lab.servers import Server


@dataclass(frozen=True)
class Circle:
    """Who trusts each other: one CA, the certificate of its servers and that of its clients."""

    authority: Authority
    server: Pair
    client: Pair

    @property
    def directives(self) -> dict[str, Any]:
        """For the servers: nobody gets in without a certificate, and they show theirs to each other."""
        files = {"tls_cert_file": self.server.certificate, "tls_key_file": self.server.key, "tls_ca_cert_file": self.authority.file}
        return {"only_tls": True, "tls_auth_clients": "yes", "tls_replication": "yes", **files}

    @property
    def connection(self) -> dict[str, str]:
        """For the clients: the options of every module."""
        files = {"client_cert_file": str(self.client.certificate), "client_key_file": str(self.client.key)}
        return {"ca_certs": str(self.authority.file), **files}


def circle(folder: Path, name: str = "test CA") -> Circle:
    """One with certificates of its own, in this folder."""
    authority = Authority(folder, name)
    return Circle(authority, authority.issue("server"), authority.issue("client"))


@contextlib.contextmanager
def closed(binary: Path, within: Circle, **directives: Any) -> Iterator[Server]:
    """One server of the circle."""
    with servers.running(binary, **within.directives, **directives) as server:
        yield server


@contextlib.contextmanager
def watched(binary: Path, within: Circle, **directives: Any) -> Iterator[sentinels.Watched]:
    """A master with a replica and Sentinels, all of the circle."""
    of_all = within.directives
    with sentinels.watched(binary, replicas=1, sentinel_options=of_all, **of_all, **directives) as group:
        yield group
