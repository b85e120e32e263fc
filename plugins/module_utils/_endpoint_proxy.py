# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the proxy of an endpoint is told: which servers stand behind it, and how its checks log in. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

PORT = 6379
# What stands in the place of a login where there is none: the configuration does not use it.
NO_LOGIN = "-"
NAME = re.compile(r"[A-Za-z0-9_.:-]+")


def login(password: str, user: str = "") -> str:
    """AUTH as the checks send it, in hexadecimal, because no spelling of a configuration file bears every password."""
    if not password:
        if user:
            raise ValueError(f"redis_endpoint_user is '{user}' and there is no redis_endpoint_password: give both, or none")
        return NO_LOGIN
    words = [word.encode() for word in ("AUTH", *([user] if user else []), password)]
    return b"".join([b"*%d\r\n" % len(words), *(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)]).hex()


def servers(names: Sequence[str], hostvars: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """``{name, host, port}`` of hosts of the inventory, in the order of their names: the order of an inventory may change by itself."""
    found = []
    for name in sorted(names):
        given = hostvars[name]
        host = given.get("redis_endpoint_address") or given.get("ansible_host") or name
        port = (given.get("redis_connection") or {}).get("login_port") or PORT
        if not NAME.fullmatch(str(name)) or not NAME.fullmatch(str(host)):
            raise ValueError(f"the host '{name}' ({host}) has a name that the proxy cannot read: set redis_endpoint_servers")
        found.append({"name": str(name), "host": str(host), "port": int(port)})
    return found
