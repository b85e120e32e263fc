# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the servers of a run are called, in reports and in the names of files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any


def target_names(snapshots: Sequence[Mapping[str, Any]], names: Sequence[str] = ()) -> list[str]:
    """The names as given, else the addresses; the second of two equal ones with ``#2``, because files are told apart by them."""
    wanted = [name or address(snapshot) for snapshot, name in zip_longest(snapshots, list(names)[: len(snapshots)])]
    seen: dict[str, int] = {}
    for place, name in enumerate(wanted):
        seen[name] = seen.get(name, 0) + 1
        wanted[place] = name if seen[name] == 1 else f"{name}#{seen[name]}"
    return wanted


def address(snapshot: Mapping[str, Any]) -> str:
    """host:port or the path of the socket."""
    server = snapshot["server"]
    if server["socket"] or server["port"] is None:
        return str(server["socket"] or server["host"])
    return f"[{server['host']}]:{server['port']}" if ":" in str(server["host"]) else f"{server['host']}:{server['port']}"


def file_name(name: str) -> str:
    """A target's name as a file name: nothing that leads out of a folder."""
    return re.sub(r"[^A-Za-z0-9.:_-]", "_", name).lstrip(".")[:120] or "target"
