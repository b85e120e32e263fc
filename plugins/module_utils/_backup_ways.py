# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two ways to an RDB file: the one that BGSAVE writes on this machine, and ``redis-cli --rdb``, which gets it as a replica would."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import _backup, _info, _programs, _rdb_file
from ansible_collections.aragora.redis.plugins.module_utils._client import Client, Refused
from ansible_collections.aragora.redis.plugins.module_utils._endpoint import MASK, Endpoint
from ansible_collections.aragora.redis.plugins.module_utils._keys_server import Keys
from ansible_collections.aragora.redis.plugins.module_utils._manners import refusal
from ansible_collections.aragora.redis.plugins.module_utils._report.text import clean
from ansible_collections.aragora.redis.plugins.module_utils._save_server import idle

TOOLS = ("redis-cli", "valkey-cli")
SERVERS = ("redis-server", "valkey-server")
# A file may be that much older than the moment at which its save was asked for: clocks of file systems are coarse.
COARSE = 2.0
RETRY = 0.2
# The file of a module that was loaded.
LIBRARY = ".so"
# What a new RDB file may need beside the old one, for each byte of it.
GROWTH = 1.2
NO_TOOL = (
    "its RDB file cannot be read from here ({why}), and neither redis-cli nor valkey-cli is here to get one by replication: "
    "give a host by inventory (-i) with root (-b), or install redis-tools"
)
NO_REPLICATION = "{tool} --rdb has got nothing ({said}): managed services often refuse replication, take their own backups then"
Sampled = tuple[int, list[bytes]]


@dataclass(frozen=True)
class Source:
    """``folder`` leads to the server's data directory from here (way ``file``), ``tool`` is the program (way ``replication``).

    ``server`` is the program that the server runs, where this machine has it.
    """

    folder: str = ""
    name: str = ""
    tool: str = ""
    server: str = ""

    @property
    def words(self) -> str:
        """What is done, for people."""
        return "save (BGSAVE) and copy the file" if self.folder else f"get an RDB file by replication ({self.tool} --rdb)"


def source(client: Client, info: Mapping[str, Any], options: Mapping[str, Any]) -> Source:
    """Which way there is. ValueError says why there is none."""
    why = "the way is given" if options["way"] == "replication" else ""
    if not why:
        found, why = _file(client, info, options["pid"])
        if found:
            return found
    if options["way"] == "file":
        raise ValueError(f"the RDB file of {client.endpoint.address} cannot be read from here: {why}")
    tool = next((path for name in TOOLS if (path := shutil.which(name))), None)
    if not tool:
        raise ValueError(NO_TOOL.format(why=why))
    return Source(tool=tool)


def _file(client: Client, info: Mapping[str, Any], pid: int | None) -> tuple[Source | None, str]:
    """(where the server writes its RDB file, why that is out of reach)."""
    replies = client.pipeline([("CONFIG", "GET", "dbfilename"), ("CONFIG", "GET", "dir")])
    config: dict[str, str] = {}
    for reply in replies:
        if isinstance(reply, Refused):
            return None, f"CONFIG GET is refused: {reply}"
        config.update(zip(reply[::2], reply[1::2]))
    if not pid and not client.endpoint.local:
        return None, "the server is on another machine"
    server = info.get("server") or {}
    number = pid or int(server.get("process_id") or 0)
    try:
        title = Path(f"/proc/{number}/cmdline").read_bytes().decode("utf-8", "replace")
    except OSError:
        title = ""
    if not title or (not pid and str(server.get("tcp_port")) not in title):
        return None, "its process is not on this machine"
    # The link leads to the data directory in a container, too; who may not follow it may perhaps read the directory.
    for folder in (f"/proc/{number}/cwd", config.get("dir") or ""):
        if folder and os.access(folder, os.R_OK | os.X_OK):
            return Source(folder, config.get("dbfilename") or "dump.rdb", server=program(number)), ""
    return None, "its data directory may not be read without root"


def program(pid: int) -> str:
    """The program of a process, empty where it is that of a container or has been replaced since.

    Its name decides what it is: distributions have one file for redis-server and redis-check-rdb.
    """
    link = Path(f"/proc/{pid}/exe")
    with contextlib.suppress(OSError):
        path = link.readlink()
        for other in (path, *(path.with_name(name) for name in SERVERS)):
            if other.name.endswith("-server") and other.exists() and link.samefile(other):
                return str(other)
    return ""


def taken(client: Client, way: Source, target: Path, sampled: Sampled, seconds: float) -> dict[str, Any]:
    """Write the file. What is known of it: ``{way, sha256, bytes, rdb_version, said, seen, modules}``. ValueError with one sentence."""
    db, names = sampled
    info = _info.parse(client.call("INFO"))
    first = Keys(client, db).seen(names) if names else {}
    if way.folder:
        said, digest, size = _by_file(client, info, way, target, seconds)
    else:
        said, digest, size = _by_replication(client, info, way.tool, target, seconds)
    then = Keys(client, db).seen(names) if names else {}
    # What is the same before and after was the same at the save.
    strangers = set(_backup.strangers(first, then))
    magic, rdb = _rdb_file.head(target)
    return {
        "way": "file" if way.folder else "replication",
        "sha256": digest,
        "bytes": size,
        "rdb_magic": magic,
        "rdb_version": rdb,
        "said": said,
        "seen": {name: row for name, row in first.items() if name not in strangers and row[0] != "none"},
        "modules": _modules(client),
    }


