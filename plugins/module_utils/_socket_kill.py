# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Close sockets of this host by ``ss -K``, one after the other, and none over which something came meanwhile.

``run`` is AnsibleModule.run_command or what is called like it: (exit status, output, errors). ValueError with one sentence for trouble.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _host_sockets

Run = Callable[..., tuple[int, str, str]]
MOST = 1000


def socket_argument_spec() -> dict[str, Any]:
    """The options of redis_socket_kill."""
    return {
        "port": {"type": "int", "required": True},
        "min_idle": {"type": "int", "required": True},
        "most": {"type": "int", "default": 100},
    }


def checked(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """The options, if they can be meant."""
    for name, smallest, largest in (("port", 1, 65535), ("min_idle", 1, 2**31), ("most", 1, MOST)):
        if not smallest <= options[name] <= largest:
            raise ValueError(f"{name} is {options[name]}: give a number from {smallest} to {largest}")
    return options


def read(run: Run, tool: str, port: int, peer: str = "") -> list[dict[str, Any]]:
    """The established connections to a port, of one peer where it is named."""
    return _host_sockets.parse(_said(run, [tool, "-Htni", *_filter(port, peer)]))


def kill(run: Run, tool: str, chosen: Sequence[dict[str, Any]], options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Those of the chosen that were closed."""
    port = options["port"]
    killed: list[dict[str, Any]] = []
    for row in chosen:
        seen = read(run, tool, port, row["peer"])
        if not (seen and all(_host_sockets.is_idle(other, options["min_idle"]) for other in seen)):
            continue
        _said(run, [tool, "-HKtn", *_filter(port, row["peer"])])
        # ss says nothing where it may not, or the kernel cannot.
        if read(run, tool, port, row["peer"]):
            raise ValueError(
                f"ss -K left the connection of {row['peer']} open: it needs root and a kernel with CONFIG_INET_DIAG_DESTROY; "
                f"{len(killed)} sockets were closed"
            )
        killed.append(row)
    return killed


def _filter(port: int, peer: str) -> list[str]:
    return ["state", "established", "sport", "=", f":{port}", *(["dst", peer] if peer else [])]


def _said(run: Run, command: list[str]) -> str:
    status, output, errors = run(command, environ_update={"LC_ALL": "C"})
    if status:
        raise ValueError(f"{' '.join(command)} failed ({' '.join(errors.split())[:200] or status})")
    return output
