# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole hosts with systemd and Debian's Redis, as containers: for what a process alone cannot show. Needs root and Docker.

The images are built once from tests/lab/images/host, on ``debian:12`` and ``debian:13`` from their registry, or where that cannot be
reached on one that debootstrap makes from the machine's own package mirror. Whatever is started carries a label and is removed by name.

``python -m tests.lab.hosts create NETWORK NAME[=RELEASE] ...`` and ``destroy NETWORK`` are for Molecule: hosts that stay, called
NETWORK-NAME, of Debian 12 (bookworm) where no release is named.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab import containers
from tests.lab.servers import wait_for

LABEL = "aragora.redis.lab"
IMAGE = "aragora-redis-lab-host"
OWN_BASE = "aragora-redis-lab-base"
# {a release of Debian: (its image in the registry, what of its packages the tests need)}
RELEASES = {
    "bookworm": ("debian:12", "redis-server redis-sentinel haproxy"),
    "trixie": ("debian:13", "redis-server redis-sentinel valkey-server valkey-sentinel"),
}
FOLDER = Path(__file__).resolve().parent
PACKAGES = "systemd,systemd-sysv,dbus,python3,iproute2,procps,ca-certificates"
MIRROR = "http://deb.debian.org/debian"
PATIENCE = 60.0
CONFIG = "/etc/redis/redis.conf"


@dataclass(frozen=True)
class Host:
    """A started container; its name is its address for Docker and for Ansible."""

    name: str

    def run(self, *words: str, check: bool = True, data: str | None = None) -> str:
        """Run a command there and return what it said."""
        try:
            status, *streams = containers.run(self.name, words, None if data is None else data.encode(), PATIENCE)
        except containers.NotRunning as reason:
            status, *streams = 1, b"", str(reason).encode()
        said, wrong = (stream.decode() for stream in streams)
        if check and status:
            raise RuntimeError(f"{' '.join(words)} on {self.name}: {said}{wrong}")
        return said

    def shell(self, script: str, check: bool = True) -> str:
        """Run a shell script there."""
        return self.run("/bin/sh", "-c", script, check=check)

    def systemctl(self, *words: str, check: bool = True) -> str:
        """Ask its systemd."""
        return self.run("systemctl", *words, check=check)

    def configure(self, *directives: str) -> None:
        """Append directives to its redis.conf."""
        self.run("tee", "-a", CONFIG, data="".join(f"{directive}\n" for directive in directives))

    def drop_in(self, text: str, unit: str = "redis-server") -> None:
        """Change its unit."""
        self.shell(f"mkdir -p /etc/systemd/system/{unit}.service.d")
        self.run("tee", f"/etc/systemd/system/{unit}.service.d/test.conf", data=text)
        self.systemctl("daemon-reload")

    def start_redis(self) -> None:
        """Start its unit and wait for PONG."""
        self.systemctl("start", "redis-server")
        wait_for(lambda: self.redis("ping").strip() == "PONG", f"Redis on {self.name}")

    def redis(self, *words: str) -> str:
        """redis-cli there."""
        return self.run("redis-cli", *words, check=False)

    def stop(self) -> None:
        """Stop the container; it stays, ended."""
        _docker("stop", "--time", "5", self.name)

    def is_failed(self) -> bool:
        """Whether the unit of its Redis has failed, and systemd has given up."""
        return "failed" in self.systemctl("is-active", "redis-server", check=False)

    def pid(self) -> int:
        """The main process of its Redis."""
        return int(self.systemctl("show", "--property=MainPID", "--value", "redis-server"))


@functools.cache
def why_not() -> str | None:
    """Why there can be no hosts here, or None. The image is not tried: a failing build is an error, not a reason to skip."""
    if platform.system() != "Linux" or os.geteuid():
        return "hosts with systemd need root on Linux"
    if not shutil.which("docker"):
        return "hosts with systemd need docker (apt-get install docker.io)"
    if not Path(containers.SOCKET).is_socket():
        return f"hosts with systemd need a Docker daemon on this machine, and there is none at {containers.SOCKET}"
    done = _docker("info", "--format", "{{.CgroupVersion}}", check=False)
    return None if done.returncode == 0 else f"hosts with systemd need a Docker daemon: {done.stderr.strip()[:120]}"


@contextlib.contextmanager
def host(*options: str, command: tuple[str, ...] = ()) -> Iterator[Host]:
    """A host that has booted, and take it away. ``options`` are more of ``docker run``; with a command there is no systemd, but that."""
    name = f"aragora-redis-{uuid.uuid4().hex[:8]}"
    place = _cgroup_options("bookworm") if not command else ()
    started = Host(name)
    which = image("bookworm")
    _docker("run", "--detach", "--name", name, "--hostname", "cache1", "--label", f"{LABEL}=host", *place, *options, which, *command)
    try:
        if not command:
            wait_for(lambda: _booted(started), f"systemd in {name}", PATIENCE)
        yield started
    finally:
        _docker("rm", "--force", "--volumes", name, check=False)


def create(network: str, names: dict[str, str]) -> None:
    """Hosts on a network of their own, where they find each other by their names: ``{name: release of Debian}``."""
    _docker("network", "create", "--label", f"{LABEL}={network}", network)
    for name, release in names.items():
        place = ("--network", network, "--network-alias", name, "--hostname", name, *_cgroup_options(release))
        _docker("run", "--detach", "--name", f"{network}-{name}", "--label", f"{LABEL}={network}", *place, image(release))
    for name in names:
        wait_for(functools.partial(_booted, Host(f"{network}-{name}")), f"systemd in {name}", PATIENCE)


