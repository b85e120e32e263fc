# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Log lines of Redis, of its unit and of the kernel: which matter, and why it did not start. Pure: texts in, plain data out.

Log lines quote configuration: secrets in them are masked here, before anybody sees a line.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils._secrets import MASK, is_secret
from ansible_collections.aragora.redis.plugins.module_utils._settings import is_known

LONGEST = 400
# (reason, what a line looks like that tells of it); the first that fits a line names it.
REASONS = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        ("bad_directive", r"bad directive or wrong number of arguments|unrecognized configuration option"),
        ("config_unreadable", r"can't open config file|cannot open config file"),
        ("config_error", r"FATAL CONFIG FILE ERROR"),
        ("port_in_use", r"address already in use"),
        ("address_unknown", r"(can't|cannot|could not) (bind|create|assign).*(cannot assign requested address|name or service not known)"),
        (
            "aof_corrupt",
            r"bad file format reading the append only file|unexpected end of file reading the append only file|AOF .*truncated",
        ),
        ("rdb_corrupt", r"short read or OOM loading DB|wrong signature trying to load DB|RDB CRC error"),
        ("rdb_corrupt", r"unexpected EOF reading RDB|internal error in RDB"),
        ("rdb_too_new", r"can't handle RDB format version"),
        (
            "data_unreachable",
            r"can't chdir to|can't open or create append-only dir|can't open the append.only file|opening the append only file",
        ),
        ("data_unreachable", r"(fatal )?error loading the DB.*(permission denied|read-only)|failed opening .* for (reading|writing)"),
        ("log_unwritable", r"can't open the log file"),
        ("tls_files", r"failed to (load|configure) .*(tls|certificate|private key)|failed to configure tls"),
        ("acl_file", r"aborting (redis|valkey|server) startup because of ACL errors|error loading ACLs|users? in the ACL file"),
        ("module", r"can't load module|module .* failed to load"),
        ("no_memory", r"can't allocate|out of memory allocating"),
        ("crashed", r"BUG REPORT START|crashed by signal"),
        ("unit_environment", r"failed at step \w+ spawning|failed to set up (mount|user) namespac|status=2(0\d|1\d|2\d|3\d)/[A-Z]"),
    )
)
# A warning on the way: only what comes after it tells whether it mattered.
WEAK = {"address_unknown", "config_error"}
RUNS = re.compile(r"ready to accept connections|bye bye", re.IGNORECASE)
RESTARTED = re.compile(r"Scheduled restart job")
MATTERS = re.compile(
    r"error|fail|fatal|can't|cannot|could not|denied|in use|oom|out of memory|kill|abort|crash|bug report|corrupt|bad |short read|refused"
    r"|no space|read-only|>>> '|reading the configuration file|main process exited|scheduled restart|repeated too quickly|started |stopped "
    r"|ready to accept|bye bye|SIGTERM|shutdown|maxclients|max file descriptors|truncated|signature"
    r"|unable to|timeout|output buffer limits|connection lost|with success|successful partial"
    r"|(NOAUTH|WRONGPASS|NOPERM|LOADING|MASTERDOWN|NOMASTERLINK) ",
    re.IGNORECASE,
)
NOISE = re.compile(r"oO0OoO0OoO0Oo|overcommit|Supervised by systemd|appropriate values|Server initialized")
JOURNAL = re.compile(r"(\d+(?:\.\d+)?) \S+ (\S+?)(?:\[\d+\])?: (.*)")
QUOTED_DIRECTIVE = re.compile(r">>> '(.*)'\s*$")
SECRET_NAME = re.compile(r"\b(requirepass|masterauth|primaryauth|[\w-]*(?:auth|sentinel|file)-pass(?:word)?)\b([ =]+).*", re.IGNORECASE)
IN_URL = re.compile(r"(://)[^/@\s]*@")
ACL_WORD = re.compile(r"(?<=[\s'\"])([><#!])[^\s'\"]+")
KILLED = re.compile(r"(memory cgroup )?out of memory: kill(?:ed)? process (\d+) \(([^)]*)\)(.*)", re.IGNORECASE)
CONSTRAINT = re.compile(r"oom-kill:.*task_memcg=([^,]*),task=[^,]*,pid=(\d+)")


def journal(text: str, now: float) -> list[dict[str, Any]]:
    """Lines of ``journalctl -o short-unix`` as ``{age_seconds, by, text}``; ``now`` is Unix time."""
    found = []
    for line in text.splitlines():
        parts = JOURNAL.match(line)
        if parts:
            found.append({"age_seconds": max(0, int(now - float(parts.group(1)))), "by": parts.group(2), "text": parts.group(3)})
    return found


