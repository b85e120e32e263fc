# Copyright (c) The aragora.redis contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ansible-runner and ansible-builder in a virtual environment of their own, and the execution environment that the root's file describes.

The base image is that of the file, where a registry can be reached; else Debian 12 as tests/lab/hosts.py makes it, with Python and pip. A
label tells what of this checkout is in an image, so that one is built once.

``python -m tests.lab.environment`` builds the image and says its id.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import yaml

from tests.lab import hosts

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / ".cache" / "runner"
WANTED = ("ansible-runner>=2.4", "ansible-builder>=3.1")
BASE, IMAGE = "aragora-redis-lab-ee-base", "aragora-redis-lab-ee"
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
# A Debian that looks to ansible-builder like the image of the file. The machine's authorities come along: pip may meet a mirror of its own.
DOCKERFILE = """\
FROM {base}
COPY authorities.crt /etc/ssl/certs/ca-certificates.crt
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt
RUN apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -qy --no-install-recommends install python3-pip python3-venv \\
 && rm -rf /var/lib/apt/lists/* && ln -s /usr/bin/python3 /usr/local/bin/python3
"""


def tools() -> Path:
    """The folder of the programs, brought here when they are not there."""
    if not (TOOLS / "bin" / "ansible-builder").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(TOOLS)], check=True, timeout=120)
        pip = [str(TOOLS / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *WANTED], check=True, timeout=300)
    return TOOLS / "bin"


def why_not() -> str | None:
    """Why ansible-runner cannot be had here, or None."""
    try:
        tools()
    except (subprocess.SubprocessError, OSError) as error:
        return f"ansible-runner cannot be had from PyPI here: {type(error).__name__}"
    return None


def runner(
    folder: Path, *words: str, environment: Mapping[str, str] | None = None, timeout: float = 600
) -> subprocess.CompletedProcess[str]:
    """``ansible-runner run FOLDER ...``, as AWX calls it."""
    command = [str(tools() / "ansible-runner"), "run", str(folder), *words]
    variables = {**(os.environ if environment is None else environment)}
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=timeout, check=False, stdin=subprocess.DEVNULL)


def project() -> list[str]:
    """The files of this checkout that a clone would have, without those of its tests."""
    listed = _run(["git", "ls-files", "--cached", "--others", "--exclude-standard"]).stdout.splitlines()
    return [name for name in sorted(listed) if not name.startswith(("tests/", "molecule/")) and os.path.lexists(ROOT / name)]


def image() -> str:
    """The id of the execution environment of this checkout, built where there is none of this content; by one process at a time."""
    content = hashlib.sha256()
    for name in project():
        # The rest are links to folders.
        content.update(f"{name}\n".encode() + ((ROOT / name).read_bytes() if (ROOT / name).is_file() else b""))
    label = f"{hosts.LABEL}.ee={content.hexdigest()[:16]}"
    with (Path(tempfile.gettempdir()) / "aragora-redis-lab-ee.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (built := _labelled(label)):
            _build(label)
            built = _labelled(label)
    return built[0]


def _labelled(label: str) -> list[str]:
    return _run(["docker", "image", "ls", "--quiet", "--filter", f"label={label}"]).stdout.split()


def _build(label: str) -> None:
    with tempfile.TemporaryDirectory(prefix="aragora-redis-") as made:
        folder = Path(made)
        # What the file reads beside itself; the root stays as it is.
        shutil.copy(ROOT / "execution-environment.yml", folder)
        shutil.copy(ROOT / "requirements.txt", folder)
        _run(["ansible-galaxy", "collection", "build", "--output-path", made, str(ROOT)])
        _run([str(tools() / "ansible-builder"), "create", "--context", f"{made}/context", "--output-filename", "Dockerfile"], folder)
        base = _base(yaml.safe_load((folder / "execution-environment.yml").read_text(encoding="utf-8"))["images"]["base_image"]["name"])
        labels = ["--label", f"{hosts.LABEL}=ee", "--label", label]
        given = ["--build-arg", f"EE_BASE_IMAGE={base}"]
        _run(["docker", "build", "--quiet", *labels, *given, "--tag", IMAGE, f"{made}/context"])


def _base(official: str) -> str:
    for name in (official, BASE):
        if not _run(["docker", "image", "inspect", name], check=False).returncode:
            return name
    with contextlib.suppress(subprocess.TimeoutExpired):
        if not _run(["docker", "pull", "--quiet", official], check=False, timeout=120).returncode:
            return official
    with tempfile.TemporaryDirectory(prefix="aragora-redis-") as folder:
        shutil.copy(AUTHORITIES, Path(folder) / "authorities.crt")
        (Path(folder) / "Dockerfile").write_text(DOCKERFILE.format(base=hosts.base("bookworm")), encoding="utf-8")
        _run(["docker", "build", "--quiet", "--label", f"{hosts.LABEL}=base", "--tag", BASE, folder])
    return BASE


def _run(command: list[str], folder: Path = ROOT, *, check: bool = True, timeout: float = 900) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DOCKER_BUILDKIT": "0"}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=timeout, check=False, env=environment)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done


if __name__ == "__main__":
    print(image())
