# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host of our own in a network namespace, for what loopback cannot show. Needs root and iproute2."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# One process may have several hosts at once.
TURNS = itertools.count()
CABLE = "cable"


@dataclass(frozen=True)
class Host:
    """A namespace with one address that this machine reaches over a virtual cable."""

    name: str
    address: str

    @property
    def launcher(self) -> tuple[str, ...]:
        """What to put before a command so that it runs there."""
        return ("ip", "netns", "exec", self.name)

    def unplug(self) -> None:
        """Nobody answers at its address any more, as when it is switched off."""
        _ip("-n", self.name, "link", "set", "eth0", "down")

    def silence(self) -> None:
        """Whatever is sent to it is lost, without an answer: what a router in front of it shows of a host that is gone."""
        _ip("-n", self.name, "route", "add", "blackhole", f"{self.address.rpartition('.')[0]}.1/32")


def why_not() -> str | None:
    """Why no such host can be had here, or None."""
    if os.geteuid():
        return "network namespaces need root"
    return None if shutil.which("ip") else "network namespaces need iproute2"


@contextlib.contextmanager
def host() -> Iterator[Host]:
    """Make the namespace and its cable, and take both away again."""
    turn = next(TURNS)
    number = (os.getpid() + turn) % 200
    made = Host(f"aragora-redis-{os.getpid()}-{turn}", f"10.231.{number}.2")
    outer = f"ar{os.getpid()}-{turn}"
    _ip("netns", "add", made.name)
    try:
        _ip("link", "add", outer, "type", "veth", "peer", "name", "eth0", "netns", made.name)
        _ip("address", "add", f"10.231.{number}.1/24", "dev", outer)
        _ip("link", "set", outer, "up")
        _ip("-n", made.name, "address", "add", f"{made.address}/24", "dev", "eth0")
        _ip("-n", made.name, "link", "set", "eth0", "up")
        _ip("-n", made.name, "link", "set", "lo", "up")
        yield made
    finally:
        # The namespace takes its end of the cable away some time after it is gone; our end keeps its name until then.
        with contextlib.suppress(subprocess.CalledProcessError):
            _ip("link", "delete", outer)
        _ip("netns", "delete", made.name)


def python(host: Host, folder: Path) -> Path:
    """A Python that runs there: as ``ansible_python_interpreter`` it makes the namespace a host of an inventory."""
    path = folder / "python"
    path.write_text(f'#!/bin/sh\nexec {" ".join(host.launcher)} {sys.executable} "$@"\n', encoding="utf-8")
    path.chmod(0o755)
    return path


@contextlib.contextmanager
def narrowed(host: Host, rate: str) -> Iterator[None]:
    """Let no more than this leave the host ("8mbit"): what exceeds it waits for up to 100 ms. Few kernels lack this, many lack netem."""
    words = ("qdisc", "add", "dev", "eth0", "root", "tbf", "rate", rate, "burst", "3000", "latency", "100ms")
    subprocess.run([*host.launcher, "tc", *words], check=True, timeout=20, capture_output=True)
    # It goes with the namespace.
    yield


@contextlib.contextmanager
def cable(one: Host, other: Host) -> Iterator[tuple[str, str]]:
    """A cable of two hosts' own, beside those to this machine: the addresses of both ends of it."""
    number = (os.getpid() + next(TURNS)) % 200
    ends = f"10.232.{number}.1", f"10.232.{number}.2"
    _ip("link", "add", CABLE, "netns", one.name, "type", "veth", "peer", "name", CABLE, "netns", other.name)
    for host, address in zip((one, other), ends):
        _ip("-n", host.name, "address", "add", f"{address}/24", "dev", CABLE)
        _ip("-n", host.name, "link", "set", CABLE, "up")
    # It goes with the namespaces.
    yield ends


@contextlib.contextmanager
def cut(host: Host) -> Iterator[None]:
    """Whatever the host sends over that cable is lost, and whatever comes; this machine reaches both ends. Needs nft."""
    rules = "".join(
        f"add chain inet cut {hook} {{ type filter hook {hook} priority 0; }}\nadd rule inet cut {hook} {name} {CABLE} drop\n"
        for hook, name in (("input", "iifname"), ("output", "oifname"))
    )
    _nft(host, f"add table inet cut\n{rules}")
    try:
        yield
    finally:
        _nft(host, "delete table inet cut\n")


def _nft(host: Host, rules: str) -> None:
    subprocess.run([*host.launcher, "nft", "-f", "-"], input=rules, text=True, check=True, timeout=20, capture_output=True)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, timeout=20, capture_output=True)
