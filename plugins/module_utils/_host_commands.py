# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What programs of the host tell: systemctl, docker, podman, nft, iptables, journalctl, dmesg. Each has a time-out, and only reads."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.aragora.redis.plugins.module_utils import (
    _host_container,
    _host_firewall,
    _host_log,
    _host_proc,
    _host_units,
    _programs,
)

PATIENCE = 5.0
ENGINES = ("docker", "podman")
# As many lines of the journal as a crash loop of some minutes writes.
JOURNAL_LINES = 400
MOST_CONTAINERS = 200
NEEDS_ROOT = "needs root (-b)"
LEGACY_TABLES = ("/proc/net/ip_tables_names", "/proc/net/ip6_tables_names")
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Denied(Exception):
    """A part that cannot be read here; ``str()`` is the sentence that says why."""


def run(*command: str, seconds: float = PATIENCE, both: bool = False) -> str:
    """The output of a program, with ``both`` its errors, too. Denied where it is missing, refuses, or does not end in time."""
    path = f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}"
    program = shutil.which(command[0], path=path)
    if not program:
        raise Denied(f"{command[0]} is not installed")
    environment = {**os.environ, "PATH": path, "LC_ALL": "C", "SYSTEMD_COLORS": "0"}
    try:
        errors = subprocess.STDOUT if both else subprocess.PIPE
        done = _programs.finished([program, *command[1:]], seconds, stdout=subprocess.PIPE, stderr=errors, env=environment)
    except subprocess.TimeoutExpired:
        raise Denied(f"{command[0]} did not answer within {seconds:g} s") from None
    except OSError as error:
        raise Denied(f"{command[0]} cannot be run: {error.strerror}") from error
    if done.returncode:
        said = (done.stderr or done.stdout or b"").decode("utf-8", "replace")
        raise Denied(refusal(" ".join(command[:2]), said))
    return str(done.stdout.decode("utf-8", "replace"))


def network() -> dict[str, dict[str, Any]]:
    """The links that carry addresses: those, and their speed in Mbit/s where the driver tells it. Loopback has none."""
    told = _host_proc.links(run("ip", "-j", "address", "show"))
    return {name: {"addresses": found, "speed_mbit": _speed(name)} for name, found in told.items()}


def _speed(name: str) -> int | None:
    try:
        speed = int((Path("/sys/class/net") / name / "speed").read_text(encoding="ascii"))
    except (OSError, ValueError):
        # A link that is down or is none refuses to be read.
        return None
    return speed if speed > 0 else None


def refusal(what: str, said: str) -> str:
    """One sentence of a program's refusal; says so where root would help."""
    words = _host_log.masked(" ".join(said.split()))[:160]
    helps = os.geteuid() != 0 and re.search(r"permi(t|ssion)|denied|root|access", words, re.IGNORECASE)
    return f"{NEEDS_ROOT}: {what}: {words}" if helps else f"{what}: {words or 'failed without a word'}"


def units(given: str | None) -> list[dict[str, Any]]:
    """The units of Redis, Valkey and Sentinel, or the one that was given. None at all where systemd does not run."""
    if not Path("/run/systemd/system").is_dir():
        return []
    if given:
        wanted = [given if "." in given else f"{given}.service"]
    else:
        common = ("--no-pager", "--no-legend", "--type=service", *_host_units.PATTERNS)
        lists = (run("systemctl", "list-units", "--all", "--plain", *common), run("systemctl", "list-unit-files", *common))
        wanted = sorted({*_host_units.names(*lists), *_host_units.USUAL})
    text = run("systemctl", "show", "--no-pager", f"--property={_host_units.PROPERTIES}", "--", *wanted)
    return _host_units.parse(text, time.clock_gettime(time.CLOCK_MONOTONIC))