def plain(text: str, by: str) -> list[dict[str, Any]]:
    """Lines of a log file or of a container: their age stays unknown, for their clock has no zone."""
    return [{"age_seconds": None, "by": by, "text": line} for line in text.splitlines() if line.strip()]


def told(lines: Sequence[dict[str, Any]], most: int, recent: float) -> dict[str, Any]:
    """``{lines, reason, reason_line, config_line, config_line_number, restarts_recently}`` of a log, oldest line first.

    ``reason`` is why the last start failed; null when it did not, or the log does not say so. ``restarts_recently`` counts
    systemd's restarts in the last ``recent`` seconds; null where the lines carry no time.
    """
    why: dict[str, Any] = dict.fromkeys(("reason", "reason_line", "config_line", "config_line_number"))
    quoted: dict[str, Any] = {}
    for line in lines:
        text = line["text"]
        if RUNS.search(text) or (line["by"] == "systemd" and text.startswith("Started ")):
            why, quoted = dict.fromkeys(why), {}
        quoted.update(_quoted(text))
        reason = next((name for name, pattern in REASONS if pattern.search(text)), None)
        if reason and not (reason in WEAK and why["reason"]):
            why = {**dict.fromkeys(why), "reason": reason, "reason_line": masked(text)}
            if reason in ("bad_directive", "config_error"):
                why.update(quoted)
    timed = [line for line in lines if line["age_seconds"] is not None]
    restarts = sum(1 for line in timed if RESTARTED.search(line["text"]) and line["age_seconds"] <= recent)
    return {"lines": significant(lines, most), **why, "restarts_recently": restarts if timed else None}


def significant(lines: Iterable[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """The last lines that matter, masked and cut to a readable length."""
    matter = [line for line in lines if MATTERS.search(line["text"]) and not NOISE.search(line["text"])]
    return [{**line, "text": masked(line["text"])} for line in matter[-most:]] if most > 0 else []


def masked(text: str) -> str:
    """A line without its secrets. The arguments of a directive that is not known are hidden: it may be a misspelt password."""
    quoted = QUOTED_DIRECTIVE.search(text)
    if quoted:
        name, space, dummy = quoted.group(1).strip().partition(" ")
        hidden = space and (is_secret(name.lower()) or not is_known(name.lower()))
        return f"{text[: quoted.start()]}>>> '{name} {MASK}'"[:LONGEST] if hidden else text[:LONGEST]
    text = SECRET_NAME.sub(rf"\1\2{MASK}", text)
    text = ACL_WORD.sub(rf"\1{MASK}", IN_URL.sub(rf"\1{MASK}@", text))
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def oom_kills(text: str, monotonic: float, names: re.Pattern[str], cgroups: Collection[str] = ()) -> list[dict[str, Any]]:
    """Processes of these names that the kernel killed for want of memory, of ``dmesg``: ``{pid, name, age_seconds, rss_bytes, cgroup}``.

    With ``cgroups`` only those whose memory cgroup holds one of these words (``/`` is the root and nothing else), as far as it is named.
    """
    places: dict[str, str] = {}
    found = []
    for line in text.splitlines():
        constraint, killed = CONSTRAINT.search(line), KILLED.search(line)
        if constraint:
            places[constraint.group(2)] = constraint.group(1)
        place = places.get(killed.group(2)) if killed else None
        if not killed or not names.search(killed.group(3)) or (place and cgroups and not _within(place, cgroups)):
            continue
        resident = re.search(r"anon-rss:(\d{1,18})kB", killed.group(4))
        stamp = re.match(r"(?:<\d+>)?\[\s*(\d+\.\d+)\]", line)
        found.append(
            {
                "pid": int(killed.group(2)),
                "name": killed.group(3),
                "age_seconds": max(0, int(monotonic - float(stamp.group(1)))) if stamp else None,
                "rss_bytes": int(resident.group(1)) * 1024 if resident else None,
                "cgroup": bool(killed.group(1)),
            }
        )
    return found


def _within(place: str, cgroups: Collection[str]) -> bool:
    return any(word in place if word != "/" else place == "/" for word in cgroups)


def _quoted(text: str) -> dict[str, Any]:
    """The line of the configuration that Redis quotes, and its number."""
    number = re.search(r"reading the configuration file, at line (\d{1,9})", text, re.IGNORECASE)
    if number:
        return {"config_line_number": int(number.group(1))}
    directive = QUOTED_DIRECTIVE.search(text)
    return {"config_line": masked(directive.group()).removeprefix(">>> ").strip("'")} if directive else {}