def destroy(network: str) -> None:
    """Take away what :func:`create` has made, if it is there."""
    mine = ("--filter", f"label={LABEL}={network}", "--quiet")
    for name in _docker("ps", "--all", *mine).stdout.split():
        _docker("rm", "--force", "--volumes", name)
    for name in _docker("network", "ls", *mine).stdout.split():
        _docker("network", "rm", name)


def member(started: Host, **variables: Any) -> dict[str, Any]:
    """The inventory's variables of a host, with some of its own."""
    way = {"ansible_connection": "lab_container", "ansible_host": started.name, "ansible_python_interpreter": "/usr/bin/python3"}
    return {**way, **variables}


def inventory(folder: Path, **members: dict[str, Any]) -> tuple[list[str], dict[str, str]]:
    """(words for ansible-playbook, environment) that lead to hosts by their inventory names and variables."""
    path = folder / "hosts.json"
    path.write_text(json.dumps({"redis": {"hosts": members}}), encoding="utf-8")
    return ["-i", str(path)], {"ANSIBLE_CONNECTION_PLUGINS": str(FOLDER / "connection"), "ANSIBLE_PIPELINING": "true"}


@functools.cache
def image(release: str) -> str:
    """The image of the hosts with this release of Debian, built where it is not there as it should be; by one process at a time."""
    folder = FOLDER / "images" / "host"
    made_of = (folder / "Dockerfile").read_text(encoding="utf-8") + RELEASES[release][1]
    name = f"{IMAGE}:{release}-{hashlib.sha256(made_of.encode()).hexdigest()[:8]}"
    with (Path(tempfile.gettempdir()) / "aragora-redis-lab-image.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _docker("image", "inspect", name, check=False).returncode:
            given = ("--build-arg", f"BASE={base(release)}", "--build-arg", f"SERVERS={RELEASES[release][1]}")
            _docker("build", "--quiet", "--label", f"{LABEL}=image", *given, "--tag", name, str(folder), timeout=600)
    return name


def base(release: str) -> str:
    """Debian's own image where it can be had, else one made by debootstrap."""
    official, own = RELEASES[release][0], f"{OWN_BASE}:{release}"
    for name in (official, own):
        if not _docker("image", "inspect", name, check=False).returncode:
            return name
    with contextlib.suppress(subprocess.TimeoutExpired):
        if not _docker("pull", "--quiet", official, check=False, timeout=120).returncode:
            return official
    with tempfile.TemporaryDirectory(prefix="aragora-redis-") as folder:
        root = Path(folder) / "root"
        _run(["debootstrap", "--variant=minbase", f"--include={PACKAGES}", release, str(root), _mirror()], timeout=600)
        packed = Path(folder) / "root.tar"
        _run(["tar", "-C", str(root), "-cf", str(packed), "."], timeout=300)
        _docker("import", "--change", f"LABEL {LABEL}=base", str(packed), own, timeout=300)
    return own


def _mirror() -> str:
    """The package mirror of this machine, where it is a Debian."""
    sources = [*Path("/etc/apt").glob("sources.list"), *Path("/etc/apt/sources.list.d").glob("*")]
    text = "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in sources)
    found = re.search(r"https?://\S+/debian/?(?=\s|$)", text)
    return found.group() if found else MIRROR


def _cgroup_options(release: str) -> tuple[str, ...]:
    """What systemd needs in a container, by the cgroups of this machine; since Debian 13 it knows the unified ones only."""
    common = ("--cap-add", "SYS_ADMIN", "--cap-add", "NET_ADMIN", "--cap-add", "SYSLOG", "--security-opt", "seccomp=unconfined")
    tmpfs = ("--tmpfs", "/run", "--tmpfs", "/tmp")
    if Path("/sys/fs/cgroup/systemd").is_dir() and release == "bookworm":
        return (*common, *tmpfs, "--volume", "/sys/fs/cgroup/systemd:/sys/fs/cgroup/systemd:rw")
    unified = next(path for path in ("/sys/fs/cgroup/unified", "/sys/fs/cgroup") if Path(path).is_dir())
    return (*common, *tmpfs, "--volume", f"{unified}:/sys/fs/cgroup:rw", "--cgroupns", "host")


def _booted(started: Host) -> bool:
    return started.systemctl("is-system-running", check=False).strip() in ("running", "degraded")


def _docker(*words: str, check: bool = True, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    return _run(["docker", *words], check=check, timeout=timeout)


def _run(command: list[str], check: bool = True, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    # The build kit wants to ask registries; the old builder takes what is here.
    environment = {**os.environ, "DOCKER_BUILDKIT": "0"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False, env=environment)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout[-1000:]}{done.stderr[-1000:]}")
    return done


def main(words: list[str]) -> int:
    """Create or destroy the hosts of a scenario."""
    if words[:1] == ["create"] and len(words) > 2:
        create(words[1], {name: release or "bookworm" for name, dummy, release in (word.partition("=") for word in words[2:])})
    elif words[:1] == ["destroy"] and len(words) == 2:
        destroy(words[1])
    else:
        print("python -m tests.lab.hosts create NETWORK NAME[=RELEASE] ... | destroy NETWORK", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
