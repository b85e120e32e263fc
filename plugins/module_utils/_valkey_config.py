# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Redis's configuration for Debian's Valkey: the same directives, in Valkey's own places. Pure."""

from __future__ import annotations

import re

# Debian's places of the one and of the other.
PLACES = {
    "dir": ("/var/lib/redis", "/var/lib/valkey"),
    "logfile": ("/var/log/redis/redis-server.log", "/var/log/valkey/valkey-server.log"),
    "pidfile": ("/run/redis/redis-server.pid", "/run/valkey/valkey-server.pid"),
}
DIRECTIVE = re.compile(r"^([a-z-]+)(\s+)(\"?)([^\"\s]+)(\"?)\s*$", re.IGNORECASE)


def as_valkey(text: str) -> str:
    """The text of a redis.conf as that of a valkey.conf."""
    return "\n".join(map(_line, text.splitlines())) + "\n"


def _line(line: str) -> str:
    found = DIRECTIVE.match(line)
    place = PLACES.get(found.group(1).lower()) if found else None
    # Old Debian releases write /var/run.
    if found and place and found.group(4).replace("/var/run/", "/run/").rstrip("/") == place[0]:
        return f"{found.group(1)}{found.group(2)}{place[1]}"
    return line
