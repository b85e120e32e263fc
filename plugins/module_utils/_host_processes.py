# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What /proc tells of processes: who listens on a port, and how the process behind it fares."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _host_config, _host_proc
from ansible_collections.aragora.redis.plugins.module_utils._host_files import PROC, first_config, text, text_or, user_name


def listeners(port: int) -> list[dict[str, Any]]:
    """Who listens on the port, over both versions of IP; with inodes."""
    return [item for name in ("tcp", "tcp6") for item in _host_proc.listeners(text_or(PROC / "net" / name), port)]


def find_process(port: int, inodes: Sequence[int], *known: int | None) -> int | None:
    """The process behind the sockets; else one that a unit or a container names; else one that calls itself a server of this port."""
    owner = next((pid for pid in _pids_by_likelihood() if _sockets(pid) & set(inodes)), None) if inodes else None
    named = (pid for pid in known if pid and (PROC / str(pid)).exists())
    called = (pid for pid in _pids() if _host_proc.is_server(text_or(PROC / str(pid) / "comm").strip(), title(pid)) and port in _ports(pid))
    return owner or next(named, None) or next(called, None)


def _ports(pid: int) -> list[int]:
    """The ports that a server's title names; until it has one, those of its configuration file."""
    words = title(pid).split()
    shown = _host_proc.title_ports(" ".join(words))
    if shown or not words[1:] or words[1].startswith("-"):
        return shown or ([] if "unixsocket:" in " ".join(words) else [_host_config.PORT])
    path, settings, trouble = first_config(words[1])
    return [_host_config.port_of(settings)] if path and not trouble else []


def process(pid: int) -> dict[str, Any]:
    """What is known of a process, but for its CPU. FileNotFoundError when it has ended."""
    folder = PROC / str(pid)
    known = _host_proc.status(text(folder / "status"))
    soft, hard = _host_proc.open_files(text_or(folder / "limits"))
    used = _host_proc.ticks(text_or(folder / "stat"))
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - used[1] / os.sysconf("SC_CLK_TCK") if used else None
    return {
        "pid": pid,
        **known,
        "user": user_name(known["uid"]),
        "open_files_soft": soft,
        "open_files_hard": hard,
        "age_seconds": None if age is None else max(0, int(age)),
        "title": title(pid),
    }


def listens_on(pid: int) -> list[str] | None:
    """Addresses that a process accepts TCP connections on; None where its files may not be read."""
    inodes = _sockets(pid)
    if not inodes:
        return None
    own = [
        item
        for name in ("tcp", "tcp6")
        for item in _host_proc.listeners(text_or(PROC / str(pid) / "net" / name))
        if item["inode"] in inodes
    ]
    return sorted(f"[{item['address']}]:{item['port']}" if ":" in item["address"] else f"{item['address']}:{item['port']}" for item in own)


def cpu_ticks(pid: int) -> tuple[float, int] | None:
    """(now, clock ticks used so far)."""
    used = _host_proc.ticks(text_or(PROC / str(pid) / "stat"))
    return (time.monotonic(), used[0]) if used else None


def cpu_percent(before: tuple[float, int] | None, after: tuple[float, int] | None) -> float | None:
    """Share of one core between two readings."""
    if not before or not after or after[0] <= before[0]:
        return None
    return round(100 * (after[1] - before[1]) / os.sysconf("SC_CLK_TCK") / (after[0] - before[0]), 1)


def title(pid: int) -> str:
    """The command line of a process, words joined by spaces."""
    return text_or(PROC / str(pid) / "cmdline").replace("\0", " ").strip()


def _pids() -> list[int]:
    return sorted(int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit())


def _pids_by_likelihood() -> Iterator[int]:
    """All processes, those first that call themselves a server."""
    pids = _pids()
    likely = [pid for pid in pids if _host_proc.SERVERS.search(text_or(PROC / str(pid) / "comm"))]
    yield from likely
    yield from (pid for pid in pids if pid not in set(likely))


def _sockets(pid: int) -> set[int]:
    """Inodes of the sockets that a process holds; none where that may not be read."""
    found = set()
    with contextlib.suppress(OSError):
        for entry in (PROC / str(pid) / "fd").iterdir():
            with contextlib.suppress(OSError):
                target = str(entry.readlink())
                if target.startswith("socket:["):
                    found.add(int(target[8:-1]))
    return found
