# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Debian 13's Redis and Docker Compose on another Debian: its packages, laid out beside each other in a folder, with a loader and
libraries of their own.

``python -m tests.lab.debian13`` fetches them by apt, with lists and cache of its own: nothing is installed, the machine's apt does not
notice. Needs no root.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / ".cache" / "debian13"
SERVER = FOLDER / "usr" / "bin" / "redis-server"
# Debian 12 has the one of old only, which is a program of its own. This one needs nothing but libc.
COMPOSE = FOLDER / "usr" / "libexec" / "docker" / "cli-plugins" / "docker-compose"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
MIRROR = "http://deb.debian.org/debian"
# The server with what it is linked with, and Compose.
PACKAGES = (
    "redis-tools", "libc6", "libgcc-s1", "libstdc++6", "libatomic1", "libjemalloc2", "liblzf1", "libssl3t64", "libzstd1", "zlib1g",
    "libsystemd0", "libcap2", "docker-compose",
)  # fmt: skip
# The binary carries both names, and decides by the name that it is called by.
PROGRAM = "redis-check-rdb"


def main() -> int:
    """Fetch and lay out; 1 with a sentence where that cannot be done here."""
    if SERVER.exists() and COMPOSE.exists():
        return 0
    missing = [program for program in ("apt-get", "dpkg-deb", "patchelf") if not shutil.which(program)]
    if missing or not KEYRING.exists():
        print(f"Debian 13's Redis 8.0 needs {', '.join(missing) or KEYRING}, which is not here", file=sys.stderr)
        return 1
    try:
        with tempfile.TemporaryDirectory(prefix="aragora-redis-") as work:
            for package in _downloaded(Path(work)):
                _run("dpkg-deb", "-x", str(package), str(FOLDER))
        _link()
    except (subprocess.SubprocessError, OSError, LookupError) as error:
        shutil.rmtree(FOLDER, ignore_errors=True)
        print(f"Debian 13's Redis 8.0 cannot be had here: {error}", file=sys.stderr)
        return 1
    return 0


def _downloaded(work: Path) -> list[Path]:
    for name in ("lists/partial", "archives/partial", "packages"):
        (work / name).mkdir(parents=True)
    (work / "status").touch()
    (work / "sources.list").write_text(f"deb [signed-by={KEYRING}] {MIRROR} trixie main\n", encoding="utf-8")
    settings = {
        "Dir::Etc::sourcelist": work / "sources.list", "Dir::Etc::sourceparts": "/dev/null", "Dir::State": work,
        "Dir::State::status": work / "status", "Dir::Cache": work, "Acquire::Languages": "none", "APT::Sandbox::User": "",
    }  # fmt: skip
    options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
    _run("apt-get", "-q", *options, "update")
    _run("apt-get", "-q", *options, "download", *PACKAGES, folder=work / "packages")
    FOLDER.mkdir(parents=True, exist_ok=True)
    return sorted((work / "packages").glob("*.deb"))


def _link() -> None:
    """Give the program its own loader and libraries, and the server its name."""
    program = FOLDER / "usr" / "bin" / PROGRAM
    loader = next(FOLDER.glob("usr/lib*/ld-linux-*.so*"), None) or next(FOLDER.glob("usr/lib/*/ld-linux-*.so*"))
    libraries = ":".join(str(path) for path in FOLDER.glob("usr/lib/*-linux-gnu*"))
    _run("patchelf", "--set-interpreter", str(loader), "--force-rpath", "--set-rpath", libraries, str(program))
    SERVER.unlink(missing_ok=True)
    SERVER.symlink_to(PROGRAM)


def _run(*command: str, folder: Path | None = None) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=300)


if __name__ == "__main__":
    sys.exit(main())
