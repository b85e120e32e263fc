# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The texts of /proc and /sys about a process, its memory and its sockets. Pure: texts in, plain data out; odd text is no error."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

LISTENING = "0A"
SERVERS = re.compile(r"(redis|valkey)-(server|sentinel)")
# What cgroup v1 says where there is no limit: the largest page-aligned number.
NO_LIMIT = 2**62


def status(text: str) -> dict[str, Any]:
    """What is needed of /proc/PID/status: ``name, state, rss_bytes, swap_bytes, threads, thp_disabled, uid, gids``."""
    fields = {name: value.strip() for name, dummy, value in (line.partition(":") for line in text.splitlines())}
    uids, gids = numbers(fields.get("Uid", "")), numbers(fields.get("Gid", ""))
    enabled = fields.get("THP_enabled")
    return {
        "name": fields.get("Name"),
        "state": fields.get("State", "")[:1] or None,
        "rss_bytes": _kib(fields.get("VmRSS")),
        "swap_bytes": _kib(fields.get("VmSwap")),
        "threads": next(iter(numbers(fields.get("Threads", ""))), None),
        "thp_disabled": None if enabled not in ("0", "1") else enabled == "0",
        "uid": uids[1] if len(uids) > 1 else None,
        "gids": sorted({*gids[1:2], *numbers(fields.get("Groups", ""))}),
    }


def ticks(text: str) -> tuple[int, int] | None:
    """(clock ticks of CPU used, clock ticks after boot when it began) of /proc/PID/stat; its name may hold anything, also brackets."""
    fields = text.rpartition(")")[2].split()
    with contextlib.suppress(IndexError, ValueError):
        return int(fields[11]) + int(fields[12]), int(fields[19])
    return None


def open_files(text: str) -> tuple[int | None, int | None]:
    """(soft, hard) limit of open files of /proc/PID/limits; None is unlimited or unknown."""
    found = re.search(r"^Max open files\s+(\S+)\s+(\S+)", text, re.MULTILINE)
    soft, hard = (next(iter(numbers(word)), None) for word in found.groups()) if found else (None, None)
    return soft, hard


def meminfo(text: str) -> dict[str, int | None]:
    """Memory and swap of /proc/meminfo in bytes."""
    fields = dict(line.partition(":")[::2] for line in text.splitlines())
    names = {
        "total_bytes": "MemTotal",
        "available_bytes": "MemAvailable",
        "swap_total_bytes": "SwapTotal",
        "swap_free_bytes": "SwapFree",
    }
    return {name: _kib(fields.get(field)) for name, field in names.items()}


def listeners(text: str, port: int | None = None) -> list[dict[str, Any]]:
    """Who listens, of /proc/net/tcp and tcp6: ``{address, port, waiting, inode}``; ``waiting`` connections are not accepted yet."""
    found = []
    for line in text.splitlines():
        fields = line.split()
        if len(fields) < 10 or fields[3] != LISTENING:
            continue
        with contextlib.suppress(ValueError):
            address, dummy, number = fields[1].rpartition(":")
            if port in (None, int(number, 16)):
                waiting = int(fields[4].partition(":")[2], 16)
                found.append({"address": _address(address), "port": int(number, 16), "waiting": waiting, "inode": int(fields[9])})
    return found


def unix_listeners(text: str) -> list[dict[str, Any]]:
    """Sockets with a path that accept connections, of /proc/net/unix: ``{path, inode}``."""
    rows = [line.split(None, 7) for line in text.splitlines()[1:]]
    # Flag 00010000: it listens. Abstract names begin with @.
    return [{"path": row[7], "inode": int(row[6])} for row in rows if len(row) == 8 and row[3] == "00010000" and row[6].isdigit()]


def huge_pages(text: str) -> str | None:
    """The chosen word of ``always [madvise] never``."""
    found = re.search(r"\[(\w+)\]", text)
    return found.group(1) if found else None