def container(given: str | None, port: int, owner: str) -> dict[str, Any]:
    """The container that was given, or that the port belongs to; empty where no engine is installed or none is found.

    ``owner`` is what /proc tells of the cgroups of the process on the port.
    """
    trouble, known = [], False
    for engine in ENGINES:
        if not shutil.which(engine):
            continue
        try:
            ids = [given] if given else run(engine, "ps", "--all", "--quiet", "--last", str(MOST_CONTAINERS)).split()
            texts = run(engine, "inspect", "--type", "container", *ids) if ids else "[]"
        except Denied as denied:
            trouble.append(str(denied))
            continue
        known = True
        found = _host_container.choose(_host_container.parse(texts, engine, time.time()), port, given=bool(given), owner=owner)
        if found:
            return found
    if trouble and not (known and not given):
        raise Denied("; ".join(trouble))
    if given and not trouble:
        raise Denied(f"the container '{given}' is asked for, but neither docker nor podman is installed")
    return {}


def firewall(port: int) -> list[dict[str, Any]]:
    """Rules that keep packets from the port. Denied where neither nftables nor iptables can be read."""
    found, trouble, read = [], [], False
    attempts: list[tuple[tuple[str, ...], Callable[[str], list[dict[str, Any]]]]] = [
        (("nft", "-j", "list", "ruleset"), lambda text: _host_firewall.from_nft(text, port))
    ]
    # Asking iptables loads its kernel modules: only where its tables are in use, or where there is no nft to ask.
    for program, tables in zip(("iptables", "ip6tables"), LEGACY_TABLES):
        if not shutil.which("nft", path=SYSTEM_PATH) or in_use(tables):
            attempts.append(((program, "-S"), functools.partial(_host_firewall.from_iptables, port=port, source=program)))
    for command, judge in attempts:
        try:
            found += judge(run(*command))
            read = True
        except Denied as denied:
            trouble.append(str(denied))
        except (KeyError, TypeError, ValueError) as error:
            trouble.append(f"{command[0]} answered in a form that is not understood ({error})")
    if not read:
        raise Denied("; ".join(trouble))
    return found


def journal(unit: str) -> list[dict[str, Any]]:
    """The last lines of a unit's journal, oldest first."""
    text = run("journalctl", "--unit", unit, "--lines", str(JOURNAL_LINES), "--no-pager", "--output", "short-unix", both=True)
    hidden = "insufficient permissions" in text or "not seeing messages from other users" in text
    lines = _host_log.journal(text, time.time())
    if hidden and os.geteuid() != 0:
        raise Denied(f"{NEEDS_ROOT}: the journal of {unit}")
    return lines


def container_log(container: dict[str, Any], most: int) -> list[dict[str, Any]]:
    """The last lines that a container wrote."""
    name = container["name"] or container["id"]
    return _host_log.plain(run(container["engine"], "logs", "--tail", str(most), name, both=True), name)


def oom_kills(names: re.Pattern[str], cgroups: Collection[str]) -> list[dict[str, Any]]:
    """Servers that the kernel killed for want of memory, oldest first."""
    return _host_log.oom_kills(kernel_log(), time.clock_gettime(time.CLOCK_MONOTONIC), names, cgroups)


def kernel_log() -> str:
    """The kernel's messages with their seconds since boot."""
    commands: Sequence[tuple[str, ...]] = (
        ("dmesg",),
        ("journalctl", "--dmesg", "--no-pager", "--output", "short-monotonic", "--lines", "5000"),
    )
    trouble = []
    for command in commands:
        try:
            text = run(*command)
        except Denied as denied:
            trouble.append(str(denied))
        else:
            # A container's journal knows nothing of the kernel.
            if text.strip() not in ("", "-- No entries --"):
                return text
    raise Denied("; ".join(trouble) or "the kernel's log is empty")


def in_use(tables: str) -> bool:
    """Whether tables of the old iptables are there."""
    try:
        return bool(Path(tables).read_text(encoding="utf-8").strip())
    except OSError:
        return False
