# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the host's files tell: /proc, /sys, the configuration, the data directory. What is missing is None, what is refused Denied."""

from __future__ import annotations

import contextlib
import glob
import grp
import os
import pwd
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _config_file, _host_config, _host_proc
from ansible_collections.aragora.redis.plugins.module_utils._host_commands import NEEDS_ROOT, Denied

PROC = Path("/proc")
# Of a log as much as its last starts need.
TAIL_BYTES = 128 * 1024
DEEPEST_INCLUDE = 3
USUAL_CONFIGS = ("/etc/redis/redis.conf", "/etc/valkey/valkey.conf", "/etc/redis.conf", "/etc/valkey.conf")


def text(path: str | Path, tail: int | None = None) -> str:
    """A file's text, or its end. Denied where it may not be read; FileNotFoundError where it is not there."""
    try:
        with Path(path).open("rb") as file:
            if tail:
                file.seek(0, os.SEEK_END)
                file.seek(max(0, file.tell() - tail))
            return file.read().decode("utf-8", "replace")
    except PermissionError:
        raise Denied(_forbidden(path)) from None


def text_or(path: str | Path, default: str = "") -> str:
    """A file's text, or the default where it cannot be had: a process may end while it is looked at."""
    try:
        return text(path)
    except (OSError, Denied):
        return default


def number(path: str) -> int | None:
    """The number that a file of /proc/sys holds."""
    return next(iter(_host_proc.numbers(text_or(path))), None)


def link(pid: int, name: str) -> str | None:
    """Where /proc/PID/cwd and its like lead; None where that may not be read."""
    try:
        return str((PROC / str(pid) / name).readlink())
    except OSError:
        return None


def kernel(pid: int | None) -> dict[str, Any]:
    """Settings of the kernel that Redis minds. The backlog's belongs to a network: of another one than this it cannot be read here."""
    elsewhere = bool(pid) and link(pid or 0, "ns/net") not in (None, link(os.getpid(), "ns/net"))
    return {
        "overcommit_memory": number("/proc/sys/vm/overcommit_memory"),
        "swappiness": number("/proc/sys/vm/swappiness"),
        "somaxconn": None if elsewhere else number("/proc/sys/net/core/somaxconn"),
        "transparent_huge_pages": _host_proc.huge_pages(text_or("/sys/kernel/mm/transparent_hugepage/enabled")),
    }


def memory(pid: int | None) -> dict[str, Any]:
    """Memory and swap of the machine, limit and use of the cgroup of the process."""
    machine = _host_proc.meminfo(text(PROC / "meminfo"))
    place = _host_proc.memory_cgroup(text_or(PROC / str(pid or "self") / "cgroup"))
    version, path = place or (0, "")
    folders = _host_proc.cgroup_folders(text_or(PROC / "self" / "mountinfo"), version, path)
    # Where the path begins above what is visible here, its end is not there: the mount itself is.
    folders = [folder for folder in folders if Path(folder).is_dir()]
    files = ("memory.max", "memory.current") if version == 2 else ("memory.limit_in_bytes", "memory.usage_in_bytes")
    limit = _host_proc.cgroup_limit([text_or(f"{folder}/{files[0]}") for folder in folders], machine["total_bytes"])
    used = number(f"{folders[0]}/{files[1]}") if folders and limit else None
    return {**machine, "cgroup_limit_bytes": limit, "cgroup_used_bytes": used, "cgroup_path": path or None}


def disk(path: str, place: str, rdb: str | None, pid: int | None) -> dict[str, Any]:
    """The filesystem of the data directory, and the last RDB in it. ``place`` leads there from here, ``pid`` sees it as ``path``."""
    try:
        room = os.statvfs(place)
    except PermissionError:
        raise Denied(_forbidden(path)) from None
    except OSError as error:
        raise Denied(f"{path}: {error.strerror}") from error
    mount = _host_proc.mount_of(text_or(PROC / str(pid or "self") / "mountinfo"), path)
    total, free = room.f_blocks * room.f_frsize, room.f_bavail * room.f_frsize
    saved = None
    with contextlib.suppress(OSError):
        saved = (Path(place) / (rdb or "dump.rdb")).stat()
    return {
        "path": path,
        "filesystem": mount.get("type"),
        "mount": mount.get("target"),
        "read_only": bool(room.f_flag & os.ST_RDONLY),
        "total_bytes": total,
        "free_bytes": free,
        "free_percent": round(100 * free / total, 1) if total else None,
        "inodes_free_percent": round(100 * room.f_favail / room.f_files, 1) if room.f_files else None,
        "rdb_bytes": saved.st_size if saved else None,
        "rdb_age_seconds": max(0, int(time.time() - saved.st_mtime)) if saved else None,
    }


def permissions(path: str, uid: int | None, gids: Sequence[int]) -> dict[str, Any]:
    """Owner and mode of a file or folder, and whether the server's user may write there. Denied where it cannot be looked at."""
    try:
        found = Path(path).stat()
    except PermissionError:
        raise Denied(_forbidden(path)) from None
    except OSError as error:
        raise Denied(f"{path}: {error.strerror}") from error
    return {
        "path": path,
        "owner": user_name(found.st_uid),
        "group": _group_name(found.st_gid),
        "mode": _host_config.permissions(found.st_mode),
        "writable": _host_config.writable(found.st_mode, found.st_uid, found.st_gid, uid, gids),
    }


def config(path: str, seen: Sequence[str] = ()) -> dict[str, str]:
    """The wanted directives of a configuration file and of what it includes; a deeper nesting than that is not followed."""
    found = _host_config.parse(text(path))
    include = found.get("include")
    if include and path not in seen and len(seen) < 3:
        with contextlib.suppress(OSError, Denied):
            return {**found, **config(include, [*seen, path])}
    return found


def directives(path: str) -> dict[str, str]:
    """All settings of a configuration file and of what it includes, secrets masked. Denied where a part of it cannot be read."""
    return _config_file.told(_lines(path, []))


def _lines(path: str, above: list[str]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, value in _config_file.lines(text(path)):
        if name != "include":
            found.append((name, value))
        elif not value.startswith("/") or len(above) >= DEEPEST_INCLUDE:
            raise Denied(f"{path}: include {value} is not followed: it is relative, or nested more than {DEEPEST_INCLUDE} deep")
        else:
            # Since 7.0 a pattern may stand there.
            matching = sorted(Path("/").glob(value[1:])) if glob.has_magic(value) else [Path(value)]
            found += [line for place in matching for line in _lines(str(place), [*above, path])]
    return found


def user_ids(name: str | None) -> tuple[int | None, list[int]]:
    """(uid, gids) of a user's name."""
    try:
        entry = pwd.getpwnam(name or "")
    except KeyError:
        return None, []
    return entry.pw_uid, [entry.pw_gid, *(group.gr_gid for group in grp.getgrall() if name in group.gr_mem)]


def user_name(uid: int | None) -> str | None:
    """A user's name, or the number where it has none."""
    if uid is None:
        return None
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _forbidden(path: object) -> str:
    return f"{NEEDS_ROOT}: {path}" if os.geteuid() else f"{path}: permission denied"


def _group_name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def first_config(*paths: str | None) -> tuple[str | None, dict[str, str], str | None]:
    """(path, directives, why not) of the first of these configuration files that is there."""
    for path in paths:
        if path and Path(path).is_absolute():
            try:
                return path, config(path), None
            except FileNotFoundError:
                continue
            except (OSError, Denied) as error:
                return path, {}, str(error)
    return None, {}, None