def _by_file(client: Client, info: Mapping[str, Any], way: Source, target: Path, seconds: float) -> tuple[dict[str, Any], str, int]:
    _room_for_a_save(info, way)
    end = time.monotonic() + seconds
    while True:
        begun = time.time()
        said = save(client, end - time.monotonic())
        last = client.call("LASTSAVE")
        path = Path(way.folder) / way.name
        try:
            with path.open("rb") as file:
                # It stays whole while it is open, whoever renames another one over it.
                found = os.fstat(file.fileno())
                if client.call("LASTSAVE") != last:
                    continue
                if found.st_mtime < begun - COARSE:
                    raise ValueError(f"{way.name} in the data directory is older than the save: the server writes it elsewhere")
                room = _rdb_file.room(target.parent)
                if room < found.st_size:
                    raise ValueError(f"{target.parent} has room for {room:,} bytes, and the file has {found.st_size:,}")
                digest, size = _rdb_file.copied(file, target)
                return said, digest, size
        except OSError as error:
            raise ValueError(f"{way.name} in the server's data directory cannot be copied: {error.strerror}") from None


def save(client: Client, seconds: float) -> dict[str, Any]:
    """Have the server save, and wait until it has: the counts of that moment."""
    started = time.monotonic()
    while True:
        idle(client, started, seconds)
        # In one packet, so that no other client comes between.
        before, reply, after = client.pipeline([("INFO", "keyspace"), ("BGSAVE",), ("INFO", "keyspace")])
        if not isinstance(reply, Refused):
            break
        if "progress" not in str(reply).lower() and "child" not in str(reply).lower():
            raise ValueError(refusal(client, ("BGSAVE",), reply))
        time.sleep(RETRY)
    if idle(client, started, seconds).get("rdb_last_bgsave_status") != "ok":
        raise ValueError(f"{client.endpoint.address} could not save its data: its log names the reason (a full disk, no right to write, …)")
    return _backup.between(*(_backup.keyspace(_info.parse(text)) for text in (before, after)))


def _room_for_a_save(info: Mapping[str, Any], way: Source) -> None:
    """ValueError where the new file might not fit beside the old one: a failing save may stop writes."""
    memory = info.get("memory") or {}
    needed = int(memory.get("used_memory_dataset") or memory.get("used_memory") or 0)
    old = Path(way.folder) / way.name
    if old.is_file():
        needed = min(needed, int(old.stat().st_size * GROWTH)) or needed
    room = _rdb_file.room(way.folder)
    if room < needed:
        raise ValueError(f"the disk of its data directory has room for {room:,} bytes, and a save may need {needed:,}")


def _by_replication(client: Client, info: Mapping[str, Any], tool: str, target: Path, seconds: float) -> tuple[dict[str, Any], str, int]:
    room, size = _rdb_file.room(target.parent), int((info.get("memory") or {}).get("used_memory_dataset") or 0)
    if room < size:
        raise ValueError(f"{target.parent} has room for {room:,} bytes, and the file may need {size:,}")
    partial = target.with_name(target.name + ".cli")
    words, environment = _command(client.endpoint, tool, partial)
    before = _backup.keyspace(_info.parse(client.call("INFO", "keyspace")))
    try:
        done = _programs.finished(words, seconds, env=environment, capture_output=True, umask=0o077)
        said = clean((done.stderr + done.stdout).decode("utf-8", "replace"), 4_000)
        if done.returncode or not partial.is_file() or not partial.stat().st_size:
            secret = client.endpoint.password
            said = said.replace(secret, MASK) if secret else said
            raise ValueError(NO_REPLICATION.format(tool=Path(tool).name, said=said[-300:] or f"exit status {done.returncode}"))
        with partial.open("rb") as file:
            digest, size = _rdb_file.copied(file, target)
    except subprocess.TimeoutExpired:
        raise ValueError(f"after {seconds:g} s {Path(tool).name} --rdb was still at it") from None
    finally:
        partial.unlink(missing_ok=True)
    after = _backup.keyspace(_info.parse(client.call("INFO", "keyspace")))
    return _backup.between(before, after), digest, size


def _command(endpoint: Endpoint, tool: str, target: Path) -> tuple[list[str], dict[str, str]]:
    """The command and its environment, which holds the password: arguments are seen by everybody on this machine."""
    place = ["-s", endpoint.socket] if endpoint.socket else ["-h", str(endpoint.host), "-p", str(endpoint.port)]
    words = [tool, *place, "--no-auth-warning", *(["--user", endpoint.user] if endpoint.user else [])]
    if endpoint.tls:
        words.append("--tls")
        files = {"--cacert": endpoint.ca_certs, "--cert": endpoint.client_cert_file, "--key": endpoint.client_key_file}
        words += [word for name, path in files.items() if path for word in (name, path)]
        words += [] if endpoint.validate_certs else ["--insecure"]
    environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C"}
    if endpoint.password is not None:
        environment.update({"REDISCLI_AUTH": endpoint.password, "VALKEYCLI_AUTH": endpoint.password})
    return [*words, "--rdb", str(target)], environment


def _modules(client: Client) -> list[str]:
    """Names of its modules, where it tells, without those that are part of the program: Redis 8 has vectorset, Valkey 9 has lua."""
    reply = client.pipeline([("MODULE", "LIST")])[0]
    rows = [dict(zip(row[::2], row[1::2])) for row in ([] if isinstance(reply, Refused) else reply)]
    # Redis before 7.0 tells no path, and has none of its own.
    return [str(row.get("name")) for row in rows if LIBRARY in str(row.get("path", LIBRARY))]