def memory_cgroup(text: str) -> tuple[int, str] | None:
    """(1 or 2, path) of the memory cgroup in /proc/PID/cgroup; version 1 where its memory controller is in use."""
    rows = [line.split(":", 2) for line in text.splitlines() if line.count(":") >= 2]
    first = next((row[2] for row in rows if "memory" in row[1].split(",")), None)
    second = next((row[2] for row in rows if row[0] == "0" and not row[1]), None)
    if first is not None:
        return 1, first
    return None if second is None else (2, second)


def cgroup_folders(mountinfo: str, version: int, path: str) -> list[str]:
    """Folders from a memory cgroup up to the highest that is visible here, of /proc/self/mountinfo. A limit may stand in any of them."""
    for mount in mounts(mountinfo):
        memory = version == 1 and mount["type"] == "cgroup" and "memory" in mount["options"].split(",")
        if not memory and not (version == 2 and mount["type"] == "cgroup2"):
            continue
        root = mount["root"].rstrip("/")
        # Inside a container the mount begins at the container's own cgroup.
        below = path[len(root) :] if path.startswith(root) else ""
        parts = [part for part in below.split("/") if part not in ("", "..")]
        return ["/".join([mount["target"].rstrip("/"), *parts[:length]]) for length in range(len(parts), -1, -1)]
    return []


def cgroup_limit(texts: Iterable[str], total: int | None) -> int | None:
    """The smallest of the limits of the cgroups above a process; None where none is below the machine's memory."""
    limits = [number for text in texts for number in numbers(text.strip()) if number < (total or NO_LIMIT)]
    return min(limits, default=None)


def mounts(text: str) -> list[dict[str, str]]:
    """Rows of /proc/self/mountinfo: ``{root, target, type, flags, options}``."""
    found = []
    for line in text.splitlines():
        head, dash, tail = line.partition(" - ")
        fields, more = head.split(), tail.split()
        if dash and len(fields) >= 6 and len(more) >= 2:
            row = {"root": fields[3], "target": fields[4], "flags": fields[5], "type": more[0], "options": more[-1]}
            found.append({name: re.sub(r"\\([0-7]{3})", lambda code: chr(int(code.group(1), 8)), value) for name, value in row.items()})
    return found


def mount_of(text: str, path: str) -> Mapping[str, str]:
    """The row of mountinfo that a path lies on: the last of the longest targets. Empty when none is."""
    holding = [mount for mount in mounts(text) if (path + "/").startswith(mount["target"].rstrip("/") + "/")]
    return max(enumerate(holding), key=lambda item: (len(item[1]["target"]), item[0]), default=(0, {}))[1]


def is_server(name: str, title: str) -> bool:
    """Whether a process calls itself a server; one that has ended and is not buried yet has no title. ``title`` is its command line."""
    return bool(title and (SERVERS.search(name) or SERVERS.search(title.partition(" ")[0])))


def title_ports(title: str) -> list[int]:
    """The ports in ``redis-server 127.0.0.1:6379 [cluster]``, or in the arguments that stand there while it starts."""
    found = re.findall(r"(?:[\d.*]|\]):(\d{1,5})(?=\s|$)|--port (\d{1,5})", title)
    return [int(shown or given) for shown, given in found]


def numbers(text: str) -> list[int]:
    """The whole numbers among the words of a text."""
    return [int(word) for word in text.split() if re.fullmatch(r"[0-9]{1,20}", word)]


def _kib(text: str | None) -> int | None:
    found = numbers((text or "").strip())
    return found[0] * 1024 if found else None


def _address(text: str) -> str:
    """The kernel's hexadecimal in network notation: groups of four bytes, each in the machine's order (little endian)."""
    raw = b"".join(bytes.fromhex(text[start : start + 8])[::-1] for start in range(0, len(text), 8))
    return str(ipaddress.ip_address(raw))


def links(text: str) -> dict[str, list[str]]:
    """Addresses by link, from ``ip -j address``; loopback and what has none are left out. ValueError for what is not that."""
    found: dict[str, list[str]] = {}
    for link in json.loads(text):
        addresses = [str(item["local"]) for item in link.get("addr_info") or [] if item.get("scope") == "global" and item.get("local")]
        if addresses and "LOOPBACK" not in (link.get("flags") or []):
            found[str(link["ifname"])] = addresses
    return found
